"""
The command line of C{mycred}, and who does what it says.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from .. import __version__
from .._hashes import MAKERS
from ._trouble import TROUBLE, Trouble

# The exit statuses of what a signal ends, as shells have them.
_INTERRUPTED = 128 + signal.SIGINT
_PIPE_BROKEN = 128 + signal.SIGPIPE


class _Parser(argparse.ArgumentParser):
    """
    A parser that says in one line what is wrong.
    """

    def error(self, message: str) -> NoReturn:
        """
        End the program.
        """
        self.exit(TROUBLE, f"{self.prog}: {message} (--help tells more)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Do what a command line says.

    @param arguments: the command line; the one of this process if L{None}.

    @return: the exit status.
    """
    _openAll()
    options = _parser().parse_args(arguments)
    try:
        # Each command needs little of mycred, and waits for no more to be imported.
        command = import_module(f"{__package__}._{options.command}")
        status: int = command.run(options)
        sys.stdout.flush()
    except Trouble as error:
        trouble = str(error)
    except BrokenPipeError:
        # Whoever read what is printed has seen enough.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return _PIPE_BROKEN
    except OSError as error:
        named = error.filename is not None
        trouble = f"{error.filename}: {error.strerror}" if named else str(error)
    except MemoryError:
        trouble = "there is not enough memory"
    except KeyboardInterrupt:
        return _INTERRUPTED
    else:
        return status
    with suppress(OSError):
        print(f"mycred {options.command}: {trouble}", file=sys.stderr, flush=True)
    return TROUBLE


def _openAll() -> None:
    """
    Put something in the place of standard streams that are closed, and have the
    others show names of files that aren't text.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")


def _parser() -> argparse.ArgumentParser:
    """
    Describe the command line.
    """
    parser = _Parser(prog="mycred", description="Look after logins.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    _describePasswd(commands.add_parser("passwd", help="set a password in a file"))
    lint = commands.add_parser("lint", help="tell what is odd about a password file")
    lint.description = (
        "Tell what is odd about an htpasswd file, a line for each: names that come "
        "again, hashes that match nothing or are weak, and who can read the file. "
        "The status is 1 if there is anything."
    )
    lint.add_argument("file", metavar="FILE", help="the file")
    _describeCheck(commands.add_parser("check", help="try a login, as a server does"))
    types = commands.add_parser("types", help="list what --auth knows")
    types.description = "List the auth types, with the credentials that each checks."
    types.add_argument("type", metavar="TYPE", nargs="?", help="explain this one")
    return parser


def _describePasswd(parser: argparse.ArgumentParser) -> None:
    """
    Describe C{mycred passwd}.
    """
    parser.description = (
        "Set the password of a user in an htpasswd file. It is asked for, twice. The "
        "file is made if there is none, for its owner's eyes only."
    )
    parser.add_argument("file", metavar="FILE", help="the file")
    parser.add_argument("user", metavar="USER", help="the name of the user")
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--delete", action="store_true", help="remove the user instead")
    task.add_argument(
        "--verify",
        action="store_true",
        help="hold a password against the file instead; the status is 1 if it is wrong",
    )
    parser.add_argument(
        "--stdin", action="store_true", help="read the password from standard input"
    )
    parser.add_argument(
        "--scheme",
        choices=MAKERS,
        help="how to hash it (bcrypt if not given; servers other than mycred mostly "
        "don't know argon2id)",
    )
    parser.add_argument(
        "--cost",
        type=_number,
        help="; ".join(
            f"{name}: {maker.meaning}, {maker.costs[0]} to {maker.costs[-1]} "
            f"({maker.usualCost} if not given)"
            for name, maker in MAKERS.items()
        ),
    )


def _number(text: str) -> int:
    """
    Read a number.
    """
    if not re.fullmatch("[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def _describeCheck(parser: argparse.ArgumentParser) -> None:
    """
    Describe C{mycred check}.
    """
    parser.description = (
        "Try a login just as a server with the same --auth would, and tell who "
        "decided. The status is 0 if the user gets in, 1 if not, 75 if that can't be "
        "told now."
    )
    parser.add_argument("user", metavar="USER", help="the name of the user")
    parser.add_argument(
        "--auth",
        metavar="TYPE[:ARGS]",
        action="append",
        required=True,
        help="where the accounts are, as for the server; several are asked in turn "
        '("mycred types" lists the types)',
    )
    parser.add_argument(
        "--stdin", action="store_true", help="read the password from standard input"
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="tell each step, where a checker knows of several (ldap), and its time",
    )


__all__ = ["main"]
