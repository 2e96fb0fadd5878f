"""
Tests for L{mycred._sshkeys._authorizedkeys}.
"""

from __future__ import annotations

import contextlib
from base64 import b64encode
from collections.abc import Iterator

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import BadOption, PublicKey, UnusableKey, keysIn, string
from mycred._sshkeys._authorizedkeys import (
    Line,
    authoritiesIn,
    keyBlobIn,
    linesWith,
    optionsIn,
    parseLine,
    plainBlob,
    principalsIn,
    skipSilently,
)
from mycred._sshkeys._budget import Budget, Limit, TooMuch

from ..kit.keys import (
    SK,
    SKECDSA,
    SecurityKey,
    blobOf,
    certificate,
    ed25519,
    line,
    lineOf,
    rsaKey,
    shortRSA,
)

ALICE, BOB = ed25519(), ed25519()


def search(
    text: bytes, budget: Budget | None = None, key: object = ALICE
) -> Iterator[Line]:
    """
    Look for the lines with a key.
    """
    wanted = PublicKey.parse(blobOf(key))
    return linesWith(text, wanted.blob, wanted.base64, budget)


def find(text: bytes, key: object = ALICE) -> list[tuple[int, bytes]]:
    """
    Find the lines with a key.
    """
    return [(one.number, one.options) for one in search(text, key=key)]


class FindTests(SynchronousTestCase):
    """
    Tests for L{linesWith}.
    """

    def test_numbers(self) -> None:
        """
        All lines with a key are found, with their numbers and options.
        """
        text = b"\n".join(
            [b"# keys", line(ALICE), b"", line(BOB), b"no-pty " + line(ALICE), b""]
        )
        self.assertEqual(find(text), [(2, b""), (5, b"no-pty")])
        self.assertEqual(find(text, BOB), [(4, b"")])
        self.assertEqual(find(text, ed25519()), [])

    def test_elsewhere(self) -> None:
        """
        A key that stands somewhere else in a line isn't authorized by it.
        """
        for text in (
            b"#" + line(ALICE),
            line(BOB) + b" " + line(ALICE),
            b'command="' + line(ALICE) + b'" ' + line(BOB),
            b"no-pty " + line(ALICE)[8:],
            b"ssh-rsa " + line(ALICE).split()[1],
            b"no-pty no-user-rc " + line(ALICE),
            line(ALICE).replace(b" ", b""),
            b"x\0 " + line(ALICE),
            line(ALICE).split(b" ", 1)[0] + b" x" + line(ALICE).split(b" ", 1)[1],
            line(ALICE).split()[0] + b" " + line(ALICE).split()[1] + b"AAAA",
        ):
            self.assertEqual(find(text), [], text)

    def test_blanks(self) -> None:
        """
        Blanks of both kinds part words, any number of them.
        """
        kind, base64, _ = line(ALICE).split()
        for text in (
            kind + b"\t" + base64,
            b" \t" + kind + b"  \t" + base64 + b"\tx",
            b"no-pty\t \t" + kind + b" " + base64,
            b'command="a b\tc" ' + kind + b" " + base64 + b"\r",
        ):
            self.assertEqual(len(find(text)), 1, text)

    def test_twice(self) -> None:
        """
        A line that holds a key several times is found once.
        """
        base64 = line(ALICE).split()[1]
        for rest in (b"\t" + base64, b" " + base64, b"\t" + base64 + b" " + base64):
            for text in (line(ALICE, b"") + rest, b"#" + rest):
                self.assertEqual(len(find(text + b"\n" + text)), 2 * (text[:1] != b"#"))

    def test_many(self) -> None:
        """
        In a file with many keys, the others aren't looked at.
        """
        others = b"\n".join(line(BOB) for _ in range(10_000))
        text = others + b"\nno-pty " + line(ALICE) + b"\n" + others
        self.assertEqual(find(text), [(10_001, b"no-pty")])

    def test_beginning(self) -> None:
        """
        Of keys that begin alike each is found by itself.
        """
        alike = [
            string(SK) + string(b"k" * 32) + string(b"ssh:" + b"x" * 600 + last)
            for last in (b"1", b"2", b"22")
        ]
        text = b"\n".join(b"no-pty " + lineOf(blob) for blob in alike)
        for number, blob in enumerate(alike, 1):
            key = PublicKey.parse(blob)
            found = [one.number for one in linesWith(text, key.blob, key.base64)]
            self.assertEqual(found, [number])

    def test_large(self) -> None:
        """
        Of a file that is too large nothing is looked at.
        """
        self.assertEqual(find(b"\n" * (2**24 - 200) + line(ALICE)), [(2**24 - 199, b"")])
        with self.assertRaises(TooMuch):
            find(line(ALICE) + b"\n" * 2**24)

    def test_lines(self) -> None:
        """
        Lines that hold the key are counted, whether it is authorized there or not: in
        comments, behind other keys, in lines that are too long.
        """
        base64 = line(ALICE).split()[1]
        for one in (
            b"# " + base64,
            line(BOB) + b" " + base64,
            b"no-pty " + line(ALICE),
            b"a" * 2**16 + b" " + line(ALICE),
            b"\t" + base64,
        ):
            budget = Budget()
            lines = list(search((one + b"\n") * 10, budget))
            self.assertEqual(budget.left(Limit.LINES), Limit.LINES.value[0] - 10)
            self.assertEqual(len(lines), 10 * one.startswith(b"no-pty"))
        with self.assertRaises(TooMuch):
            list(search((b"# " + base64 + b"\n") * 1001))

    def test_longLines(self) -> None:
        """
        So are their bytes; other lines may have as many as they like.
        """
        long = b'command="' + b"x" * 60_000 + b'" '
        others = (long + line(BOB) + b"\n") * 10
        found = search(others + (long + line(ALICE) + b"\n") * 10)
        self.assertEqual([next(found).number for _ in range(2)], [11, 12])
        self.assertRaises(TooMuch, next, found)

    @given(
        strategies.lists(
            strategies.sampled_from(
                [
                    *(b" ", b"\t", b"\n", b"\r", b"\0", b"#", b"x", b"no-pty", b'"'),
                    *(b"ssh-ed25519", b"ssh-rsa", b"ssh-ed25519 ", b"\nssh-ed25519\t"),
                    *(line(ALICE).split()[1], line(BOB).split()[1]),
                    *(line(ALICE), line(ALICE).split()[1][:-1]),
                ]
            ),
            max_size=12,
        )
    )
    def test_plain(self, parts: list[bytes]) -> None:
        """
        A line is found just if parsing it says so, also where nothing stands before the
        key.
        """
        text, wanted = b"".join(parts), blobOf(ALICE)
        parsed = [parseLine(one, n) for n, one in enumerate(text.split(b"\n"), 1)]
        expected = [one for one in parsed if one is not None and one.blob == wanted]
        self.assertEqual(list(search(text)), expected)

    @given(strategies.binary(max_size=80), strategies.binary(max_size=40))
    def test_anything(self, before: bytes, after: bytes) -> None:
        """
        Arbitrary bytes around a key raise nothing.
        """
        key = PublicKey.parse(blobOf(ALICE))
        for found in linesWith(before + key.base64 + after, key.blob, key.base64):
            with contextlib.suppress(BadOption):
                optionsIn(found)
        parseLine(before, 1)
        parseLine(before + line(ALICE) + after, 1)


