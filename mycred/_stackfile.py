"""
A stack in a file of settings: the checkers, and what stands around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import dropwhile
from pathlib import Path
from typing import Any

from twisted.python import usage

from ._argstring import Option, Options, nonEmpty, readableFile
from ._auditlog import auditOptions, makeAudit
from ._contracts import (
    ICredentialsChecker,
    InterfaceType,
    InvalidAuthArgumentString,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from ._conversations import IScramCredentials
from ._metrics import makeMetrics, metricsOptions
from ._paths import AnyPath, asPath
from ._programs import ProgramAuthOptions
from ._settingsfile import readSections
from ._stack import CheckerStack, Throttle
from ._stack._cache import cacheOptions, makeCache
from ._stack._throttleoptions import makeThrottle, throttleOptions
from ._state import openState

_Maker = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]

_stackOptions = Options(
    Option(
        "checkers",
        nonEmpty,
        "AUTH",
        "The checkers, in the order in which they are asked, each in a line of its own, "
        "as it would stand after --auth=.",
        required=True,
    ),
    Option(
        "state",
        nonEmpty,
        "URL",
        "Where the throttle counts together with other processes, such as "
        "redis://redis.example.org/0, rediss://..., postgresql://..., mysql://... or "
        "sqlite:///path; left out, this process counts alone.",
    ),
    Option(
        "state-passwordfile",
        readableFile,
        "FILE",
        "The file with the password for the state, which others can't read.",
    ),
)

#: The options, by the section in which they stand.
SECTIONS: Mapping[str, Options] = {
    "stack": _stackOptions,
    "throttle": throttleOptions,
    "cache": cacheOptions,
    "audit": auditOptions,
    "metrics": metricsOptions,
}

# The keys whose values may have several lines.
_TEXTS = ("checkers",)

# What can be guessed, and what a cache may know: the sections that are for some kinds of
# credentials, which kinds these are, and what they are called.
_GUESSABLE = (
    IUsernamePassword,
    IUsernameHashedPassword,
    IUsernameDigestHash,
    IScramCredentials,
)
_NEEDED: Mapping[str, tuple[tuple[InterfaceType, ...], str]] = {
    "throttle": (_GUESSABLE, "checks passwords, and nothing else can be guessed"),
    "cache": ((IUsernamePassword,), "checks passwords that are sent"),
}


class _CheckerOptions(usage.Options, ProgramAuthOptions):
    """
    C{--auth}, as a line of the file has it.
    """


def readStack(path: AnyPath) -> CheckerStack:
    """
    Return the stack that a file describes, as C{--auth=stack:} takes it.

    @param path: the path of the file.

    @raise InvalidAuthArgumentString: if a section or an option is unknown, missing, or
        can't take effect, a checker can't be made, or others may write the file.  The
        text has a line for each mistake, with what would be right.
    """
    return _Reading(asPath(path)).stack()


class _Reading:
    """
    A file that is read.

    @ivar _mistakes: what is wrong with it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._mistakes: list[str] = []

    def stack(self) -> CheckerStack:
        """
        Return what it describes.
        """
        given, mistakes = readSections(self._path, SECTIONS, _TEXTS)
        self._mistakes += mistakes
        stack = given.get("stack", {})
        checkers = list(self._checkers(stack.get("checkers", "")))
        if not self._mistakes:
            self._insistOnUse(given, checkers)
        # Only now, since it may open files and connections.
        self._insist()
        parts = {
            name: self._made(name, make, given[name], stack)
            for name, make in _MAKERS.items()
            if name in given
        }
        self._insist()
        return CheckerStack(checkers, **parts)

    def _checkers(self, text: str) -> Iterator[ICredentialsChecker]:
        """
        Make the checkers.
        """
        seen = set()
        for number, description in self._numbered(text):
            options = _CheckerOptions()
            authType = description.partition(":")[0]
            try:
                if description in seen:
                    raise usage.UsageError(f"{authType}: it is there twice")
                if authType == CheckerStack.authType:
                    raise usage.UsageError("a stack can't stand in a stack")
                options.opt_auth(description)
                yield from options["credCheckers"]
            except usage.UsageError as error:
                said = str(error).removeprefix("--auth=")
                self._mistakes.append(f"line {number}: {said}")
            seen.add(description)

    def _numbered(self, text: str) -> Iterator[tuple[int, str]]:
        """
        Return the descriptions of checkers, each with the number of its line.
        """
        lines = enumerate(Path(self._path).read_text("utf-8-sig").split("\n"), 1)
        below = dropwhile(lambda line: _keyOf(line[1]) != "checkers", lines)
        for description in filter(None, map(str.strip, text.split("\n"))):
            for number, line in below:
                if description in (line.strip(), line.partition("=")[2].strip()):
                    yield number, description
                    break

    def _insistOnUse(
        self, given: Mapping[str, Any], checkers: list[ICredentialsChecker]
    ) -> None:
        """
        Insist that what stands around the checkers can take effect.
        """
        checked = {i for checker in checkers for i in checker.credentialInterfaces}
        for section, (interfaces, what) in _NEEDED.items():
            if section in given and checked.isdisjoint(interfaces):
                self._mistakes.append(f"[{section}] none of the checkers {what}")
        if "throttle" not in given:
            self._mistakes += [
                f"[stack] {key}: without [throttle] nothing is counted"
                for key in ("state", "state-passwordfile")
                if key in given["stack"]
            ]

    def _made(self, section: str, make: _Maker, *given: Mapping[str, Any]) -> Any:
        """
        Return what a section describes.
        """
        try:
            return make(*given)
        except (ValueError, InvalidAuthArgumentString) as error:
            self._mistakes.append(f"[{section}] {error}")
            return None

    def _insist(self) -> None:
        """
        Insist that there is no mistake.
        """
        if self._mistakes:
            raise InvalidAuthArgumentString(
                "\n".join(f"{self._path}: {mistake}" for mistake in self._mistakes)
            )


def _keyOf(line: str) -> str:
    """
    Return the key that begins a line, as a file of settings has it.
    """
    return line.partition("=")[0].strip().lower()


def _throttleOf(given: Mapping[str, Any], stack: Mapping[str, Any]) -> Throttle:
    """
    Return the throttle, with the state that the section of the stack names.
    """
    state = openState(stack.get("state"), stack.get("state-passwordfile"))
    return makeThrottle(given, state)


# What makes the parts of a stack of the options in their section, and in that of the
# stack.
_MAKERS: Mapping[str, _Maker] = {
    "throttle": _throttleOf,
    "cache": lambda given, _: makeCache(given),
    "audit": lambda given, _: makeAudit(given),
    "metrics": lambda given, _: makeMetrics(given),
}


__all__ = ["SECTIONS", "readStack"]
