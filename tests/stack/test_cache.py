"""
Tests for L{mycred._stack._cache}: what is remembered, for how long and for whom.

They cover L{mycred._stack._cachedlogins}, L{mycred._stack._places},
L{mycred._stack._verification} and L{mycred._storedstate}, too.
"""

from __future__ import annotations

import gc
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from zope.interface import Interface, directlyProvides, implementer
from zope.interface.verify import verifyObject

from hypothesis import given, strategies as st

import twisted.cred.credentials
import twisted.cred.portal
from twisted.conch.checkers import SSHProtocolChecker
from twisted.conch.error import NotEnoughAuthentication, ValidPublicKey
from twisted.cred.credentials import ISSHPrivateKey, SSHPrivateKey
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred._audit import LoginEvent
from mycred._reporting import reporterOf
from mycred._stack._cache import LONGEST_TIME, cacheOptions, makeCache
from mycred._storedstate import stateDigest
from mycred.checkers import (
    CheckerChain,
    HtdigestChecker,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    IStoredState,
    IUsernamePassword,
    PasswordChecker,
)
from mycred.credentials import (
    CramMD5Credentials,
    IUsernameHashedPassword,
    UsernamePassword,
)
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.portal import ConnectionFacts, Portal, SessionPortal
from mycred.stack import CheckerStack, LoginCache
from mycred.strcred import InvalidAuthArgumentString

from ..kit.cached import Counting, Stateful
from ..kit.certificates import Authority
from ..kit.examples import load
from ..kit.memorytls import MemoryTLS, optionsOf
from ..kit.sessions import Realm

ALICE = UsernamePassword(b"alice", b"sesame")


class CacheTestCase(SynchronousTestCase):
    """
    Base of tests with a cache.

    @ivar clock: what tells it the time.
    """

    def setUp(self) -> None:
        self.clock = Clock()

    def stack(self, *checkers: Any, **options: Any) -> CheckerStack:
        """
        Return checkers with a cache around them.
        """
        options = {"seconds": 300, "clock": self.clock, **options}
        return CheckerStack(checkers, cache=LoginCache(**options))

    def logIn(
        self, stack: Any, name: Any = b"alice", password: Any = b"sesame", **facts: Any
    ) -> Any:
        """
        Return the avatar ID, or the type of the error.

        @param facts: attributes of the credentials.
        """
        credentials = UsernamePassword(name, password)
        vars(credentials).update(facts)
        answer = stack.requestAvatarId(credentials)
        return self.successResultOf(answer.addErrback(lambda failure: failure.type))


