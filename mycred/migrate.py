"""
Migrate a program from C{twisted.cred} to mycred: C{python -m mycred.migrate PATH...}.

It changes imports, and the places that use what C{import twisted.cred.portal} binds,
and shows what it would change; C{--write} changes it.  Places that only a person can
judge, such as a name in a string, are listed.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ._migrate._files import decode, find, isConcerned, isPython, plainLines, requirement
from ._migrate._mentions import inText
from ._migrate._migration import Left, Migrated, NoPython, migrate

_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
_DONE, _TO_DO, _TROUBLE = range(3)
# As shells have it.
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


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command.

    @param arguments: the command line; the one of this process if L{None}.

    @return: the exit status.
    """
    parser = argparse.ArgumentParser(
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
    except OSError as error:
        # The output can't be written, and Python would try again at its exit.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        if isinstance(error, BrokenPipeError):
            # The reader of the output has ended.
            return _PIPE_BROKEN
        parser.exit(2, f"{parser.prog}: {error.strerror}\n")
    return run.status()


class _Run:
    """
    One run of the command.
    """

    def __init__(self, isWriting: bool) -> None:
        self._isWriting = isWriting
        self._changed = 0
        self._places = 0
        self._failed = 0
        self._requirements: list[tuple[Path, int]] = []

    def visit(self, path: Path) -> None:
        """
        Migrate a path that the user has given.
        """
        for file in find(path, self._failAt):
            try:
                self._file(file, isNamed=file == path)
            except NoPython as error:
                self._fail(file, f"not migrated, since {_PYTHON} can't parse it: {error}")
            except BrokenPipeError:
                raise
            except OSError as error:
                self._failAt(error, file)

    def close(self) -> None:
        """
        Print what was done.
        """
        if self._changed:
            for path, line in self._requirements:
                self._left(path, line, "the program requires mycred now, too")
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
        Migrate a file, or list what it mentions.
        """
        if not path.is_file():
            path.stat()
            self._fail(path, "is no file and no directory")
            return
        data = path.read_bytes()
        if line := requirement(path, data):
            self._requirements.append((path, line))
        # A file that names nothing of Twisted's may be no Python, or an older one.
        if isConcerned(data) and (isNamed or isPython(path, data)):
            self._module(path, data)
        elif isConcerned(data):
            for line, what in inText(plainLines(data)):
                self._left(path, line, what)

    def _module(self, path: Path, data: bytes) -> None:
        """
        Migrate a module.
        """
        text, encoding = decode(data)
        migrated = migrate(text)
        if migrated.text != text:
            new = migrated.text.encode(encoding)
            if self._isWriting:
                path.write_bytes(new)
                self._say(f"{_shown(path)}: changed")
            else:
                sys.stdout.flush()
                sys.stdout.buffer.writelines(_diff(_shown(path), data, new))
            self._changed += 1
        for left in migrated.left:
            self._left(path, left.line, left.reason)

    def _left(self, path: Path, line: int, what: str) -> None:
        self._places += 1
        self._say(f"{_shown(path)}:{line}: {what}")

    def _failAt(self, error: OSError, path: Path | None = None) -> None:
        self._fail(path or error.filename, error.strerror or str(error))

    def _fail(self, path: Path | str, reason: str) -> None:
        self._failed += 1
        self._say(f"{_shown(path)}: {reason}")

    def _say(self, what: str) -> None:
        print(what, file=sys.stderr, flush=True)


def _diff(name: str, old: bytes, new: bytes) -> Iterator[bytes]:
    """
    Yield the lines of a unified diff.
    """
    # A name with blanks ends at a tab, for patch.
    label = (f"{name}\t" if " " in name else name).encode("utf-8", "surrogateescape")
    before, after = (re.findall(rb"[^\n]*\n|[^\n]+", data) for data in (old, new))
    for line in difflib.diff_bytes(difflib.unified_diff, before, after, label, label):
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _shown(path: Path | str) -> str:
    """
    Return a path as it can be shown on one line.
    """
    return "".join(
        c if c.isprintable() or "\ud800" <= c <= "\udfff" else "?" for c in str(path)
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


__all__ = ["Left", "Migrated", "NoPython", "main", "migrate"]

if __name__ == "__main__":
    raise SystemExit(main())