class KeyTests(SynchronousTestCase):
    """
    Tests for L{keyBlobIn}.
    """

    def test_key(self) -> None:
        """
        A key is read as it is written in a file, without options.
        """
        for text in (line(ALICE), b" \t" + line(ALICE), line(ALICE, b"")[:-1] + b"\r"):
            self.assertEqual(keyBlobIn(text), blobOf(ALICE))
        for text in (b"no-pty " + line(ALICE), b"#" + line(ALICE), b"", b" ", b"ssh-rsa"):
            self.assertRaises(UnusableKey, keyBlobIn, text)

    @given(strategies.binary(max_size=80))
    def test_anything(self, data: bytes) -> None:
        """
        Arbitrary bytes raise nothing but the error of this module.
        """
        for text in (data, b"ssh-rsa " + data, line(ALICE)[:30] + data):
            with contextlib.suppress(UnusableKey):
                keyBlobIn(text)


class ListTests(SynchronousTestCase):
    """
    Tests for L{keysIn} and L{plainBlob}.
    """

    def test_list(self) -> None:
        """
        A list has a key in each line, but for comments and empty lines.
        """
        dsa = lineOf(string(b"ssh-dss") + b"whatever")
        text = b"\n# x\n\r\n" + line(ALICE) + b"\r\n  " + line(BOB) + b"\n" + dsa
        self.assertEqual(keysIn(text)[:2], [blobOf(ALICE), blobOf(BOB)])
        self.assertEqual(len(keysIn(text)), 3)

    def test_names(self) -> None:
        """
        The names of algorithms stand for the type of the keys that sign by them, also
        inside of blobs; no other name does.
        """
        rsa = blobOf(rsaKey(1024))
        ec = SecurityKey(type=SKECDSA).blob
        browser = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
        for blob, names, others in (
            (rsa, (b"rsa-sha2-256", b"rsa-sha2-512"), (b"ssh-x", browser, SK)),
            (ec, (browser,), (b"ecdsa-sha2-nistp256", b"rsa-sha2-256", SK)),
        ):
            fields = blob[4 + int.from_bytes(blob[:4], "big") :]
            for name in names:
                for written in (blob, string(name) + fields):
                    self.assertEqual(keyBlobIn(name + b" " + b64encode(written)), blob)
            for name in (*others, b"rsa-sha2-384", b"rsa-sha2-512@openssh.com"):
                with self.assertRaises(UnusableKey):
                    keyBlobIn(name + b" " + b64encode(blob))
                with self.assertRaises(UnusableKey):
                    keyBlobIn(name + b" " + b64encode(string(name) + fields))

    def test_certifiedNames(self) -> None:
        """
        So it is for certificates, which are no keys, and of which keys are none.
        """
        key = rsaKey(1024)
        type = b"ssh-rsa-cert-v01@openssh.com"
        blob = certificate(BOB, key, type=type)
        for name in (type, b"rsa-sha2-256-cert-v01@openssh.com"):
            written = keyBlobIn(name + b" " + b64encode(blob))
            self.assertEqual(plainBlob(written), blobOf(key))
            with self.assertRaises(UnusableKey):
                keyBlobIn(name + b" " + b64encode(blobOf(key)))
        for name in (b"ssh-rsa", b"rsa-sha2-256", b"ssh-ed25519-cert-v01@openssh.com"):
            with self.assertRaises(UnusableKey):
                keyBlobIn(name + b" " + b64encode(blob))

    def test_short(self) -> None:
        """
        RSA keys that are too short are left out; what they are is told.
        """
        told: list[tuple[int, str]] = []
        text = line(ALICE) + b"\n" + lineOf(shortRSA()) + b"\n" + line(BOB)
        blobs = keysIn(text, lambda *skipped: told.append(skipped))
        self.assertEqual(blobs, [blobOf(ALICE), blobOf(BOB)])
        size = "an RSA key of 768 bits, a size that nobody uses"
        self.assertEqual(told, [(2, f"skipped: {size}")])
        self.assertEqual(keysIn(lineOf(shortRSA())), [])
        for text in (lineOf(shortRSA(16392)), lineOf(shortRSA())[:60]):
            with self.assertRaises(UnusableKey):
                keysIn(text)

    def test_bad(self) -> None:
        """
        Whatever else stands there makes it none, and the line is named.
        """
        for text in (b"x", b"no-pty " + line(ALICE), line(ALICE)[:-30], b"ssh-rsa"):
            with self.assertRaises(UnusableKey) as caught:
                keysIn(line(BOB) + b"\n" + text)
            self.assertIn("line 2", str(caught.exception))

    def test_certificate(self) -> None:
        """
        A certificate stands for its key.
        """
        blob = certificate(BOB, ALICE)
        self.assertEqual(plainBlob(blob), blobOf(ALICE))
        self.assertEqual(plainBlob(blobOf(BOB)), blobOf(BOB))

    @given(strategies.binary(max_size=80))
    def test_anything(self, data: bytes) -> None:
        """
        Arbitrary bytes raise nothing but the error of this module.
        """
        for text in (data, line(ALICE) + data, b"ssh-rsa " + data):
            try:
                for blob in keysIn(text):
                    plainBlob(blob)
            except UnusableKey:
                pass
            authoritiesIn(text, skipSilently)


