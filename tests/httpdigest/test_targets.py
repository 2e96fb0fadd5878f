"""
Tests for L{mycred._httpdigest._targets}.
"""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._httpdigest._targets import isSameTarget

patient = settings(deadline=None, database=None)


class SameTargetTests(SynchronousTestCase):
    """
    Tests for L{isSameTarget}.
    """

    def assertSame(self, *targets: bytes) -> None:
        """
        Assert that all of these are one.
        """
        for one in targets:
            for other in targets:
                self.assertTrue(isSameTarget(one, other), (one, other))

    def assertApart(self, *targets: bytes) -> None:
        """
        Assert that no two of these are one.
        """
        for one in targets:
            for other in targets:
                self.assertEqual(isSameTarget(one, other), one is other, (one, other))

    def test_same(self) -> None:
        """
        What is spelled alike is the same, and be it no URI at all.
        """
        for target in (b"/", b"/a?b=c", b"*", b"example.org:443", b"", b"%", b"\xff"):
            self.assertSame(target)

    def test_escapes(self) -> None:
        """
        It doesn't matter whether what needn't be escaped is, what must be isn't, or how
        the digits are written.
        """
        self.assertSame(b"/~a-b_c.d", b"/%7Ea%2Db%5fc%2ed", b"/%7ea%2db%5Fc%2Ed")
        self.assertSame("/ä b".encode(), b"/%C3%A4%20b", b"/%c3%a4%20b")
        self.assertSame(
            b"/?q=caf\xe9", b"/?q=caf%E9", b"/%3Fq=caf%e9".replace(b"%3F", b"?")
        )

    def test_server(self) -> None:
        """
        The name of the server may be there or not; if it is in both it is the same, in
        upper or lower case, and with the usual port or without.
        """
        for server in (
            b"http://example.org",
            b"HTTP://EXAMPLE.ORG",
            b"https://example.org",
            b"http://example.org:80",
            b"https://example.org:443",
        ):
            self.assertSame(server + b"/a?b", b"/a?b")
            self.assertSame(server + b"/a?b", b"http://example.org/a?b")
            self.assertSame(server, server + b"/", b"/")
            self.assertSame(server + b"?b", server + b"/?b", b"/?b")

    def test_other(self) -> None:
        """
        Another path, another query, and what a server may take for another one, is
        another target.
        """
        self.assertApart(
            b"/a",
            b"/A",
            b"/a/",
            b"//a",
            b"/./a",
            b"/b/../a",
            b"/a?",
            b"/a?b",
            b"/a?b&",
            b"/a%3Fb",
            b"/a%2Fb",
            b"/a/b",
            b"/a;b",
            b"/a#b",
            b"/a%00",
            b"/%61%",
            b"a",
            b"",
            b"*",
            b"/*",
        )

    def test_reserved(self) -> None:
        """
        An escaped character that separates is another than the plain one.
        """
        for separator in b":/?#[]@!$&'()*+,;=%":
            plain, escaped = b"/a%cb" % separator, b"/a%%%02Xb" % separator
            self.assertApart(plain, escaped)

    def test_otherServer(self) -> None:
        """
        Of two servers the same path is another target.
        """
        self.assertApart(
            b"http://example.org/",
            b"http://example.com/",
            b"http://example.org:8080/",
            b"http://alice@example.org/",
            b"http://example.org.example.com/",
            b"http://[::1]/",
        )

    @patient
    @given(st.binary(), st.binary())
    def test_anything(self, one: bytes, other: bytes) -> None:
        """
        Whatever is compared, the same is the same, and it doesn't matter which is first.
        """
        self.assertTrue(isSameTarget(one, one))
        self.assertEqual(isSameTarget(one, other), isSameTarget(other, one))
        self.assertTrue(isSameTarget(b"/" + one, b"http://example.org/" + one))
