"""
C{python -m mycred.migrate}.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NoReturn

from ._files import decode, find, isConcerned, isPython, plainLines, write
from ._mentions import ofPlainText
from ._migration import NoPython, migrate

_DONE, _TO_DO, _TROUBLE = range(3)
# As shells have them.
_INTERRUPTED = 128 + signal.SIGINT
_PIPE_BROKEN = 128 + signal.SIGPIPE

_DESCRIPTION = """\
Migrate programs from twisted.cred and twisted.conch.checkers to mycred.

It changes imports, and the places that use a name like twisted.cred.portal; nothing
else of a file changes. It shows what it would change, as a diff that patch -p0 takes.
Names in strings, names that mycred hasn't, documentation and what a program requires
are left to a person: they are listed, with the reason, on standard error.

A directory is searched for Python: *.py, *.pyi, *.pyw, *.rpy, *.tac, and scripts whose
first line names Python. Links, hidden directories, virtual environments, build and
dist are passed over.
"""
_STATUS = """\
The exit status is 0 if there is nothing to change or all is written, 1 if there is
something to change and --write wasn't given, 2 if the command is wrong or a file can't
be read, parsed or written; all other files are done nevertheless.
"""
# A line of a setup file that requires Twisted.
_REQUIREMENT = re.compile(
    r"^[^#]*(?<![\w./-])twisted(\[[^]]*\])?\s*([\"'<>=~!;,]|$)", re.IGNORECASE
)
_SETUP_FILES = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "*requirements*.txt",
    "Pipfile",
)


class _Parser(argparse.ArgumentParser):
    """
    A parser that says in one line what is wrong.
    """

    def error(self, message: str) -> NoReturn:
        """
        End the program.
        """
        self.exit(_TROUBLE, f"{self.prog}: {message} (--help tells more)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Do what a command line says.

    @param arguments: the command line; the one of this process if L{None}.

    @return: the exit status.
    """
    parser = _Parser(
        prog="python -m mycred.migrate",
        description=_DESCRIPTION,
        epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", help="a file of Python, or a directory"
    )
    parser.add_argument("--write", action="store_true", help="change the files")
    options = parser.parse_args(arguments)
    run = _Run(options.write)
    try:
        for path in options.paths:
            run.visit(Path(path))
        run.close()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read what is printed has seen enough.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return _PIPE_BROKEN
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run.status()


class _Run:
    """
    What one command does.
    """

    def __init__(self, isWriting: bool) -> None:
        self._isWriting = isWriting
        self._seen: set[str] = set()
        self._changed = 0
        self._places = 0
        self._failed = 0
        self._python = 0
        self._requirements: list[str] = []

    def visit(self, path: Path) -> None:
        """
        Do what is to be done with a path that the user has named.
        """
        before = self._python, self._failed
        for file in find(path, self._failAt):
            # The same file may be named twice.
            name = os.path.realpath(file)
            if name not in self._seen:
                self._seen.add(name)
                self._file(file, isNamed=file == path)
            else:
                self._python += 1
        if before == (self._python, self._failed):
            self._say(f"{_shown(path)}: there is no Python in it")

    def close(self) -> None:
        """
        Say what was done.
        """
        if self._changed:
            for requirement in self._requirements:
                self._left(requirement)
        verb = "changed" if self._isWriting else "to change (--write does it)"
        counted = f"{_count(self._changed, 'file')} {verb}"
        left = f"{_count(self._places, 'place')} left to a person"
        failed = f", {_count(self._failed, 'file')} in trouble" if self._failed else ""
        self._say(f"{counted}, {left}{failed}")

    def status(self) -> int:
        """
        Return the exit status.
        """
        if self._failed:
            return _TROUBLE
        return _TO_DO if self._changed and not self._isWriting else _DONE

    def _file(self, path: Path, isNamed: bool) -> None:
        """
        Do what is to be done with a file.
        """
        try:
            if not path.is_file():
                path.stat()
                self._fail(path, "is no file and no directory")
                return
            data = path.read_bytes()
            self._require(path, data)
            if isNamed or isPython(path, data):
                self._python += 1
                # What holds nothing of the kind may be no Python, or an older one.
                if isNamed or isConcerned(data):
                    self._module(path, data)
            elif isConcerned(data):
                for number, line in enumerate(plainLines(data), 1):
                    if what := ofPlainText(line):
                        self._left(f"{_shown(path)}:{number}: {what}")
        except NoPython as error:
            self._fail(
                path, f"not migrated, since it is no Python that can be read: {error}"
            )
        except BrokenPipeError:
            raise
        except OSError as error:
            self._fail(path, error.strerror or str(error))

    def _module(self, path: Path, data: bytes) -> None:
        """
        Migrate a module.
        """
        text, encoding = decode(data)
        migrated = migrate(text)
        if migrated.text != text:
            new = migrated.text.encode(encoding)
            if self._isWriting:
                write(path, new)
                self._say(f"{_shown(path)}: changed")
            else:
                sys.stdout.flush()
                sys.stdout.buffer.writelines(_diff(_shown(path), data, new))
            self._changed += 1
        for left in migrated.left:
            self._left(f"{_shown(path)}:{left.line}: {left.reason}")

    def _require(self, path: Path, data: bytes) -> None:
        """
        Note that a file says that the program needs Twisted, and doesn't say that it
        needs mycred.
        """
        if any(fnmatch(path.name, pattern) for pattern in _SETUP_FILES):
            if b"mycred" not in data:
                for number, line in enumerate(plainLines(data), 1):
                    if _REQUIREMENT.match(line):
                        what = "the program requires mycred now, too"
                        self._requirements.append(f"{_shown(path)}:{number}: {what}")
                        return

    def _left(self, what: str) -> None:
        self._places += 1
        self._say(what)

    def _failAt(self, error: OSError) -> None:
        self._fail(error.filename or "?", error.strerror or str(error))

    def _fail(self, path: Path | str, reason: str) -> None:
        self._failed += 1
        self._say(f"{_shown(path)}: {reason}")

    def _say(self, what: str) -> None:
        print(what, file=sys.stderr, flush=True)


def _diff(name: str, old: bytes, new: bytes) -> Iterator[bytes]:
    """
    Write a unified diff.
    """
    # A name with blanks ends at a tab, for patch.
    label = (f"{name}\t" if " " in name else name).encode("utf-8", "surrogateescape")
    before, after = (re.findall(rb"[^\n]*\n|[^\n]+", data) for data in (old, new))
    for line in difflib.diff_bytes(difflib.unified_diff, before, after, label, label):
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _shown(path: Path | str) -> str:
    """
    Write a path as it can be shown on one line.
    """
    return "".join(
        c if c.isprintable() or "\ud800" <= c <= "\udfff" else "?" for c in str(path)
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


__all__ = ["main"]