class RememberingTests(CacheTestCase):
    """
    Tests for what is remembered.
    """

    def test_once(self) -> None:
        """
        The same name and password again cost no verification.
        """
        checker = Stateful()
        stack = self.stack(checker)
        for _ in range(1000):
            self.assertEqual(self.logIn(stack), b"alice")
        self.assertEqual(checker.verified, 1)

    def test_seconds(self) -> None:
        """
        A login is remembered for as long as is said, from when it was verified, however
        often it is repeated; and not after a clock was set back.
        """
        checker = Stateful()
        stack = self.stack(checker, seconds=300)
        self.clock.advance(1000)
        for wait, verified in ((0, 1), (299, 1), (0.9, 1), (0.1, 2), (300, 3), (-1, 4)):
            self.clock.rightNow += wait
            self.assertEqual(self.logIn(stack), b"alice")
            self.assertEqual(checker.verified, verified, wait)

    def test_otherPassword(self) -> None:
        """
        What is remembered counts for the whole name and the whole password only, each in
        its type.
        """
        checker = Stateful(users={b"alice": b"sesame", b"ali": b"cesesame"})
        stack = self.stack(checker)
        self.assertEqual(self.logIn(stack), b"alice")
        for name, password in (
            (b"alice", b"sesam"),
            (b"alice", b"sesame\0"),
            (b"alices", b"esame"),
            (b"alic", b"esesame"),
            (b"", b"alicesesame"),
            (b"alice\0", b"sesame"),
            ("alices", "esame"),
        ):
            login = self.logIn(stack, name, password)
            self.assertEqual(login, UnauthorizedLogin, name)
        self.assertEqual(self.logIn(stack, b"ali", b"cesesame"), b"ali")

    def test_text(self) -> None:
        """
        Text gets text, and bytes get bytes.  What is of two types isn't remembered.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        stack = self.stack(checker)
        for _ in range(2):
            self.assertEqual(self.logIn(stack), b"alice")
            self.assertEqual(self.logIn(stack, "alice", "sesame"), "alice")
            self.assertEqual(self.logIn(stack, "alice", b"sesame"), "alice")
        counting = Stateful(answer=lambda: succeed("alice"))
        stack = self.stack(counting)
        for _ in range(2):
            self.logIn(stack, "alice", b"sesame")
        self.assertEqual(counting.verified, 2)

    def test_refusals(self) -> None:
        """
        Refusals aren't remembered.
        """
        checker = Stateful()
        stack = self.stack(checker)
        for _ in range(3):
            self.assertEqual(self.logIn(stack, password=b"x"), UnauthorizedLogin)
        self.assertEqual(checker.verified, 3)

    def test_denials(self) -> None:
        """
        Denials aren't remembered, nor are outages.
        """
        for error in (AccountDenied(DenialReason.LOCKED), TemporaryFailure()):
            checker = Stateful(answer=lambda error=error: fail(error))
            stack = self.stack(checker)
            for _ in range(3):
                self.assertEqual(self.logIn(stack), type(error))
            self.assertEqual(checker.verified, 3)

    def test_avatarIds(self) -> None:
        """
        An avatar ID that is neither bytes nor text is never given to a second login: it
        may be a program's object for one session.
        """
        checker = Stateful(answer=lambda: succeed([b"alice"]))
        stack = self.stack(checker)
        first, second = self.logIn(stack), self.logIn(stack)
        self.assertIsNot(first, second)

    def test_same(self) -> None:
        """
        The avatar ID is the object that it was.
        """

        class Name(bytes):
            pass

        stack = self.stack(Stateful(answer=lambda: succeed(Name(b"alice"))))
        self.assertIs(self.logIn(stack), self.logIn(stack))

    def test_bounded(self) -> None:
        """
        The oldest are forgotten, and nothing else.
        """
        users = {b"user%d" % n: b"sesame" for n in range(12)}
        checker = Stateful(users=users)
        stack = self.stack(checker, entries=10)
        for name in users:
            self.logIn(stack, name)
        for name, verified in ((b"user2", 12), (b"user11", 12), (b"user1", 13)):
            self.assertEqual(self.logIn(stack, name), name)
            self.assertEqual(checker.verified, verified)

    def test_huge(self) -> None:
        """
        Names and passwords that no checker takes are neither digested nor remembered.
        """
        checker = Stateful(answer=lambda: succeed(b"alice"))
        stack = self.stack(checker)
        for _ in range(2):
            self.logIn(stack, b"a" * 10_000)
        self.assertEqual(checker.verified, 2)

    def test_noText(self) -> None:
        """
        What is neither text nor bytes is the checkers' business.
        """
        stack = self.stack(InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame"))
        for odd in (None, 7, [b"alice"], {}):
            self.assertEqual(self.logIn(stack, odd, odd), UnauthorizedLogin)

    @given(st.text() | st.binary(), st.text() | st.binary())
    def test_anything(self, name: Any, password: Any) -> None:
        """
        Whatever is typed ends as without a cache.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        self.setUp()
        stack = self.stack(checker)
        without = self.logIn(CheckerStack([checker]), name, password)
        self.assertEqual(self.logIn(stack, name, password), without)

    def test_secrets(self) -> None:
        """
        Neither a name nor a password is in what is kept.
        """
        checker = Stateful(users={b"a name of alice": b"sesame of alice"}, name=b"x")
        stack = self.stack(checker)
        self.assertEqual(self.logIn(stack, b"a name of alice", b"sesame of alice"), b"x")
        cached = stack._ask.__self__  # type: ignore[attr-defined]
        # The checker itself knows them.
        code = type, FunctionType, ModuleType
        seen: dict[int, Any] = {id(checker): None}
        kept: list[Any] = [vars(cached)["_entries"]]
        while kept:
            each = kept.pop()
            if id(each) not in seen and not isinstance(each, code):
                seen[id(each)] = each
                kept += gc.get_referents(each)
        texts = [each for each in seen.values() if isinstance(each, (bytes, str))]
        self.assertIn(b"x", texts)
        self.assertFalse([each for each in texts if "alice" in str(each)])


