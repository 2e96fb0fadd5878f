"""
A stack in a file of settings: the checkers, and what stands around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.python import usage

from ._argstring import Option, Options, WrongSettings, nonEmpty, readableFile
from ._auditlog import auditOptions, makeAudit
from ._contracts import (
    ICredentialsChecker,
    InterfaceType,
    InvalidAuthArgumentString,
    IUsernamePassword,
)
from ._inifile import Line
from ._metrics import makeMetrics, metricsOptions
from ._paths import AnyPath, asPath
from ._programs import ProgramAuthOptions
from ._settingsfile import readSections, shownMistake
from ._stack import (
    GUESSABLE,
    CheckerStack,
    Throttle,
    cacheOptions,
    makeCache,
    makeThrottle,
    throttleOptions,
)
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

# The section that must be there.
_STACK = "stack"

#: The options, by the section in which they stand.
SECTIONS: Mapping[str, Options] = {
    _STACK: _stackOptions,
    "throttle": throttleOptions,
    "cache": cacheOptions,
    "audit": auditOptions,
    "metrics": metricsOptions,
}

# The keys whose values may have several lines.
_TEXTS = ("checkers",)

# The sections that are for some kinds of credentials, which kinds these are, and what
# they are called.
_NEEDED: Mapping[str, tuple[tuple[InterfaceType, ...], str]] = {
    "throttle": (GUESSABLE, "checks passwords, and nothing else can be guessed"),
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

    @ivar _mistakes: what is wrong with it, with the numbers of lines.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            settings = readSections(path, SECTIONS, _TEXTS)
        except ValueError as error:
            raise WrongSettings(f"{path}: {error}") from None
        self._given, self._mistakes = settings.values, settings.mistakes
        self._sections = settings.file.sections

    def stack(self) -> CheckerStack:
        """
        Return the stack that it describes.
        """
        checkers = list(self._checkers())
        if not self._mistakes:
            self._insistOnUse(checkers)
        # Only now, since it may open files and connections.
        self._insist()
        given, stack = self._given, self._given[_STACK]
        parts = {
            name: self._made(name, make, given[name], stack)
            for name, make in _MAKERS.items()
            if name in given
        }
        self._insist()
        return CheckerStack(checkers, **parts)

    def _checkers(self) -> Iterator[ICredentialsChecker]:
        """
        Make the checkers.
        """
        seen = set()
        for number, description in self._descriptions():
            options = _CheckerOptions()
            authType = description.partition(":")[0]
            try:
                if "=" in authType:
                    raise usage.UsageError(
                        "a line that begins with a space goes on with checkers=; begin "
                        "one with another key without a space"
                    )
                if description in seen:
                    raise usage.UsageError(f"{authType}: it is there twice")
                if authType == CheckerStack.authType:
                    raise usage.UsageError("a stack can't stand in a stack")
                options.opt_auth(description)
                yield from options["credCheckers"]
            except usage.UsageError as error:
                said = str(error).removeprefix("--auth=")
                self._mistakes.append(Line(number, said))
            seen.add(description)

    def _descriptions(self) -> list[Line]:
        """
        Return the descriptions of checkers, each in a line of its own.
        """
        entries = self._sections[_STACK].entries if _STACK in self._sections else {}
        return entries["checkers"].lines if "checkers" in entries else []

    def _insistOnUse(self, checkers: list[ICredentialsChecker]) -> None:
        """
        Insist that what stands around the checkers can take effect.
        """
        checked = {i for checker in checkers for i in checker.credentialInterfaces}
        for section, (interfaces, what) in _NEEDED.items():
            if section in self._given and checked.isdisjoint(interfaces):
                self._note(section, f"none of the checkers {what}")
        if "throttle" not in self._given:
            for key in ("state", "state-passwordfile"):
                if key in self._given[_STACK]:
                    self._note(_STACK, f"{key}: without [throttle] nothing is counted")

    def _made(self, section: str, make: _Maker, *given: Mapping[str, Any]) -> Any:
        """
        Return what a section describes.
        """
        try:
            return make(*given)
        except (ValueError, InvalidAuthArgumentString) as error:
            self._note(section, str(error))
            return None

    def _note(self, section: str, mistake: str) -> None:
        """
        Note a mistake in a section, or in that of the stack, by the key that the text
        begins with.
        """
        key = mistake.partition(":")[0]
        for name in (section, _STACK):
            entry = self._sections[name].entries.get(key)
            if entry is not None:
                self._mistakes.append(Line(entry.number, f"[{name}] {mistake}"))
                return
        number = self._sections[section].number
        self._mistakes.append(Line(number, f"[{section}] {mistake}"))

    def _insist(self) -> None:
        """
        Insist that there is no mistake.
        """
        if self._mistakes:
            told = map(shownMistake, sorted(self._mistakes))
            raise WrongSettings("\n".join(f"{self._path}: {mistake}" for mistake in told))


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
