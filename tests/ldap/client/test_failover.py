"""
Tests for L{mycred._failover._failover}, L{mycred._failover._server} and
L{mycred._ldap.client._server}, against slapd and servers that misbehave.
"""

from __future__ import annotations

import errno
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SkipTest

from mycred._failover import Backoff, Failover
from mycred._failover._health import Health
from mycred._ldap import Directory
from mycred._ldap.client import _opener
from mycred._ldap.client._connection import Connection, Role
from mycred._ldap.client._errors import Fault, Slow
from mycred._ldap.client._server import Server
from mycred._verdict import Kind, Verdict

from ...kit.ahead import Time
from ...kit.certificates import Authority
from ...kit.directory import DirectoryTestCase
from ...kit.fakeldap import (
    BIND,
    BOUND,
    SEARCH,
    Conversation,
    Fake,
    FakeTestCase,
    until,
    well,
)
from ...kit.processes import shared
from ...kit.slapd import ONLY_SERVICE, Slapd, person

LONG = 20.0


def healths(directory: Directory) -> list[Health]:
    """
    Return the states of the servers of a directory.
    """
    return [server.health for server in directory.failover.servers]


class ReplicaTests(DirectoryTestCase):
    """
    Tests for two servers with the same entries, and TLS.

    @cvar ca: the path of their authority's certificate.
    """

    ca: ClassVar[str]
    entries = (person("alice"), person("bob"))

    def setUp(self) -> None:
        self.both = shared.get(type(self), self.makeReplicas)
        self.addCleanup(shared.restore)
        self.time = Time()
        self.patch(time, "monotonic", self.time.monotonic)

    def makeReplicas(self) -> list[Slapd]:
        """
        Start both servers.
        """
        files = Path(self.mktemp()).resolve()
        files.mkdir()
        authority = Authority(files)
        type(self).ca = str(authority.file)
        certificate = authority.certify("server", "localhost")
        return [
            Slapd(*self.entries, certificate=certificate, access=ONLY_SERVICE)
            for _ in range(2)
        ]

    def replicas(self, **given: str) -> Directory:
        """
        Return a directory of both.
        """
        hosts = ",".join(f"localhost:{server.port}" for server in self.both)
        given = {"timeout": "2", "cafile": self.ca, **self.account(), **given}
        return self.directory(host=hosts, **given)

    def ask(self, directory: Directory, timeout: float = 2) -> Verdict:
        """
        Log in.
        """
        return self.look(directory, "alice", timeout=timeout)

    def served(self, seen: Verdict) -> Slapd:
        """
        Return the server that was asked for a login.
        """
        self.assertAccepted(seen, "alice")
        *_, told = [s.split("localhost:")[1] for s in seen.steps if "server:" in s]
        [server] = [each for each in self.both if told.startswith(str(each.port))]
        return server

    def test_preferred(self) -> None:
        """
        The first server is asked as long as it works.
        """
        directory = self.replicas()
        for _ in range(3):
            self.assertIs(self.served(self.ask(directory)), self.both[0])

    def test_gone(self) -> None:
        """
        The second is asked when the first is gone, with whatever was under way; and the
        first again when it is back.
        """
        for number in (signal.SIGKILL, signal.SIGTERM):
            directory = self.replicas()
            self.ask(directory)
            self.both[0].kill(number)
            self.assertIs(self.served(self.ask(directory)), self.both[1])
            self.both[0].start()
            self.time.ahead += 10
            self.returned(directory)

    def returned(self, directory: Directory) -> None:
        """
        Wait until the first server is asked again.
        """
        until(lambda: self.served(self.ask(directory, LONG)) is self.both[0])

    def test_stopped(self) -> None:
        """
        With the first server stopped a login goes on with the second, in the time that
        it has; from then on no login asks the first, until it is back.
        """
        directory = self.replicas()
        self.ask(directory)
        self.both[0].kill(signal.SIGSTOP)
        self.addCleanup(self.both[0].kill, signal.SIGCONT)
        self.assertIs(self.served(self.ask(directory)), self.both[1])
        for _ in range(20):
            # So quick that none can have waited for the first.
            self.assertIs(self.served(self.ask(directory, 0.5)), self.both[1])
        self.both[0].kill(signal.SIGCONT)
        self.time.ahead += 10
        self.returned(directory)

    def test_stoppedAside(self) -> None:
        """
        While the first is probed, and hangs, no login waits.
        """
        directory = self.replicas()
        self.both[0].kill(signal.SIGSTOP)
        self.addCleanup(self.both[0].kill, signal.SIGCONT)
        self.ask(directory)
        for _ in range(5):
            self.time.ahead += 10
            self.assertIs(self.served(self.ask(directory, 0.5)), self.both[1])

    def test_bothGone(self) -> None:
        """
        With both gone each login is a temporary failure, at once when that is known;
        when they are back nothing is left of it.
        """
        # None is tried again before the test has the time pass.
        self.patch(Backoff, "firstPause", 5.0)
        directory = self.replicas()
        self.ask(directory)
        for server in self.both:
            server.kill()
        self.assertUnsure(self.ask(directory), "can't be reached")
        for _ in range(100):
            self.assertUnsure(self.ask(directory), "no server")
        for server in self.both:
            server.start()
        self.time.ahead += 10
        self.assertAccepted(self.ask(directory), "alice")
        # A probe that is under way would lose its time by that.
        until(lambda: not any(each.isRetried for each in healths(directory)))
        self.time.ahead += 10
        self.returned(directory)
        notes = list(directory.takeNotes())
        fails = [note for note in notes if "fails" in note]
        self.assertEqual(len(fails), 2, fails)

    def test_bothStopped(self) -> None:
        """
        So it is with both stopped.
        """
        directory = self.replicas()
        for server in self.both:
            server.kill(signal.SIGSTOP)
            self.addCleanup(server.kill, signal.SIGCONT)
        self.assertUnsure(self.ask(directory, 0.5))
        until(lambda: all(each.isDown for each in healths(directory)))
        for _ in range(100):
            self.assertUnsure(self.ask(directory), "no server")
        for server in self.both:
            server.kill(signal.SIGCONT)
        self.time.ahead += 10
        # A probe that waited all that time is answered soon.
        until(lambda: self.ask(directory).kind is Kind.ACCEPTED)

    def test_restarted(self) -> None:
        """
        A server that was restarted between two logins is asked as if nothing had been.
        """
        directory = self.replicas()
        self.ask(directory)
        self.both[0].kill()
        self.both[0].start()
        self.assertIs(self.served(self.ask(directory)), self.both[0])
        self.assertEqual(list(directory.takeNotes()), [])

    def test_restartedAtOnce(self) -> None:
        """
        Also if many log in at once.
        """
        # Also on a machine that is busy no server is slow.
        directory = self.replicas(timeout="20")
        with ThreadPoolExecutor(8) as pool:
            for _ in range(3):
                looks = pool.map(lambda _: self.ask(directory, LONG), range(40))
                self.assertEqual({seen.kind for seen in looks}, {Kind.ACCEPTED})
                self.both[0].kill()
                self.both[0].start()
        self.assertEqual(list(directory.takeNotes()), [])

    def test_neverSearchedAsUser(self) -> None:
        """
        Users bind on connections that aren't used for searches: the service account still
        finds all users, in whatever order they come, and all at once.
        """
        directory = self.replicas()
        names = ["alice", "bob", "nobody"] * 50
        with ThreadPoolExecutor(8) as pool:
            looks = pool.map(lambda name: self.look(directory, name), names)
            for name, seen in zip(names, looks):
                if name == "nobody":
                    self.assertRefused(seen, "no entry")
                else:
                    self.assertAccepted(seen, name)

    def test_rebound(self) -> None:
        """
        Each connection that searches is bound as the service account.
        """
        directory = self.replicas()
        for _ in range(3):
            self.assertAccepted(self.ask(directory), "alice")
            self.both[0].kill()
            self.both[0].start()


