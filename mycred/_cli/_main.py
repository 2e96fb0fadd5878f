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
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from .. import __version__
from .._hashes import MAKERS
from ._errors import TROUBLE, Trouble, tell, worded

# The exit statuses of what a signal ends, as shells have them.
_INTERRUPTED = 128 + signal.SIGINT
_PIPE_BROKEN = 128 + signal.SIGPIPE

# What C{mycred lint} knows, without having it imported.
_FILE_TYPES = ("htpasswd", "file", "htdigest", "passwd")


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
        _dropOutput()
        return _PIPE_BROKEN
    except OSError as error:
        trouble = worded(error)
    except MemoryError:
        trouble = "there is not enough memory"
    except KeyboardInterrupt:
        return _INTERRUPTED
    else:
        return status
    tell(options.command, trouble)
    _dropOutput()
    return TROUBLE


def _dropOutput() -> None:
    """
    Drop what can't be written: Python would try once more at its end, and end with a
    status of its own.
    """
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


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
    parser = _Parser(prog="mycred", description="Manage password files and try logins.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    _describePasswd(commands.add_parser("passwd", help="set a user's password in a file"))
    _describeLint(commands.add_parser("lint", help="list what is odd in password files"))
    _describeCheck(commands.add_parser("check", help="try a login, as a server does"))
    types = commands.add_parser("types", help="list what --auth knows")
    types.description = (
        "List the auth types, which are what --auth= begins with, and the interfaces of "
        "the credentials that each checks."
    )
    types.epilog = "Example: mycred types htpasswd"
    types.add_argument("type", metavar="TYPE", nargs="?", help="explain this one")
    return parser


def _describePasswd(parser: argparse.ArgumentParser) -> None:
    """
    Describe C{mycred passwd}.
    """
    parser.description = (
        "Set a user's password in an htpasswd file, as --auth=htpasswd: reads it. You "
        "are asked for the password, twice. A user who isn't in the file is added; a "
        "file that isn't there is made, and only its owner can read it."
    )
    parser.epilog = "Example: mycred passwd /etc/myapp/htpasswd alice"
    parser.add_argument("file", metavar="FILE", help="the htpasswd file")
    parser.add_argument("user", metavar="USER", help="the user's name")
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--delete", action="store_true", help="remove the user")
    task.add_argument(
        "--verify",
        action="store_true",
        help="ask for the password, and say whether it is right; the status is 1 if it "
        "isn't",
    )
    parser.add_argument(
        "--stdin",
        action="store_true",
        help="read the password from standard input, a line of it",
    )
    parser.add_argument(
        "--scheme",
        choices=MAKERS,
        help="how to hash the password: bcrypt, if not given, or sha512, which other "
        "servers read too, or argon2id, which most of them don't",
    )
    parser.add_argument(
        "--cost",
        type=_number,
        help="how much work a hash is; with "
        + "; with ".join(
            f"{name} {maker.meaning}, {maker.costs[0]} to {maker.costs[-1]} "
            f"({maker.usualCost} if not given)"
            for name, maker in MAKERS.items()
        ),
    )


def _describeLint(parser: argparse.ArgumentParser) -> None:
    """
    Describe C{mycred lint}.
    """
    parser.description = (
        "List what is odd in password files, with file and line: names that come again "
        "or that nobody can type, hashes that match nothing or are weak, and files that "
        "everybody can read. The status is 0 if nothing is odd, 1 if something is, 2 if "
        "a file can't be read."
    )
    parser.epilog = "Example: mycred lint /etc/myapp/htpasswd"
    parser.add_argument("file", metavar="FILE", nargs="+", help="a password file")
    parser.add_argument(
        "--type",
        choices=_FILE_TYPES,
        default="htpasswd",
        help="the auth type that reads the files: htpasswd, if not given; passwd reads "
        "those of passwd(5) and shadow(5)",
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
        "Try a login just as a server with the same --auth would, and say what each "
        "checker decided. You are asked for the password. The status is 0 if the user "
        "gets in, 1 if they don't, 75 if that can't be told now."
    )
    parser.epilog = "Example: mycred check --auth=htpasswd:/etc/myapp/htpasswd alice"
    parser.add_argument("user", metavar="USER", help="the user's name")
    parser.add_argument(
        "--auth",
        metavar="TYPE[:ARGS]",
        action="append",
        required=True,
        help="where the accounts are, written as for the server; give it several times "
        'to have several asked in turn ("mycred types" lists the types)',
    )
    parser.add_argument(
        "--stdin",
        action="store_true",
        help="read the password from standard input, a line of it",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="show each step, where a login takes several (ldap), and its time",
    )


__all__ = ["main"]