class KindTests(CacheTestCase):
    """
    Tests for whose logins are remembered.
    """

    def test_passwordsOnly(self) -> None:
        """
        A proof of a password is verified each time.
        """
        stack = self.stack(InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame"))
        self.assertEqual(self.logIn(stack), b"alice")
        challenge = CramMD5Credentials()
        challenge.username, challenge.response = b"alice", b"0" * 32
        self.failureResultOf(stack.requestAvatarId(challenge), UnauthorizedLogin)

    def test_twisted(self) -> None:
        """
        Twisted's own credentials are remembered as ours are.
        """
        checker = Stateful()
        stack = self.stack(checker)
        theirs = twisted.cred.credentials.UsernamePassword(b"alice", b"sesame")
        for _ in range(2):
            self.assertEqual(
                self.successResultOf(stack.requestAvatarId(theirs)), b"alice"
            )
        self.assertEqual(self.logIn(stack), b"alice")
        self.assertEqual(checker.verified, 1)

    def test_programsOwn(self) -> None:
        """
        A program's own credentials are never remembered, nor those that it has marked:
        they may hold a code besides, or compare passwords in a way of their own.
        """

        class WithCode(UsernamePassword):
            code = 1

        class InPlugin(UsernamePassword):
            __module__ = "twisted.plugins.example"

        class Comparing(UsernamePassword):
            __module__ = "mycred.example"

            def checkPassword(self, password: Any) -> bool:
                return True

        class IMarked(Interface):
            pass

        marked, trusted = (UsernamePassword(b"alice", b"sesame") for _ in range(2))
        directlyProvides(marked, IMarked, IUsernamePassword)
        vars(trusted)["checkPassword"] = lambda password: True
        classes = WithCode, InPlugin, Comparing
        given = [each(b"alice", b"sesame") for each in classes]
        for credentials in (*given, marked, trusted):
            checker = Stateful()
            stack = self.stack(checker)
            self.assertEqual(self.logIn(stack), b"alice")
            for _ in range(2):
                self.successResultOf(stack.requestAvatarId(credentials))
            self.assertEqual(checker.verified, 3)

    def test_twoKinds(self) -> None:
        """
        Credentials that can be checked in another way besides are never remembered.
        """

        @implementer(IUsernameHashedPassword)
        class Both(UsernamePassword):
            __module__ = "twisted.example"

        checker = Stateful()
        checker.credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)
        stack = self.stack(checker)
        for _ in range(2):
            self.successResultOf(stack.requestAvatarId(Both(b"alice", b"sesame")))
        self.assertEqual(checker.verified, 2)

    def test_secondFactor(self) -> None:
        """
        Once a checker asks for a second factor nothing is remembered any more: what it
        accepts may depend on what the connection has proved before.
        """
        for credentials in (ALICE, CramMD5Credentials()):
            answers = [
                succeed(b"alice"),
                fail(NotEnoughAuthentication()),
                *(succeed(b"alice") for _ in range(2)),
            ]
            checker = Stateful(answer=iter(answers).__next__)
            checker.credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)
            stack = self.stack(checker)
            self.logIn(stack)
            checker.state = b"another"
            answer = stack.requestAvatarId(credentials)
            self.failureResultOf(answer, NotEnoughAuthentication)
            cached = stack._ask.__self__  # type: ignore[attr-defined]
            self.assertEqual(cached._entries, {})
            checker.state = b""
            for _ in range(2):
                self.assertEqual(self.logIn(stack), b"alice")
            self.assertEqual(checker.verified, 4)

    def test_offeredKey(self) -> None:
        """
        An SSH client that asks whether a key would do is no second factor: it ends
        nothing for others.
        """
        keys = Counting(answer=lambda: fail(ValidPublicKey()))
        keys.credentialInterfaces = (ISSHPrivateKey,)
        checker = Stateful()
        stack = self.stack(checker, keys)
        self.assertEqual(self.logIn(stack), b"alice")
        offer = SSHPrivateKey(b"alice", b"ssh-ed25519", b"a key", None, None)
        self.failureResultOf(stack.requestAvatarId(offer), ValidPublicKey)
        self.assertEqual(self.logIn(stack), b"alice")
        self.assertEqual(checker.verified, 1)

    def test_protocolChecker(self) -> None:
        """
        Conch's checker of several factors can't stand behind a cache.
        """
        checker: Any = SSHProtocolChecker()
        checker.registerChecker(Stateful())
        error = self.assertRaises(ValueError, self.stack, checker)
        self.assertIn("several factors", str(error))

    def test_noPasswords(self) -> None:
        """
        A cache that can't take effect is an error.
        """
        path = self.mktemp()
        with open(path, "wb"):
            pass
        checker = HtdigestChecker(path, b"here")
        error = self.assertRaises(ValueError, self.stack, checker)
        self.assertIn("no checker checks passwords", str(error))