class HealthTests(FakeTestCase):
    """
    Tests for what is remembered of servers.
    """

    def setUp(self) -> None:
        self.time = Time()
        self.patch(time, "monotonic", self.time.monotonic)
        # The binds that are never answered.
        self.hung: list[bytes] = []

    def pair(self, **given: str) -> tuple[Fake, Fake, Directory]:
        """
        Return two servers, and a directory of both.
        """
        first, second = self.serve(well), self.serve(well)
        return first, second, self.directory(first, second, timeout="2", **given)

    def accepted(self, directory: Directory, timeout: float = 2) -> bool:
        """
        Log in.
        """
        return self.look(directory, timeout).kind is Kind.ACCEPTED

    def hang(self, conversation: Conversation) -> None:
        """
        Receive requests, and answer none.
        """
        for _ in conversation.requests():
            pass

    def cut(self, server: Fake, talk: Callable[[Conversation], None]) -> None:
        """
        End the connections to a server, which does something else from now on.
        """
        server.talk = talk
        for conversation in server._conversations:
            conversation.close()

    def test_comesBack(self) -> None:
        """
        However often a server has failed, it is asked again when it works.
        """
        server = self.serve(well)
        directory = self.directory(server, timeout="2")
        self.cut(server, lambda conversation: conversation.close())
        for _ in range(8):
            self.assertFalse(self.accepted(directory))
            self.time.ahead += 10
        server.talk = well
        self.time.ahead += 10
        self.assertTrue(self.accepted(directory))

    def test_known(self) -> None:
        """
        While a server is down no login asks it.
        """
        self.patch(Backoff, "firstPause", 100)
        first, _, directory = self.pair()
        self.cut(first, lambda conversation: conversation.close())
        self.assertTrue(self.accepted(directory))
        until(lambda: first.accepted)
        count = first.accepted
        for _ in range(20):
            self.assertTrue(self.accepted(directory))
        self.assertEqual(first.accepted, count)

    def test_oneTry(self) -> None:
        """
        Of many logins that come when it is time for a probe one starts it.
        """
        self.patch(Failover, "longestWait", 0.2)
        server = self.serve(self.hang)
        directory = self.directory(server, timeout="1")
        self.assertFalse(self.accepted(directory, 0.5))
        until(lambda: healths(directory)[0].isDown)
        self.time.ahead += 10
        count = server.accepted
        with ThreadPoolExecutor(8) as pool:
            looks = list(pool.map(lambda _: self.accepted(directory, 1), range(8)))
        self.assertEqual(looks, [False] * 8)
        self.assertEqual(server.accepted, count + 1)

    def bothHang(self) -> tuple[Fake, Directory]:
        """
        Make a directory of two servers that hang, and are down.

        @return: the second, and the directory.
        """
        first, second, directory = self.pair()
        self.cut(first, self.hang)
        self.cut(second, self.hang)
        self.assertFalse(self.accepted(directory, 0.5))
        until(lambda: all(each.isDown for each in healths(directory)))
        return second, directory

    def test_hanging(self) -> None:
        """
        A login that starts probes of servers that hang waits for a moment, and no other
        does.
        """
        _, directory = self.bothHang()
        self.time.ahead += 10
        self.patch(Failover, "longestWait", 0.05)
        with ThreadPoolExecutor(8) as pool:
            looks = list(pool.map(lambda _: self.look(directory, 0.5), range(20)))
        for seen in looks:
            self.assertUnsure(seen, "no server")

    def test_firstBack(self) -> None:
        """
        A login that waits is accepted as soon as one is back, though another hangs.
        """
        second, directory = self.bothHang()
        second.talk = well
        self.patch(Failover, "longestWait", LONG)
        self.time.ahead += 10
        self.assertTrue(self.accepted(directory, LONG))
        # The other is still being tried.
        self.assertTrue(healths(directory)[0].isRetried)

    def test_reason(self) -> None:
        """
        The log says why a server fails, and again when that is for another reason; so do
        the verdicts meanwhile.
        """
        server = self.serve(well)
        directory = self.directory(server, timeout="2")
        self.cut(server, lambda conversation: conversation.close())
        self.assertFalse(self.accepted(directory))
        for _ in range(2):
            self.time.ahead += 10
            self.assertUnsure(self.look(directory), "no server", "closed")
        server.stop()
        self.time.ahead += 10
        self.assertUnsure(self.look(directory), "no server", "refused")
        fails = [note for note in directory.takeNotes() if "fails" in note]
        self.assertEqual(len(fails), 2)
        self.assertIn("refused", fails[1])

    def test_forgotten(self) -> None:
        """
        Where one idle connection is swallowed the others aren't used, either.
        """
        server = self.serve(well)
        directory = self.directory(server)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self.accepted(directory), range(40)))
        [each] = directory.failover.servers
        pairs = [socket.socketpair() for _ in range(8)]
        for pair in pairs:
            for end in pair:
                self.addCleanup(end.close)
        ends = (pair[0] for pair in pairs)
        for pool in each._pools.values():
            for connection in pool._connections:
                connection._socket.close()
                connection._socket = next(ends)
        self.assertUnsure(self.look(directory, 0.2), "in time")
        self.assertTrue(self.accepted(directory))
        self.assertFalse(each.health.isDown)

    def test_answersOthers(self) -> None:
        """
        A server that answers others while it is tried, too slowly, isn't down.
        """
        server = self.serve(well)
        directory = self.directory(server)
        [each] = directory.failover.servers

        faults: list[Fault] = [Slow("too slow"), Fault("odd")]

        def openSlowly(*_: object) -> None:
            each.health.markUp(Role.SEARCH)
            raise faults[0]

        self.patch(each._opener, "open", openSlowly)
        each._probe(2, "a login waited")
        self.assertFalse(each.health.isDown)
        faults.pop(0)
        each._probe(2, "a login waited")
        self.assertTrue(each.health.isDown)
        self.assertEqual(each.health.reason, "odd; before that: a login waited")

    def test_slowForAll(self) -> None:
        """
        One that is too slow, and answers no login, is.
        """
        directory = self.directory(self.serve(self.hang))
        [each] = directory.failover.servers
        each._probe(0.1)
        self.assertTrue(each.health.isDown)

    def test_moved(self) -> None:
        """
        When a server fails its addresses are found anew.
        """
        directory = self.directory(self.serve(well))
        [each] = directory.failover.servers
        expired: list[object] = []
        self.patch(each._opener._resolver, "expire", lambda: expired.append(each))
        each._fail(self.time.monotonic(), "gone")
        self.assertEqual(expired, [each])

    def test_unreceived(self) -> None:
        """
        A connection on which nothing is received any more is lost, and replaced, unseen.
        """
        if not hasattr(socket, "TCP_USER_TIMEOUT"):
            raise SkipTest("run Linux")
        directory = self.directory(self.serve(well))
        self.assertTrue(self.accepted(directory))
        [each] = directory.failover.servers
        [connection] = each._pools[Role.USER]._connections
        used = connection._socket
        longest = used.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        self.assertEqual(longest, 3000)

        class Deaf:
            """
            What the system says when that time is over.
            """

            def __getattr__(self, name: str) -> Any:
                return getattr(used, name)

            def recv(self, size: int) -> bytes:
                raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

        connection._socket = Deaf()
        self.assertTrue(self.accepted(directory))
        self.assertEqual(list(directory.takeNotes())[1:], [])

    def test_oneUser(self) -> None:
        """
        A server that can't answer for one user isn't down for others.
        """
        first, second, directory = self.pair()

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == BIND and body.endswith(b"sesame"):
                    conversation.answer(identity, BOUND, 52)
                else:
                    conversation.behave(identity, kind, body)

        self.cut(first, talk)
        self.cut(second, talk)
        for _ in range(3):
            self.assertUnsure(self.look(directory), "unavailable")
        self.assertNotIn("fails", " ".join(directory.takeNotes()))
        self.assertFalse(any(each.isDown for each in healths(directory)))

    def test_littleTime(self) -> None:
        """
        A login with too little time doesn't take down a server that works.
        """
        directory = self.directory(self.serve(well), timeout="2")
        [each] = healths(directory)
        for _ in range(20):
            self.accepted(directory, 0.0001)
        until(lambda: not each.isProbed)
        self.assertFalse(each.isDown)
        self.assertTrue(self.accepted(directory))

    def test_suspected(self) -> None:
        """
        While a server is probed others are asked first.
        """
        first, second, directory = self.pair()
        self.assertTrue(self.accepted(directory))
        self.cut(first, self.hang)
        self.accepted(directory, 0.2)
        [suspect, _] = healths(directory)
        self.assertTrue(suspect.isProbed or suspect.isDown)
        count = first.asked.count(SEARCH)
        for _ in range(5):
            self.assertTrue(self.accepted(directory))
        until(lambda: suspect.isDown)
        # A probe sends no search for a user.
        self.assertEqual(first.asked.count(SEARCH), count)
        self.assertGreater(len(second.asked), 10)

    def test_oneSlowUser(self) -> None:
        """
        A bind that hangs for one user only takes no server down.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == BIND and body.endswith(b"sesame"):
                    conversation.hang()
                conversation.behave(identity, kind, body)

        server = self.serve(talk)
        directory = self.directory(server)
        [each] = healths(directory)
        for _ in range(3):
            self.assertUnsure(self.look(directory, 0.2), "in time")
            until(lambda: not each.isProbed)
            self.assertFalse(each.isDown)

    def thirdParty(self, conversation: Conversation) -> None:
        """
        Answer everything but the binds of those whose passwords are elsewhere.
        """
        for identity, kind, body in conversation.requests():
            if kind == BIND and body.endswith(b"sesame"):
                self.hung.append(body)
                conversation.hang()
            conversation.behave(identity, kind, body)

    def standing(self) -> None:
        """
        Make pauses end when the test says so.
        """
        for name in ("firstPause", "longestPause"):
            self.patch(Backoff, name, 1000.0)

    def test_thirdParty(self) -> None:
        """
        If a server works, and doesn't answer users' binds, others are asked first; one
        login now and then finds out whether that has changed.
        """
        self.standing()
        self.patch(Server, "fairTime", 0)
        first, second, directory = self.pair()
        self.patch(directory.failover, "_longest", 0.2)
        self.assertTrue(self.accepted(directory, LONG))
        self.cut(first, self.thirdParty)
        [doubtful, _] = healths(directory)
        for count in range(1, 4):
            for _ in range(10):
                self.assertTrue(self.accepted(directory, LONG))
                until(lambda: not doubtful.isProbed)
            self.assertEqual(len(self.hung), count)
            self.assertFalse(doubtful.isDown)
            self.time.ahead += 2000
        self.assertNotIn("fails", " ".join(directory.takeNotes()))
        self.patch(directory.failover, "_longest", LONG)
        self.cut(first, well)
        count = second.asked.count(BIND)
        for _ in range(10):
            self.assertTrue(self.accepted(directory, LONG))
        self.assertEqual(second.asked.count(BIND), count)

    def test_oneFindsOut(self) -> None:
        """
        Of many logins that come when it is time to find that out one does.
        """
        self.standing()
        self.patch(Server, "fairTime", 0)
        first, _, directory = self.pair()
        self.patch(directory.failover, "_longest", 0.5)
        [doubtful, _] = healths(directory)
        self.cut(first, self.thirdParty)
        self.assertTrue(self.accepted(directory, LONG))
        until(lambda: not doubtful.isProbed)
        self.time.ahead += 2000
        with ThreadPoolExecutor(8) as pool:
            looks = list(pool.map(lambda _: self.accepted(directory, LONG), range(8)))
        self.assertEqual(looks, [True] * 8)
        until(lambda: not doubtful.isProbed)
        self.assertEqual(len(self.hung), 2)

    def test_bothDoubtful(self) -> None:
        """
        If all are in doubt they are asked in their usual order, and no login is refused
        for it.
        """
        self.standing()
        self.patch(Server, "fairTime", 0)
        first, second, directory = self.pair()
        both = healths(directory)
        for server in (first, second):
            self.cut(server, self.thirdParty)
        self.assertUnsure(self.look(directory, 1), "in time")
        until(lambda: len(self.hung) == 2)
        until(lambda: not any(each.isProbed for each in both))
        for server in (first, second):
            self.cut(server, well)
        count = second.asked.count(BIND)
        for _ in range(3):
            self.assertTrue(self.accepted(directory))
        self.assertEqual(second.asked.count(BIND), count)

    def test_hasty(self) -> None:
        """
        A login that had hardly any time casts no doubt.
        """
        self.standing()
        first, _, directory = self.pair()
        self.cut(first, self.thirdParty)
        self.accepted(directory, 0.2)
        [hasty, _] = healths(directory)
        until(lambda: not hasty.isProbed)
        self.assertTrue(hasty.claimTurn(Role.USER))

    def test_patience(self) -> None:
        """
        A server that hangs is known to be down before those who wait have waited for as
        long as they may; and then they needn't.
        """
        self.patch(Connection, "patience", 0.05)
        server = self.serve(well)
        directory = self.directory(server)
        self.patch(directory.failover.servers[0], "_longest", 0.2)
        self.assertTrue(self.accepted(directory))
        server.talk = self.hang
        for conversation in server._conversations:
            conversation.mute()
        with ThreadPoolExecutor(8) as pool:
            looks = list(pool.map(lambda _: self.look(directory, LONG), range(8)))
        for seen in looks:
            self.assertUnsure(seen, "in time")
        [each] = healths(directory)
        self.assertTrue(each.isDown)
        # That was known, and said, long before.
        self.assertLess(self.time.monotonic(), each._retryAt + LONG / 2)

    def test_slowAlone(self) -> None:
        """
        Where no other is left, a server has as much time as logins have.
        """
        self.patch(Connection, "patience", 0.05)
        self.patch(Failover, "longestShare", 0.001)

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == BIND:
                    conversation.wait(0.2)
                conversation.behave(identity, kind, body)

        directory = self.directory(self.serve(talk))
        for _ in range(3):
            self.assertTrue(self.accepted(directory, LONG))
        self.assertEqual(list(directory.takeNotes())[1:], [])

    def test_told(self) -> None:
        """
        The steps say which server has failed, and how, before the next.
        """
        first, _, directory = self.pair()
        self.cut(first, lambda conversation: conversation.close())
        until = time.monotonic() + LONG
        steps = directory.lookUp(b"alice", b"sesame", until, isWatched=True).steps
        self.assertIn(f"no answer: 127.0.0.1:{first.port} has closed", steps[0])
        self.assertIn("server: ", steps[1])

    def test_share(self) -> None:
        """
        However long a login may take: one server of several isn't waited for for long.
        """
        self.patch(Failover, "longestShare", 0.1)
        first, _, directory = self.pair()
        self.cut(first, self.thirdParty)
        self.assertTrue(self.accepted(directory, 1000))

    def test_noMoreConnections(self) -> None:
        """
        A server that takes no more connections, and serves those that it has, isn't
        down.
        """
        server = self.serve(well)
        directory = self.directory(server)
        self.assertTrue(self.accepted(directory))
        server.talk = lambda conversation: conversation.close()
        [each] = directory.failover.servers

        def work(_: Any, soon: float) -> None:
            # Meanwhile another login comes, for which there is no connection.
            with self.assertRaises(Fault):
                each.use(Role.SEARCH, soon, lambda *_: None)
            until(lambda: not each.health.isProbed)

        directory.failover.use(Role.SEARCH, time.monotonic() + LONG, work)
        self.assertFalse(each.health.isDown)
        each.use(Role.SEARCH, time.monotonic() + LONG, each._answersUnknown)
        self.assertEqual(list(directory.takeNotes())[1:], [])

    def test_onlyOne(self) -> None:
        """
        Nor is one that takes a single connection at a time: the idle one makes room.
        """
        server = self.serve(well)
        directory = self.directory(server)

        def talk(conversation: Conversation) -> None:
            if server.taken.acquire(timeout=0.2):
                try:
                    well(conversation)
                finally:
                    server.taken.release()
            conversation.close()

        server.talk = talk
        [each] = directory.failover.servers
        for role in (Role.USER, Role.SEARCH):
            each.use(role, time.monotonic() + LONG, each._answersUnknown)
        self.assertEqual(list(directory.takeNotes())[1:], [])

    def test_slowTrial(self) -> None:
        """
        A server that has failed comes back though it is slow to answer the question
        that finds that out.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == BIND and b"cn=" in body:
                    conversation.wait(0.2)
                conversation.behave(identity, kind, body)

        server = self.serve(talk)
        directory = self.directory(server, timeout="2")
        [each] = directory.failover.servers
        each._longest = 0.05
        each._fail(self.time.monotonic(), "gone")
        self.time.ahead += 10
        self.assertTrue(self.accepted(directory))

    def test_oneRole(self) -> None:
        """
        A server that answers searches and no binds is down.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                # The anonymous bind before a search has no name.
                if (kind == BIND and b"cn=" in body) or body.endswith(b"sesame"):
                    conversation.hang()
                conversation.behave(identity, kind, body)

        first, _, directory = self.pair()
        self.cut(first, talk)
        self.assertTrue(self.accepted(directory))
        [down, _] = healths(directory)
        until(lambda: down.isDown)
        # What has found that out has left nothing.
        until(lambda: first.open() == 0)

    def test_odd(self) -> None:
        """
        Whatever goes wrong in a probe, there will be another one.
        """
        first, _, directory = self.pair()
        self.cut(first, lambda conversation: conversation.close())
        self.assertTrue(self.accepted(directory))
        calls: list[object] = []
        usual = _opener.openConnection

        def fail(address: Any, *args: Any) -> Any:
            if address.port != first.port:
                return usual(address, *args)
            calls.append(args)
            raise RuntimeError("odd")

        self.patch(_opener, "openConnection", fail)
        for count in range(1, 4):
            self.time.ahead += 10
            self.assertTrue(self.accepted(directory))
            until(lambda count=count: len(calls) == count)
            until(lambda: not healths(directory)[0].isRetried)

    def test_refusedAside(self) -> None:
        """
        A server that refuses anonymous binds works again as soon as it answers so.
        """
        first, _, directory = self.pair(dn="uid={username},dc=example,dc=org")
        self.cut(first, lambda conversation: conversation.close())
        self.look(directory, 0.5)
        [down, _] = healths(directory)
        until(lambda: down.isDown)

        def talk(conversation: Conversation) -> None:
            for identity, kind, _ in conversation.requests():
                conversation.answer(identity, kind + 1, 49)

        first.talk = talk
        self.time.ahead += 10
        self.look(directory, 0.5)
        until(lambda: not down.isDown)

    def test_stale(self) -> None:
        """
        A connection that was lost while it was idle is replaced, unseen; all others are
        given up with it.
        """
        server = self.serve(well)
        directory = self.directory(server)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self.accepted(directory), range(40)))
        self.cut(server, well)
        count = server.accepted
        self.assertTrue(self.accepted(directory))
        self.assertEqual(list(directory.takeNotes())[1:], [])
        self.assertEqual((server.open(), server.accepted), (2, count + 2))
        [each] = directory.failover.servers
        self.assertEqual([len(pool) for pool in each._pools.values()], [1, 1])

    def test_staleOnce(self) -> None:
        """
        That is done once, and once more for servers that close a connection since they
        are asked for their controls, or because there is no bind.
        """
        server = self.serve(well)
        directory = self.directory(server)
        self.assertTrue(self.accepted(directory))
        count = server.accepted
        self.cut(server, lambda conversation: conversation.close())
        self.assertFalse(self.accepted(directory))
        self.assertEqual(server.accepted, count + 3)

    def test_idle(self) -> None:
        """
        A connection that was idle for long isn't used, and not kept.
        """
        server = self.serve(well)
        directory = self.directory(server)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self.accepted(directory), range(40)))
        count = server.accepted
        self.time.ahead += 100
        self.assertTrue(self.accepted(directory))
        self.assertEqual((server.open(), server.accepted), (2, count + 2))

    def test_mostIdle(self) -> None:
        """
        No more of them are kept than are used at a time.
        """
        server = self.serve(well)
        directory = self.directory(server)
        [each] = directory.failover.servers
        soon = time.monotonic() + LONG
        for _ in range(40):
            for role in Role:
                each._pools[role].keep(each._opener.open(role, soon, lambda: False))
        self.assertEqual([len(pool) for pool in each._pools.values()], [32, 32])

    def test_trialLeavesNothing(self) -> None:
        """
        However often a server is probed, no connections pile up.
        """
        directory = self.directory(self.serve(well))
        [each] = directory.failover.servers
        for _ in range(5):
            each._probe(LONG)
        self.assertEqual([len(pool) for pool in each._pools.values()], [1, 1])

    def test_probedRoles(self) -> None:
        """
        A probe that is answered for each role is an answer for each, not for the last
        one only: a search that hangs meanwhile doesn't take the server down.
        """
        directory = self.directory(self.serve(well))
        [each] = directory.failover.servers
        began = time.monotonic()
        each._probe(LONG)
        for role in Role:
            self.assertTrue(each.health.answeredSince(role, began), role)

    def test_kept(self) -> None:
        """
        Otherwise connections are used again: one to search, and one to bind.
        """
        server = self.serve(well)
        directory = self.directory(server)
        for _ in range(10):
            self.assertTrue(self.accepted(directory))
        self.assertEqual(server.accepted, 2)

    def test_closed(self) -> None:
        """
        What becomes idle after the end is closed.
        """
        server = self.serve(well)
        directory = self.directory(server)
        directory.close()
        self.assertTrue(self.accepted(directory))
        self.assertEqual(server.open(), 0)

    def test_noServer(self) -> None:
        """
        Why no server works is told once, and then that none does.
        """
        server = self.serve(well)
        directory = self.directory(server)
        server.stop()
        with self.assertRaises(Fault) as raised:
            directory.failover.use(Role.USER, time.monotonic() + 2, print)
        self.assertIn("refused", str(raised.exception))
