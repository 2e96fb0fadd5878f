"""
Tests for L{mycred._ldap.client._filters}.
"""

from __future__ import annotations

import contextlib

from hypothesis import example, given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap.client._filters import (
    FilterTemplate,
    allOf,
    anyOf,
    encodeFilter,
    equals,
    escapeFilter,
    inChain,
)
from mycred._ldap.client._messages import elements

# A loaded machine may be slow.
patient = settings(deadline=None, database=None)

_texts = st.text(st.characters(exclude_categories=["Cs"]))


class EncodeTests(SynchronousTestCase):
    """
    Tests for filters that a deployer writes.
    """

    def test_combined(self) -> None:
        """
        What is made of parts is what is read.
        """
        self.assertEqual(
            encodeFilter("(&(a=b)(|(c=d)(e=f)))"),
            allOf(equals("a", b"b"), anyOf(equals("c", b"d"), equals("e", b"f"))),
        )

    def test_escapes(self) -> None:
        """
        Escapes stand for bytes, and an asterisk that is escaped for itself.
        """
        self.assertEqual(encodeFilter(r"(cn=\c3\a9\2a)"), equals("cn", "é*".encode()))

    def test_chain(self) -> None:
        """
        Active Directory's rule is encoded as ldap3 encodes it.
        """
        written = encodeFilter("(member:1.2.840.113556.1.4.1941:=cn=a,dc=b)")
        mine = inChain("member", b"cn=a,dc=b")
        # ldap3 adds that attributes of the name don't count, which is the default.
        self.assertIn(mine[2:], written)

    def test_lines(self) -> None:
        """
        A filter may be written in several lines.
        """
        self.assertEqual(
            encodeFilter("(&\n (cn=a)\n (cn=b)\n)"), encodeFilter("(&(cn=a)(cn=b))")
        )

    def test_inNames(self) -> None:
        """
        That attributes of the name count is said as RFC 4511, section 5.1, wants it.
        """
        written = encodeFilter("(ou:dn:=people)")
        self.assertTrue(written.endswith(b"\x84\x01\xff"), written)

    def test_wrong(self) -> None:
        """
        What is no filter is refused.
        """
        for text in (
            "",
            "uid=x",
            "(uid=x",
            "(uid=x))",
            "(uid=x)(cn=y)",
            "(&)",
            "()",
            "(=x)",
            "(a b=x)",
            "(uid)",
            "(uid=a\u2003)",
            "(uid=\u2003a)",
            "(uid>x)",
            r"(uid=\zz)",
            r"(uid=\2)",
            "(!(a=b)(c=d))",
            "((a=b))",
            "(uid=**)",
            "(uid=* )",
            r"(a>=*\2a)",
            "(!(a=b)(|(c=d)))",
            "(!(a=b)(!(c=d)))",
            "(!" * 2000 + "(a=b)" + ")" * 2000,
        ):
            self.assertRaises(ValueError, encodeFilter, text)

    @patient
    @given(st.text() | st.text("()&|!=*\\:<>~a2 "))
    def test_anything(self, text: str) -> None:
        """
        Any text is a filter or is refused.
        """
        with contextlib.suppress(ValueError):
            list(elements(encodeFilter(text)))


class TemplateTests(SynchronousTestCase):
    """
    Tests for filters into which names are put.
    """

    def test_named(self) -> None:
        """
        The name is put in wherever it is asked for, also as a part of a value.
        """
        template = FilterTemplate("(|(uid={username})(mail={username}@*))")
        self.assertEqual(
            template.fill("alice"), encodeFilter("(|(uid=alice)(mail=alice@*))")
        )

    @patient
    @given(_texts)
    def test_anybody(self, name: str) -> None:
        """
        Whatever a user calls themselves, it is the value, and nothing else.
        """
        template = FilterTemplate("(&(objectClass=person)(uid={username}))")
        self.assertEqual(
            template.fill(name),
            allOf(equals("objectClass", b"person"), equals("uid", name.encode())),
        )

    @patient
    @given(_texts)
    @example("a= b")
    @example(" a ")
    @example("\u2003a\u2003")
    def test_shown(self, name: str) -> None:
        """
        What is shown is the filter that is sent.
        """
        template = FilterTemplate("(&(objectClass=person)(uid={username}))")
        if name:
            self.assertEqual(encodeFilter(template.show(name)), template.fill(name))

    def test_escaped(self) -> None:
        """
        What means something in a filter is escaped, as RFC 4515 has it.
        """
        self.assertEqual(escapeFilter("a*(b)\\\0é"), r"a\2a\28b\29\5c\00é")

    def test_wrong(self) -> None:
        """
        The placeholder must be in a value.
        """
        for text in (
            "(uid=alice)",
            "({username}=x)",
            "(&(uid=x)({username}))",
            "{username}",
            "(uid={username}",
            "(cn:{username}:=x)",
            "(!(uid={username}))",
            "(&(cn=x)(!(|(uid={username})(uid=y))))",
        ):
            self.assertRaises(ValueError, FilterTemplate, text)