class StateTests(CacheTestCase):
    """
    Tests for what ends a login before its time.
    """

    def test_differs(self) -> None:
        """
        When the store holds something else the password is verified anew, at once.
        """
        checker = Stateful()
        stack = self.stack(checker)
        self.logIn(stack)
        checker.users = {b"alice": b"another"}
        checker.state = b"another"
        self.assertEqual(self.logIn(stack), UnauthorizedLogin)
        # Nor is it there again after the old state has come back.
        checker.state = b""
        self.assertEqual(self.logIn(stack), UnauthorizedLogin)

    def test_unsure(self) -> None:
        """
        When the store can't tell nobody is let in by what is remembered.
        """
        checker = Stateful()
        stack = self.stack(checker)
        self.logIn(stack)
        for state in (TemporaryFailure(), lambda: fail(TemporaryFailure())):
            checker.state = state
            self.assertEqual(self.logIn(stack), TemporaryFailure)
        self.assertEqual(checker.verified, 1)
        checker.state = b""
        self.assertEqual(self.logIn(stack), b"alice")
        self.assertEqual(checker.verified, 1)

    def test_defect(self) -> None:
        """
        A state that can't be read since its code fails is logged, and the checker decides
        each time; so it is with one that is no bytes.
        """
        for state, error in ((ZeroDivisionError(), ZeroDivisionError), ("", TypeError)):
            checker = Stateful(state=state)
            stack = self.stack(checker)
            for verified in (1, 2):
                self.assertEqual(self.logIn(stack), b"alice")
                self.assertEqual(checker.verified, verified)
                self.assertEqual(len(self.flushLoggedErrors(error)), 1)

    def test_readBefore(self) -> None:
        """
        A change while a password is verified isn't missed: the state was read before.
        """
        checker = Stateful(answer=Deferred)
        answers: list[Any] = []
        checker.answer = lambda: answers.append(Deferred()) or answers[-1]
        stack = self.stack(checker)
        login = stack.requestAvatarId(ALICE)
        checker.state = b"another"
        answers[0].callback(b"alice")
        self.assertEqual(self.successResultOf(login), b"alice")
        self.assertNoResult(stack.requestAvatarId(ALICE))
        self.assertEqual(len(answers), 2)

    def test_changedBack(self) -> None:
        """
        A password that was right by what the store held for a moment isn't remembered for
        what it held before: the state is read after the verification, too.
        """
        checker = Stateful()
        answer: Deferred[bytes] = Deferred()
        checker.answer = lambda: answer
        stack = self.stack(checker)
        login = stack.requestAvatarId(ALICE)
        checker.state = b"another"
        answer.callback(b"alice")
        self.successResultOf(login)
        checker.state = b""
        checker.answer = lambda: fail(UnauthorizedLogin())
        self.assertEqual(self.logIn(stack), UnauthorizedLogin)

    def test_later(self) -> None:
        """
        A state may be known later, and a login that is cancelled until then is over.
        """
        checker = Stateful()
        stack = self.stack(checker)
        self.logIn(stack)
        for cancelled in (False, True):
            checker.state = state = Deferred()
            login = stack.requestAvatarId(UsernamePassword(b"alice", b"sesame"))
            self.assertNoResult(login)
            if cancelled:
                login.cancel()
                self.failureResultOf(login)
            else:
                state.callback(b"")
                self.assertEqual(self.successResultOf(login), b"alice")
        self.assertEqual(checker.verified, 1)

    def test_earlierCheckers(self) -> None:
        """
        The stores of checkers that were asked before count, too: one may know the user
        now.  Those that were never asked don't.
        """
        for place, verified in ((0, 2), (1, 2), (2, 1)):
            checkers = [Stateful(users={}), Stateful(), Stateful()]
            stack = self.stack(*checkers)
            self.logIn(stack)
            checkers[place].state = b"another"
            self.logIn(stack)
            self.assertEqual(checkers[1].verified, verified, place)

    def test_avatarIds(self) -> None:
        """
        The checker that has accepted a login is told what it did as, once that is to be
        accepted again; the others aren't.
        """
        first, second = checkers = [Stateful(users={}), Stateful()]
        stack = self.stack(*checkers)
        for _ in range(2):
            self.logIn(stack)
        self.assertEqual(first.avatarIds, [None] * 3)
        self.assertEqual(second.avatarIds, [None, b"alice", b"alice"])

    def test_unsureAfter(self) -> None:
        """
        A store that can't tell after a password was verified takes nothing from the login
        itself, which isn't remembered.
        """
        checker = Stateful()
        stack = self.stack(checker)
        states = iter([b"", fail(TemporaryFailure()), b"", b""])
        checker.state = lambda: next(states)
        for verified in (1, 2):
            self.assertEqual(self.logIn(stack), b"alice")
            self.assertEqual(checker.verified, verified)

    def test_outageBefore(self) -> None:
        """
        What a checker accepts while an earlier one can't tell isn't remembered: that one
        might deny it.
        """
        down = Stateful(answer=lambda: fail(TemporaryFailure()))
        checker = Stateful()
        stack = self.stack(down, checker)
        for verified in (1, 2):
            self.assertEqual(self.logIn(stack), b"alice")
            self.assertEqual(checker.verified, verified)

    def test_noStates(self) -> None:
        """
        A checker that has no state is trusted for the same service and address only.
        """
        checker = Counting()
        stack = self.stack(checker)
        for peer, service, verified in (
            ("192.0.2.7", "imap", 1),
            ("192.0.2.7", "imap", 1),
            ("192.0.2.8", "imap", 2),
            ("192.0.2.7", "pop3", 3),
            (None, None, 4),
            ("192.0.2.7", "imap", 4),
        ):
            self.logIn(stack, peer=peer, service=service)
            self.assertEqual(checker.verified, verified)

    def test_connections(self) -> None:
        """
        Nor for another connection that differs in what such a checker may go by: in
        whether it is private, or in the client's certificate.
        """
        directory = Path(self.mktemp())
        directory.mkdir()
        authority = Authority(directory)
        server = optionsOf(*authority.certify("server", "localhost"), authority.file)

        def secure(*pair: Path) -> ConnectionFacts:
            tls = MemoryTLS(server, *pair)
            tls.shakeHands()
            return ConnectionFacts(tls.server.transport)

        alice, bob = (authority.certify(name) for name in ("alice", "bob"))
        checker = Counting()
        stack = self.stack(checker)
        away = IPv4Address("TCP", "192.0.2.7", 1234)
        inClear = ConnectionFacts(StringTransport(peerAddress=away))
        for facts, verified in (
            (secure(), 1),
            (secure(), 1),
            (inClear, 2),
            (secure(*alice), 3),
            (secure(*bob), 4),
            (secure(*alice), 4),
            (inClear, 4),
        ):
            self.logIn(stack, peer="192.0.2.7", facts=facts)
            self.assertEqual(checker.verified, verified)
        only = load("session_servers").PrivateOnly(Stateful())
        stack = self.stack(only)
        self.assertEqual(self.logIn(stack, facts=secure()), b"alice")
        self.assertEqual(self.logIn(stack, facts=inClear), UnauthorizedLogin)

    def test_overridden(self) -> None:
        """
        A subclass with a C{requestAvatarId} of its own has no state, unless it says so:
        its answer may depend on more.
        """

        class Office(InMemoryUsernamePasswordDatabaseDontUse):
            def requestAvatarId(self, credentials: Any) -> Any:
                if credentials.peer != "192.0.2.7":
                    return fail(UnauthorizedLogin())
                return super().requestAvatarId(credentials)

        office, patched = Office(alice=b"sesame"), Stateful()
        patched.requestAvatarId = office.requestAvatarId  # type: ignore[method-assign]
        for checker in (office, patched):
            stack = self.stack(checker)
            self.assertEqual(self.logIn(stack, peer="192.0.2.7"), b"alice")
            self.assertEqual(self.logIn(stack, peer="192.0.2.8"), UnauthorizedLogin)

    def test_inChains(self) -> None:
        """
        Each checker of a chain is asked for its state.
        """
        inner = Stateful()
        stack = self.stack(CheckerChain([Stateful(users={}), inner]))
        for peer in ("192.0.2.7", "192.0.2.8"):
            self.assertEqual(self.logIn(stack, peer=peer), b"alice")
        self.assertEqual(inner.verified, 1)
        inner.state = b"another"
        self.logIn(stack)
        self.assertEqual(inner.verified, 2)

    def test_ownChain(self) -> None:
        """
        A program's own chain decides who is asked, also of those that are remembered.
        """

        class Office(CheckerChain):
            def requestAvatarId(self, credentials: Any) -> Any:
                if credentials.peer != "192.0.2.7":
                    return fail(UnauthorizedLogin())
                return super().requestAvatarId(credentials)

        own, patched = Office([Stateful()]), CheckerChain([Stateful()])
        patched.requestAvatarId = own.requestAvatarId  # type: ignore[method-assign]
        for chain in (own, patched):
            stack = self.stack(chain)
            self.assertEqual(self.logIn(stack, peer="192.0.2.7"), b"alice")
            self.assertEqual(self.logIn(stack, peer="192.0.2.8"), UnauthorizedLogin)

    def test_source(self) -> None:
        """
        With C{source} a login is remembered for an IPv4 address, or the /64 of an IPv6
        one.
        """
        checker = Stateful()
        stack = self.stack(checker, source=True)
        for peer, verified in (
            ("192.0.2.7", 1),
            ("192.0.2.7", 1),
            ("192.0.2.8", 2),
            ("2001:db8::1", 3),
            ("2001:db8::2", 3),
            ("2001:db8:0:1::1", 4),
            (None, 5),
        ):
            self.logIn(stack, peer=peer)
            self.assertEqual(checker.verified, verified, peer)

    def test_sameWork(self) -> None:
        """
        A wrong password takes the same steps, whether the user is known or not, and
        whether a login of theirs is remembered or not.
        """
        checker = Stateful(users={b"alice": b"sesame", b"ed": b"oak"})
        stack = self.stack(checker)
        self.logIn(stack)
        steps = []
        for name in (b"alice", b"ed", b"nobody"):
            checker.steps.clear()
            self.assertEqual(self.logIn(stack, name, b"wrong"), UnauthorizedLogin)
            steps.append([step for step, _ in checker.steps])
        self.assertEqual(steps, [["state", "verify"]] * 3)

    def test_digest(self) -> None:
        """
        The digest that checkers have for states tells any two apart.
        """
        parts = [(), (None,), (b"",), ("",), (b"a", b"b"), (b"ab",), ((b"a", b"b"),)]
        self.assertEqual(len({stateDigest(*each) for each in parts}), len(parts))
        self.assertEqual(stateDigest(b"a", 1), stateDigest(b"a", 1))


