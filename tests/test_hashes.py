"""
Tests for L{mycred._hashes}.

They cover L{mycred._hashes._argon2}, L{mycred._hashes._bcrypt},
L{mycred._hashes._digests}, L{mycred._hashes._libcrypt}, L{mycred._hashes._making},
L{mycred._hashes._md5crypt}, L{mycred._hashes._recognize} and
L{mycred._hashes._schemes}, too.
"""

from __future__ import annotations

import doctest
import errno
import re
from pathlib import Path

import argon2.low_level
import bcrypt
from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred import hashes
from mycred._hashes import (
    MAKERS,
    UnusableHash,
    _argon2,
    _libcrypt,
    isMeantAsHash,
    recognize,
    recognizeCrypt,
    verify,
)
from mycred._hashes._schemes import NAMES, PREFIXES, SCHEMES

from .kit.vectors import EIGHT_BIT, LONG, NEWER, STRONG, VECTORS

ROOT = Path(mycred.__file__).parents[1]

patient = settings(deadline=None, database=None)

# htpasswd -nbB -C 5 user password       (apache2-utils 2.4)
ofPassword = b"$2y$05$bErr6YTtKPCzSesYlt/7FuRXtS9TYNuYLIxmezfmUg9sBKAYrNI.S"
# htpasswd -nbB -C 5 user "$(printf 'a%.0s' $(seq 72))"
of72 = b"$2y$05$8nRUvPRPQd6oMsgfIaR2DemHTuVqM1ADZO.Hws1C378JPWGCpIMqu"
# htpasswd -nbB -C 4 user ab
ofAb = b"$2y$04$NVyUvI2MlweaZPE7qusLxergrZa8HPzuviHri6xFLarci/7MA3yke"

# Of each scheme one hash of b"password", by its name.
oneOfEach = {
    recognize(stored).scheme.name: stored
    for _, stored, password in reversed(VECTORS)
    if password == b"password"
}


