"""
Tests for L{mycred._counterparts}: what a program may count on that has always had
Twisted's classes.
"""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import warnings
from abc import ABC
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from zope.interface.interface import InterfaceClass

from twisted.trial.unittest import SynchronousTestCase
from twisted.web._auth.basic import BasicCredentialFactory

import mycred
from mycred import credentials

#: Twisted's modules, and those that stand in their place.
MODULES = {
    "twisted.cred.checkers": "mycred.checkers",
    "twisted.cred.credentials": "mycred.credentials",
    "twisted.cred.error": "mycred.error",
    "twisted.cred.portal": "mycred.portal",
    "twisted.cred.strcred": "mycred.strcred",
    "twisted.cred._digest": "mycred._digest",
    "twisted.conch.checkers": "mycred.checkers.sshkeys",
}

# What a mixin is isn't asked: whether it was mixed in is a question about the options.
NO_COUNTERPARTS = {"AuthOptionMixin"}

# A module that is shown by another one, and is no part of what that offers.
OTHERS = ("pwd", "spwd")


def quietly(module: ModuleType, name: str) -> Any:
    """
    Look up a name, which may be deprecated.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(module, name)


def isTwisteds(module: ModuleType, name: str, value: Any) -> bool:
    """
    Tell whether a name in one of Twisted's modules is one that programs import from
    there: cred's and conch's own, and not what the module has imported for itself.
    """
    if name.startswith("_") or name in OTHERS:
        return False
    if isinstance(value, ModuleType):
        return value.__name__.startswith(("twisted.cred", "twisted.conch"))
    home = getattr(value, "__module__", None)
    if isinstance(value, (type, FunctionType, InterfaceClass)):
        own = ("twisted.cred.", "twisted.conch.", "twisted.plugins.cred_")
        return str(home).startswith(own)
    # Constants; what is left of those is a library's.
    return isinstance(value, (str, tuple, dict)) and name != "TYPE_CHECKING"


def publicNames() -> Iterator[tuple[ModuleType, ModuleType, str, Any]]:
    """
    Walk through Twisted's public names.

    @return: Twisted's module, mycred's, the name, and what it is in Twisted's.
    """
    for theirs, ours in MODULES.items():
        twisteds = import_module(theirs)
        for name in vars(twisteds):
            value = quietly(twisteds, name)
            if isTwisteds(twisteds, name, value):
                yield twisteds, import_module(ours), name, value


def counterparts() -> Iterator[tuple[type, type]]:
    """
    Walk through the classes that Twisted has and mycred has made anew.

    @return: Twisted's, and mycred's.
    """
    from twisted.plugins.cred_unix import UNIXChecker

    from mycred.checkers import UNIXChecker as ours

    yield UNIXChecker, ours
    for _, module, name, value in publicNames():
        isClass = isinstance(value, type) and not isinstance(value, InterfaceClass)
        if isClass and name not in NO_COUNTERPARTS:
            mine = quietly(module, name)
            if mine is not value:
                yield value, mine


class NamesTests(SynchronousTestCase):
    """
    Tests for what can be imported.
    """

    def test_everything(self) -> None:
        """
        Every public name of Twisted's modules can be imported from mycred's, and is
        something of the same kind.
        """
        seen = 0
        for twisteds, ours, name, value in publicNames():
            where = f"{twisteds.__name__}.{name}"
            mine = quietly(ours, name)
            seen += 1
            self.assertEqual(isinstance(value, type), isinstance(mine, type), where)
            if isinstance(value, InterfaceClass):
                self.assertIs(mine, value, where)
        self.assertGreater(seen, 60)

    def test_imports(self) -> None:
        """
        What real programs import is there, and so are the classes that Twisted's own
        tests of conch extend.
        """
        from mycred.checkers import sshkeys

        for name in ("IUsernamePassword", "ISSHPrivateKey", "ICredentialsChecker"):
            self.assertTrue(hasattr(sshkeys, name))
        self.assertTrue(quietly(sshkeys, "SSHPublicKeyDatabase").requestAvatarId)

    def test_silent(self) -> None:
        """
        Importing mycred's modules warns of nothing that is mycred's; what is deprecated
        warns when it is asked for.
        """
        program = (
            "import warnings\n"
            "import twisted.conch.checkers\n"
            "warnings.simplefilter('error')\n"
            "import mycred.checkers.sshkeys as keys, mycred.credentials as creds\n"
            "import mycred.checkers, mycred.portal, mycred.strcred\n"
            "for module, name in (keys, 'SSHPublicKeyDatabase'), "
            "(creds, 'UsernameHashedPassword'):\n"
            "    try:\n"
            "        getattr(module, name)\n"
            "    except DeprecationWarning as error:\n"
            "        print(error)\n"
        )
        path = [str(Path(mycred.__file__).parents[1]), os.environ.get("PYTHONPATH")]
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            capture_output=True,
            text=True,
            check=True,
        )
        first, second = told.stdout.splitlines()
        self.assertEqual(
            first,
            "mycred.checkers.sshkeys.SSHPublicKeyDatabase was deprecated in Twisted "
            "15.0.0: Please use mycred.checkers.sshkeys.SSHPublicKeyChecker, "
            "initialized with an instance of "
            "mycred.checkers.sshkeys.UNIXAuthorizedKeysFiles instead.",
        )
        self.assertIn("UsernameHashedPassword was deprecated in Twisted 21.2.0", second)


class InstanceTests(SynchronousTestCase):
    """
    Tests for C{isinstance}, of every class that has a counterpart.
    """

    def test_bothWays(self) -> None:
        """
        An instance of ours is one of Twisted's, and one of Twisted's is one of ours.
        """
        seen = 0
        for theirs, ours in counterparts():
            seen += 1
            self.assertTrue(issubclass(ours, theirs), ours)
            self.assertTrue(issubclass(theirs, ours), ours)
            self.assertIsInstance(ours.__new__(ours), theirs)
            self.assertIsInstance(theirs.__new__(theirs), ours)
            self.assertNotIsInstance(object(), ours)
            self.assertNotIsInstance(theirs, ours)
        self.assertGreater(seen, 16)

    def test_theirSubclass(self) -> None:
        """
        An instance of a program's subclass of Twisted's class is one of ours, as it is
        one of Twisted's.
        """
        for theirs, ours in counterparts():
            sub: Any = type("Theirs", (theirs,), {})
            self.assertIsInstance(sub.__new__(sub), ours)
            self.assertTrue(issubclass(sub, ours))

    def test_programsSubclass(self) -> None:
        """
        A program's subclass of ours claims its own instances only.
        """
        for theirs, ours in counterparts():
            sub: Any = type("Mine", (ours,), {})
            self.assertIsInstance(sub.__new__(sub), sub)
            self.assertIsInstance(sub.__new__(sub), ours)
            self.assertIsInstance(sub.__new__(sub), theirs)
            for other in (theirs, ours):
                self.assertNotIsInstance(other.__new__(other), sub)
                self.assertFalse(issubclass(other, sub))

    def test_strangers(self) -> None:
        """
        Classes of different names have nothing to do with each other.
        """
        pairs = list(counterparts())
        for theirs, ours in pairs:
            for other, _ in pairs:
                related = issubclass(other, theirs)
                self.assertEqual(issubclass(other, ours), related, (other, ours))

    def test_mixed(self) -> None:
        """
        Ours can be extended together with an abstract class, and with any ordinary one.
        """

        class Abstract(ABC):  # noqa: B024
            """
            An abstract class.
            """

        class Ordinary:
            """
            An ordinary one.
            """

        for _, ours in counterparts():
            for bases in ((ours, Abstract), (Abstract, ours), (Ordinary, ours)):
                sub: Any = type("Mixed", bases, {})
                self.assertIsInstance(sub.__new__(sub), ours)

    def test_basic(self) -> None:
        """
        What Twisted's web guard makes is an instance of ours: programs ask, and refuse
        what isn't.
        """
        request: Any = None
        presented = BasicCredentialFactory(b"realm").decode(b"YWxpY2U6c2VzYW1l", request)
        self.assertIsInstance(presented, credentials.UsernamePassword)

    def test_ours(self) -> None:
        """
        What Twisted's class does is done anew by ours: no method is inherited.
        """
        for theirs, ours in counterparts():
            above = ours.__mro__[: ours.__mro__.index(theirs)]
            for name, value in vars(theirs).items():
                if isinstance(value, (FunctionType, property)):
                    mine = any(name in vars(one) for one in above)
                    self.assertTrue(mine, f"{ours.__qualname__}.{name}")


class ValueTests(SynchronousTestCase):
    """
    Credentials are the values that they have always been.
    """

    def made(self) -> Iterator[Any]:
        """
        Make credentials of each class.
        """
        yield credentials.UsernamePassword(b"alice", b"sesame")
        yield quietly(credentials, "UsernameHashedPassword")(b"alice", b"hash")
        yield credentials.Anonymous()
        yield credentials.CramMD5Credentials(b"host")
        yield credentials.SSHPrivateKey(b"alice", b"ssh-rsa", b"blob", b"data", None)
        yield credentials.DigestedCredentials(b"alice", b"GET", b"r", {"nc": b"1"})

    def test_copied(self) -> None:
        """
        They can be copied and pickled, and what comes out is the same.
        """
        for one in self.made():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                copies = [copy.copy(one), copy.deepcopy(one)]
                copies.append(pickle.loads(pickle.dumps(one)))
            for other in copies:
                self.assertIs(type(other), type(one))
                self.assertEqual(vars(other), vars(one))

    def test_equal(self) -> None:
        """
        As in Twisted: each equals itself only, and has a hash.
        """
        for one in self.made():
            self.assertEqual(one, one)
            self.assertNotEqual(one, copy.copy(one))
            self.assertEqual(len({one, one}), 1)