class TwinTests(CacheTestCase):
    """
    Tests for logins by the same name and password at the same time.
    """

    def setUp(self) -> None:
        super().setUp()
        self.checker = Stateful(answer=self.later)
        self.asked: list[Deferred[Any]] = []
        self.cancelled: list[Deferred[Any]] = []
        self.made = self.stack(self.checker)

    def later(self) -> Deferred[Any]:
        """
        Return an answer that comes later.
        """
        self.asked.append(Deferred(self.cancelled.append))
        return self.asked[-1]

    def begin(self, password: bytes = b"sesame", **facts: Any) -> Deferred[Any]:
        """
        Begin to log in.
        """
        credentials = UsernamePassword(b"alice", password)
        vars(credentials).update(facts)
        return self.made.requestAvatarId(credentials)

    def test_together(self) -> None:
        """
        They cost one verification, wherever they come from, and whoever waits for them
        gets what it says.
        """
        told: list[Any] = []
        for number in range(100):
            self.begin(peer=f"192.0.2.{number}").addCallback(told.append)
        self.assertEqual(len(self.asked), 1)
        self.assertEqual(told, [])
        self.asked[0].callback(b"alice")
        self.assertEqual(told, [b"alice"] * 100)

    def test_noStates(self) -> None:
        """
        Where a checker may go by the address they share none, unless that is the same.
        """
        self.made = self.stack(Counting(answer=self.later))
        for peer in ("192.0.2.7", "192.0.2.7", "192.0.2.8"):
            self.begin(peer=peer)
        self.assertEqual(len(self.asked), 2)

    def test_otherPassword(self) -> None:
        """
        A login by another password is verified by itself.
        """
        right, wrong = self.begin(), self.begin(b"wrong")
        self.assertEqual(len(self.asked), 2)
        self.asked[0].callback(b"alice")
        self.assertEqual(self.successResultOf(right), b"alice")
        self.assertNoResult(wrong)
        self.asked[1].errback(UnauthorizedLogin())
        self.failureResultOf(wrong, UnauthorizedLogin)

    def test_refused(self) -> None:
        """
        A refusal, a denial and an outage are told to all, each in a failure of its own.
        """
        for error in (
            UnauthorizedLogin(),
            AccountDenied(DenialReason.LOCKED),
            TemporaryFailure(),
        ):
            logins = [self.begin() for _ in range(3)]
            self.asked[-1].errback(error)
            failures = [self.failureResultOf(login, type(error)) for login in logins]
            self.assertEqual(len({id(failure) for failure in failures}), 3)
        self.assertEqual(len(self.asked), 3)

    def test_leaves(self) -> None:
        """
        One that is cancelled ends nothing for the others, though it be the first.
        """
        for gone in (0, 1, 2):
            logins = [self.begin(b"%d" % gone) for _ in range(3)]
            logins[gone].cancel()
            self.failureResultOf(logins.pop(gone), CancelledError)
            self.assertEqual(self.cancelled, [])
            self.asked[-1].callback(b"alice")
            for login in logins:
                self.assertEqual(self.successResultOf(login), b"alice")

    def test_allLeave(self) -> None:
        """
        When all are cancelled the checker isn't asked further, and the next one begins
        anew.
        """
        logins = [self.begin() for _ in range(3)]
        for login in logins:
            self.assertEqual(self.cancelled, [])
            login.cancel()
            self.failureResultOf(login, CancelledError)
        self.assertEqual(self.cancelled, self.asked)
        login = self.begin()
        self.asked[1].callback(b"alice")
        self.assertEqual(self.successResultOf(login), b"alice")

    def test_leavesWhileTold(self) -> None:
        """
        One that another one cancels while they are told is over.
        """
        first = self.begin()
        first.addCallback(lambda _: second.cancel())
        second = self.begin()
        self.asked[0].callback(b"alice")
        self.failureResultOf(second, CancelledError)

    def test_changed(self) -> None:
        """
        One that came after the store had changed isn't accepted by a verification that
        began before.
        """
        first = self.begin()
        self.checker.state = b"another"
        second = self.begin()
        self.asked[0].callback(b"alice")
        self.assertEqual(self.successResultOf(first), b"alice")
        self.assertNoResult(second)
        self.asked[1].errback(UnauthorizedLogin())
        self.failureResultOf(second, UnauthorizedLogin)

    def test_changedOnce(self) -> None:
        """
        Nor is it by an old one after it was told: each change is seen.
        """
        self.begin()
        second = self.begin()
        states = iter([b"", b"another"])
        self.checker.state = lambda: next(states, b"another")
        self.asked[0].callback(b"alice")
        self.assertNoResult(second)
        self.assertEqual(len(self.asked), 2)

    def test_notShared(self) -> None:
        """
        What can't be given twice is asked for by each: an avatar ID that is a program's
        own object, or a second factor.
        """
        for answer in ([b"alice"], Failure(NotEnoughAuthentication())):
            self.setUp()
            logins = [self.begin() for _ in range(3)]
            self.asked[0].callback(answer)
            self.assertEqual(len(self.asked), 3)
            for asked in self.asked[1:]:
                asked.callback([b"alice"])
            results: list[Any] = []
            for login in logins:
                login.addBoth(results.append)
            self.assertEqual(len({id(result) for result in results}), 3)

    def test_alone(self) -> None:
        """
        Logins that begin while one is verified by itself share theirs.
        """
        self.begin()
        self.begin()
        self.asked[0].callback([b"alice"])
        self.begin()
        self.assertEqual(len(self.asked), 3)
        self.asked[1].callback([b"alice"])
        self.begin()
        self.assertEqual(len(self.asked), 3)

    def test_secondFactor(self) -> None:
        """
        Once a checker asks for a second factor no verification is shared any more, nor
        one that has begun.
        """
        logins = [self.begin() for _ in range(2)]
        self.begin(b"half").addErrback(lambda _: None)
        self.asked[1].errback(NotEnoughAuthentication())
        self.asked[0].callback(b"alice")
        self.assertEqual(self.successResultOf(logins[0]), b"alice")
        self.assertEqual(len(self.asked), 3)
        for _ in range(2):
            self.begin()
        self.assertEqual(len(self.asked), 5)

    def test_marks(self) -> None:
        """
        When the first one has left, those that stay are logged once, and not by the
        checkers that are asked then.
        """
        lines: list[str] = []

        def observe(event: Any) -> None:
            if "verdict" in event:
                lines.append(event["verdict"])

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        second = InMemoryUsernamePasswordDatabaseDontUse(bob=b"oak")
        self.made = self.stack(self.checker, second)
        credentials = UsernamePassword(b"alice", b"sesame")
        first = self.made.requestAvatarId(credentials)
        self.begin().addErrback(lambda _: None)
        first.cancel()
        self.failureResultOf(first)
        del lines[:]
        self.asked[0].errback(UnauthorizedLogin())
        self.assertEqual(lines, ["refused"])
        self.assertIsNone(reporterOf(credentials))

    def test_turns(self) -> None:
        """
        A login that begins while others are told shares nothing with them.
        """
        first = self.begin()
        later: list[Deferred[Any]] = []
        first.addErrback(lambda _: later.append(self.begin()))
        self.asked[0].errback(UnauthorizedLogin())
        self.assertEqual(len(self.asked), 2)
        self.assertNoResult(later[0])

    def test_forgotten(self) -> None:
        """
        Nothing of a verification is kept once it is over.
        """
        self.begin().addErrback(lambda _: None)
        cached = self.made._ask.__self__  # type: ignore[attr-defined]
        self.assertEqual(len(cached._underWay), 1)
        self.asked[0].errback(UnauthorizedLogin())
        self.assertEqual(cached._underWay, {})
        self.assertEqual(cached._entries, {})

    def test_changedCredentials(self) -> None:
        """
        Credentials that a program changes while they are verified are remembered as they
        were.
        """
        credentials = UsernamePassword(b"alice", b"sesame")
        login = self.made.requestAvatarId(credentials)
        credentials.username, credentials.password = b"ed", b"oak"
        self.asked[0].callback(b"alice")
        self.successResultOf(login)
        self.assertNoResult(self.begin(b"oak"))
        self.assertEqual(len(self.asked), 2)

    def test_events(self) -> None:
        """
        Each has an event of its own, with the checker.
        """
        events: list[LoginEvent] = []
        cache = LoginCache(300, clock=self.clock)
        self.made = CheckerStack([self.checker], cache=cache, audit=events.append)
        for result in (b"alice", Failure(UnauthorizedLogin())):
            logins = [self.begin(b"sesame" if not events else b"wrong") for _ in range(3)]
            self.asked[-1].callback(result)
            for login in logins:
                login.addErrback(lambda _: None)
        verdicts = [(event.verdict, event.checker) for event in events]
        accepted, refused = ("accepted", self.checker), ("refused", self.checker)
        self.assertEqual(verdicts, [accepted] * 3 + [refused] * 3)


