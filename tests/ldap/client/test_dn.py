"""
Tests for L{mycred._ldap.client._dn}.
"""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap.client._dn import (
    NameTemplate,
    Part,
    escapeValue,
    foldedName,
    formatDN,
    isBelow,
    normalizedDN,
    parseDN,
    valueIn,
)

# A loaded machine may be slow.
patient = settings(deadline=None, database=None)

_texts = st.text(st.characters(exclude_categories=["Cs"]))


class FoldedTests(SynchronousTestCase):
    """
    Tests for L{_names.foldedName}.
    """

    @patient
    @given(_texts)
    def test_any(self, typed: str) -> None:
        """
        Whatever was typed, it is a name in lower case, or refused; and another spelling
        of it is the same, or refused.
        """
        found = set()
        for spelled in (typed, typed.upper(), typed.title(), typed.casefold()):
            try:
                found.add(foldedName(spelled))
            except ValueError:
                continue
        self.assertTrue(all(name == name.lower() == name.strip() for name in found))
        if typed.isascii():
            self.assertLessEqual(len(found), 1)

    def test_names(self) -> None:
        """
        What directories compare in more ways than by case is no name.
        """
        for typed, expected in (
            ("Alice", "alice"),
            ("J\u00d6RG", "j\u00f6rg"),
            ("a b", "a b"),
            ("O'Neil", "o'neil"),
            ("\u738b", "\u738b"),
        ):
            self.assertEqual(foldedName(typed), expected)
        for typed in (
            "\uff21",
            "a\u00ad",
            "\u00df",
            " a",
            "a  b",
            "\ufb01",
            "a\tb",
            "\0",
        ):
            self.assertRaises(ValueError, foldedName, typed)


class ParseTests(SynchronousTestCase):
    """
    Tests for taking names apart.
    """

    def test_parts(self) -> None:
        """
        A name is made of names, and these of parts.
        """
        self.assertEqual(
            parseDN("uid=alice+cn=Alice A,ou=people"),
            [[Part("uid", "alice"), Part("cn", "Alice A")], [Part("ou", "people")]],
        )

    def test_root(self) -> None:
        """
        The root's name is empty.
        """
        self.assertEqual(parseDN(""), [])

    def test_spaces(self) -> None:
        """
        Spaces around separators don't count; one that is escaped does.
        """
        self.assertEqual(
            parseDN(r" cn = a b\  , ou=x "), [[Part("cn", "a b ")], [Part("ou", "x")]]
        )

    def test_escapes(self) -> None:
        """
        Characters can be escaped by themselves or by their bytes.
        """
        for text, value in {
            r"a\,b": "a,b",
            r"a\2cb": "a,b",
            r"\c3\a9": "é",
            r"\#1": "#1",
            r"a\\": "a\\",
            r"a\\ ": "a\\",
            r"a\=b=c": "a=b=c",
        }.items():
            self.assertEqual(parseDN(f"cn={text}"), [[Part("cn", value)]], text)

    def test_encoded(self) -> None:
        """
        A value in hexadecimal digits stays apart from the text that looks like it.
        """
        self.assertEqual(parseDN("cn=#0401"), [[Part("cn", "#0401", True)]])
        self.assertNotEqual(normalizedDN("cn=#0401"), normalizedDN(r"cn=\#0401"))
        self.assertEqual(formatDN(parseDN("cn=#0401")), "cn=#0401")
        self.assertEqual(formatDN(parseDN(r"cn=\#0401")), r"cn=\#0401")

    def test_wrong(self) -> None:
        """
        What is no name is refused.
        """
        for text in (
            "alice",
            "=alice",
            "uid=alice,",
            "uid=alice,,dc=org",
            "uid=alice;dc=org",
            'uid="alice"',
            "uid=<alice>",
            "uid=#4",
            "uid=#zz",
            r"uid=\z",
            "uid=alice\\",
            "1.2.=alice",
        ):
            self.assertRaises(ValueError, parseDN, text)

    @patient
    @given(st.text() | st.text('ab=,+\\# "2'))
    def test_anything(self, text: str) -> None:
        """
        Any text is a name or is refused; a name comes out as it went in.
        """
        try:
            names = parseDN(text)
        except ValueError:
            return
        self.assertEqual(parseDN(formatDN(names)), names)

    @patient
    @given(_texts)
    def test_escaped(self, value: str) -> None:
        """
        A value that is escaped means itself.
        """
        escaped = f"cn={escapeValue(value)},dc=org"
        self.assertEqual(parseDN(escaped), [[Part("cn", value)], [Part("dc", "org")]])


