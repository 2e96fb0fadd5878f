"""
Tests for what the parts of a stack, and the servers that checkers ask, tell metrics.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import generate_latest

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._gauged import SERVERS, TABLES, LiveObjects
from mycred._metrics._gauges import Gauges
from mycred._state import Fallback, StateUnavailable
from mycred._tokens import CannotTell, OAuthClient, TokenRules
from mycred._tokens._introspection import Introspection
from mycred._tokens._keysources import KeyURL
from mycred.checkers.ldap import LDAPChecker, ldapSettings
from mycred.checkers.sql import SQLChecker, sqlSettings
from mycred.metrics import LoginMetrics
from mycred.sharedstate import ProcessState, openState
from mycred.stack import CheckerStack, LoginCache, Throttle
from mycred.testing import SteppedWorkers

from ..kit.cached import Counting
from ..kit.databases import USER, PostgreSQL, serverOf
from ..kit.metrics import totals
from ..kit.redisserver import RedisServer
from ..kit.slapd import PEOPLE, Slapd, person
from ..kit.throttled import typed
from ..kit.tokens import ECSigner, Provider, SteppedTime, captured, keySet


def isUp(name: str) -> dict[str, float]:
    """
    Return whether a server is up, by what it has.
    """
    return {
        dict(sample.labels)["kind"]: sample.value
        for sample in Gauges().samples()
        if ("server", name) in sample.labels
    }


class StackTests(SynchronousTestCase):
    """
    Tests for a stack with all there is.
    """

    def setUp(self) -> None:
        # Those of other tests may be there still.
        before = TABLES.all()
        state = ProcessState(Clock())
        self.tables: LiveObjects[Any] = LiveObjects()
        self.metrics = LoginMetrics(gauges=Gauges(tables=self.tables))
        self.stack = CheckerStack(
            [Counting()],
            throttle=Throttle(state),
            cache=LoginCache(300),
            metrics=self.metrics,
        )
        self.tried(b"sesame")
        for table in TABLES.all():
            if not any(table is one for one in before):
                self.tables.add(table)

    def tried(self, password: bytes, name: bytes = b"alice") -> None:
        """
        Log in.
        """
        login = self.stack.requestAvatarId(typed(password=password, name=name))
        login.addErrback(lambda _: None)

    def numbers(self, label: str, name: str = "mycred_logins_total") -> dict[str, float]:
        """
        Return the numbers on the page by the values of a label.
        """
        page = generate_latest(self.metrics).decode()  # type: ignore[arg-type]
        return totals(page, label, name)

    def test_cache(self) -> None:
        """
        The cache tells how many logins it was asked for, how many it knew, and how many
        it remembers.
        """
        for _ in range(3):
            self.tried(b"sesame")
        found = self.numbers("result", "mycred_login_cache_lookups_total")
        self.assertEqual(found, {"hit": 3, "miss": 1})
        tables = self.numbers("table", "mycred_table_entries")
        self.assertEqual(tables["cached logins"], 1)
        limits = self.numbers("table", "mycred_table_limit")
        self.assertEqual(limits["cached logins"], 10_000)

    def test_throttle(self) -> None:
        """
        Logins that have to wait are counted as such, and the throttle's tables tell how
        many entries they have.
        """
        for number in range(9):
            self.tried(b"wrong%d" % number)
        outcomes = self.numbers("outcome")
        self.assertEqual(sum(outcomes.values()), 10)
        self.assertGreaterEqual(outcomes["throttled"], 2)
        self.assertEqual(set(outcomes), {"accepted", "refused", "throttled"})
        tables = self.numbers("table", "mycred_table_entries")
        self.assertEqual(tables["throttle pair"], 1)
        limits = self.numbers("table", "mycred_table_limit")
        self.assertLessEqual(set(tables), set(limits))
        self.assertGreater(limits["throttle pair"], 100_000)


class StateTests(SynchronousTestCase):
    """
    Tests for a home of shared state.
    """

    def test_down(self) -> None:
        """
        It is up as long as it answers, and told until it is closed.
        """
        clock = Clock()

        class Home(ProcessState):
            isBroken = False

            def recall(self, key: bytes) -> Any:
                if self.isBroken:
                    raise StateUnavailable("it was unplugged")
                return super().recall(key)

        home = Home(clock)
        state = Fallback(home, ProcessState(clock), "redis://of.this.test", clock)
        state.recall(b"")
        self.assertEqual(isUp("redis://of.this.test"), {"shared state": 1})
        home.isBroken = True
        state.recall(b"")
        self.assertEqual(isUp("redis://of.this.test"), {"shared state": 0})
        home.isBroken = False
        clock.advance(100)
        state.recall(b"")
        self.assertEqual(isUp("redis://of.this.test"), {"shared state": 1})
        state.close()
        self.assertEqual(isUp("redis://of.this.test"), {})


class RedisTests(TestCase):
    """
    Tests for a real server.
    """

    @inlineCallbacks
    def test_killed(self) -> Iterator[Any]:
        """
        A server that is killed is down once a login has found out; its name is told, and
        no password.
        """
        server = RedisServer("--requirepass", "sesame")
        self.addCleanup(server.stop)
        secret = Path(self.mktemp())
        secret.write_text("sesame")
        secret.chmod(0o600)
        known = {id(one) for one in SERVERS.all()}
        state: Any = openState(server.url, str(secret), reactor=reactor)
        self.addCleanup(state.close)
        [name] = [one.name for one in SERVERS.all() if id(one) not in known]
        self.assertNotIn("sesame", name)
        yield state.recall(b"")
        self.assertEqual(isUp(name), {"shared state": 1})
        server.kill()
        yield state.recall(b"")
        self.assertEqual(isUp(name), {"shared state": 0})


class ServerTests(SynchronousTestCase):
    """
    Tests for the real servers of checkers.
    """

    def assertDownOnceKilled(self, checker: Any, kind: str, kill: Any) -> None:
        """
        Assert that the server of a checker is up as long as it answers, down once a login
        has found out, and no longer told when the checker is closed.

        @param kind: what it has.
        @param kill: ends it.
        """
        self.addCleanup(checker.close)
        before = {id(one) for one in self.known}
        [name] = [one.name for one in SERVERS.all() if id(one) not in before]
        for up in (1, 0):
            login = checker.requestAvatarId(typed())
            login.addErrback(lambda _: None)
            self.successResultOf(login)
            self.assertEqual(isUp(name), {kind: up})
            kill()
        checker.close()
        self.assertEqual(isUp(name), {})

    def setUp(self) -> None:
        # So that none of them is taken for a new one.
        self.known = SERVERS.all()

    def test_directory(self) -> None:
        """
        A directory.
        """
        server = Slapd(person("alice"))
        self.addCleanup(server.stop)
        settings = ldapSettings(host=server.socket, base=PEOPLE)
        self.assertDownOnceKilled(LDAPChecker(settings), "directory", server.kill)

    def test_database(self) -> None:
        """
        A database.
        """
        server = serverOf(PostgreSQL, "outages")
        server.restore()
        self.addCleanup(server.restore)
        database = server.makeDatabase()
        server.query(
            "create table users (name text primary key, password text)", database
        )
        server.query(f"grant select on users to {USER}", database)
        settings = sqlSettings(
            url=server.url(database), query="select * from users where name = :username"
        )
        workers = [SteppedWorkers(running=False) for _ in range(2)]
        checker = SQLChecker(settings, workers=workers[0], databaseWorkers=workers[1])
        self.assertDownOnceKilled(checker, "database", server.kill)


class TokenTests(TestCase):
    """
    Tests for what has issued tokens.
    """

    def setUp(self) -> None:
        captured(self)
        self.time = SteppedTime()
        self.status = 200
        self.page = b""
        self.provider = Provider(self.render)
        self.provider.start()
        self.addCleanup(self.provider.stop)

    def render(self, request: Any) -> bytes:
        """
        Answer a request.
        """
        request.setResponseCode(self.status)
        request.setHeader(b"content-type", b"application/json")
        return self.page

    @inlineCallbacks
    def test_introspection(self) -> Iterator[Any]:
        """
        An endpoint is down from when it has failed until it has answered, and no longer
        told when it is closed.  A secret in its URL isn't told.
        """
        self.page = json.dumps({"active": True, "username": "alice"}).encode()
        asked = Introspection(
            f"{self.provider.url}?key=secret",
            OAuthClient("mail", "sesame"),
            TokenRules("username"),
            reactor=self.time,
            keep=0.0,
        )
        self.addCleanup(asked.close)
        yield self.watched(lambda: asked.verify(b"token"))
        self.page = b'{"active": false}'
        yield asked.verify(b"token").addErrback(lambda _: None)
        self.assertEqual(isUp(self.provider.url), {"token issuer": 1})
        yield asked.close()
        self.assertEqual(isUp(self.provider.url), {})

    @inlineCallbacks
    def test_keys(self) -> Iterator[Any]:
        """
        The same is told of a URL with keys.
        """
        self.page = keySet(ECSigner().jwk())
        keys = KeyURL(self.provider.url, reactor=self.time, seconds=self.time.seconds)
        keys.PAUSE = keys.FRESH = keys.KEPT = 0.0
        self.addCleanup(keys.close)
        yield self.watched(keys._look)
        yield keys.close()
        self.assertEqual(isUp(self.provider.url), {})

    @inlineCallbacks
    def watched(self, ask: Any) -> Iterator[Deferred[Any]]:
        """
        Ask while the server works, while it fails, and when it works again.
        """
        for status, up in [(200, 1), (503, 0), (200, 1)]:
            self.status = status
            asking = ask()
            if status != 200:
                asking = self.assertFailure(asking, CannotTell)
            yield asking
            self.assertEqual(isUp(self.provider.url), {"token issuer": up})
