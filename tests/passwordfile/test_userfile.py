"""
Tests for L{mycred._passwordfile}: L{mycred._passwordfile._userfile},
L{mycred._passwordfile._layout}, L{mycred._passwordfile._snapshot} and L{mycred._files}.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred import _files
from mycred._files import SETTLING, Signature, State
from mycred._passwordfile import (
    HTPASSWD,
    Entry,
    Layout,
    Snapshot,
    UserFile,
    _snapshot,
)

patient = settings(deadline=None, database=None)

# Lines as hostile as they come: few characters, so that names meet.
lines = st.text(alphabet=":\n\r# ab", max_size=60).map(str.encode) | st.binary()
names = st.text(alphabet=":# ab", max_size=4).map(str.encode) | st.binary(max_size=4)


def parsedOneByOne(content: bytes, layout: Layout) -> list[tuple[bytes, bytes]]:
    """
    Read a file as simply as can be.
    """
    parsed = [layout.parse(line) for line in content.split(b"\n")]
    return [pair for pair in parsed if pair is not None]


class LayoutTests(SynchronousTestCase):
    """
    Tests for L{Layout}.
    """

    def test_usual(self) -> None:
        """
        The name comes first, the secret second, and what follows is ignored.
        """
        parse = Layout().parse
        for line, expected in [
            (b"alice:sesame", (b"alice", b"sesame")),
            (b"alice:sesame:1:2", (b"alice", b"sesame")),
            (b"alice:", (b"alice", b"")),
            (b"alice:sesame \r", (b"alice", b"sesame")),
            (b" alice:sesame", (b" alice", b"sesame")),
            (b"a#b:c", (b"a#b", b"c")),
            (b"!a:c", (b"!a", b"c")),
        ]:
            self.assertEqual(parse(line), expected)
        for line in (b"", b"  ", b"alice", b":sesame", b"#a:b", b" \t#a:b", b"\r"):
            self.assertIsNone(parse(line), line)

    def test_otherFields(self) -> None:
        """
        Fields may be anywhere, counted from the end too, and separated otherwise.
        """
        self.assertEqual(Layout(b";;", 3, 1).parse(b"x;;s;;y;;A"), (b"A", b"s"))
        self.assertEqual(
            Layout(nameField=-1, secretField=0).parse(b"s:x:A"), (b"A", b"s")
        )
        self.assertIsNone(Layout(nameField=2).parse(b"x:s"))

    def test_colons(self) -> None:
        """
        A hash that holds colons itself is the whole of it; what follows isn't.
        """
        keys = b"SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"
        for layout in (Layout(), HTPASSWD):
            self.assertEqual(layout.parse(b"alice:" + keys), (b"alice", keys))
            self.assertEqual(layout.parse(b"alice:%s:1000::\n" % keys), (b"alice", keys))
            for cut in (1, 2):
                half = b":".join(keys.split(b":")[:cut])
                self.assertEqual(layout.parse(b"alice:" + half), (b"alice", half))
        shifted = Layout(nameField=1, secretField=3)
        self.assertEqual(shifted.parse(b"1:alice::%s:x" % keys), (b"alice", keys))
        # They stand before the name, or between something else.
        self.assertEqual(
            Layout(nameField=1, secretField=0).parse(keys + b":a")[1:],
            (keys.split(b":")[0],),
        )
        self.assertEqual(Layout(b",").parse(b"alice,%s,x" % keys), (b"alice", keys))

    def test_case(self) -> None:
        """
        Where case doesn't count, names are in lower case.
        """
        self.assertEqual(Layout(caseSensitive=False).parse(b"Al:Se"), (b"al", b"Se"))

    def test_indented(self) -> None:
        """
        White space before a name may be left out.
        """
        self.assertEqual(Layout(isIndented=True).parse(b"\t al:s "), (b"al", b"s"))


class SnapshotTests(SynchronousTestCase):
    """
    Tests for L{Snapshot}.
    """

    def snapshot(self, content: bytes, layout: Layout | None = None) -> Snapshot:
        """
        Make a snapshot.
        """
        return Snapshot(content, layout or Layout(), State((0, 0, 0, 0, 0), 60))

    def test_linesWith(self) -> None:
        """
        The lines in which something stands are found, wherever it does in chunks of
        any size, each once and as a whole.
        """
        content = b"abc\nxabcabcx\n\nab\nc\nbc" + b"y" * 40 + b"abc\nlast abc"
        expected = [
            (b"abc", False),
            (b"xabcabcx", False),
            (b"bc" + b"y" * 40 + b"abc", False),
            (b"last abc", True),
        ]
        for size in range(1, len(content) + 2):
            self.patch(Snapshot, "CHUNK", size)
            self.assertEqual(list(self.snapshot(content).linesWith(b"abc")), expected)
        self.assertEqual(list(self.snapshot(b"").linesWith(b"abc")), [])
        self.assertEqual(list(self.snapshot(b"abc\n").linesWith(b"x")), [])

    def test_find(self) -> None:
        """
        The first line for a name is found, with its number.
        """
        snapshot = self.snapshot(b"#\nalice:one\n\nbob:two\nalice:three")
        alice = snapshot.find(b"alice")
        assert alice is not None
        self.assertEqual(alice, Entry(b"alice", b"one", 2, False))
        self.assertEqual(snapshot.number(alice), 2)
        bob = snapshot.find(b"bob")
        assert bob is not None
        self.assertEqual(snapshot.number(bob), 4)
        for name in (b"", b"eve", b"#", b"alice:", b"one"):
            self.assertIsNone(snapshot.find(name))
        [(again, first)] = snapshot.repeated
        self.assertEqual((again, first), (Entry(b"alice", b"three", 21, True), alice))

    def test_cut(self) -> None:
        """
        A last line that lacks its end is known.
        """
        for content, isCut in [(b"a:b", True), (b"a:b\n", False), (b"a:b\r\n", False)]:
            entry = self.snapshot(content).find(b"a")
            assert entry is not None
            self.assertIs(entry.isCut, isCut)

    def test_collisions(self) -> None:
        """
        Names are kept apart however their hashes meet.
        """
        vars(_snapshot)["hash"] = len
        self.addCleanup(vars(_snapshot).pop, "hash")
        everybody = [b"user%d" % number for number in range(2000)]
        snapshot = self.snapshot(b"".join(b"%s:%s\n" % (n, n[::-1]) for n in everybody))
        for name in everybody:
            entry = snapshot.find(name)
            assert entry is not None
            self.assertEqual(entry.secret, name[::-1])
        self.assertEqual(snapshot.repeated, [])

    def test_manyRepeated(self) -> None:
        """
        Of names that come again, a bounded number is remembered.
        """
        snapshot = self.snapshot(b"a:b\n" * 1000)
        self.assertEqual(len(snapshot.repeated), Snapshot._MOST_REPEATED)

    def test_sample(self) -> None:
        """
        A sample is spread over the whole file, and has all of a small one.
        """
        snapshot = self.snapshot(b"".join(b"u%d:x\n" % number for number in range(1000)))
        sample = [entry.name for entry in snapshot.sample(10)]
        self.assertTrue(8 <= len(sample) <= 10, sample)
        self.assertEqual(sample[0], b"u0")
        self.assertGreater(int(sample[-1][1:]), 800)
        self.assertEqual(len(list(snapshot.sample(5000))), 1000)
        self.assertEqual(len(list(snapshot)), 1000)

    def test_longLines(self) -> None:
        """
        A line that is absurdly long is looked at from its beginning, once.
        """
        content = b"".join(b"u%d:x\n" % number for number in range(1000))
        content += b"long:" + bytes(2**22) + b"\nlast:x\n"
        snapshot = self.snapshot(content)
        for name in (b"u999", b"long", b"last"):
            entry = snapshot.find(name)
            assert entry is not None
            self.assertEqual(entry.name, name)
            self.assertLess(len(entry.secret), 2**16)
        longest = max(len(line) for _, line in snapshot.lines())
        self.assertEqual(longest, 2**16)
        sample = [entry.name for entry in snapshot.sample(100)]
        self.assertEqual(len(sample), len(set(sample)))
        self.assertIn(b"long", sample)

    def test_noSecretsShown(self) -> None:
        """
        What is shown of an entry tells nothing of its secret.
        """
        self.assertNotIn("sesame", repr(self.snapshot(b"alice:sesame").find(b"alice")))

    def test_whiteSpace(self) -> None:
        """
        Fields may be separated by any white space.
        """
        entry = self.snapshot(b"alice  sesame x\n", Layout(None)).find(b"alice")
        assert entry is not None
        self.assertEqual(entry.secret, b"sesame")

    def test_memory(self) -> None:
        """
        The index takes twelve bytes a user, beside the text.
        """
        snapshot = self.snapshot(b"".join(b"u%d:x\n" % number for number in range(1000)))
        self.assertLess(len(snapshot._slots) * snapshot._slots.itemsize, 12_100)

    @patient
    @given(lines, names, st.booleans(), st.booleans())
    def test_anyContent(
        self, content: bytes, name: bytes, caseSensitive: bool, isIndented: bool
    ) -> None:
        """
        Whatever stands in the file, it is found as if the lines were read one by
        one.
        """
        layout = Layout(caseSensitive=caseSensitive, isIndented=isIndented)
        expected = parsedOneByOne(content, layout)
        snapshot = self.snapshot(content, layout)
        self.assertEqual([(e.name, e.secret) for e in snapshot], expected)
        for asked in {name, *(pair[0] for pair in expected)}:
            entry = snapshot.find(asked)
            found = entry and (entry.name, entry.secret)
            first = next((pair for pair in expected if pair[0] == asked), None)
            self.assertEqual(found, first)


class UserFileTests(SynchronousTestCase):
    """
    Tests for L{UserFile}.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.file = UserFile(str(self.path), Layout())

    def write(self, content: bytes) -> None:
        """
        Write the file, so that it isn't new.
        """
        self.path.write_bytes(content)
        os.utime(self.path, (0, 0))
        self.patch(_files, "SETTLING", 0)

    def scan(self, name: bytes) -> Entry | None:
        """
        Look a name up without an index.

        @return: its first line.
        """
        return next(self.file.scan(name), None)

    def test_scanAcrossChunks(self) -> None:
        """
        A name is found wherever the chunks end in which the file is read, and those in
        which it is searched.
        """
        content = b"#\nx:1\nalice:sesame:rest\nbob:tulip\n"
        self.write(content)
        for size in range(20, len(content) + 2):
            self.patch(UserFile, "CHUNK", size)
            self.patch(UserFile, "STEP", size % 7 + 1)
            for name, secret in ((b"x", b"1"), (b"alice", b"sesame"), (b"bob", b"tulip")):
                entry = self.scan(name)
                assert entry is not None, (size, name)
                self.assertEqual((entry.name, entry.secret), (name, secret))
                self.assertEqual(entry.start, content.index(name + b":"))
                number = content[: entry.start].count(b"\n") + 1
                self.assertEqual(self.file.number(entry), number)
            for name in (b"eve", b"#", b"", b"1", b"lice", b"alice:sesame"):
                self.assertIsNone(self.scan(name), (size, name))

    def test_scanGoesOn(self) -> None:
        """
        All lines for a name are found, and after the last one everything was read, as it
        was for a name that nobody has: the time doesn't tell where somebody's line is.
        """
        self.write(b"alice:one\nbob:x\n" + b"alice:two\n" * 2 + b"eve:x\n" * 100)
        self.patch(UserFile, "CHUNK", 32)
        sizes: list[int] = []
        readv = os.readv

        def reading(descriptor: int, buffers: list[memoryview]) -> int:
            sizes.append(readv(descriptor, buffers))
            return sizes[-1]

        self.patch(os, "readv", reading)
        lines = self.file.scan(b"alice")
        self.assertEqual(next(lines).secret, b"one")
        self.assertLess(sum(sizes), 33)
        self.assertEqual([entry.secret for entry in lines], [b"two"] * 2)
        self.assertEqual(sum(sizes), self.path.stat().st_size)
        known = sizes[:]
        del sizes[:]
        self.assertEqual(list(self.file.scan(b"carol")), [])
        self.assertEqual(sizes, known)

    def test_scanTakesApart(self) -> None:
        """
        A line is taken apart for a name that nobody has, too.
        """
        self.write(b"alice:one\n#bob:x\n")
        parsed: list[bytes] = []

        class Spy(Layout):
            """
            Lines that are counted.
            """

            def parse(self, line: bytes) -> tuple[bytes, bytes] | None:
                parsed.append(line)
                return super().parse(line)

        for name in (b"alice", b"carol", b"#bob", b""):
            del parsed[:]
            list(UserFile(str(self.path), Spy()).scan(name))
            self.assertEqual(len(parsed), 1, name)

    def test_scanLongLine(self) -> None:
        """
        Of a line that is absurdly long the beginning is read.
        """
        self.write(b"long:" + b"x" * 2**20)
        entry = self.scan(b"long")
        assert entry is not None
        self.assertLess(len(entry.secret), 2**17)

    @patient
    @given(lines, names)
    def test_scanFindsTheSame(self, content: bytes, name: bytes) -> None:
        """
        Looking a name up without an index finds what the index finds.
        """
        self.path.write_bytes(content)
        expected = self.file.snapshot().find(name)
        self.assertEqual(self.scan(name), expected)
        self.file.forget()

    def test_snapshotIsKept(self) -> None:
        """
        What was read is kept as long as the file is the same, and no longer.
        """
        self.write(b"alice:one\n")
        first = self.file.snapshot()
        self.assertIs(self.file.snapshot(), first)
        self.path.write_bytes(b"alice:one\n")
        self.assertIsNot(self.file.snapshot(), first)
        self.file.forget()
        self.assertIsNot(self.file.snapshot(), first)

    def test_young(self) -> None:
        """
        A file is young for a moment after its state was seen first, whatever the
        clock of its server says.
        """
        now = [100.0]
        self.patch(time, "monotonic", lambda: now[0])
        for when in (0, 10**9, 4 * 10**9):
            self.path.write_bytes(b"alice:one\n")
            os.utime(self.path, (when, when))
            for elapsed, isYoung in [(0, True), (0.02, True), (0.04, False)]:
                now[0] += elapsed
                snapshot = self.file.snapshot()
                self.assertIs(snapshot.state.isYoung, isYoung)
                self.assertIs(snapshot.state.isProvisional, isYoung)

    def test_coarseTimes(self) -> None:
        """
        Where a file system counts whole seconds, what was read is read again until
        a change would show; nobody's refusal waits for that.
        """
        coarse = 10**9
        whole = _files.signatureOf

        def rounded(status: os.stat_result) -> Signature:
            mtime, ctime, *rest = whole(status)
            return (mtime // coarse * coarse, ctime // coarse * coarse, *rest)

        now = [100.0]
        self.patch(time, "monotonic", lambda: now[0])
        self.patch(_files, "signatureOf", rounded)
        self.path.write_bytes(b"alice:one\n")
        self.file.snapshot()
        now[0] += 1
        snapshot = self.file.snapshot()
        self.assertEqual(
            (snapshot.state.isYoung, snapshot.state.isProvisional), (False, True)
        )
        self.assertIsNot(self.file.snapshot(), snapshot)
        now[0] += 1
        snapshot = self.file.snapshot()
        self.assertFalse(snapshot.state.isProvisional)
        self.assertIs(self.file.snapshot(), snapshot)

    def test_largeIsReadOnce(self) -> None:
        """
        A file that takes long to read is given time to come to rest before, and is
        read once.
        """
        now, paused, read = [0.0], [], os.read

        def sleep(seconds: float) -> None:
            paused.append(seconds)
            now[0] += seconds

        reads: list[int] = []

        def reading(descriptor: int, size: int) -> bytes:
            reads.append(size)
            return read(descriptor, size)

        self.patch(_files, "_LARGE", 5)
        self.patch(time, "monotonic", lambda: now[0])
        self.patch(time, "sleep", sleep)
        self.patch(os, "read", reading)
        self.path.write_bytes(b"alice:one\n")
        for _ in range(3):
            self.assertFalse(self.file.snapshot().state.isYoung)
        self.assertEqual((paused, len(reads)), ([SETTLING], 1))

    def test_shortRead(self) -> None:
        """
        A read that brings less than the file has is done again.
        """
        self.write(b"alice:one\nbob:two\n")
        read, short = os.read, [5]
        self.patch(os, "read", lambda fd, size: read(fd, short.pop() if short else size))
        self.assertIsNotNone(self.file.snapshot().find(b"bob"))
        self.assertEqual(short, [])

    def test_errors(self) -> None:
        """
        What can't be read is told apart.
        """
        self.assertRaises(FileNotFoundError, self.file.snapshot)
        self.assertRaises(FileNotFoundError, self.scan, b"alice")
        os.mkdir(self.path)
        self.assertRaises(OSError, self.file.snapshot)
        self.assertRaises(OSError, self.scan, b"alice")

    def test_closed(self) -> None:
        """
        No descriptor is left open, whether the file can be read or not.
        """
        self.write(b"alice:one\n")
        before = len(os.listdir("/proc/self/fd"))
        self.patch(_files, "LARGEST", 0)
        self.assertRaises(OSError, self.file.snapshot)
        self.patch(_files, "LARGEST", 100)
        self.file.snapshot()
        self.scan(b"alice")
        self.scan(b"eve")
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