class VectorTests(SynchronousTestCase):
    """
    Hashes that other programs made are verified.
    """

    def test_right(self) -> None:
        """
        The right password matches.
        """
        for command, stored, password in VECTORS:
            self.assertIs(verify(stored, password), True, command)

    def test_wrong(self) -> None:
        """
        No other does: neither one that is nearly right, nor an empty one, nor what
        is stored.
        """
        for command, stored, password in VECTORS:
            for wrong in (password[:7].swapcase(), b"tulip", b"", b" ", stored):
                if wrong != password:
                    self.assertIs(verify(stored, wrong), False, (command, wrong))

    def test_everyScheme(self) -> None:
        """
        There is a hash for everything that the table knows.
        """
        newer = {b"$sm3$": "SM3-crypt", b"$sm3y$": "SM3-yescrypt"}
        self.assertEqual({s.name for s in SCHEMES}, {*oneOfEach, *newer.values()})
        for prefix in PREFIXES:
            known = any(prefix in stored for _, stored, _ in [*VECTORS, *NEWER])
            self.assertTrue(known, f"tests/kit/vectors.py has no hash with {prefix!r}")

    def test_newer(self) -> None:
        """
        A hash of which older systems know nothing is verified where the system knows it,
        and else is told from what is wrong.
        """
        for command, stored, password in NEWER:
            prefix = stored[: stored.index(b"$", 1) + 1]
            lacks = PREFIXES[prefix].lacks
            if lacks is None or lacks() is None:
                self.assertIs(verify(stored, password), True, command)
                self.assertIs(verify(stored, b"tulip"), False, command)
            else:
                error = self.assertRaises(UnusableHash, recognize, stored)
                self.assertIn("libcrypt", str(error))
                self.assertIs(verify(stored, password), False, command)

    def test_8bit(self) -> None:
        """
        A password in no particular encoding is compared byte for byte.
        """
        for command, stored, password in VECTORS:
            if password == EIGHT_BIT:
                for wrong in (b"pa\xc3\x9fwort", b"pa\xc3\x9fw\xc3\xb6rt"):
                    self.assertFalse(verify(stored, wrong), command)

    def test_long(self) -> None:
        """
        A long password counts as far as its scheme looks: 72 bytes with bcrypt, as
        Apache's tools have it, eight with DES, else all of it.
        """
        looksAt = {"bcrypt": 72, "DES": 8}
        for command, stored, password in VECTORS:
            if password == LONG:
                least = looksAt.get(recognize(stored).scheme.name, len(LONG))
                for length in (least - 1, least, least + 1, 300):
                    matches = length == least or (least < length and least < len(LONG))
                    told = verify(stored, b"a" * length)
                    self.assertIs(told, matches, (command, length))

    def test_tooLongForLibcrypt(self) -> None:
        """
        What libcrypt takes for too long matches nothing.
        """
        for name in ("SHA-512-crypt", "yescrypt", "scrypt"):
            self.assertFalse(verify(oneOfEach[name], b"password" * 100))

    def test_longForSHACrypt(self) -> None:
        """
        No client keeps a processor busy with a long password: SHA-crypt takes longer
        for longer ones, and none of more than 256 bytes.
        """
        for begins in (b"$5$rounds=1000$salt$", b"$6$rounds=1000$salt$"):
            for length, matches in ((256, True), (257, False)):
                password = b"a" * length
                stored = _libcrypt.crypt(password, begins)
                assert stored is not None
                self.assertIs(verify(stored, password), matches)

    def test_72bytes(self) -> None:
        """
        All of 72 bytes count with bcrypt.
        """
        self.assertTrue(verify(of72, b"a" * 72))
        self.assertFalse(verify(of72, b"a" * 71))
        self.assertFalse(verify(of72, b"a" * 71 + b"b"))

    def test_bcryptAbove127(self) -> None:
        """
        A hash of one of bcrypt's four names matches the passwords that it matches with
        libcrypt, whichever name it was made with.
        """
        pieces = (b"", b"\xa3", b"\xff", b"\xff\xff", b"a\xff\xa3", b"ab", b"\xd1\x91")
        words = {first + second for first in pieces for second in pieces}
        long = (b"\xff" * 72, b"\xff" * 71, b"\xaa" * 73, b"\xff" * 600, b"\xaaU" * 36)
        self.assertEqual(self.unlikeLibcrypt([*sorted(words), *long]), [])

    def test_flawedBcrypt(self) -> None:
        """
        A hash that was made without the flaw isn't taken for one with it.
        """
        made = bcrypt.hashpw(EIGHT_BIT, bcrypt.gensalt(4))
        for name in (b"a", b"b", b"y"):
            self.assertTrue(verify(b"$2%s$" % name + made[4:], EIGHT_BIT))
        self.assertFalse(verify(b"$2x$" + made[4:], EIGHT_BIT))

    def unlikeLibcrypt(self, passwords: list[bytes]) -> list[tuple[bytes, bytes]]:
        """
        Return bcrypt hashes and passwords about which libcrypt and mycred disagree.
        """
        names = (b"a", b"b", b"x", b"y")
        wrong = []
        for password in passwords:
            cut = password[:72]
            made = [_libcrypt.crypt(cut, b"$2%s$04$%s" % (n, b"." * 22)) for n in names]
            for hashed in made:
                for name in names:
                    assert hashed is not None
                    renamed = b"$2%s$" % name + hashed[4:]
                    if verify(renamed, password) != (renamed in made):
                        wrong.append((renamed, password))
        return wrong

    def test_prefixesInAnyCase(self) -> None:
        """
        The name of a scheme may be in lower case, as some directories write it.
        """
        for _, stored, password in VECTORS:
            if stored.startswith(b"{"):
                name, brace, rest = stored.partition(b"}")
                self.assertTrue(verify(name.lower() + brace + rest, password), stored)

    def test_hexadecimal(self) -> None:
        """
        As in Dovecot, a digest is known to be in hexadecimal by its length.
        """
        # printf password | sha1sum
        stored = b"{SHA}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"
        self.assertTrue(verify(stored, b"password"))
        self.assertTrue(verify(stored.upper(), b"password"))
        self.assertFalse(verify(stored, b"passwor"))


