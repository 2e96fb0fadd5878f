"""
Tests for L{mycred.checkers._memory} and what it shares with its neighbors.
"""

from __future__ import annotations

from collections import ChainMap, OrderedDict, UserDict, defaultdict
from types import MappingProxyType
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from mycred._secrets import asBytes
from mycred.checkers import ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import CramMD5Credentials, UsernamePassword
from mycred.error import UnauthorizedLogin
from mycred.testing import SteppedWorkers

from ..kit.scram import Proving


class OwnCredentials(UsernamePassword):
    """
    Credentials whose C{checkPassword} answers what it is told to.
    """

    answer: Any = None

    def checkPassword(self, password: bytes) -> Any:
        """
        Answer.
        """
        return self.answer()


def own(name: bytes, answer: Any) -> OwnCredentials:
    """
    Make credentials that answer so.
    """
    credentials = OwnCredentials(name, b"?")
    credentials.answer = answer
    return credentials


class InMemoryTests(SynchronousTestCase):
    """
    Tests for L{InMemoryUsernamePasswordDatabaseDontUse}.
    """

    def setUp(self) -> None:
        self.checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")

    def ask(self, name: Any, password: Any) -> Deferred[Any]:
        """
        Present a name and a password.
        """
        return self.checker.requestAvatarId(UsernamePassword(name, password))

    def test_interface(self) -> None:
        """
        It is a checker.
        """
        self.assertTrue(verifyObject(ICredentialsChecker, self.checker))

    def test_right(self) -> None:
        """
        The right password names the avatar.
        """
        self.assertEqual(self.successResultOf(self.ask(b"alice", b"sesame")), b"alice")
        self.checker.addUser(b"bob", b"hunter2")
        self.assertEqual(self.successResultOf(self.ask(b"bob", b"hunter2")), b"bob")

    def test_refusedAlike(self) -> None:
        """
        A wrong password and an unknown user are the same to the caller.
        """
        wrong, unknown = (
            self.failureResultOf(self.ask(name, b"x")).value
            for name in (b"alice", b"eve")
        )
        for error in (wrong, unknown):
            self.assertIs(type(error), UnauthorizedLogin)
            self.assertEqual(error.args, ())

    def test_unknownIsVerified(self) -> None:
        """
        For an unknown user a password is checked as for a known one, but no
        answer lets him in.
        """
        asked = []

        def yes() -> bool:
            asked.append(True)
            return True

        for answer in (yes, lambda: succeed(yes())):
            refused = self.checker.requestAvatarId(own(b"eve", answer))
            self.failureResultOf(refused, UnauthorizedLogin)
        self.assertEqual(len(asked), 2)

    def test_text(self) -> None:
        """
        A name handed over as text is looked up as it is, then as UTF-8, and comes
        back as text; text never comes back for bytes.
        """
        self.checker.addUser("jürgen".encode(), "schlüssel".encode())
        accepted = self.successResultOf(self.ask("jürgen", "schlüssel"))
        self.assertEqual(accepted, "jürgen")
        self.failureResultOf(self.ask("jürgen", "schluessel"), UnauthorizedLogin)
        self.checker.users["text"] = "secret"  # type: ignore[index, assignment]
        self.assertEqual(self.successResultOf(self.ask("text", "secret")), "text")
        self.failureResultOf(self.ask(b"text", b"secret"), UnauthorizedLogin)

    def test_emptySecret(self) -> None:
        """
        An empty stored secret lets nobody in.
        """
        self.checker.addUser(b"guest", b"")
        self.failureResultOf(self.ask(b"guest", b""), UnauthorizedLogin)
        self.checker.addUser(b"", b"")
        self.failureResultOf(self.ask(b"", b""), UnauthorizedLogin)

    def test_emptyPassword(self) -> None:
        """
        An empty password is a wrong one.
        """
        self.failureResultOf(self.ask(b"alice", b""), UnauthorizedLogin)
        self.failureResultOf(self.ask(b"eve", b""), UnauthorizedLogin)

    def test_noName(self) -> None:
        """
        Credentials to which no name was given yet are refused.
        """
        refused = self.checker.requestAvatarId(CramMD5Credentials())
        self.failureResultOf(refused, UnauthorizedLogin)

    def test_oddName(self) -> None:
        """
        A name that is none, as a PB client may send it, is refused.
        """
        self.failureResultOf(self.ask([1], b"x"), UnauthorizedLogin)

    def test_ownAnswers(self) -> None:
        """
        C{checkPassword} may answer with a Deferred or be a coroutine.
        """

        async def coroutine() -> bool:
            return True

        for yes in (lambda: True, lambda: succeed(True), coroutine, lambda: 1):
            accepted = self.checker.requestAvatarId(own(b"alice", yes))
            self.assertEqual(self.successResultOf(accepted), b"alice")
        for no in (lambda: False, lambda: succeed(False), lambda: None):
            refused = self.checker.requestAvatarId(own(b"alice", no))
            self.failureResultOf(refused, UnauthorizedLogin)

    def test_ownFailures(self) -> None:
        """
        What C{checkPassword} raises, or fails with, comes out.
        """

        def raises() -> None:
            raise ZeroDivisionError

        for broken in (raises, lambda: fail(ZeroDivisionError())):
            failed = self.checker.requestAvatarId(own(b"alice", broken))
            self.failureResultOf(failed, ZeroDivisionError)

    def test_subclass(self) -> None:
        """
        Programs extend it without its C{__init__}, pop from C{users}, and call
        C{_cbPasswordMatch}.
        """

        class Once(InMemoryUsernamePasswordDatabaseDontUse):
            """
            Let everybody in once.
            """

            def __init__(self) -> None:
                self.users = {b"alice": b"sesame"}

            def requestAvatarId(self, credentials: Any) -> Any:
                password = self.users.pop(credentials.username, None)
                matched = credentials.password == password
                return succeed(self._cbPasswordMatch(matched, credentials.username))

        once = Once()
        alice = UsernamePassword(b"alice", b"sesame")
        self.assertEqual(self.successResultOf(once.requestAvatarId(alice)), b"alice")
        self.failureResultOf(once.requestAvatarId(alice), UnauthorizedLogin)


