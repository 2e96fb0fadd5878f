"""
Tests for L{mycred._hashes}.
"""

from __future__ import annotations

import bcrypt
from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._hashes import schemeOf, verify

patient = settings(deadline=None, database=None)

# htpasswd -nbB -C 5 user password       (apache2-utils 2.4)
ofPassword = b"$2y$05$bErr6YTtKPCzSesYlt/7FuRXtS9TYNuYLIxmezfmUg9sBKAYrNI.S"
# htpasswd -nbB -C 5 user ''
ofNothing = b"$2y$05$wutgFcstVDXfYnANwSwsUub9OiPTvA/efgoNy3OJQO5uG6pAV58NS"
# htpasswd -nbB -C 5 user "$(printf 'pa\303\237w\366rt')"
of8Bit = b"$2y$05$GjbGNinBIkGRb7hmNVtfx.ZSNV7sjPkIG0kGFXk6PVfFJo9quAMc2"
# htpasswd -nbB -C 5 user "$(printf 'a%.0s' $(seq 72))"
of72 = b"$2y$05$8nRUvPRPQd6oMsgfIaR2DemHTuVqM1ADZO.Hws1C378JPWGCpIMqu"
# htpasswd -nbB -C 5 user "$(printf 'a%.0s' $(seq 80))"
of80 = b"$2y$05$nTAjeAAkVDOXJrwBd2oeDO7HqDj5lgwnnjT6oJlnn8fWJHR7Rr.eC"
# htpasswd -nbB -C 4 user ab
ofAb = b"$2y$04$NVyUvI2MlweaZPE7qusLxergrZa8HPzuviHri6xFLarci/7MA3yke"

# What is written like a hash, of a cost that takes no time.
lookalike = rb"\$2[abxy]\$04\$[./A-Za-z0-9]{53}"

# Each is the hash of b"password", as other programs write it.
vectors = [
    ofPassword,
    # python -c "import bcrypt; print(bcrypt.hashpw(b'password', bcrypt.gensalt(5)))"
    b"$2b$05$5i39X5ef8bhanwxECjHq0u83wJP5jwNKhuQCSRVc1K0fUzMypp.i6",
    # ... bcrypt.gensalt(5, prefix=b"2a")
    b"$2a$05$aL4SAdhK5K7TYEQyb/jCo..lcS4qrrm5blVp43b6EclWB8XF4c48W",
    # perl -e 'print crypt("password", "\$2y\$05\$abcdefghijklmnopqrstuu")'
    b"$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu",
]


class VectorTests(SynchronousTestCase):
    """
    Hashes that other programs made are verified.
    """

    def test_password(self) -> None:
        """
        The right password matches, and no other does.
        """
        for stored in vectors:
            self.assertIs(verify(stored, b"password"), True, stored)
            for wrong in (b"Password", b"password ", b"passwor", b"", stored):
                self.assertIs(verify(stored, wrong), False, (stored, wrong))

    def test_empty(self) -> None:
        """
        The hash of nothing matches nothing, in the other sense of the word too.
        """
        self.assertTrue(verify(ofNothing, b""))
        self.assertFalse(verify(ofNothing, b" "))
        self.assertFalse(verify(ofPassword, b""))

    def test_8bit(self) -> None:
        """
        A password in no particular encoding is compared byte for byte.
        """
        self.assertTrue(verify(of8Bit, b"pa\xc3\x9fw\xf6rt"))
        self.assertFalse(verify(of8Bit, b"pa\xc3\x9fwort"))
        self.assertFalse(verify(of8Bit, b"pa\xc3\x9fw\xc3\xb6rt"))

    def test_72bytes(self) -> None:
        """
        All of 72 bytes count.
        """
        self.assertTrue(verify(of72, b"a" * 72))
        self.assertFalse(verify(of72, b"a" * 71))
        self.assertFalse(verify(of72, b"a" * 71 + b"b"))

    def test_moreThan72bytes(self) -> None:
        """
        Of a longer password 72 bytes count, as for the program that wrote the
        hash: its owner gets in.
        """
        for length in (72, 73, 80, 1024):
            self.assertTrue(verify(of80, b"a" * length), length)
        self.assertFalse(verify(of80, b"a" * 71))