class RefusedTests(SynchronousTestCase):
    """
    What never matches.
    """

    def assertUnusable(self, stored: bytes, says: str) -> None:
        """
        Assert that no password matches a hash, nor does the hash itself, and that
        the reason doesn't tell what is stored.
        """
        for password in (b"password", b"", stored):
            self.assertIs(verify(stored, password), False, stored)
        error = self.assertRaises(UnusableHash, recognize, stored)
        self.assertIn(says, str(error))
        for piece in stored.split(b"$"):
            if len(piece) > 12:
                self.assertNotIn(piece.decode("latin-1"), str(error))

    def test_nul(self) -> None:
        """
        A password with a NUL doesn't match the hash of what goes before it, nor
        that of bcrypt's endless repetition of it.
        """
        for password in (b"ab\0", b"ab\0ab", b"ab\0x", b"\0ab"):
            self.assertFalse(verify(ofAb, password), password)
        self.assertFalse(verify(of72, b"a" * 72 + b"\0"))
        for command, stored, password in VECTORS:
            for more in (b"\0", b"\0x"):
                self.assertFalse(verify(stored, password + more), command)

    def test_truncated(self) -> None:
        """
        A hash that was cut off anywhere matches nothing.
        """
        for name, stored in oneOfEach.items():
            # What is left of plain text is plain text, and one round of salted
            # SHA is a whole hash until it is shorter than the digest.
            if name == "plain text":
                continue
            for length in range(len(stored)):
                self.assertFalse(verify(stored[:length], b"password"), stored[:length])

    def test_added(self) -> None:
        """
        A hash with something after it matches nothing.
        """
        for name, stored in oneOfEach.items():
            if name != "plain text":
                for more in (b"\n", b"\r", b" ", b"S", b"$", b":", b"\0", b"\xff"):
                    self.assertFalse(verify(stored + more, b"password"), stored + more)
                self.assertFalse(verify(b" " + stored, b"password"))

    def test_changed(self) -> None:
        """
        A hash in which one character differs matches nothing.
        """
        changeable = ("Apache's MD5", "SHA-512-crypt", "bcrypt", "salted SHA-256", "DES")
        for name in changeable:
            stored = oneOfEach[name]
            # The last character of base64, and of bcrypt's salt, has bits that
            # nothing depends on.
            for place in range(len(stored) - 3):
                if stored[:4] == b"$2a$" and place in (2, 28):
                    continue
                changed = bytearray(stored)
                changed[place] = ord("z") if changed[place] != ord("z") else ord("y")
                if bytes(changed[:2]) != b"$2":
                    self.assertFalse(verify(bytes(changed), b"password"), changed)

    def test_unknown(self) -> None:
        """
        What isn't a hash of a known scheme is never matched as text.
        """
        for stored in (b"$9$password", b"{MD4}password", b"$3$$password", b"{}x"):
            self.assertUnusable(stored, "")
        for stored in (b"", b"password", b"*", b"!", b"x", b"$", b"$2y$", b"{SHA", b"{"):
            self.assertUnusable(stored, "hash")

    def test_otherNames(self) -> None:
        """
        A hash with the name of another scheme before it matches nothing.
        """
        for name in (b"{SHA512-CRYPT}", b"{ARGON2I}", b"{DES-CRYPT}", b"{SHA256}"):
            self.assertUnusable(name + ofPassword, "")
        self.assertUnusable(b"{BLF-CRYPT.X}" + ofPassword, "damaged")
        self.assertUnusable(b"{SHA.B64}###", "damaged")
        self.assertUnusable(b"{SHA.HEX}5b\xffa", "damaged")
        self.assertUnusable(b"{PLAIN}", "damaged")

    def test_absurdCost(self) -> None:
        """
        A hash that would take minutes, or all memory, to verify is refused without
        any work.
        """

        def work(*_: object) -> None:
            raise AssertionError("it was computed")

        for function in ("checkpw",):
            self.patch(bcrypt, function, work)
        self.patch(argon2.low_level, "verify_secret", work)
        salt, digest = b"c2FsdHNhbHRzYWx0", b"A" * 43
        for stored in (
            *(ofPassword.replace(b"05", b"%d" % cost, 1) for cost in (18, 20, 31)),
            b"$5$rounds=10000001$salt$" + b"A" * 43,
            b"$6$rounds=99999999$salt$" + b"A" * 86,
            b"$6$rounds=999999999$salt$" + b"A" * 86,
            b"$argon2id$v=19$m=1048577,t=1,p=1$%s$%s" % (salt, digest),
            b"$argon2id$v=19$m=1048576,t=17,p=1$%s$%s" % (salt, digest),
            b"$argon2id$v=19$m=64,t=999999999,p=1$%s$%s" % (salt, digest),
            b"$argon2i$v=19$m=65536,t=1,p=65$%s$%s" % (salt, digest),
            # mkpasswd -m yescrypt -R 11 has $jFT$.
            b"$y$jGT$salt$" + b"A" * 43,
            b"$gy$jzzzzzz$salt$" + b"A" * 43,
            b"$y$jFT/.$salt$" + b"A" * 43,
            b"$y$jFT0.$salt$" + b"A" * 43,
            b"$y$jFT2.$salt$" + b"A" * 43,
            b"$7$zzzzzzzzzzzsalt$" + b"A" * 43,
            b"$sha1$1000001$salt$" + b"A" * 28,
            b"$md5,rounds=1000001$salt$$" + b"A" * 22,
            # Sixteen times as many threads as there are passes, which are short; much
            # memory beside the blocks; 2 GiB; 64 MiB seventeen times over.
            b"$argon2id$v=19$m=16,t=1048576,p=2$%s$%s" % (salt, digest),
            b"$argon2id$v=19$m=512,t=2048,p=64$%s$%s" % (salt, digest),
            b"$7$0...6./....salt$" + b"A" * 43,
            b"$7$HU..../....salt$" + b"A" * 43,
            b"$7$CU....F....salt$" + b"A" * 43,
        ):
            with self.subTest(stored):
                self.assertUnusable(stored, "absurd")

    def test_highCost(self) -> None:
        """
        The highest cost that isn't absurd is verified.
        """
        verified: list[bytes] = []

        def remember(stored: bytes, password: bytes) -> bool:
            verified.append(stored)
            return True

        self.patch(bcrypt, "checkpw", lambda password, stored: remember(stored, password))
        self.patch(_libcrypt, "crypt", lambda p, s: remember(s, p) and s)
        self.patch(argon2.low_level, "verify_secret", lambda h, p, t: remember(h, p))
        highest = [
            ofPassword.replace(b"05", b"17", 1),
            b"$6$rounds=10000000$salt$" + b"A" * 86,
            b"$5$rounds=10000000$salt$" + b"A" * 43,
            b"$y$jFT$salt$" + b"A" * 43,
            b"$7$GU..../....salt$" + b"A" * 43,
            b"$sha1$1000000$salt$" + b"A" * 28,
            b"$md5,rounds=1000000$salt$$" + b"A" * 22,
            b"$argon2id$v=19$m=1048576,t=4,p=4$c2FsdHNhbHRzYWx0$" + b"A" * 43,
        ]
        for stored in highest:
            self.assertTrue(verify(stored, b"password"), stored)
        self.assertEqual(verified, highest)

    def test_yescryptCosts(self) -> None:
        """
        The parameters of all costs that mkpasswd takes (C{mkpasswd -m yescrypt -R
        N}) are understood, and what can't be parameters is refused.
        """
        for cost in (b"j75", b"j85", b"j7T", b"j8T", b"j9T", b"jAT", b"jET", b"jFT"):
            self.assertFalse(_libcrypt.hasAbsurdParameters(cost), cost)
        for cost in (b"jF", b"zzz", b"jzz", b"j9k", b"j9T1"):
            self.assertTrue(_libcrypt.hasAbsurdParameters(cost), cost)

    def test_lowCost(self) -> None:
        """
        A cost that a scheme doesn't have is refused.
        """
        for cost in (b"00", b"01", b"03", b"32", b"99"):
            self.assertUnusable(ofPassword.replace(b"05", cost, 1), "damaged")
        for rounds in (b"0", b"999", b"01000", b"-1000", b"1e6"):
            stored = b"$6$rounds=%s$salt$" % rounds + b"A" * 86
            self.assertUnusable(stored, "damaged")

    def test_malformedSalt(self) -> None:
        """
        A salt that a scheme can't have written is refused.
        """
        self.assertUnusable(ofPassword.replace(b"7Fu", b"7F/"), "damaged")
        for salt in (b"sal:t", b"sal\nt", b"sal\0t", b"sal t", b"s" * 17, b"sal\xfft"):
            self.assertUnusable(b"$6$%s$" % salt + b"A" * 86, "damaged")
        for stored in (
            b"$6$sal*t$" + b"A" * 86,
            b"$y$j75$a$" + b"A" * 43,
            b"$argon2id$v=19$m=7,t=1,p=1$c2FsdHNhbHRzYWx0$" + b"A" * 43,
            b"$7$/U..../....salt$" + b"A" * 43,
        ):
            self.assertFalse(verify(stored, b"password"))
            # It looks well, and only the library knows.
            found = recognize(stored)
            self.assertRaises(UnusableHash, found.verify, b"password")
        self.assertFalse(verify(b"!!" + oneOfEach["DES"][2:], b"password"))

    def test_missingLibrary(self) -> None:
        """
        What the system can't verify is told from what is wrong.
        """
        self.patch(_libcrypt, "crypt", lambda *_: None)
        _libcrypt.lacks.cache_clear()
        self.addCleanup(_libcrypt.lacks.cache_clear)
        self.assertUnusable(oneOfEach["yescrypt"], "libcrypt")
        self.patch(_argon2, "find_spec", lambda name: None)
        self.assertUnusable(oneOfEach["argon2"], "pip install '.[argon2]'")

    def test_noMemory(self) -> None:
        """
        Too little memory is no wrong password.
        """

        def exhausted(*_: object) -> None:
            raise argon2.exceptions.VerificationError(argon2.low_level.error_to_str(-22))

        self.patch(argon2.low_level, "verify_secret", exhausted)
        self.assertRaises(MemoryError, verify, oneOfEach["argon2"], b"password")