class Bare:
    """
    A program's mapping, with nothing but what Twisted asks for.
    """

    def __init__(self, users: dict[Any, Any], gone: bool = False) -> None:
        self.users = users
        self.gone = gone
        self.asked: list[Any] = []

    def __contains__(self, name: object) -> bool:
        self.asked.append(("in", name))
        return name in self.users

    def __getitem__(self, name: object) -> Any:
        self.asked.append(("[]", name))
        if self.gone:
            raise KeyError(name)
        return self.users[name]


class ScramTests(SynchronousTestCase):
    """
    Tests for passwords that are proved by SCRAM.
    """

    def test_login(self) -> None:
        """
        A password is proved without being sent, as it stands there: what begins like a
        hash is a password, too, and one of text serves as well.
        """
        for stored in (b"sesame", "sesame", b"{SHA}sesame", "s\u00e9same"):
            users = {b"alice": stored, "bob": stored}
            checker = InMemoryUsernamePasswordDatabaseDontUse()
            checker.workers = SteppedWorkers(running=False)
            checker.users = users  # type: ignore[assignment]
            typed = asBytes(stored)
            for name, password, outcome in [
                (b"alice", typed, b"alice"),
                (b"bob", typed, b"bob"),
                (b"alice", b"tulip", None),
                (b"eve", typed, None),
            ]:
                asking = checker.requestAvatarId(Proving(name, password))
                if outcome is None:
                    self.failureResultOf(asking, UnauthorizedLogin)
                else:
                    self.assertEqual(self.successResultOf(asking), outcome)

    def test_nothing(self) -> None:
        """
        A user without a password can't log in, nor one with something else for one.
        """
        for stored in (b"", "", None, 1):
            checker = InMemoryUsernamePasswordDatabaseDontUse()
            checker.workers = SteppedWorkers(running=False)
            checker.users = {b"alice": stored}  # type: ignore[dict-item]
            for password in (b"", b"1", b"None"):
                asking = checker.requestAvatarId(Proving(b"alice", password))
                self.failureResultOf(asking, UnauthorizedLogin)


class MappingTests(SynchronousTestCase):
    """
    Tests for C{users} that are a program's mapping.
    """

    def ask(self, users: Any, name: Any = b"alice", password: Any = b"sesame") -> Any:
        """
        Present a name and a password.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.users = users
        return checker.requestAvatarId(UsernamePassword(name, password))

    def test_asTwisted(self) -> None:
        """
        It is asked by C{in} and C{[]}, and for nothing else.
        """
        users = Bare({b"alice": b"sesame"})
        self.assertEqual(self.successResultOf(self.ask(users)), b"alice")
        self.assertEqual(users.asked, [("in", b"alice"), ("[]", b"alice")])
        del users.asked[:]
        self.failureResultOf(self.ask(users, b"eve"), UnauthorizedLogin)
        self.assertEqual(users.asked, [("in", b"eve")])
        self.failureResultOf(self.ask(users, b"alice", b"x"), UnauthorizedLogin)

    def test_text(self) -> None:
        """
        A name that is text is looked up as such first, then as bytes.
        """
        users = Bare({b"alice": b"sesame", "bob": "tulip"})
        self.assertEqual(
            self.successResultOf(self.ask(users, "alice", "sesame")), "alice"
        )
        self.assertEqual(
            users.asked, [("in", "alice"), ("in", b"alice"), ("[]", b"alice")]
        )
        self.assertEqual(self.successResultOf(self.ask(users, "bob", "tulip")), "bob")

    def test_gone(self) -> None:
        """
        As in Twisted: what is gone when it is read is the mapping's own error.
        """
        users = Bare({b"alice": b"sesame"}, gone=True)
        self.assertRaises(KeyError, self.ask, users)

    def test_others(self) -> None:
        """
        Mappings of all kinds let in whom Twisted lets in.
        """
        kinds: list[Any] = [
            OrderedDict,
            MappingProxyType,
            UserDict,
            lambda users: defaultdict(bytes, users),
            lambda users: ChainMap({}, users),
        ]
        for kind in kinds:
            users = kind({b"alice": b"sesame", 7: 8})
            self.assertEqual(self.successResultOf(self.ask(users)), b"alice")
            self.failureResultOf(self.ask(users, b"eve", b""), UnauthorizedLogin)
            self.assertNotIn(b"eve", users)
            # A password may be anything that can be compared.
            self.assertEqual(self.successResultOf(self.ask(users, 7, 8)), 7)
            self.failureResultOf(self.ask(users, 7, "8"), UnauthorizedLogin)

    def test_unhashable(self) -> None:
        """
        A name that no mapping can hold, which Perspective Broker may send, is nobody's.
        """
        for name in ([b"alice"], {}, (b"alice", [])):
            failed = self.ask({b"alice": b"sesame"}, name)
            self.failureResultOf(failed, UnauthorizedLogin)
