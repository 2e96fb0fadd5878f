"""
Tests for L{mycred._state._redis._state}, L{mycred._state._redis._lua},
L{mycred._state._redis._connection}, L{mycred._state._redis._protocol} and
L{mycred._state._redis._answers}, with a real server.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred._state import Outcome, RedisState, StateUnavailable
from mycred._state._redis._answers import Refused, ScriptUnknown, refusalOf

from ..kit.certificates import Authority
from ..kit.daemons import freePort
from ..kit.redisserver import EXAMPLE, PASSWORD, RULES, USER, RedisServer
from ..kit.statecases import StateCases, StateSteps, Steps, untilThere

# How long anything may take that has to succeed, in seconds.
_LONG = 60.0


class LateClock:
    """
    The reactor, with a clock that is set forward as if it had been held up.

    @ivar late: for how long, in seconds.
    """

    late = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def seconds(self) -> float:
        """
        Return the time.
        """
        return self.late + cast(Any, reactor).seconds()  # type: ignore[no-any-return]


class _WithServer(StateSteps):
    """
    Tests with a server.
    """

    purpose = ""

    def setUp(self: Any) -> None:
        super().setUp()
        self.server = RedisServer.of(self.purpose)
        self.state = self.makeState(self.server.url)

    def makeState(
        self: Any, url: str, password: str | None = None, **more: Any
    ) -> RedisState:
        """
        Make a state.
        """
        state = RedisState(url, password, **{"timeout": _LONG, **more})
        self.addCleanup(state.close)
        return state

    def advance(self, seconds: float) -> None:
        """
        Set the clock forward.
        """
        self.state._calls.ahead += int(seconds * 1_000_000)


class CasesTests(_WithServer, StateCases, TestCase):
    """
    What each home must do.
    """


class ServerTests(_WithServer, TestCase):
    """
    Tests with a server that does something else than usual.
    """

    purpose = "to be changed"

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.server.restore)

    @inlineCallbacks
    def assertUnavailable(self, text: str, state: Any = None) -> Steps:
        """
        Insist on a failure, with a reason.
        """
        asked = (state or self.state).reserve(self.guess())
        error = yield self.assertFailure(asked, StateUnavailable)
        self.assertIn(text, str(error))

    @inlineCallbacks
    def test_shared(self) -> Steps:
        """
        What one has counted another knows.
        """
        other = self.makeState(self.server.url)
        for state in (self.state, other, self.state):
            reservation = yield state.reserve(self.guess())
            self.assertEqual(reservation.wait, 0)
        yield self.assertWaits(self.guess(), 1)
        self.state = other
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_scriptsForgotten(self) -> Steps:
        """
        After C{SCRIPT FLUSH} the scripts are sent again, and all is as before.
        """
        yield self.wrong(*[self.guess()] * 3)
        self.server.command("SCRIPT", "FLUSH")
        answers = yield gatherResults([self.reserve(self.guess()) for _ in range(20)])
        self.assertTrue(all(answer.wait for answer in answers))

    @inlineCallbacks
    def test_dataForgotten(self) -> Steps:
        """
        After C{FLUSHALL} nothing is counted, and what was isn't taken back.
        """
        reservation = yield self.reserve(self.guess())
        yield self.wrong(*[self.guess()] * 2)
        self.server.command("FLUSHALL")
        yield self.state.settle(self.guess(), reservation, Outcome.UNKNOWN)
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_restart(self) -> Steps:
        """
        A server that is restarted is connected to by the next one who asks.
        """
        yield self.wrong(self.guess())
        self.server.kill()
        yield self.assertUnavailable("")
        self.server.start()
        yield self.wrong(self.guess())

    @inlineCallbacks
    def test_idle(self) -> Steps:
        """
        When a server closes a connection on which nothing waits, as after its C{timeout},
        the next one who asks doesn't notice.
        """
        yield self.wrong(*[self.guess()] * 3)
        lost = self.state._connection._protocol.whenDisconnected()
        self.server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        yield lost
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_hangs(self) -> Steps:
        """
        A server that hangs fails those who wait, once the time is up.  What it is sent
        meanwhile it counts no more when it goes on.
        """
        state = self.makeState(self.server.url, timeout=0.05)
        yield untilThere(state)
        self.server.freeze()
        asked = [state.reserve(self.guess()) for _ in range(20)]
        for each in asked:
            yield self.assertFailure(each, StateUnavailable)
        self.server.thaw()
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_replica(self) -> Steps:
        """
        A replica is no home, neither one that a connection finds, nor one that a server
        becomes.
        """
        yield self.wrong(self.guess())
        self.addCleanup(self.server.command, "REPLICAOF", "NO", "ONE")
        self.server.command("REPLICAOF", "127.0.0.1", "1")
        yield self.assertUnavailable("replica")
        yield self.assertUnavailable("replica")
        self.server.command("REPLICAOF", "NO", "ONE")
        yield self.wrong(self.guess())

    @inlineCallbacks
    def test_full(self) -> Steps:
        """
        A server whose memory is full is no home.
        """
        yield self.wrong(self.guess())
        self.addCleanup(self.server.command, "CONFIG", "SET", "maxmemory", "0")
        self.server.command("CONFIG", "SET", "maxmemory", "1")
        yield self.assertUnavailable("memory")

    @inlineCallbacks
    def test_user(self) -> Steps:
        """
        A user with the rules of the documentation is enough, and one with a wrong
        password, or fewer rights, is told so.
        """
        for user, rules in ((USER, RULES), ("other", "~other:* +@all")):
            self.server.command("ACL", "SETUSER", user, "on", *rules.split())
            self.server.command("ACL", "SETUSER", user, f">{PASSWORD}")
            self.addCleanup(self.server.command, "ACL", "DELUSER", user)
        url = self.server.url.replace("//", f"//{USER}@")
        self.state = self.makeState(url, PASSWORD)
        self.state.check()
        yield self.login(self.guess("x"), Outcome.RIGHT)
        yield self.login(self.guess("x"), Outcome.UNKNOWN)
        yield self.wrong(*[self.guess(n) for n in range(2)])
        self.assertTrue((yield self.state.compareAndSet(b"k", None, b"x", 60)))
        self.assertEqual((yield self.state.recall(b"k")), b"x")
        for wrong, text in (
            (self.makeState(url, "sesame"), "no such user"),
            (self.makeState(url.replace(USER, "other"), PASSWORD), "may not"),
        ):
            yield self.assertUnavailable(text, wrong)
            error = self.assertRaises(ValueError, wrong.check)
            self.assertIn(text, str(error))

    @inlineCallbacks
    def test_example(self) -> Steps:
        """
        A server with the settings of the documentation knows that user, and nobody else.
        """
        server = RedisServer("--include", str(EXAMPLE))
        self.addCleanup(server.stop)
        url = server.url.replace("//", "//myapp@")
        self.state = self.makeState(url, "change-this")
        self.state.check()
        yield self.login(self.guess("x"), Outcome.RIGHT)
        yield self.assertUnavailable("wants a password", self.makeState(server.url))

    @inlineCallbacks
    def test_evicts(self) -> Steps:
        """
        A server that forgets what is nearly forgotten, since its memory is full, goes on
        counting, and keeps what is kept for ever.
        """
        server = RedisServer("--maxmemory-policy", "volatile-ttl")
        self.addCleanup(server.stop)
        self.state = self.makeState(server.url)
        yield self.state.compareAndSet(b"secret", None, b"x", 0)
        used = server.command("INFO", "memory").partition(b"used_memory:")[2].split()[0]
        server.command("CONFIG", "SET", "maxmemory", b"%d" % (int(used) + 500_000))
        guesses = [self.guess(n, source=n, account=n) for n in range(2000)]
        for first in range(0, 2000, 100):
            yield gatherResults(map(self.reserve, guesses[first : first + 100]))
        self.assertNotIn(b"evicted_keys:0\r\n", server.command("INFO", "stats"))
        self.assertEqual((yield self.state.recall(b"secret")), b"x")
        yield self.wrong(*[self.guess(source="new", account="new")] * 3)
        yield self.assertWaits(self.guess(source="new", account="new"), 1)

    @inlineCallbacks
    def test_clockSetBack(self) -> Steps:
        """
        When the server's clock is set back nobody waits until it is there again.
        """
        self.advance(3600)
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)
        self.advance(-3600)
        yield self.wrong(self.guess())
        yield self.assertWaits(self.guess(), 8)

    @inlineCallbacks
    def test_clockSetForward(self) -> Steps:
        """
        When it is set forward one answer seems to be late, and the next one doesn't.
        """
        yield self.wrong(self.guess())
        self.state._connection._ahead -= 3600_000_000
        yield self.assertUnavailable("too late")
        yield self.wrong(*[self.guess()] * 2)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_heldUp(self) -> Steps:
        """
        A reactor that is held up between a guess and the answer to it doesn't take the
        next one for late.
        """
        clock = LateClock()
        self.state = self.makeState(self.server.url, reactor=clock)
        yield self.wrong(self.guess())
        asked = self.state.reserve(self.guess())
        clock.late = 2 * _LONG
        yield asked
        # As if the server's clock had gone on for as long.
        clock.late = 0.0
        yield self.wrong(self.guess())
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_otherLimits(self) -> Steps:
        """
        Of two processes with other settings each applies its own to what both count.
        """
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)
        guess = self.guess()
        assert guess.pair is not None
        generous = self.PAIR._replace(free=10)
        other = guess._replace(pair=guess.pair._replace(limit=generous))
        yield self.login(other, None)
        yield self.assertWaits(self.guess(), 2)

    @inlineCallbacks
    def test_password(self) -> Steps:
        """
        A server's password is needed where it has one, and only there.
        """
        server = RedisServer("--requirepass", PASSWORD)
        self.addCleanup(server.stop)
        right = self.makeState(server.url, PASSWORD)
        right.check()
        yield right.recall(b"")
        for state, text in (
            (self.makeState(server.url), "wants a password"),
            (self.makeState(server.url, "sesame"), "no such user"),
            (self.makeState(self.server.url, PASSWORD), "no password"),
        ):
            yield self.assertUnavailable(text, state)
            error = self.assertRaises(ValueError, state.check)
            self.assertIn(text, str(error))

    @inlineCallbacks
    def test_socket(self) -> Steps:
        """
        A socket of this machine will do, and another database than the first one.
        """
        self.state = self.makeState(f"redis+unix://{self.server.socket}?db=3")
        self.state.check()
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)
        self.state = self.makeState(self.server.url)
        yield self.wrong(self.guess())
        wrong = self.makeState(f"{self.server.url}99")
        yield self.assertUnavailable("no database of this number", wrong)
        self.assertRaises(ValueError, wrong.check)

    @inlineCallbacks
    def test_wrongData(self) -> Steps:
        """
        Keys that hold something else count as nothing, however long it is; of keys of
        another kind there is an error.
        """
        self.state = self.makeState(self.server.url, prefix=b"wrong:")
        guess = self.guess("x")
        calls = self.state._calls
        keys = calls.reserve(guess, 0).keys
        for content in (b"", b"x", b"x" * 100_000):
            for key in keys[:-2]:
                self.server.command("SET", key, content)
            self.server.command("SET", keys[-1], content)
            value = calls.recall(b"k").keys[0]
            self.server.command("SET", value, content)
            yield self.login(guess, None)
            self.assertIs((yield self.state.recall(b"k")), None)
            self.assertTrue((yield self.state.compareAndSet(b"k", None, b"x", 60)))
        for key in keys:
            self.server.command("DEL", key)
            self.server.command("SADD", key, "x")
        yield self.assertUnavailable("another program")

    @inlineCallbacks
    def test_expiry(self) -> Steps:
        """
        All that is kept goes by itself, but for a value that is kept for ever.
        """
        self.state = self.makeState(self.server.url, prefix=b"expiry:")
        yield self.login(self.guess("x"), Outcome.RIGHT)
        yield self.wrong(self.guess("y"), self.guess("z", source=None))
        yield self.state.compareAndSet(b"short", None, b"", 60)
        yield self.state.compareAndSet(b"long", None, b"", 0)
        _, *names = self.server.command("KEYS", "expiry:*").split(b"\r\n$")
        keys = [name.partition(b"\r\n")[2].removesuffix(b"\r\n") for name in names]
        lasting = [k for k in keys if self.server.command("PTTL", k) == b":-1\r\n"]
        self.assertGreater(len(keys), 6)
        self.assertEqual(lasting, [b"expiry:value:long"])

    @inlineCallbacks
    def test_closed(self) -> Steps:
        """
        One that was closed connects no more.
        """
        yield self.state.recall(b"")
        waiting = self.state.recall(b"")
        yield self.state.close()
        yield self.assertFailure(waiting, StateUnavailable)
        yield self.assertUnavailable("closed")

    def test_repr(self) -> None:
        """
        No password is shown.
        """
        url = self.server.url.replace("//", f"//{USER}@")
        state = self.makeState(url, PASSWORD)
        self.assertNotIn(PASSWORD, repr(state) + repr(vars(state)))
        self.assertIn(USER, repr(state))


class TLSTests(_WithServer, TestCase):
    """
    Tests with TLS.
    """

    def setUp(self) -> None:
        StateSteps.setUp(self)
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.authority = Authority(self.folder)

    def serve(self, *hosts: str) -> RedisServer:
        """
        Start a server whose certificate is for these hosts.
        """
        certificate, key = self.authority.certify("server", *hosts)
        server = RedisServer(
            *["--tls-port", "0", "--tls-auth-clients", "no"],
            *["--tls-cert-file", str(certificate), "--tls-key-file", str(key)],
            *["--tls-ca-cert-file", str(self.authority.file)],
        )
        self.addCleanup(server.stop)
        server.command("CONFIG", "SET", "port", "0")
        server.command("CONFIG", "SET", "tls-port", str(server.port))
        return server

    @inlineCallbacks
    def test_verifies(self) -> Steps:
        """
        A server whose certificate is by the authority, and for its name, is a home;
        others aren't, and neither is one that speaks no TLS.
        """
        server = self.serve("localhost")
        other = Authority(self.folder, "other")
        place = f"localhost:{server.port}/0?ca="
        self.state = self.makeState(f"rediss://{place}{self.authority.file}")
        self.state.check()
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)
        for url in (
            f"rediss://{place}{other.file}",
            f"rediss://127.0.0.1:{server.port}/0?ca={self.authority.file}",
        ):
            state = self.makeState(url)
            yield self.assertFailure(state.recall(b""), StateUnavailable)
            error = self.assertRaises(ValueError, state.check)
            self.assertIn("certificate", str(error))
        self.patch(RedisState, "longestOpening", 0.1)
        for url in (
            f"redis://localhost:{server.port}/0",
            f"rediss://localhost:{RedisServer.of().port}/0?ca={self.authority.file}",
        ):
            state = self.makeState(url)
            yield self.assertFailure(state.recall(b""), StateUnavailable)
            self.assertRaises((ValueError, OSError), state.check)
        error = self.assertRaises(OSError, state.check)
        self.assertIn("it begins no TLS", str(error))

    @inlineCallbacks
    def test_certificateIsForNobody(self) -> Steps:
        """
        A certificate that has no name is for no server.
        """
        server = self.serve()
        place = f"localhost:{server.port}/0?ca={self.authority.file}"
        state = self.makeState(f"rediss://{place}")
        yield self.assertFailure(state.recall(b""), StateUnavailable)

    @inlineCallbacks
    def test_noAuthorities(self) -> Generator[Deferred[Any], Any, None]:
        """
        The file of the authorities is needed.
        """
        state = self.makeState(f"rediss://localhost:1/0?ca={self.folder}/none")
        error = yield self.assertFailure(state.recall(b""), StateUnavailable)
        self.assertIn("none", str(error))

    def test_wrongAuthorities(self) -> None:
        """
        A file of authorities that can't be used is a mistake, whether the server is up or
        not; and who names none is told how to.
        """
        place = f"localhost:{freePort()}/0?ca="
        empty = self.folder / "empty"
        empty.write_bytes(b"")
        for path, why in (
            (self.folder / "none", "ca: .*/none can't be read"),
            (empty, "ca: .*/empty holds no certificates"),
        ):
            state = self.makeState(f"rediss://{place}{path}")
            error = self.assertRaises(ValueError, state.check)
            self.assertRegex(str(error), why)
        state = self.makeState(f"rediss://localhost:{self.serve('localhost').port}/0")
        error = self.assertRaises(ValueError, state.check)
        self.assertIn("?ca=FILE", str(error))

    @inlineCallbacks
    def test_silent(self) -> Steps:
        """
        A connection that is tried says nothing in the log, since that happens as long as
        a server is down.
        """
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.state = self.makeState(f"redis://localhost:{freePort()}/0")
        yield self.assertFailure(self.state.recall(b""), StateUnavailable)
        self.assertEqual([e for e in events if "factory" in str(e)], [])


class AnswerTests(SynchronousTestCase):
    """
    Tests for what a server says that doesn't do what was asked.
    """

    def test_words(self) -> None:
        """
        Each error has an explanation, and says nothing of what was sent.
        """
        for text, why in (
            ("READONLY You can't write against a read only replica.", "replica"),
            ("OOM command not allowed when used memory > 'maxmemory'.", "memory"),
            (
                "Error running script (call to f_1): @user_script:3: -OOM command not",
                "memory",
            ),
            ("LOADING Redis is loading the dataset in memory", "loading"),
            ("MOVED 3999 127.0.0.1:6381", "cluster"),
            ("WRONGPASS invalid username-password pair", "no such user"),
            ("unknown command 'EVAL', with args beginning with: 'OOM' 'x'", "refuses"),
            ("unknown command 'AUTH', with args beginning with: 'sesame' 'x'", "refuses"),
            ("sesame" * 1000, "refuses"),
        ):
            error = refusalOf(text)
            self.assertIsInstance(error, Refused)
            self.assertIn(why, str(error))
            self.assertNotIn("sesame", str(error))

    def test_script(self) -> None:
        """
        A script that a server doesn't know is no refusal.
        """
        self.assertIsInstance(refusalOf("NOSCRIPT No matching script."), ScriptUnknown)