def raiseMissing(name: object, **_: object) -> None:
    """
    Fail as C{CDLL} does where there is no such library.
    """
    raise OSError(name)


class LibcryptTests(SynchronousTestCase):
    """
    Tests for how the system's libcrypt is called.
    """

    def reload(self, **patches: object) -> None:
        """
        Have the library looked for again, with ctypes patched.
        """
        import ctypes

        for name, value in patches.items():
            self.patch(ctypes, name, value)
        for cached in (_libcrypt._function, _libcrypt.lacks):
            cached.cache_clear()
            self.addCleanup(cached.cache_clear)

    def test_without(self) -> None:
        """
        On a system without it nothing fails but its hashes.
        """
        self.reload(CDLL=raiseMissing)
        self.assertIsNone(_libcrypt.crypt(b"password", b"$6$salt$"))
        self.assertFalse(verify(oneOfEach["SHA-512-crypt"], b"password"))
        self.assertTrue(verify(ofPassword, b"password"))

    def test_bcryptWithout(self) -> None:
        """
        Without it, of bcrypt only the flawed kind fails, and what a crafted password
        would match of the old one.
        """
        self.reload(CDLL=raiseMissing)
        old = b"$2a$" + bcrypt.hashpw(EIGHT_BIT, bcrypt.gensalt(4))[4:]
        self.assertTrue(verify(old, EIGHT_BIT))
        for password in (b"\xff\xff\xa3", b"\xff" * 80):
            crafted = b"$2a$" + bcrypt.hashpw(password[:72], bcrypt.gensalt(4))[4:]
            self.assertFalse(verify(crafted, password))
        with self.assertRaises(UnusableHash) as caught:
            recognize(oneOfEach["flawed bcrypt"])
        self.assertIn("libcrypt", str(caught.exception))

    def test_withoutSizedVariant(self) -> None:
        """
        Where there is only the older of its two functions, that one serves.
        """
        import ctypes

        library = ctypes.CDLL("libcrypt.so.1")

        class Older:
            """
            A library as other systems have it.
            """

            crypt_r = library.crypt_r

        self.reload(CDLL=lambda name, **_: Older)
        for name in ("SHA-512-crypt", "DES"):
            self.assertTrue(verify(oneOfEach[name], b"password"))
            self.assertFalse(verify(oneOfEach[name], b"tulip"))

    def test_silentFailure(self) -> None:
        """
        A library that fails and doesn't say why isn't out of memory because
        something else was before.
        """
        import ctypes

        class Silent:
            """
            A library whose function finds nothing.
            """

            crypt_r = ctypes.CDLL(None, use_errno=True).getenv

        self.reload(CDLL=lambda name, **_: Silent)
        ctypes.set_errno(errno.ENOMEM)
        self.assertIsNone(_libcrypt.crypt(b"no such variable", b"$6$salt$"))

    def test_failureToken(self) -> None:
        """
        What some systems answer in place of a hash matches nothing, even where it
        is stored.
        """
        self.patch(_libcrypt, "_function", lambda: lambda password, setting: b"*0")
        self.assertIsNone(_libcrypt.crypt(b"password", b"*0"))
        self.assertFalse(verify(b"*0", b"password"))

    def test_threads(self) -> None:
        """
        It can be called from several threads at a time.
        """
        from concurrent.futures import ThreadPoolExecutor

        stored = oneOfEach["SHA-256-crypt"]
        with ThreadPoolExecutor(4) as pool:
            passwords = [b"password", b"tulip"] * 50
            told = list(pool.map(lambda password: verify(stored, password), passwords))
        self.assertEqual(told, [True, False] * 50)


