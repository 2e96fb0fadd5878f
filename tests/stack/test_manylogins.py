"""
Tests for L{mycred._stack._stack}: many logins at a time, with a state and checkers that
answer later, and in any order.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import IUsernamePassword, UsernamePassword
from mycred.error import Throttled
from mycred.portal import IRealm, Portal
from mycred.stack import CheckerStack, LoginCache, Throttle

from ..kit.auditing import Realm
from ..kit.sharedstate import SharedState

STEPS = 600


class Late:
    """
    A checker that knows Alice, and answers later.

    @ivar waiting: what it is waited for with.
    """

    credentialInterfaces = (IUsernamePassword,)
    authType = "late"

    def __init__(self) -> None:
        self._users = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        self.waiting: list[Deferred[None]] = []

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Check them later.
        """
        self.waiting.append(Deferred())
        return self.waiting[-1].addCallback(
            lambda _: self._users.requestAvatarId(credentials)
        )


class ManyLoginsTests(SynchronousTestCase):
    """
    Tests for what the account of logins is told.
    """

    def mix(self, portalOf: Any, cache: LoginCache | None, random: Random) -> None:
        """
        Log in, answer and cancel at random, and compare what is told to what came of it.
        """
        told: dict[int, Any] = {}
        came: dict[int, Any] = {}
        kept, open_ = [], []
        state: Any = SharedState()
        late = Late()
        bob = InMemoryUsernamePasswordDatabaseDontUse(bob=b"tulip")

        def audit(event: Any) -> None:
            key = id(event.credentials)
            self.assertNotIn(key, told)
            told[key] = event.verdict, event.checker

        stack = CheckerStack(
            [bob, late],
            throttle=Throttle(state, pair=1, source=5),
            cache=cache,
            audit=audit,
        )
        portal = portalOf(Realm(), [stack])

        def begin() -> None:
            name = random.choice([b"alice", b"bob", b"eve"])
            password = random.choice([b"sesame", b"tulip", b"%d" % random.randrange(50)])
            credentials: Any = UsernamePassword(name, password)
            credentials.peer = f"198.18.{random.randrange(9)}.1"
            login = portal.login(credentials, None, IRealm)
            login.addBoth(lambda result: came.update({id(credentials): result}))
            kept.append(credentials)
            open_.append(login)

        def answerOne(waiting: list[Deferred[None]]) -> None:
            if waiting:
                answer = waiting.pop(random.randrange(len(waiting)))
                if not answer.called:
                    answer.callback(None)

        def cancelOne() -> None:
            if open_:
                open_.pop(random.randrange(len(open_))).cancel()

        steps = (
            *(begin, begin, begin),
            *[lambda: answerOne(state.waiting), lambda: answerOne(late.waiting)] * 3,
            cancelOne,
        )
        for _ in range(STEPS):
            random.choice(steps)()
        while state.waiting or late.waiting:
            answerOne(state.waiting)
            answerOne(late.waiting)
        self.assertEqual({*told}, {*map(id, kept)})
        for key, (verdict, checker) in told.items():
            isIn = not isinstance(came[key], Failure)
            self.assertEqual(isIn, verdict == "accepted")
            if isIn:
                self.assertIs(checker, bob if came[key][1] == b"bob" else late)
            isThrottled = not isIn and came[key].check(Throttled) is not None
            self.assertEqual(isThrottled, verdict == "throttled")
        verdicts = Counter(verdict for verdict, _ in told.values())
        expected = {"accepted", "refused", "throttled", "cancelled"}
        self.assertEqual({*verdicts}, expected)
        self.assertFalse([c for c in kept if hasattr(c, "_mycredReporter")])

    def test_once(self) -> None:
        """
        Each login is told once, as it has ended, and by which checker, whatever the order
        in which the state and the checkers answer and clients leave.
        """
        for portalOf in (Portal, TwistedPortal):
            for cache in (None, LoginCache(300)):
                self.mix(portalOf, cache, Random(7))
