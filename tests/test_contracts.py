"""
Tests for L{mycred._contracts}, and for what the public modules show of it.

They cover L{mycred._conchcontracts} and L{mycred._types}, too.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from zope.interface import Interface, implementer
from zope.interface.interface import InterfaceClass

from twisted.cred import checkers, credentials, error, portal, strcred
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from mycred import _conchcontracts, _contracts

from .kit.names import publicModules, quietly

# Twisted's own objects, and the modules of mycred that show each.
SHARED: dict[tuple[ModuleType, str], list[str]] = {
    (checkers, "ANONYMOUS"): ["_contracts", "checkers"],
    (checkers, "ICredentialsChecker"): ["_contracts", "checkers"],
    (credentials, "IAnonymous"): ["_contracts", "checkers", "credentials"],
    (credentials, "ICredentials"): ["_contracts", "credentials"],
    (credentials, "ISSHPrivateKey"): ["_contracts", "credentials"],
    (credentials, "IUsernameDigestHash"): ["_contracts", "credentials"],
    (credentials, "IUsernameHashedPassword"): ["_contracts", "checkers", "credentials"],
    (credentials, "IUsernamePassword"): ["_contracts", "checkers", "credentials"],
    (error, "LoginDenied"): ["error"],
    (error, "LoginFailed"): ["error"],
    (error, "Unauthorized"): ["error"],
    (error, "UnauthorizedLogin"): ["error"],
    (error, "UnhandledCredentials"): ["error"],
    (portal, "IRealm"): ["_contracts", "portal"],
    (strcred, "ICheckerFactory"): ["_contracts", "strcred"],
    (strcred, "InvalidAuthArgumentString"): ["_contracts", "strcred"],
    (strcred, "InvalidAuthType"): ["_contracts", "strcred"],
    (strcred, "StrcredException"): ["_contracts", "strcred"],
    (strcred, "UnsupportedInterfaces"): ["_contracts", "strcred"],
}

# What Twisted's cred makes of its own contracts, and mycred makes anew.
OURS = {
    "checkers": [
        "AllowAnonymousAccess",
        "FilePasswordDB",
        "InMemoryUsernamePasswordDatabaseDontUse",
        "OnDiskUsernamePasswordDatabase",
    ],
    "credentials": [
        "Anonymous",
        "CramMD5Credentials",
        "DigestCredentialFactory",
        "DigestedCredentials",
        "SSHPrivateKey",
        "UsernameHashedPassword",
        "UsernamePassword",
        "calcHA1",
        "calcHA2",
        "calcResponse",
    ],
    "portal": ["Portal"],
    "strcred": [
        "AuthOptionMixin",
        "findCheckerFactories",
        "findCheckerFactory",
        "makeChecker",
    ],
}


class IdentityTests(SynchronousTestCase):
    """
    Contracts are Twisted's own objects, and nothing else is.
    """

    def test_shared(self) -> None:
        """
        What zope.interface and C{except} match by identity is the same object,
        whether it is imported from Twisted or from mycred.
        """
        for (theirs, name), shownBy in SHARED.items():
            for module in shownBy:
                ours = import_module(f"mycred.{module}")
                self.assertIs(
                    getattr(ours, name), getattr(theirs, name), f"{module}.{name}"
                )
                self.assertIn(name, ours.__all__, module)

    def test_places(self) -> None:
        """
        Whatever can be imported from a module of Twisted's cred can be imported
        from mycred's module of that name.
        """
        for theirs, name in SHARED:
            ours = import_module(theirs.__name__.replace("twisted.cred", "mycred"))
            self.assertIs(getattr(ours, name), getattr(theirs, name))
        for module, names in OURS.items():
            for name in names:
                quietly(import_module(f"twisted.cred.{module}"), name)
                quietly(import_module(f"mycred.{module}"), name)

    def test_ours(self) -> None:
        """
        What Twisted has behind a contract is a different object in mycred: no
        renamed import.
        """
        for module, names in OURS.items():
            for name in names:
                theirs = quietly(import_module(f"twisted.cred.{module}"), name)
                ours = quietly(import_module(f"mycred.{module}"), name)
                self.assertIsNot(ours, theirs, name)
                self.assertTrue(ours.__module__.startswith("mycred."), name)

    def test_noOtherClass(self) -> None:
        """
        No public class or function of mycred is Twisted's, other than the
        contracts.
        """
        contracts = [getattr(theirs, name) for theirs, name in SHARED]
        contracts += [getattr(_conchcontracts, name) for name in _conchcontracts.__all__]
        seen = 0
        for module in publicModules():
            for name in getattr(module, "__all__", ()):
                value = quietly(module, name)
                if isinstance(value, ModuleType) or value in contracts:
                    continue
                seen += 1
                home = getattr(value, "__module__", None) or ""
                self.assertFalse(
                    home.partition(".")[0] == "twisted", f"{module.__name__}.{name}"
                )
        self.assertGreater(seen, 20)

    def test_allExists(self) -> None:
        """
        What a module says that it offers is there.
        """
        for module in publicModules():
            names = getattr(module, "__all__", [])
            self.assertEqual(len(names), len(set(names)), module.__name__)
            for name in names:
                quietly(module, name)

    def test_portal(self) -> None:
        """
        The portal is a subclass of Twisted's, for which Perspective Broker's
        adapter is registered.
        """
        from mycred.portal import Portal

        self.assertTrue(issubclass(Portal, portal.Portal))
        self.assertIs(_contracts.TwistedPortal, portal.Portal)


class ContractTests(SynchronousTestCase):
    """
    Contracts hold between classes that know nothing of each other.
    """

    def test_provided(self) -> None:
        """
        A checker that was written for Twisted provides mycred's interface, and
        the reverse.
        """
        from mycred.checkers import AllowAnonymousAccess

        @implementer(checkers.ICredentialsChecker)
        class Theirs:
            """
            A third party's checker.
            """

            credentialInterfaces = (credentials.IAnonymous,)

            def requestAvatarId(self, credentials: object) -> Deferred[Any]:
                """
                Let any user in.
                """
                return succeed(b"anybody")

        self.assertTrue(_contracts.ICredentialsChecker.providedBy(Theirs()))
        self.assertTrue(checkers.ICredentialsChecker.providedBy(AllowAnonymousAccess()))

    def test_interfaces(self) -> None:
        """
        What is called an interface is one.
        """
        for theirs, name in SHARED:
            if name[0] == "I" and name[1].isupper():
                value = getattr(theirs, name)
                self.assertIsInstance(value, InterfaceClass)
                self.assertTrue(value.extends(Interface))

    def test_caught(self) -> None:
        """
        A protocol that catches Twisted's errors catches mycred's.
        """
        from mycred.error import UnauthorizedLogin

        try:
            raise UnauthorizedLogin
        except error.UnauthorizedLogin:
            pass