class RecognizeTests(SynchronousTestCase):
    """
    Tests for what is known of a hash.
    """

    def test_kind(self) -> None:
        """
        Hashes that take the same time are of one kind, whatever is before them.
        """
        for one, other, same in [
            (ofPassword, b"{BLF-CRYPT}" + ofPassword, True),
            (ofPassword, of72, True),
            (ofPassword, ofAb, False),
            (oneOfEach["DES"], oneOfEach["yescrypt"], False),
        ]:
            self.assertEqual(recognize(one).kind == recognize(other).kind, same)
        kinds = {recognize(v).kind for c, v, _ in VECTORS if "htpasswd -nb -5" in c}
        self.assertEqual(kinds, {("SHA-512-crypt", b""), ("SHA-512-crypt", b"10000")})

    def test_weakness(self) -> None:
        """
        What is known to be weak is said to be.
        """
        schemes = [recognize(stored).scheme for stored in oneOfEach.values()]
        self.assertEqual(
            {scheme.name for scheme in schemes if not scheme.weakness},
            STRONG,
            "STRONG, in tests/kit/vectors.py, lists the schemes that aren't weak",
        )

    def test_documented(self) -> None:
        """
        The page on password files has each prefix and each name, and says which schemes
        are weak.
        """
        text = (ROOT / "doc" / "password-files.rst").read_text("utf-8")
        rows = [re.split("  +", line) for line in text.splitlines()]
        for scheme in SCHEMES:
            # "$md5," goes with "$md5$".
            prefixes = [p.decode() for p in scheme.prefixes if not p.endswith(b",")]
            marks = [f"``{p}``" if p else "thirteen letters" for p in prefixes]
            names = [f"``{{{name.decode()}}}``" for name in scheme.names]
            for mark in marks or names[:1]:
                with self.subTest(scheme.name, mark=mark):
                    (row,) = [row for row in rows if len(row) == 3 and mark in row[0]]
                    self.assertEqual("weak" in row[2], scheme.weakness is not None)
            for name in names:
                self.assertIn(name, text)

    def test_meantAsHash(self) -> None:
        """
        What begins like a hash is no password in plain text, also where it was cut
        off; what only holds a dollar or a brace is one.
        """
        for _, stored, _ in VECTORS:
            if stored[:1] in (b"$", b"{"):
                for length in range(1, len(stored) + 1):
                    self.assertTrue(isMeantAsHash(stored[:length]), stored[:length])
        for text in (
            b"",
            b"sesame",
            b"se$a$me",
            b"$esame",
            b"{sesame",
            b"!x",
            b"ses{SHA}",
        ):
            self.assertFalse(isMeantAsHash(text), text)
        for text in (
            b"{correct horse}",
            b"_mySuperLongPassw0rd",
            b"*HelloWorld12k",
            b"md5sum",
            b"argon2",
        ):
            self.assertFalse(isMeantAsHash(text), text)
        for text in (
            b"pbkdf2_sha256$600000$salt$x",
            b"U$S$Dsalt",
            b"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
            b"md5" + b"a" * 32,
            b"SCRAM-SHA-256$4096:salt$x:y",
            b"{PBKDF2_SHA256}AAAIAA==",
            b"{x-issha, 1024}AAAA",
            b"$md5,rounds=904$salt$x",
            b"_J9..rasmBYk8r9AiWNc",
            b"!",
            b"!!",
            b"*",
            b"*LK*",
            b"x",
            b"!" + ofPassword,
            b"!" + oneOfEach["DES"],
            b"*{SHA}x",
        ):
            self.assertTrue(isMeantAsHash(text), text)
            self.assertFalse(verify(text, text), text)
        # A word of thirteen letters, or a hash of DES.
        self.assertFalse(isMeantAsHash(oneOfEach["DES"]))

    def test_crypt(self) -> None:
        """
        Only what the system's crypt(3) makes is taken where nothing else may stand.
        """
        for _, stored, _ in VECTORS:
            try:
                found = recognizeCrypt(stored)
            except UnusableHash as error:
                self.assertEqual(str(error), "not a hash as crypt(3) makes it", stored)
                self.assertIsNone(_libcrypt.crypt(b"password", stored), stored)
            else:
                self.assertEqual(found, recognize(stored))
                self.assertIsNotNone(_libcrypt.crypt(b"password", stored), stored)

    def test_plainText(self) -> None:
        """
        Plain text with a name for it before it is told from a hash.
        """
        for stored, text in [
            (b"{PLAIN}ses:a\xff", b"ses:a\xff"),
            (b"{clear.hex}736573616d65", b"sesame"),
        ]:
            found = recognize(stored)
            self.assertEqual((found.isPlain, found.text), (True, text))
        self.assertFalse(recognize(ofPassword).isPlain)


