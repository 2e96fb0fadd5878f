"""
Checkers by name: what a deployer writes on the command line becomes a checker.

C{--auth=file:/etc/myapp/passwd} is an auth type and an argument string.  The
type is looked up among the plugins, and the plugin makes a checker from the
argument string, mostly by a table of L{Options}.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn

from twisted.plugin import getPlugins
from twisted.python import usage

from ._argstring import (
    Option,
    Options,
    WrongSettings,
    integerBetween,
    namesLike,
    nonEmpty,
    parseArgString,
    readableFile,
    yesNo,
)
from ._chain import interfacesOf
from ._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InterfaceType,
    InvalidAuthArgumentString,
    InvalidAuthType,
    StrcredException,
    UnsupportedInterfaces,
)
from ._uidoption import insistOnAppendable, insistOnReadable, insistOnWritable, laterUser

#: What help adds for an auth type of which the program has no use.
notSupportedWarning = "WARNING: This authType is not supported by this application."


def findCheckerFactories() -> Iterator[ICheckerFactory]:
    """
    Return the plugins that make checkers: first mycred's and what others have put
    beside them, in C{mycred.plugins}, then those in C{twisted.plugins}.

    @return: all of them, so that a type may come up more than once.
    """
    import mycred.plugins

    yield from getPlugins(ICheckerFactory, mycred.plugins)
    yield from getPlugins(ICheckerFactory)


def findCheckerFactory(authType: str) -> ICheckerFactory:
    """
    Return the first plugin that makes checkers of a type.

    @raise InvalidAuthType: if there is none.
    """
    for factory in findCheckerFactories():
        if factory.authType == authType:
            return factory
    raise InvalidAuthType(authType)


def makeChecker(description: str) -> ICredentialsChecker:
    """
    Return a checker as a deployer describes it.

    @param description: an auth type; an argument string may follow, after a
        colon.

    @raise InvalidAuthType: if there is no such type.
    @raise InvalidAuthArgumentString: if the plugin can't use the argument
        string.  Plugins raise L{ValueError}, and others, as well.
    """
    authType, _, argstring = description.partition(":")
    checker: ICredentialsChecker
    checker = findCheckerFactory(authType).generateChecker(argstring)
    return checker


@contextmanager
def needing(install: str) -> Iterator[None]:
    """
    Say what to install where a library is missing that an auth type needs::

        with needing("pip install ldap3"):
            from mycred.checkers.ldap import LDAPChecker

    A plugin imports its checker so, within C{generateChecker}: the library costs no other
    auth type anything, whether it is there or not.

    @param install: the command that installs what is missing.

    @raise InvalidAuthArgumentString: if an import within the block fails.
    """
    try:
        yield
    except ImportError as error:
        raise InvalidAuthArgumentString(
            f"it takes a library that isn't installed ({error}); do {install}"
        ) from None


class AuthOptionMixin:
    """
    The options C{--auth}, C{--help-auth} and C{--help-auth-type}, for a
    subclass of L{usage.Options}.

    Each C{--auth} adds a checker to C{self["credCheckers"]}, a list for
    L{Portal<mycred.portal.Portal>}, and to the lists in
    C{self["credInterfaces"]}, a dictionary by the interfaces that it checks.

    @cvar supportedInterfaces: the interfaces of the credentials of which the
        program has a use; L{None} stands for all.
    @cvar authOutput: the file that help is written to.
    """

    supportedInterfaces: Sequence[InterfaceType] | None = None
    authOutput = sys.stdout

    def supportsInterface(self, interface: InterfaceType) -> bool:
        """
        Return whether the program has a use for credentials of an interface.
        """
        return self.supportedInterfaces is None or interface in self.supportedInterfaces

    def supportsCheckerFactory(self, factory: ICheckerFactory) -> bool:
        """
        Return whether the program may have a use for the checkers of a plugin.

        A plugin needn't say what its checkers check; then the checkers will.
        """
        interfaces = getattr(factory, "credentialInterfaces", None)
        return interfaces is None or any(map(self.supportsInterface, interfaces))

    def addChecker(self, checker: ICredentialsChecker) -> None:
        """
        Add a checker to the options.

        @raise UnsupportedInterfaces: if the program has no use for it.
        """
        options: dict[str, Any] = self  # type: ignore[assignment]
        claimed = list(interfacesOf(checker))
        supported = [i for i in claimed if self.supportsInterface(i)]
        if not supported:
            raise UnsupportedInterfaces(claimed)
        options.setdefault("credInterfaces", {})
        options.setdefault("credCheckers", []).append(checker)
        for interface in supported:
            options["credInterfaces"].setdefault(interface, []).append(checker)

    def opt_auth(self, description: str) -> None:
        """
        Specify an authentication method for the server.
        """
        # Only the type is repeated in what the user is told: the argument
        # string may hold a password.
        authType = description.partition(":")[0]
        try:
            checker = makeChecker(description)
            self.addChecker(checker)
        except InvalidAuthType:
            raise usage.UsageError(self._unknownType("--auth=", authType)) from None
        except UnsupportedInterfaces as error:
            raise usage.UsageError(self._unusable(authType, error)) from None
        except WrongSettings as error:
            # How the argument string is written would lead away from the file.
            raise usage.UsageError(f"--auth={authType}: {error}") from None
        except (StrcredException, ValueError) as error:
            raise usage.UsageError(_wrongArguments(authType, str(error))) from None
        except ImportError as error:
            raise usage.UsageError(
                f"--auth={authType} needs something that is not installed: {error}"
            ) from error
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise usage.UsageError(_wrongArguments(authType, reason)) from error
        self._insistOnRights(authType, checker)

    def opt_help_auth(self) -> NoReturn:
        """
        Show all authentication methods available.
        """
        write = self.authOutput.write
        write("Usage: --auth AuthType[:ArgString]\n")
        write("For detailed help: --help-auth-type AuthType\n\n")
        rows = [("AuthType", "ArgString format"), ("========", "================")]
        for factory in self._checkerFactoriesForOptHelpAuth():
            rows.append((factory.authType, factory.argStringFormat))
        width = max(len(authType) for authType, _ in rows[2:] or rows)
        for authType, argStringFormat in rows:
            write(f"  {authType:<{width}}\t{argStringFormat}\n")
        write("\n")
        raise SystemExit(0)

    def opt_help_auth_type(self, authType: str) -> NoReturn:
        """
        Show help for a particular authentication type.
        """
        try:
            factory = findCheckerFactory(authType)
        except InvalidAuthType:
            message = self._unknownType("--help-auth-type=", authType)
            raise usage.UsageError(message) from None
        write = self.authOutput.write
        write(f"Usage: --auth {authType}[:ArgString]\n")
        write(f"ArgString format: {factory.argStringFormat}\n\n")
        for line in factory.authHelp.strip().splitlines():
            write(f"  {line}".rstrip() + "\n")
        write("\n")
        if not self.supportsCheckerFactory(factory):
            write(f"  {notSupportedWarning}\n\n")
        raise SystemExit(0)

    def _checkerFactoriesForOptHelpAuth(self) -> Iterator[ICheckerFactory]:
        """
        Return the plugins that C{--help-auth} lists: of each type the one that
        would be used, if the program has a use for it.
        """
        seen: set[str] = set()
        for factory in findCheckerFactories():
            if factory.authType not in seen and self.supportsCheckerFactory(factory):
                yield factory
            seen.add(factory.authType)

    def _insistOnRights(self, authType: str, checker: ICredentialsChecker) -> None:
        """
        Raise an error if a checker couldn't read or write its files once twistd has
        become another user.

        @raise usage.UsageError: if it couldn't.
        """
        user = laterUser(getattr(self, "parent", None))
        if user is None:
            return
        try:
            for path in getattr(checker, "opensLater", ()):
                insistOnReadable(path, user)
            for path in getattr(checker, "writesLater", ()):
                insistOnAppendable(path, user)
            for path in getattr(checker, "databasesLater", ()):
                insistOnWritable(path, user)
        except PermissionError as error:
            raise usage.UsageError(f"--auth={authType}: {error}") from None

    def _unknownType(self, typed: str, authType: str) -> str:
        """
        Return a message that says that there is no such type, which one may have been
        meant, and which types there are.

        @param typed: what was typed, up to the type.
        @param authType: the type, perhaps with something else than a colon after it, and
            a password: only what can be part of a name is shown.
        """
        known = sorted(f.authType for f in self._checkerFactoriesForOptHelpAuth())
        word = "".join(takewhile(_isInName, authType))
        similar = get_close_matches(word.lower(), known, 1)
        meant = f", did you mean {similar[0]}? There are" if similar else ", only"
        shown = word if word == authType else f"{word}..."
        return f"{typed}{shown}: there is no such auth type{meant} {_listed(known)}"

    def _unusable(self, authType: str, error: UnsupportedInterfaces) -> str:
        """
        Return a message that says that the program can't use checkers of a type, and
        what it can use.
        """
        try:
            claimed = _listed([i.__name__ for i in error.args[0]])
        except (AttributeError, IndexError, TypeError):
            # A program's addChecker may say something else.
            return f"--auth={authType}: this program can't use it: {error}"
        wanted = _listed([i.__name__ for i in self.supportedInterfaces or ()])
        return (
            f"--auth={authType}: this program can't use it, since it checks "
            f"{claimed}, and the program asks for {wanted}"
        )


def _isInName(character: str) -> bool:
    """
    Return whether a character may stand in the name of an auth type.
    """
    return character.isalnum() or character in "-_."


def _wrongArguments(authType: str, reason: str) -> str:
    """
    Return a message that says what is wrong with an argument string, and what would be
    right.
    """
    reason = reason.strip().rstrip(".")
    expected = findCheckerFactory(authType).argStringFormat.strip().rstrip(".")
    end = "" if reason.endswith("?") else "."
    return (
        f'--auth={authType}: {reason}{end} What follows "{authType}:" is: {expected} '
        f"(--help-auth-type={authType} tells more)"
    )


def _listed(words: list[str]) -> str:
    """
    Return words joined with commas.
    """
    return ", ".join(words) or "nothing"


__all__ = [
    "AuthOptionMixin",
    "ICheckerFactory",
    "ICredentialsChecker",
    "InvalidAuthArgumentString",
    "InvalidAuthType",
    "Option",
    "Options",
    "StrcredException",
    "UnsupportedInterfaces",
    "findCheckerFactories",
    "findCheckerFactory",
    "integerBetween",
    "makeChecker",
    "namesLike",
    "needing",
    "nonEmpty",
    "notSupportedWarning",
    "parseArgString",
    "readableFile",
    "yesNo",
]
