"""
Tests for L{mycred._scram._stored}, L{mycred._scram._keys} and L{mycred._hashes._scram}:
keys that other programs store, and that they take.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred import hashes
from mycred._scram import HASHES, ScramKeys
from mycred._scram._stored import (
    DOVECOT,
    MOST_ITERATIONS,
    NAMES,
    POSTGRESQL,
    isAbsurd,
    keysIn,
    written,
)
from mycred.checkers import HtpasswdChecker
from mycred.testing import SteppedWorkers

from ..kit.databases import PostgreSQL, serverOf
from ..kit.dovecot import Dovecot, doveadm
from ..kit.sasl import ScramClient, Server, portalOf
from ..kit.scram import SALT, storedKeys

KEYS = ScramKeys.derived("sha256", b"sesame", SALT, 3)
FORMS = [(form[hash], hash) for form in (DOVECOT, POSTGRESQL) for hash in HASHES]


def postgresql(keys: ScramKeys) -> bytes:
    """
    Return keys as PostgreSQL writes them.
    """
    parts = map(b64encode, (keys.salt, keys.storedKey, keys.serverKey))
    return b"%s$%d:%s$%s:%s" % (NAMES[keys.hash], keys.iterations, *parts)


class FormTests(SynchronousTestCase):
    """
    Tests for the forms.
    """

    @given(st.sampled_from([*HASHES]), st.binary(min_size=1, max_size=63), st.data())
    @settings(deadline=None, database=None)
    def test_written(self, hash: str, salt: bytes, data: st.DataObject) -> None:
        """
        What is written is parsed as what it was, in both forms.
        """
        size = HASHES[hash]
        stored, server = (
            data.draw(st.binary(min_size=size, max_size=size)) for _ in "12"
        )
        count = data.draw(st.integers(1, MOST_ITERATIONS))
        keys = ScramKeys(hash, count, salt, stored, server)
        for text in (written(keys), postgresql(keys)):
            self.assertEqual(hashes.recognize(text).scramKeys, keys)

    @given(st.binary(max_size=200))
    @settings(deadline=None, database=None)
    def test_arbitrary(self, text: bytes) -> None:
        """
        What isn't keys is a L{ValueError}, and nothing else, whatever it is.
        """
        for form, hash in FORMS:
            self.assertRaises(ValueError, keysIn, form, hash, text)

    @given(st.data())
    @settings(deadline=None, database=None)
    def test_damaged(self, data: st.DataObject) -> None:
        """
        Keys of which a part is cut off, added or another are other keys, or none; they
        never match the password.
        """
        whole = data.draw(st.sampled_from([written(KEYS), postgresql(KEYS)]))
        place = data.draw(st.integers(len("{SCRAM-SHA-256}"), len(whole)))
        end = data.draw(st.integers(place, len(whole)))
        put = data.draw(st.sampled_from([b"", b"A", b"=", b",", b":", b"\n", b"4", b"$"]))
        damaged = whole[:place] + put + whole[end:]
        stored = [
            part for part in (KEYS.storedKey, KEYS.salt) if b64encode(part) in damaged
        ]
        if len(stored) < 2:
            self.assertFalse(hashes.verify(damaged, b"sesame"), damaged)

    def test_refused(self) -> None:
        """
        A count of none or of more than anybody means, a salt of nothing and keys of
        another length are no keys.
        """
        whole = written(KEYS)
        for count in (
            b"0",
            b"-1",
            b"+3",
            b"03",
            b"",
            b"1e3",
            b"2000001",
            b"9" * 9,
            b"9" * 30,
        ):
            for text in (whole, postgresql(KEYS)):
                damaged = text.replace(b"3,", count + b",").replace(
                    b"$3:", b"$%s:" % count
                )
                self.assertRaises(hashes.UnusableHash, hashes.recognize, damaged)
        name, fields = whole.split(b"}")
        count, salt, stored, server = fields.split(b",")
        for parts in (
            (count, b"", stored, server),
            (count, b"=", stored, server),
            (count, b"A" * 88, stored, server),
            (count, salt, stored[:-4] + b"A===", server),
            (count, salt, stored, b""),
            (count, salt, stored),
            (count, salt, stored, server, server),
        ):
            damaged = name + b"}" + b",".join(parts)
            self.assertRaises(hashes.UnusableHash, hashes.recognize, damaged)
        self.assertRaises(
            hashes.UnusableHash, hashes.recognize, whole.replace(b"256", b"1")
        )
        self.assertTrue(isAbsurd(b"%d" % (MOST_ITERATIONS + 1)))
        self.assertFalse(isAbsurd(b"%d" % MOST_ITERATIONS))

    def test_shown(self) -> None:
        """
        Keys show neither of the two when they are printed.
        """
        shown = repr(KEYS) + repr(hashes.recognize(written(KEYS)))
        for key in (KEYS.storedKey, KEYS.serverKey):
            self.assertNotIn(repr(key)[2:-1], shown)
            self.assertNotIn(b64encode(key).decode(), shown)


class PasswordTests(SynchronousTestCase):
    """
    Tests for keys as hashes of passwords.
    """

    def test_prepared(self) -> None:
        """
        Passwords that differ only in how they were typed are one; what can't be prepared
        counts as it is.
        """
        stored = hashes.make("pa\u00dfwo\u0308rt", "scram-sha-256")
        for typed in (
            "pa\u00dfw\u00f6rt",
            "pa\u00dfwo\u0308rt",
            "pa\u00ad\u00dfw\u00f6rt",
        ):
            self.assertTrue(hashes.verify(stored, typed), typed)
        self.assertFalse(hashes.verify(stored, "pasw\u00f6rt"))
        for raw in (b"\xff\xfe", b"\x07bell"):
            stored = hashes.make(raw, "scram-sha-1")
            self.assertTrue(hashes.verify(stored, raw))
            self.assertFalse(hashes.verify(stored, raw[1:]))

    def test_made(self) -> None:
        """
        Two keys of one password have nothing in common, and the count that was asked
        for; no cost is taken that clients wouldn't.
        """
        one, other = (hashes.make("x", "scram-sha-256", 5000) for _ in "12")
        first, second = (hashes.recognize(each).scramKeys for each in (one, other))
        assert first is not None and second is not None
        self.assertEqual((first.iterations, len(first.salt)), (5000, 16))
        self.assertNotEqual(first.salt, second.salt)
        self.assertNotEqual(first.storedKey, second.storedKey)
        for cost in (1, 4095, 65_537):
            self.assertRaises(ValueError, hashes.make, "x", "scram-sha-1", cost)

    def test_otherHashes(self) -> None:
        """
        Hashes of other kinds are no keys.
        """
        for stored in ("{PLAIN}x", hashes.make("x", cost=4)):
            self.assertIs(hashes.recognize(stored).scramKeys, None)


class OtherProgramsTests(SynchronousTestCase):
    """
    Tests with the programs that make such keys.
    """

    def assertServes(self, stored: bytes, password: str, hash: str) -> None:
        """
        Insist on logins by keys that stand in a file: the password is sent, or proved.
        """
        self.assertTrue(hashes.verify(stored, password))
        self.assertFalse(hashes.verify(stored, password + "x"))
        path = Path(self.mktemp())
        path.write_bytes(b"alice:%s:1000:1000::/home\n" % stored)
        checker = HtpasswdChecker(str(path), workers=SteppedWorkers(running=False))
        for typed in (password, "tulip"):
            client = ScramClient(hash, password=typed.encode())
            mechanism = NAMES[hash].decode("ascii")
            login = Server(portalOf(checker)).login(mechanism, client.answer)
            login.addErrback(lambda failure: None)
            self.assertEqual(client.isTrusted, typed == password)

    def test_doveadm(self) -> None:
        """
        Keys made by C{doveadm pw} serve logins.
        """
        for hash, name in NAMES.items():
            for password in ("sesame", "pa\u00dfw\u00f6rt"):
                done = doveadm("pw", "-s", name.decode("ascii"), "-p", password)
                self.assertServes(done.stdout.strip(), password, hash)

    def test_dovecot(self) -> None:
        """
        A Dovecot takes the file that C{mycred passwd} writes.
        """
        users = Path(self.mktemp()).absolute()
        stored = [
            hashes.make("sesame", scheme.lower())
            for scheme in map(bytes.decode, NAMES.values())
        ]
        users.write_bytes(b"".join(b"u%d:%s\n" % line for line in enumerate(stored)))
        for one in stored:
            right = doveadm("pw", "-t", one.decode("ascii"), "-p", "sesame")
            self.assertEqual(right.returncode, 0, right.stderr)
        dovecot = Dovecot(users)
        self.addCleanup(dovecot.stop)
        for number in range(len(stored)):
            self.assertTrue(dovecot.accepts(f"u{number}", "sesame"))
            self.assertFalse(dovecot.accepts(f"u{number}", "tulip"))

    def test_postgresql(self) -> None:
        """
        Keys that stand in PostgreSQL's C{pg_authid} serve logins, of the same passwords.
        """
        passwords = ["sesame", "pa\u00dfw\u00f6rt", "pa\u00dfwo\u0308rt", "a\u00adb"]
        with closing(serverOf(PostgreSQL).connect()) as connection:
            # Which isn't committed: roles are the server's, which other tests use.
            connection.execute("begin")
            connection.execute("set local password_encryption = 'scram-sha-256'")
            for password in passwords:
                connection.execute(f"create role keeper login password '{password}'")
                select = "select rolpassword from pg_authid where rolname = 'keeper'"
                [stored] = connection.execute(select).fetchone()
                connection.execute("drop role keeper")
                self.assertServes(stored.encode("ascii"), password, "sha256")

    def test_kit(self) -> None:
        """
        The keys of tests are keys.
        """
        self.assertTrue(hashes.verify(storedKeys(), b"sesame"))