class MakeTests(SynchronousTestCase):
    """
    Tests for making hashes.
    """

    def test_made(self) -> None:
        """
        What is made is verified, is of the cost that was asked for, and has a salt
        of its own.
        """
        for name, cost, shows in [
            ("bcrypt", 4, b"$2y$04$"),
            ("argon2id", 1, b"$argon2id$v=19$m=65536,t=1,p=4$"),
            ("sha512", 1000, b"$6$rounds=1000$"),
        ]:
            maker = MAKERS[name]
            one, other = maker.make(b"sesame", cost), maker.make(b"sesame", cost)
            self.assertTrue(one.startswith(shows), one)
            self.assertNotEqual(one, other)
            self.assertTrue(verify(one, b"sesame"))
            self.assertFalse(verify(one, b"sesam"))
            self.assertIsNone(recognize(one).scheme.weakness)

    def test_public(self) -> None:
        """
        The public functions take text as well as bytes, and what the documentation
        shows of them is so.
        """
        for password in (b"sesame", "sesame"):
            made = hashes.make(password, "sha512", 1000)
            self.assertTrue(made.startswith(b"$6$rounds=1000$"))
            for stored in (made, made.decode()):
                self.assertIs(hashes.verify(stored, b"sesame"), True)
                self.assertIs(hashes.verify(stored, "sesame"), True)
                self.assertIs(hashes.verify(stored, "tulip"), False)
        failed, tried = doctest.testmod(
            hashes, optionflags=doctest.IGNORE_EXCEPTION_DETAIL
        )
        self.assertEqual((failed, tried > 5), (0, True))

    def test_refusedByMake(self) -> None:
        """
        A password that could never match isn't hashed, and a scheme and a cost that
        don't exist are told.
        """
        for password, scheme, cost, says in [
            (b"", "bcrypt", 4, "an empty password"),
            (b"a\0b", "bcrypt", 4, "no NUL"),
            (b"a" * 1025, "sha512", 1000, "1024 bytes"),
            (b"a" * 73, "bcrypt", 4, "bcrypt: only the first 72 bytes"),
            (b"sesame", "md5", None, "scheme: write one of bcrypt, argon2id, sha512"),
            (b"sesame", "bcrypt", 18, "the logarithm of the rounds, 4 to 17"),
        ]:
            with self.subTest(says):
                error = self.assertRaises(ValueError, hashes.make, password, scheme, cost)
                self.assertIn(says, str(error))
                self.assertNotIn("sesame", str(error))

    def test_longest(self) -> None:
        """
        bcrypt doesn't pretend to have hashed what it doesn't look at.
        """
        make = MAKERS["bcrypt"].make
        self.assertTrue(verify(make(b"a" * 72, 4), b"a" * 72))
        self.assertRaises(ValueError, make, b"a" * 73, 4)

    def test_tooLongForLibcrypt(self) -> None:
        """
        What libcrypt can't hash is told.
        """
        self.assertRaises(ValueError, MAKERS["sha512"].make, b"a" * 600, 1000)

    def test_costs(self) -> None:
        """
        The usual cost and the highest are costs that are verified.
        """
        for name, shows in [
            ("bcrypt", b"$2b$%02d$" + b"." * 53),
            (
                "argon2id",
                b"$argon2id$v=19$m=65536,t=%d,p=4$" + b"A" * 22 + b"$" + b"A" * 43,
            ),
            ("sha512", b"$6$rounds=%d$salt$" + b"A" * 86),
        ]:
            maker = MAKERS[name]
            self.assertIn(maker.usualCost, maker.costs)
            for cost in (maker.costs[0], maker.usualCost, maker.costs[-1]):
                recognize(shows % cost)