class ReportTests(CacheTestCase):
    """
    Tests for what is known of a login that is remembered.
    """

    def test_events(self) -> None:
        """
        The event has the checker that has accepted the login before, and that the cache
        knew it.
        """
        for portal in (Portal, twisted.cred.portal.Portal):
            events: list[LoginEvent] = []
            checker = Stateful()
            cache = LoginCache(300, clock=self.clock)
            stack = CheckerStack(
                [Stateful(users={}), checker], cache=cache, audit=events.append
            )
            login = portal(Realm(), [stack]).login
            for password in (b"sesame", b"sesame", b"wrong"):
                credentials = UsernamePassword(b"alice", password)
                login(credentials, None, Interface).addErrback(lambda _: None)
            known = [(e.checker, e.cached, e.verdict) for e in events]
            self.assertEqual(
                known[:2],
                [(checker, False, "accepted"), (checker, True, "accepted")],
            )
            self.assertEqual(known[2][1:], (False, "refused"))

    def test_session(self) -> None:
        """
        So it is for a connection.
        """
        events: list[LoginEvent] = []
        checker = Stateful()
        cache = LoginCache(300, clock=self.clock)
        stack = CheckerStack([checker], cache=cache, audit=events.append)
        session = SessionPortal(Portal(Realm(), [stack]))
        for _ in range(2):
            session.login(UsernamePassword(b"alice", b"sesame"), None, Interface)
        known = [(event.checker, event.cached) for event in events]
        self.assertEqual(known, [(checker, False), (checker, True)])