class PrincipalTests(SynchronousTestCase):
    """
    Tests for L{principalsIn}.
    """

    def test_principals(self) -> None:
        """
        A principal is the last word of a line; options may stand before it.
        """
        text = b'\n# x\nalice # her\n  no-pty,command="a b" bob \n\tcarol\t\nx\0y\n'
        self.assertEqual(
            [(one.number, one.name, one.options) for one in principalsIn(text)],
            [(3, "alice", b""), (4, "bob", b'no-pty,command="a b"'), (5, "carol", b"")],
        )
        options = optionsIn(list(principalsIn(text))[1])
        self.assertEqual((options.command, options.pty), ("a b", False))

    def test_blanks(self) -> None:
        """
        Blanks among options refuse.
        """
        [one] = principalsIn(b"no-pty no-user-rc alice")
        with self.assertRaises(BadOption):
            optionsIn(one)

    def test_work(self) -> None:
        """
        A file of absurdly many lines, or of long ones, isn't looked at.
        """
        most = Limit.PRINCIPALS.value[0]
        self.assertEqual(len(list(principalsIn(b"a\n" * most))), most)
        for text in (b"a\n" * (most + 1), b"\n" * (most + 1), b"a" * (2**20 + 1)):
            with self.assertRaises(TooMuch):
                next(principalsIn(text))

    @given(strategies.binary(max_size=80))
    def test_anything(self, data: bytes) -> None:
        """
        Arbitrary bytes raise nothing but the error of this module.
        """
        for one in principalsIn(data):
            with contextlib.suppress(BadOption):
                optionsIn(one)