class RefusedTests(SynchronousTestCase):
    """
    What never matches.
    """

    def test_nul(self) -> None:
        """
        A password with a NUL doesn't match the hash of what goes before it, nor
        that of bcrypt's endless repetition of it.
        """
        self.assertTrue(verify(ofAb, b"ab"))
        for password in (b"ab\0", b"ab\0ab", b"ab\0x", b"\0ab"):
            self.assertFalse(verify(ofAb, password), password)
        self.assertFalse(verify(ofNothing, b"\0"))
        self.assertFalse(verify(of72, b"a" * 72 + b"\0"))

    def test_highCost(self) -> None:
        """
        A hash that would take minutes to verify is refused without any work.
        """
        hashed: list[bytes] = []

        def checkpw(password: bytes, stored: bytes) -> bool:
            hashed.append(stored)
            return True

        self.patch(bcrypt, "checkpw", checkpw)
        for cost in (b"18", b"20", b"31", b"32", b"99"):
            self.assertFalse(verify(ofPassword.replace(b"05", cost, 1), b"password"))
        self.assertEqual(hashed, [])
        highest = ofPassword.replace(b"05", b"17", 1)
        self.assertTrue(verify(highest, b"password"))
        self.assertEqual(hashed, [highest])

    def test_lowCost(self) -> None:
        """
        A cost that bcrypt doesn't have is refused.
        """
        for cost in (b"00", b"01", b"03"):
            self.assertFalse(verify(ofPassword.replace(b"05", cost, 1), b"password"))

    def test_invalidSalt(self) -> None:
        """
        A salt that bcrypt can't have written is refused.
        """
        stored = ofPassword.replace(b"7Fu", b"7F/")
        self.assertNotEqual(stored, ofPassword)
        self.assertFalse(verify(stored, b"password"))


class SchemeOfTests(SynchronousTestCase):
    """
    Tests for L{schemeOf}.
    """

    def test_complete(self) -> None:
        """
        bcrypt's hashes are recognized whichever program wrote them.
        """
        for prefix in (b"$2a$", b"$2b$", b"$2x$", b"$2y$"):
            scheme = schemeOf(prefix + ofPassword[4:])
            assert scheme is not None, prefix
            self.assertEqual(scheme.name, "bcrypt")

    def test_incomplete(self) -> None:
        """
        A hash that was cut off or has something added is no hash, and matches
        no password.
        """
        for stored in (
            b"",
            b"$2y$",
            ofPassword[:-1],
            ofPassword[1:],
            ofPassword + b"\n",
            ofPassword + b"\r",
            ofPassword + b" ",
            ofPassword + b"S",
            b" " + ofPassword,
            ofPassword.replace(b"05", b"5", 1),
            ofPassword.replace(b"05", b"005", 1),
            ofPassword.replace(b"R", b":", 1),
            ofPassword.replace(b"R", b"\n", 1),
            ofPassword.replace(b"$2y$", b"$2$", 1),
            ofPassword.replace(b"$2y$", b"$2z$", 1),
            ofPassword.replace(b"$2y$", b"$2Y$", 1),
        ):
            self.assertIsNone(schemeOf(stored), stored)
            self.assertFalse(verify(stored, b"password"), stored)

    def test_otherScheme(self) -> None:
        """
        What isn't a hash of a known scheme is never matched as text.
        """
        for stored in (b"password", b"{PLAIN}password", b"$9$password", b"*", b"!"):
            self.assertIsNone(schemeOf(stored))
            self.assertFalse(verify(stored, b"password"))
            self.assertFalse(verify(stored, stored))


class ArbitraryTests(SynchronousTestCase):
    """
    Whatever stands in the file and whatever is typed, there is an answer.
    """

    @patient
    @given(st.binary() | st.binary().map(b"$2b$04$".__add__), st.binary())
    def test_anyBytes(self, stored: bytes, password: bytes) -> None:
        """
        Arbitrary bytes for a hash match nothing, and break nothing.
        """
        self.assertIs(verify(stored, password), False)
        self.assertIs(verify(stored, stored), False)

    @patient
    @given(st.from_regex(lookalike, fullmatch=True), st.binary())
    def test_wellFormed(self, stored: bytes, password: bytes) -> None:
        """
        What only looks like a hash matches nothing, and breaks nothing.
        """
        self.assertIsNotNone(schemeOf(stored))
        self.assertIs(verify(stored, password), False)

    @patient
    @given(st.binary())
    def test_anyPassword(self, password: bytes) -> None:
        """
        A good hash matches its own password only.
        """
        self.assertIs(verify(ofAb, password), password == b"ab")
