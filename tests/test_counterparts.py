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
from pathlib import Path
from types import FunctionType
from typing import Any

from zope.interface.interface import InterfaceClass

from twisted.trial.unittest import SynchronousTestCase
from twisted.web._auth.basic import BasicCredentialFactory

import mycred
from mycred import credentials

from .kit.counterparts import counterparts, publicNames, quietly


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