class OptionTests(SynchronousTestCase):
    """
    Tests for the options of the cache.
    """

    def test_make(self) -> None:
        """
        They make a cache.
        """
        for text, verified in (
            ("seconds=300", 2),
            ("seconds=300:source=yes", 3),
            ("seconds=300:entries=1", 4),
        ):
            checker = Stateful(users={b"alice": b"sesame", b"bob": b"sesame"})
            cache = makeCache(cacheOptions.parse(text))
            stack = CheckerStack([checker], cache=cache)
            for name, peer in (
                (b"alice", "192.0.2.7"),
                (b"alice", "192.0.2.8"),
                (b"bob", "192.0.2.7"),
                (b"alice", "192.0.2.8"),
                (b"bob", "192.0.2.7"),
            ):
                credentials = UsernamePassword(name, b"sesame")
                vars(credentials)["peer"] = peer
                self.successResultOf(stack.requestAvatarId(credentials))
            self.assertEqual(checker.verified, verified, text)

    def test_wrong(self) -> None:
        """
        What can't be used is an error that says what can.
        """
        for text, said in (
            ("", "seconds must be given"),
            ("seconds=0", "from 1 to 3600"),
            ("seconds=3601", "from 1 to 3600"),
            ("seconds=300:entries=0", "from 1 to 1000000"),
            ("seconds=300:source=maybe", "yes or no"),
        ):
            error = self.assertRaises(InvalidAuthArgumentString, cacheOptions.parse, text)
            self.assertIn(said, str(error))

    def test_wrongArguments(self) -> None:
        """
        The same holds for programs.
        """
        for seconds in (0, -1, LONGEST_TIME + 1, float("nan")):
            self.assertRaises(ValueError, LoginCache, seconds)
        self.assertRaises(ValueError, LoginCache, 1, entries=0)


class InterfaceTests(SynchronousTestCase):
    """
    Tests for the public interface.
    """

    def test_provided(self) -> None:
        """
        Checkers of passwords provide it.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        self.assertTrue(verifyObject(IStoredState, checker))
        self.assertTrue(IStoredState.implementedBy(PasswordChecker))
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