class NormalizedTests(SynchronousTestCase):
    """
    Tests for comparing names.
    """

    def test_equal(self) -> None:
        """
        Case, spaces, escapes, the order within a name, and numbers in place of
        keywords don't count.
        """
        self.assertEqual(
            normalizedDN(r"CN=Admins\2c  all+OU=x, 0.9.2342.19200300.100.1.25=ORG"),
            normalizedDN(r"ou=X+cn=admins\, ALL,dc=org"),
        )

    def test_different(self) -> None:
        """
        Everything else does.
        """
        names = [
            "cn=a,dc=org",
            "cn=b,dc=org",
            "cn=a",
            "dc=org,cn=a",
            "cn=a+dc=org",
            "ou=a,dc=org",
            "cn=strasse",
            "cn=straße",
            "cn=a b",
            "cn=a\nb",
            r"cn=a\,dc\=org",
            "cn=a,dc=org,",
            "",
        ]
        self.assertEqual(len({normalizedDN(name) for name in names}), len(names))

    @patient
    @given(st.text())
    def test_anything(self, text: str) -> None:
        """
        Any text can be compared.
        """
        self.assertEqual(normalizedDN(text), normalizedDN(text))

    def test_below(self) -> None:
        """
        A name is below itself, and below what it ends with.
        """
        name = normalizedDN("cn=a,OU=b,dc=org")
        for base in ("cn=a,ou=b,dc=org", "ou=B,dc=org", "dc=org", ""):
            self.assertTrue(isBelow(name, normalizedDN(base)), base)
        for base in ("ou=c,dc=org", "b,dc=org", "cn=x,cn=a,ou=b,dc=org", "dc=net"):
            self.assertFalse(isBelow(name, normalizedDN(base)), base)


class TemplateTests(SynchronousTestCase):
    """
    Tests for names into which others are put.
    """

    @patient
    @given(_texts)
    def test_anybody(self, name: str) -> None:
        """
        Whatever a user calls themselves, it is the value, and nothing else.
        """
        template = NameTemplate("uid={username},ou=people,dc=org")
        self.assertEqual(
            parseDN(template.fill(name)),
            [[Part("uid", name)], [Part("ou", "people")], [Part("dc", "org")]],
        )

    def test_lookingEncoded(self) -> None:
        """
        No user can give a value in hexadecimal digits.
        """
        named = NameTemplate("uid={username},dc=org").fill("#0405616c696365")
        self.assertEqual(named, r"uid=\#0405616c696365,dc=org")

    def test_around(self) -> None:
        """
        The name may be a part of the value, and stand there again.
        """
        template = NameTemplate("cn=x {username}+uid={username},dc=org")
        self.assertEqual(
            template.fill("{username}"), "cn=x {username}+uid={username},dc=org"
        )
        self.assertEqual(template.attribute, "cn")

    def test_wrong(self) -> None:
        """
        The placeholder must be in a value.
        """
        for text in ("uid=alice,dc=org", "{username}=x,dc=org", "{username}", ""):
            self.assertRaises(ValueError, NameTemplate, text)


class ValueTests(SynchronousTestCase):
    """
    Tests for values in names.
    """

    def test_found(self) -> None:
        """
        The value of an attribute is found by any of its names.
        """
        names = parseDN("ou=x+UserID=Alice,dc=org")
        self.assertEqual(valueIn(names, "uid"), "Alice")
        self.assertEqual(valueIn(names, "DC"), "org")

    def test_missing(self) -> None:
        """
        There may be none, or one that is no text.
        """
        self.assertIsNone(valueIn(parseDN("cn=#0401,dc=org"), "cn"))
        self.assertIsNone(valueIn([], "cn"))
