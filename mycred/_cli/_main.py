"""
The command line of C{mycred}.
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
from ._errors import ERROR_STATUS, CommandError, messageOf, printError

# The exit statuses of what a signal ends, as shells have them.
_INTERRUPTED = 128 + signal.SIGINT
_PIPE_BROKEN = 128 + signal.SIGPIPE

# What C{mycred lint} knows: its module isn't imported for other commands.
_FILE_TYPES = ("htpasswd", "file", "htdigest", "passwd")


class _Parser(argparse.ArgumentParser):
    """
    A parser whose errors are one line.
    """

    def error(self, message: str) -> NoReturn:
        """
        Print an error, and end the program.
        """
        self.exit(ERROR_STATUS, f"{self.prog}: {message} (--help tells more)\n")


class _Alone(argparse.Action):
    """
    An option with which positional arguments, its C{const}, aren't required.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option: str | None = None,
    ) -> None:
        """
        Note that the option was given.
        """
        setattr(namespace, self.dest, True)
        for argument in self.const:
            argument.required = False


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command that a command line names.

    @param arguments: the command line; the one of this process if L{None}.

    @return: the exit status.
    """
    _openAll()
    options = _parser().parse_args(arguments)
    try:
        # Only what the command needs is imported, since it takes time.
        command = import_module(f"{__package__}._{options.command}")
        status: int = command.run(options)
        sys.stdout.flush()
    except CommandError as error:
        message = str(error)
    except BrokenPipeError:
        # The program that read the output has ended.
        _dropOutput()
        return _PIPE_BROKEN
    except OSError as error:
        message = messageOf(error)
    except MemoryError:
        message = "there is not enough memory"
    except KeyboardInterrupt:
        return _INTERRUPTED
    else:
        return status
    printError(options.command, message)
    _dropOutput()
    return ERROR_STATUS


def _dropOutput() -> None:
    """
    Drop output that can't be written: Python would try again at its end, and then exit
    with another status.
    """
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _openAll() -> None:
    """
    Replace standard streams that are closed, and have the others show paths that aren't
    text.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")


def _parser() -> argparse.ArgumentParser:
    """
    Return the parser of the command line.
    """
    parser = _Parser(prog="mycred", description="Manage password files and try logins.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    _addPasswdOptions(
        commands.add_parser(
            "passwd", help="set a user's password in a file, or print a hash"
        )
    )
    _addLintOptions(
        commands.add_parser("lint", help="list what is odd in password files")
    )
    _addCheckOptions(commands.add_parser("check", help="try a login, as a server does"))
    types = commands.add_parser("types", help="list the auth types")
    types.description = (
        "List the auth types that --auth takes, and the interfaces of the credentials "
        "that each checks."
    )
    types.epilog = "Example: mycred types htpasswd"
    types.add_argument("type", metavar="TYPE", nargs="?", help="the auth type to explain")
    return parser


def _addPasswdOptions(parser: argparse.ArgumentParser) -> None:
    """
    Add the options of C{mycred passwd}.
    """
    parser.description = (
        "Set a user's password in an htpasswd file, as --auth=htpasswd: reads it. You "
        "are asked for the password, twice. A user who isn't in the file is added; a "
        "file that isn't there is made, and only its owner can read it. --print, without "
        "FILE and USER, prints the hash instead, for an account in a database."
    )
    parser.epilog = (
        "Examples: mycred passwd /etc/myapp/htpasswd alice; mycred passwd --print"
    )
    file = parser.add_argument("file", metavar="FILE", help="the htpasswd file")
    user = parser.add_argument("user", metavar="USER", help="the user's name")
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--delete", action="store_true", help="remove the user")
    task.add_argument(
        "--verify",
        action="store_true",
        help="ask for the password, and print whether it is right; the status is 1 if "
        "it isn't",
    )
    task.add_argument(
        "--print",
        action=_Alone,
        nargs=0,
        default=False,
        const=(file, user),
        help="print what would be stored, and change no file",
    )
    _addStdinOption(parser)
    parser.add_argument(
        "--scheme",
        choices=MAKERS,
        help="how to hash the password: bcrypt (the default) or sha512, which other "
        "servers know too, or argon2id, which most of them don't; scram-sha-256 or "
        "scram-sha-1, which Dovecot knows too, let mail programs log in without sending "
        "the password",
    )
    parser.add_argument(
        "--cost",
        type=_number,
        help="how much work it is to compute the hash; for "
        + "; for ".join(
            f"{name} {maker.meaning}, {maker.costs[0]} to {maker.costs[-1]} "
            f"(default {maker.usualCost})"
            for name, maker in MAKERS.items()
        ),
    )


def _addStdinOption(parser: argparse.ArgumentParser) -> None:
    """
    Add the option C{--stdin}, which two commands have.
    """
    parser.add_argument(
        "--stdin",
        action="store_true",
        help="read the password from standard input, one line",
    )


def _addLintOptions(parser: argparse.ArgumentParser) -> None:
    """
    Add the options of C{mycred lint}.
    """
    parser.description = (
        "List what is odd in password files, with file and line: names that are repeated "
        "or can't be typed, hashes that match nothing or are weak, and files that every "
        "user of the machine can read. The status is 0 if nothing is odd, 1 if something "
        "is, 2 if a file can't be read."
    )
    parser.epilog = "Example: mycred lint /etc/myapp/htpasswd"
    parser.add_argument("file", metavar="FILE", nargs="+", help="a password file")
    parser.add_argument(
        "--type",
        choices=_FILE_TYPES,
        default="htpasswd",
        help="the auth type that reads the files (default htpasswd); passwd is for those "
        "of passwd(5) and shadow(5)",
    )


def _number(text: str) -> int:
    """
    Parse a number.
    """
    if not re.fullmatch("[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


def _addCheckOptions(parser: argparse.ArgumentParser) -> None:
    """
    Add the options of C{mycred check}.
    """
    parser.description = (
        "Try a login just as a server with the same --auth would, and say what each "
        "checker decided. You are asked for the password. The status is 0 if the user is "
        "accepted, 1 if they are refused, 75 if that can't be found out now."
    )
    parser.epilog = "Example: mycred check --auth=htpasswd:/etc/myapp/htpasswd alice"
    parser.add_argument("user", metavar="USER", help="the user's name")
    parser.add_argument(
        "--auth",
        metavar="TYPE[:ARGS]",
        action="append",
        required=True,
        help="where the accounts are, written as for the server; if it is given several "
        'times, the checkers are asked in turn ("mycred types" lists the types)',
    )
    _addStdinOption(parser)
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="print each step and its time, where a login takes several (ldap, sql), and "
        "what a stack would do",
    )


__all__ = ["main"]
