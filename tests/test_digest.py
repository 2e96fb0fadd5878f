"""
Tests for L{mycred._digest}.
"""

from __future__ import annotations

from hashlib import md5, sha1, sha256
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from mycred._digest import algorithms, calcHA1, calcHA2, calcResponse


class Example(NamedTuple):
    """
    One request of Mufasa's, for C{/dir/index.html}.
    """

    algorithm: bytes
    realm: bytes
    password: bytes
    nonce: bytes
    cnonce: bytes | None
    nc: bytes | None
    response: bytes

    def compute(self, preHA1: bytes | None = None) -> bytes:
        """
        Compute the response to it.
        """
        known = (b"Mufasa", self.realm, self.password)
        if preHA1 is not None:
            known = (None, None, None)  # type: ignore[assignment]
        ha1 = calcHA1(self.algorithm, *known, self.nonce, self.cnonce, preHA1)
        ha2 = calcHA2(self.algorithm, b"GET", b"/dir/index.html", b"auth", None)
        return calcResponse(
            ha1, ha2, self.algorithm, self.nonce, self.nc, self.cnonce, b"auth"
        )


# RFC 2617, section 3.5.
rfc2617 = Example(
    b"md5",
    b"testrealm@host.com",
    b"Circle Of Life",
    b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
    b"0a4f113b",
    b"00000001",
    b"6629fae49393a05397450978507c4ef1",
)

# RFC 2069, section 2.4, with the response as its erratum has it (and openssl).
rfc2069 = Example(
    b"md5",
    b"testrealm@host.com",
    b"CircleOfLife",
    b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
    None,
    None,
    b"1949323746fe6a43ef61f9606e7febea",
)

# RFC 7616, section 3.9.1: once with MD5, once with SHA-256.
rfc7616 = Example(
    b"md5",
    b"http-auth@example.org",
    b"Circle of Life",
    b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    b"00000001",
    b"8ca523f5e9506fed4657c9700eebdbec",
)
rfc7616sha256 = rfc7616._replace(
    algorithm=b"sha-256",
    response=b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
)

# The same request in a session, by openssl, with ALG=md5 or sha256:
#   h() { printf %s "$1" | openssl $ALG -r | cut -d' ' -f1; }
#   N=7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v
#   C=f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ
#   A=$(h "$(h "Mufasa:http-auth@example.org:Circle of Life"):$N:$C")
#   h "$A:$N:00000001:$C:auth:$(h GET:/dir/index.html)"
md5Session = rfc7616._replace(
    algorithm=b"md5-sess", response=b"e783283f46242139c486a698fec7211d"
)
sha256Session = rfc7616._replace(
    algorithm=b"sha-256-sess",
    response=b"2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7",
)


class ExampleTests(SynchronousTestCase):
    """
    The worked examples of the standards come out right.
    """

    def check(self, example: Example) -> None:
        """
        Assert that an example comes out as it is printed, from the password and
        from the hash that C{htdigest} would have stored; and that the result
        depends on every value.
        """
        algorithm = example.algorithm
        self.assertEqual(example.compute(), example.response)
        stored = calcHA1(
            algorithm.removesuffix(b"-sess"),
            b"Mufasa",
            example.realm,
            example.password,
            None,
            None,
        )
        self.assertEqual(example.compute(stored), example.response)
        for field in ("realm", "password", "nonce", "cnonce", "nc"):
            if getattr(example, field) is not None:
                other = example._replace(**{field: b"00000002"})
                self.assertNotEqual(other.compute(), example.response, field)

    def test_rfc2617(self) -> None:
        """
        The example of RFC 2617, section 3.5.
        """
        self.check(rfc2617)

    def test_rfc2069(self) -> None:
        """
        The example of RFC 2069: an answer without a nonce count.
        """
        self.check(rfc2069)

    def test_rfc7616(self) -> None:
        """
        The example of RFC 7616, section 3.9.1, with MD5.
        """
        self.check(rfc7616)

    def test_rfc7616sha256(self) -> None:
        """
        The example of RFC 7616, section 3.9.1, with SHA-256.
        """
        self.check(rfc7616sha256)

    def test_session(self) -> None:
        """
        A session's H(A1) covers the nonces with which it began.
        """
        self.check(md5Session)
        self.check(sha256Session)


class PartTests(SynchronousTestCase):
    """
    Tests for the functions by themselves.
    """

    def test_algorithms(self) -> None:
        """
        Each algorithm hashes with the function that it is named for.
        """
        self.assertEqual(
            algorithms,
            {
                b"md5": md5,
                b"md5-sess": md5,
                b"sha": sha1,
                b"sha-256": sha256,
                b"sha-256-sess": sha256,
            },
        )

    def test_bodyCounts(self) -> None:
        """
        With C{auth-int} the body counts, and with C{auth} it doesn't.
        """
        body = md5(b"body").hexdigest().encode("ascii")
        expected = md5(b"POST:/:" + body).hexdigest().encode("ascii")
        self.assertEqual(calcHA2(b"md5", b"POST", b"/", b"auth-int", body), expected)
        expected = md5(b"POST:/").hexdigest().encode("ascii")
        for qop in (b"auth", None):
            self.assertEqual(calcHA2(b"md5", b"POST", b"/", qop, body), expected)

    def test_halfACount(self) -> None:
        """
        A nonce count without a client's nonce, or the reverse, counts as an
        answer of RFC 2069, as in Twisted.
        """
        plain = calcResponse(b"1", b"2", b"md5", b"n", None, None, None)
        self.assertEqual(
            calcResponse(b"1", b"2", b"md5", b"n", b"1", None, b"auth"), plain
        )
        self.assertEqual(
            calcResponse(b"1", b"2", b"md5", b"n", None, b"c", b"auth"), plain
        )

    def test_emptyPassword(self) -> None:
        """
        An empty password is a password, and not a missing value.
        """
        expected = md5(b"alice:here:").hexdigest().encode("ascii")
        self.assertEqual(calcHA1(b"md5", b"alice", b"here", b"", None, None), expected)


class MissingTests(SynchronousTestCase):
    """
    What is missing is a L{TypeError}, never a hash of less than was asked.
    """

    def test_account(self) -> None:
        """
        The name, the realm and the password are needed, all three.
        """
        for position in range(3):
            values: list[bytes | None] = [b"alice", b"here", b"secret"]
            values[position] = None
            self.assertRaises(TypeError, calcHA1, b"md5", *values, None, None)

    def test_sessionNonces(self) -> None:
        """
        A session needs both nonces.
        """
        for algorithm in (b"md5-sess", b"sha-256-sess"):
            for nonces in ((None, b"c"), (b"n", None)):
                self.assertRaises(
                    TypeError, calcHA1, algorithm, b"alice", b"here", b"secret", *nonces
                )
                self.assertRaises(
                    TypeError, calcHA1, algorithm, None, None, None, *nonces, b"0" * 32
                )

    def test_bodyHash(self) -> None:
        """
        C{auth-int} needs the hash of the body.
        """
        self.assertRaises(TypeError, calcHA2, b"md5", b"GET", b"/", b"auth-int", None)

    def test_qop(self) -> None:
        """
        A nonce count needs the quality of protection.
        """
        self.assertRaises(
            TypeError, calcResponse, b"1", b"2", b"md5", b"n", b"00000001", b"c", None
        )

    def test_hashAndPassword(self) -> None:
        """
        A stored hash together with any of what it stands for is refused.
        """
        for position in range(3):
            values: list[bytes | None] = [None, None, None]
            values[position] = b"given"
            self.assertRaises(TypeError, calcHA1, b"md5", *values, b"n", b"c", b"0" * 32)