# What is written like a hash, of a cost that takes little time.
lookalike = (
    rb"\$2[abxy]\$04\$[./A-Za-z0-9]{53}"
    rb"|\$(apr1|1)\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22}"
    rb"|\$[56]\$rounds=1000\$[!-9;-~]{0,16}\$[./A-Za-z0-9]{43}([./A-Za-z0-9]{43})?"
    rb"|\$g?y\$j75\$[./A-Za-z0-9]{0,22}\$[./A-Za-z0-9]{43}"
    rb"|\$7\$[./0-9z][./A-Za-z0-9][.]{4}/[.]{4}[./A-Za-z0-9]{0,22}\$[./A-Za-z0-9]{43}"
    rb"|\$argon2(id|i)\$v=19\$m=[0-9]{1,3},t=[12],p=[0-4]\$[A-Za-z0-9+/]{11,24}\$"
    rb"[A-Za-z0-9+/]{22,44}"
    rb"|\{S?SHA(1|256|512)?(\.(HEX|B64))?\}[A-Za-z0-9+/]{26,120}={0,2}"
    rb"|[./A-Za-z0-9]{12}[.26AEIMQUYcgkosw]"
)
prefix = st.sampled_from([*PREFIXES, *(b"{%s}" % name for name in NAMES), b"{SHA.HEX}"])


