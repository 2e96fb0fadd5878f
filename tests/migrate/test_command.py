"""
Tests for C{python -m mycred.migrate}, L{mycred.migrate} and L{mycred._migrate._files}.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import mycred
from mycred._migrate import _files
from mycred._migrate._files import decode
from mycred.migrate import NoPython, main, migrate

ROOT = Path(mycred.__file__).parents[1]
OLD = "from twisted.cred.portal import Portal\n"
NEW = "from mycred.portal import Portal\n"


class CommandTests(SynchronousTestCase):
    """
    Tests with files.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir(parents=True)

    def put(self, name: str, content: str | bytes = OLD) -> Path:
        """
        Make a file.
        """
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run_(self, *arguments: str | Path, status: int) -> tuple[str, str]:
        """
        Run the command in the folder.

        @return: what it wrote to standard output and standard error.
        """
        done = subprocess.run(
            [sys.executable, "-m", "mycred.migrate", *map(str, arguments)],
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode()
        self.assertEqual(done.returncode, status, out + err)
        self.assertNotIn("Traceback", err)
        return out, err

    def test_diff(self) -> None:
        """
        Without C{--write} a diff is shown, nothing is changed, and the status is 1.
        """
        path = self.put("a b.py", f"x = 1\n{OLD}")
        out, err = self.run_("a b.py", status=1)
        self.assertEqual(
            out,
            f"--- a b.py\t\n+++ a b.py\t\n@@ -1,2 +1,2 @@\n x = 1\n-{OLD}+{NEW}",
        )
        self.assertEqual(
            err, "1 file to change (--write does it), 0 places left to a person\n"
        )
        self.assertEqual(path.read_text(), f"x = 1\n{OLD}")

    def test_patch(self) -> None:
        """
        C{patch -p0} makes of the diff what C{--write} makes.
        """
        if shutil.which("patch") is None:
            raise SkipTest("this takes the program patch (Debian: patch)")
        # Without an end of line, with others, in another encoding.
        contents = {
            "sub/a.py": f"import os\n{OLD}x = 1".encode(),
            "sub/b.py": f"import os\r\n{OLD}x = 1\r\n".replace("\r", "").encode(),
            "sub/c.py": f"# coding: latin-1\n{OLD}x = 'é'\n".encode("latin-1"),
        }
        for name, content in contents.items():
            self.put(name, content)
        out = subprocess.run(
            [sys.executable, "-m", "mycred.migrate", "sub"],
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ).stdout
        subprocess.run(["patch", "-p0", "-s"], input=out, cwd=self.folder, check=True)
        for name, content in contents.items():
            self.assertEqual(
                (self.folder / name).read_bytes(),
                content.replace(OLD.encode(), NEW.encode()),
            )

    def test_write(self) -> None:
        """
        With C{--write} files are changed; the status is 0, and again afterwards.
        """
        contents = {
            "crlf.py": f"x\n{OLD}".replace("\n", "\r\n").encode(),
            "bom.py": f"\ufeff{OLD}".encode(),
            "latin.py": f"#!/usr/bin/python\n# coding: latin-1\n{OLD}'é'\n".encode(
                "latin-1"
            ),
            "shift.tac": f"# -*- coding: shift_jis -*-\n{OLD}'日本'\n".encode(
                "shift_jis"
            ),
            "ff.rpy": f"\f\n{OLD}\x0c\nx = '\x85\u2028'".encode(),
        }
        for name, content in contents.items():
            self.put(name, content)
        out, err = self.run_("--write", ".", status=0)
        self.assertEqual(out, "")
        self.assertIn("5 files changed", err)
        for name, content in contents.items():
            expected = content.replace(b"twisted.cred", b"mycred")
            self.assertEqual((self.folder / name).read_bytes(), expected)
        self.assertEqual({p.name for p in self.folder.iterdir()}, set(contents))
        _, err = self.run_("--write", ".", status=0)
        self.assertIn("0 files changed", err)
        self.run_(".", status=0)

    def test_modeAndLink(self) -> None:
        """
        A file keeps its mode, and a link stays a link to it.
        """
        path = self.put("real/script", f"#!/usr/bin/env python3\n{OLD}")
        path.chmod(0o751)
        link = self.folder / "link"
        link.symlink_to("real/script")
        self.run_("--write", "link", "real", status=0)
        self.assertTrue(link.is_symlink())
        self.assertIn(NEW, path.read_text())
        self.assertEqual(path.stat().st_mode & 0o7777, 0o751)

    def test_which(self) -> None:
        """
        In directories all that is Python is found, and nothing of what was installed or
        built there, or what links lead to.
        """
        there = ["a.py", "s/b.tac", "s/c.rpy", "s/d.pyi", "s/e.pyw", "s/build/f.py"]
        for name in (
            *there,
            ".git/a.py",
            ".tox/a.py",
            "venv/lib/a.py",
            "build/lib/a.py",
            "dist/a.py",
            "x.egg-info/a.py",
            "s/__pycache__/a.py",
            "s/node_modules/a.py",
            "s/noscript",
        ):
            self.put(name)
        self.put("venv/pyvenv.cfg", "")
        self.put("setup.py", "")
        self.put("bin/script", f"#!/usr/bin/env -S python3 -u\n{OLD}")
        self.put("bin/shell", f"#!/bin/sh\n# python\n{OLD}")
        elsewhere = self.folder / "elsewhere"
        self.put("elsewhere/z.py")
        for name in ("to", "s/to"):
            (self.folder / name).symlink_to(elsewhere)
        (self.folder / "s" / "link.py").symlink_to(elsewhere / "z.py")
        out, _ = self.run_(".", status=1)
        changed = [line[4:] for line in out.splitlines() if line.startswith("+++ ")]
        self.assertEqual(
            sorted(changed), sorted([*there, "bin/script", "elsewhere/z.py"])
        )

    def test_trouble(self) -> None:
        """
        What can't be read as Python is told, with why, and all else is done; the status
        is 2.
        """
        for name, content, reason in (
            ("py2.py", f"{OLD}print 1\n", "line 2: Missing parentheses"),
            ("rot.py", f"# coding: rot13\n{OLD}", "rot13"),
            ("none.py", f"# coding: nothing\n{OLD}", "unknown encoding"),
            ("bytes.py", OLD.encode() + b"'\xe9'", "utf-8"),
            ("nul.py", f"{OLD}\0", ""),
            ("deep.py", OLD + "(" * 5000, ""),
        ):
            path = self.put(name, content)
            _, err = self.run_("--write", ".", status=2)
            [line] = [line for line in err.splitlines() if line.startswith(name)]
            self.assertIn("not migrated, since Python 3.", line)
            self.assertIn(reason, line)
            self.assertEqual(
                path.read_bytes(),
                content if isinstance(content, bytes) else content.encode(),
            )
            path.unlink()
            self.put("py2/unconcerned.py", "print 1\n")
            fine = self.put("z.py")
            self.run_("--write", ".", status=0)
            self.assertEqual(fine.read_text(), NEW)

    def test_wrongUse(self) -> None:
        """
        Wrong use is told.
        """
        os.mkfifo(self.folder / "pipe")
        (self.folder / "empty").mkdir()
        for arguments, reason in (
            ([], "PATH"),
            (["--wirte", "."], "--wirte"),
            (["nowhere"], "nowhere: No such file or directory"),
            (["nowhere/at/all"], "nowhere/at/all: No such file or directory"),
            (["pipe"], "pipe: is no file and no directory"),
        ):
            _, err = self.run_(*arguments, status=2)
            self.assertIn(reason, err)
        _, err = self.run_("empty", status=0)
        self.assertIn("0 files to change", err)
        self.put("z.py")
        out, _ = self.run_("nowhere", "z.py", status=2)
        self.assertIn(NEW, out)
        out, _ = self.run_("--help", status=0)
        self.assertIn("exit status is 0", out)

    def test_unreadableDirectory(self) -> None:
        """
        A directory that can't be read is told, and the others are done.
        """
        self.put("a/x.py")
        self.put("b/x.py")
        scandir = os.scandir

        def fail(path: str) -> object:
            if str(path).endswith("a"):
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        self.patch(os, "scandir", fail)
        errors: list[OSError] = []
        found = list(_files.find(self.folder, errors.append))
        self.assertEqual(found, [self.folder / "b" / "x.py"])
        [error] = errors
        self.assertEqual(error.filename, str(self.folder / "a"))

    def test_notWritten(self) -> None:
        """
        A file that can't be written is told, and the others are done.
        """
        path = self.put("a.py")
        other = self.put("b.py")
        write = Path.write_bytes

        def fail(self: Path, data: bytes) -> int:
            if self.name == "a.py":
                raise PermissionError(13, "Permission denied")
            return write(self, data)

        self.patch(Path, "write_bytes", fail)
        messages = io.StringIO()
        with redirect_stderr(messages):
            self.assertEqual(main(["--write", str(self.folder)]), 2)
        self.assertIn("a.py: Permission denied\n", messages.getvalue())
        self.assertIn("1 file changed", messages.getvalue())
        self.assertEqual((path.read_text(), other.read_text()), (OLD, NEW))

    def test_left(self) -> None:
        """
        Documentation and other files that name what was migrated are listed by line, as
        is where a program says that it requires Twisted.
        """
        self.put("a.py", f'{OLD}patch("twisted.cred.portal.Portal")\n')
        self.put("doc.rst", "Use\n``twisted.cred.portal``.\n``twisted.cred.error``\n")
        self.put("blob", b"\0twisted.cred.portal")
        self.put("setup.cfg", "[x]\ninstall_requires =\n    Twisted[tls] >= 20\n")
        self.put("pyproject.toml", 'dependencies = ["mycred", "twisted"]\n')
        self.put("sub/requirements-dev.txt", "# twisted\nzope\ntwisted\n")
        _, err = self.run_(".", status=1)
        self.assertEqual(
            [line.partition(": ")[0] for line in err.splitlines()[:-1]],
            ["a.py:2", "doc.rst:2", "setup.cfg:3", "sub/requirements-dev.txt:3"],
        )
        self.assertIn("4 places left to a person", err)
        self.run_("--write", ".", status=0)
        _, err = self.run_(".", status=0)
        self.assertIn("2 places", err)

    def test_closedPipe(self) -> None:
        """
        Whoever reads the diff may stop reading.
        """
        for number in range(300):
            self.put(f"{number}.py", OLD * 50)
        with subprocess.Popen(
            [sys.executable, "-m", "mycred.migrate", "."],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as program:
            assert program.stdout is not None and program.stderr is not None
            program.stdout.close()
            self.assertEqual(program.stderr.read(), b"")

    def test_fullDisk(self) -> None:
        """
        If the diff can't be written, that is told, and no traceback.
        """
        self.put("a.py", OLD)
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
            with open("/dev/full", "w") as full:
                done = subprocess.run(
                    [sys.executable, "-m", "mycred.migrate", "."],
                    stdout=full,
                    stderr=subprocess.PIPE,
                    cwd=self.folder,
                    env={**environment, **variables},
                )
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"No space left", done.stderr)
            self.assertNotIn(b"Traceback", done.stderr)


class DecodeTests(SynchronousTestCase):
    """
    Tests for reading files.
    """

    @settings(deadline=None, database=None)
    @given(
        st.one_of(
            st.binary(),
            st.builds(
                lambda codec, rest: b"# coding: %b\n" % codec + rest,
                st.sampled_from(
                    b"latin-1 utf-16 utf-7 rot13 hex idna punycode undefined zlib "
                    b"unicode_escape raw_unicode_escape iso2022_jp hz cp037 mbcs".split()
                ),
                st.one_of(st.binary(), st.just(OLD.encode())),
            ),
        )
    )
    def test_hostile(self, data: bytes) -> None:
        """
        Any bytes are read so that they can be written again, or refused with the one
        error.
        """
        try:
            text, encoding = decode(data)
            self.assertEqual(text.encode(encoding), data)
            migrate(text).text.encode(encoding)
        except NoPython as error:
            self.assertTrue(str(error))
