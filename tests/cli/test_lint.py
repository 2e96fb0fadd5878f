"""
Tests for L{mycred._cli._lint}, L{mycred._cli._filetypes} and L{mycred._cli._names}.
"""

from __future__ import annotations

import os

from hypothesis import given, settings, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._cli._filetypes import FILE_TYPES
from mycred._cli._names import oddities
from mycred._hashes import recognize

from ..kit.command import CommandTests
from ..kit.files import BCRYPT
from ..kit.scram import storedKeys
from ..kit.vectors import VECTORS


class LintTests(CommandTests, SynchronousTestCase):
    """
    Tests for what is found.
    """

    def lint(self, content: bytes, mode: int = 0o600, kind: str = "") -> list[str]:
        """
        Look through a file.

        @param kind: the type of the file, if it isn't said to be the usual one.

        @return: what is said, without the name of the file.
        """
        self.path.write_bytes(content)
        self.path.chmod(mode)
        option = [f"--type={kind}"] if kind else []
        done = self.mycred("lint", *option, self.path)
        self.assertEqual(done.err, "")
        lines = done.out.splitlines()
        self.assertEqual(done.status, 1 if lines else 0)
        for line in lines:
            self.assertTrue(line.startswith(f"{self.path}:"), line)
        return [line.removeprefix(f"{self.path}:") for line in lines]

    def test_nothing(self) -> None:
        """
        A file in which all is well is passed over in silence.
        """
        hashes = [stored for _, stored, _ in VECTORS]
        strong = [h for h in hashes if not recognize(h).scheme.weakness]
        keys = [h for h in strong if b"SCRAM-SHA-256" in h]
        for chosen in (set(strong) - {h for h in hashes if b"SCRAM" in h}, keys):
            lines = [b"u%d:%s" % (n, stored) for n, stored in enumerate(chosen)]
            content = b"# users\n\n  \n" + b"\r\n".join(lines) + b":1000:1000::/home\n"
            self.assertEqual(self.lint(content), [])
        self.assertEqual(self.lint(b""), [])

    def test_scramRounds(self) -> None:
        """
        Rounds that clients refuse are told, in either form: too few, too many.
        """
        for count, isTold in (
            (4095, True),
            (4096, False),
            (65_536, False),
            (65_537, True),
        ):
            told = self.lint(b"a:" + storedKeys(count=count))
            advice = (
                'which many clients refuse; set the password anew, with "mycred passwd"'
            )
            self.assertEqual(told, [f"1: {count} rounds, {advice}"] if isTold else [])

    def test_scram(self) -> None:
        """
        Where users have keys of SCRAM, it is told how many have none for a mechanism.
        A password in plain text will do, and a line that doesn't count doesn't count.
        """
        (keys,) = (stored for command, stored, _ in VECTORS if "create role a" in command)
        content = b"a:%s\nb:%s\nc:%s\nc:%s\nd:!\n" % (keys, keys, BCRYPT, keys)
        told = [line for line in self.lint(content) if "SCRAM" in line]
        self.assertEqual(told, [" 1 of 3 users have no keys for SCRAM-SHA-256"])
        told = self.lint(content + b"e:sesame\n", kind="file")
        self.assertIn(" 3 of 4 users have no keys for SCRAM-SHA-1", told)
        self.assertIn(" 1 of 4 users have no keys for SCRAM-SHA-256", told)
        mixed = self.lint(b"a:sesame\nb:" + BCRYPT + b"\n", kind="file")
        self.assertEqual(mixed, [])

    def test_lines(self) -> None:
        """
        Each oddity is told with its line, in their order, and nothing of what is
        stored.
        """
        found = self.lint(
            b"carol:%s\nalone\n:nobody\ndave:\nerin:hunter2\nfrank:$9$hunter2\n"
            b"grace:$2y$18$%s\ncarol:%s\nheidi:$2y$05$hunter2\nivan:{SHA}x\n"
            b"judy:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\nken:{PLAIN}hunter2\nle\0o:%s\n"
            b"mia:{PLAIN}hunter2" % (BCRYPT, b"." * 53, BCRYPT, BCRYPT)
        )
        expected = [
            (2, "no colon"),
            (3, "no name"),
            (4, "no hash"),
            (5, "matches nothing"),
            (5, "anyone who reads the file has it"),
            (6, "unknown kind"),
            (7, "absurd cost"),
            (8, "a line already, line 1"),
            (9, "damaged"),
            (10, "damaged"),
            (11, "SHA-1 is weak"),
            (12, "plain text is weak"),
            (13, "NUL"),
            (14, "no end; it matches nothing"),
        ]
        self.assertEqual(
            [int(line.split(":")[0]) for line in found], [n for n, _ in expected]
        )
        for line, (_, says) in zip(found, expected):
            self.assertIn(says, line)
        self.assertNotIn("hunter2", "".join(found))

    def test_namesNobodyTypes(self) -> None:
        """
        A name that nobody can type is told, with what it is in it.
        """
        for name, says in [
            ("\ufeffalice", "U+FEFF (a byte order mark)"),
            ("ali\ufeffce", "U+FEFF (a byte order mark)"),
            ("alice ", "ends in a space"),
            ("alice\t", "U+0009 (a tab)"),
            ("ali\tce", "U+0009 (a tab)"),
            ("ali\rce", "U+000D (a carriage return)"),
            ("alice\r", "U+000D (a carriage return)"),
            ("alice\xa0", "U+00A0 (NO-BREAK SPACE)"),
            ("al ice\u3000b", "U+3000 (IDEOGRAPHIC SPACE)"),
            ("ali\x07ce", "U+0007 (a control character)"),
            ("\x1b[31malice", "U+001B (a control character)"),
            ("alice\x7f", "U+007F (a control character)"),
            ("alice\x85b", "U+0085 (a control character)"),
            ("ali\u200bce", "U+200B (ZERO WIDTH SPACE)"),
            ("ali\u200dce", "U+200D (ZERO WIDTH JOINER)"),
            ("ali\u00adce", "U+00AD (SOFT HYPHEN)"),
            ("\u202eecila", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
            ("\u2066alice\u2069", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
            ("ali\u2028ce", "U+2028 (LINE SEPARATOR)"),
            ("ali\ufe0fce", "U+FE0F (VARIATION SELECTOR-16)"),
            ("ali\u3164ce", "U+3164 (HANGUL FILLER)"),
            ("ali\ufffdce", "U+FFFD (REPLACEMENT CHARACTER)"),
            ("ali\ue000ce", "U+E000"),
            ("\uff41lice", "U+FF41 (FULLWIDTH LATIN SMALL LETTER A)"),
            ("\U0001d41alice", "MATHEMATICAL BOLD SMALL A"),
            ("\ufb01na", "LATIN SMALL LIGATURE FI"),
            ("jose\u0301", "NFC"),
            (b"j\xfcrgen", "isn't UTF-8"),
            (b"ali\xff\xfece", "isn't UTF-8"),
        ]:
            encoded = name if isinstance(name, bytes) else name.encode()
            for kind, rest in self.GOOD.items():
                found = self.lint(b"# users\n" + encoded + b":" + rest, kind=kind)
                told = [line for line in found if "this name can't be typed" in line]
                self.assertTrue(told, (name, kind, found))
                self.assertIn(says, told[0])
                self.assertTrue(told[0].startswith("2: "))
                self.assertTrue("".join(found).isprintable(), name)

    # What follows a name where all is well, by the type of the file.
    GOOD = {
        "htpasswd": BCRYPT + b"\n",
        "file": b"sesame\n",
        "htdigest": b"Members:d4c1bd79570a77a56389c354ecc4860c\n",
        "passwd": b"x:1000:1000::/home/a:/bin/sh\n",
    }

    def test_names(self) -> None:
        """
        Names as people have them are passed over in silence, also in a file with
        Windows's ends of lines.
        """
        names = (
            "alice al.ice+x@example.org DOM\\alice jürgen \u0430\u043b\u0438\u0441\u0430 "
        )
        names += "\u5c71\u7530 \u05d3\u05d5\u05d3 \U0001f600 \u0e19\u0e33 "
        names += "jos\u00e9 5\u00b5m m\u00b2 \uac00"
        for kind, rest in self.GOOD.items():
            for end in (b"\n", b"\r\n"):
                lines = [f"{name}:".encode() + rest for name in [*names.split(), "a b"]]
                content = b"".join(lines).replace(b"\n", end)
                self.assertEqual(self.lint(content, kind=kind), [])

    def test_nobodyTypesWhatIsLookedUp(self) -> None:
        """
        A checker takes such a name as it stands: who types the name without what is
        odd about it isn't let in, and with Windows's ends of lines they are.
        """
        for line, isRight in [
            (b"\xef\xbb\xbfcarol:%s\n", False),
            (b"carol :%s\n", False),
            (b"carol\xc2\xa0:%s\n", False),
            (b"carol\r:%s\n", False),
            (b"car\0ol:%s\n", False),
            (b"carol:%s\r\n", True),
            (b"carol:%s \n", True),
            (b"carol:%s\r", True),
            (b" \tcarol:%s\n", True),
        ]:
            self.path.write_bytes(line % BCRYPT)
            arguments = "passwd", "--verify", "--stdin", self.path, "carol"
            status = self.mycred(*arguments, stdin=b"hashed\n").status
            self.assertEqual(status, 0 if isRight else 1, line)

    def test_marks(self) -> None:
        """
        What an editor of another system leaves in a file is told, also where it does
        no harm.
        """
        line = b"carol:" + BCRYPT
        [found] = self.lint(b"\xef\xbb\xbf# users\n" + line)
        self.assertRegex(found, r"^1: a byte order mark \(U\+FEFF\)")
        [found] = self.lint(b"\xef\xbb\xbf\n" + line)
        self.assertIn("1: a byte order mark", found)
        for encoding in ("utf-16", "utf-16-be", "utf-16-le"):
            text = "\ufeff" * (encoding != "utf-16") + "carol:x\n"
            [found] = self.lint(text.encode(encoding))
            self.assertRegex(found, "^ it is UTF-16")
        [found, _] = self.lint(line + b"\r" + line.replace(b"carol", b"dave"))
        self.assertIn("1: a carriage return within the line", found)
        [found] = self.lint(b" " + line)
        self.assertIn("1: white space before the name", found)

    def test_types(self) -> None:
        """
        Each type of file is read as its checker reads it.
        """
        known = self.mycred("lint", "--type=nosuch", self.path)
        self.assertUsage(known, ", ".join(f"'?{kind}'?" for kind in FILE_TYPES))
        self.assertEqual(list(self.GOOD), list(FILE_TYPES))
        for kind, lines in {
            "file": [
                (b"alice:sesame", ""),
                (b" alice:sesame", "begins with a space"),
                (b"alice:{PLAIN}$1$", ""),
                (b"alice:", "no password"),
                (b"alice:$2y$damaged", "write {PLAIN} before it"),
                (b"alice:!", "locked"),
                (b"alice:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=", "SHA-1 is weak"),
            ],
            "htdigest": [
                (b"alice:Members", "too few fields"),
                (b"alice:Members:x", "a damaged hash"),
                (b"alice:" + self.GOOD["htdigest"] * 2, "too few fields"),
            ],
            "passwd": [
                (b"root:x:0:0:root:/root:/bin/sh", ""),
                (b"bin:*:19000:0:99999:7:::", ""),
                (b"bin:!%s:19000:0:99999:7:::" % BCRYPT, ""),
                (b"+@staff::::::", "no name of this machine"),
                (b"alice::1000:1000::/home/alice:/bin/sh", "no hash"),
                (b"alice:$apr1$HtSUpooi$jp.HlG1QHPMJcts90Q7l30:1::", "crypt(3)"),
                (b"alice:zgkIaxpym/GlU:1000:1000:::", "passwd(1)"),
            ],
        }.items():
            for line, says in lines:
                found = self.lint(line + b"\n", kind=kind)
                if says:
                    self.assertIn(says, found[0])
                self.assertEqual(len(found), 1 if says else 0, (line, found))
        digest = self.GOOD["htdigest"]
        twice = b"".join(
            (b"a:", digest, b"b:", digest, b"a:", digest, b"a:Other", digest[7:])
        )
        self.assertEqual(len(self.lint(twice, kind="htdigest")), 1)

    def test_passwdMode(self) -> None:
        """
        Everybody may read a passwd file, unless there is a hash in it.
        """
        self.assertEqual(self.lint(b"a:x:1:1::/:\nb:*:2:2::/:\n", 0o644, "passwd"), [])
        found = self.lint(b"a:x:1:1::/:\nb:%s:2:2::/:\n" % BCRYPT, 0o644, "passwd")
        self.assertEqual(len(found), 1)
        self.assertIn("can read it", found[0])

    def test_several(self) -> None:
        """
        Several files are looked through in turn, and one that can't be read keeps none
        from it.
        """
        first, second = self.folder / "first", self.folder / "second"
        first.write_bytes(b"alone\n")
        second.write_bytes(b":nobody\n")
        self.path.write_bytes(b"carol:" + BCRYPT + b"\n")
        for path in (first, second, self.path):
            path.chmod(0o600)
        done = self.mycred("lint", self.path, first, second)
        self.assertEqual((done.status, done.err), (1, ""))
        self.assertEqual(
            done.out,
            f"{first}:1: no colon: it holds no user\n"
            f"{second}:1: no name: it holds no user\n",
        )
        done = self.mycred("lint", first, self.folder / "none", second)
        self.assertEqual(done.status, 2)
        self.assertIn(f"mycred lint: {self.folder / 'none'}: ", done.err)
        self.assertIn(f"{second}:1: no name", done.out)
        self.assertEqual(self.mycred("lint", self.path, self.path).status, 0)

    def test_mode(self) -> None:
        """
        A file that every user can read, or even write, is reported.
        """
        for mode, says in [
            (0o604, ["read it"]),
            (0o602, ["write it"]),
            (0o606, ["read it", "write it"]),
            (0o640, []),
        ]:
            found = self.lint(b"carol:" + BCRYPT, mode)
            self.assertEqual(len(found), len(says))
            for line, text in zip(found, says):
                self.assertIn(text, line)

    def test_unreadable(self) -> None:
        """
        What can't be read is an error in one line, and nothing is said to be well.
        """
        os.mkfifo(self.folder / "fifo")
        for path in (self.folder / "none", self.folder, self.folder / "fifo"):
            self.assertUsage(self.mycred("lint", path), f"^mycred lint: {path}: ")

    def test_manyRepeated(self) -> None:
        """
        Each name that comes again is told, with the line that counts.
        """
        content = b"".join(b"u%d:%s\n" % (number, BCRYPT) for number in range(500))
        found = self.lint(content * 2)
        self.assertEqual(len(found), 500)
        for number, line in enumerate(found, 1):
            self.assertTrue(line.startswith(f"{500 + number}: "), line)
            self.assertIn(f"line {number},", line)

    def test_usage(self) -> None:
        """
        A file must be named.
        """
        self.assertUsage(self.mycred("lint"), "FILE")

    @settings(deadline=None, database=None)
    @given(strategies.binary() | strategies.text(alphabet=":\n# a${}").map(str.encode))
    def test_anyContent(self, content: bytes) -> None:
        """
        No content of a file makes it fail.
        """
        self.path.write_bytes(content)
        for kind in FILE_TYPES:
            done = self.mycred("lint", f"--type={kind}", self.path)
            self.assertIn(done.status, (0, 1))

    @settings(deadline=None, database=None)
    @given(strategies.text() | strategies.binary())
    def test_anyName(self, name: str | bytes) -> None:
        """
        What is odd about a name is told in characters that can be shown.
        """
        encoded = name if isinstance(name, bytes) else name.encode("utf-8", "replace")
        for oddity in oddities(encoded):
            self.assertTrue(oddity.isprintable())