def plainTextOf(stored: bytes) -> bytes | None:
    """
    Return what is stored as plain text with a name for it, if it is.
    """
    try:
        found = recognize(stored)
    except UnusableHash:
        return None
    return found.text if found.isPlain else None


class ArbitraryTests(SynchronousTestCase):
    """
    Whatever stands in the file and whatever is typed, there is an answer.
    """

    @patient
    @given(st.binary() | st.builds(bytes.__add__, prefix, st.binary()), st.binary())
    def test_anyBytes(self, stored: bytes, password: bytes) -> None:
        """
        Arbitrary bytes for a hash match nothing but the plain text that they are,
        and break nothing.
        """
        plain = plainTextOf(stored)
        self.assertIs(
            verify(stored, password), plain == password and b"\0" not in password
        )
        self.assertIs(verify(stored, stored), False)
        isMeantAsHash(stored)

    @patient
    @given(st.from_regex(lookalike, fullmatch=True), st.binary())
    def test_wellFormed(self, stored: bytes, password: bytes) -> None:
        """
        What only looks like a hash matches nothing, and breaks nothing.
        """
        self.assertIs(verify(stored, password), False)

    @patient
    @given(prefix, st.from_regex(lookalike, fullmatch=True), st.binary())
    def test_mixed(self, prefix: bytes, stored: bytes, password: bytes) -> None:
        """
        The same holds with the beginning of another kind before it.
        """
        if plainTextOf(prefix + stored) is None:
            self.assertIs(verify(prefix + stored, password), False)

    @patient
    @given(st.binary())
    def test_anyPassword(self, password: bytes) -> None:
        """
        A good hash matches its own password only.
        """
        self.assertIs(verify(ofAb, password), password == b"ab")

    @patient
    @given(st.text(alphabet=_libcrypt._DIGITS.decode(), min_size=3, max_size=24))
    def test_anyParameters(self, cost: str) -> None:
        """
        Any parameters of yescrypt are taken or refused.
        """
        self.assertIn(_libcrypt.hasAbsurdParameters(cost.encode()), (True, False))
