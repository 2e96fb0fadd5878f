"""
Tests for the checker of an LDAP directory, L{mycred.checkers._ldap}, and for its auth
type, L{mycred.plugins.cred_ldap}.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from zope.interface.verify import verifyObject

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from mycred import strcred
from mycred.checkers import (
    FilePasswordDB,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    IUsernamePassword,
)
from mycred.checkers.ldap import LDAPChecker, LDAPSettings, ldapSettings, readSettings
from mycred.credentials import IScramCredentials, UsernamePassword
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.plugins import cred_ldap
from mycred.portal import ConnectionFacts, Portal
from mycred.sasl import mechanismsFor
from mycred.testing import SteppedWorkers
from mycred.workers import Workers

from ..kit.authpassword import authPassword, keysOf, personWithKeys
from ..kit.directory import DirectoryTestCase
from ..kit.fakeldap import FakeTestCase, upTo, well
from ..kit.sasl import ScramClient, Server, portalOf
from ..kit.sessions import Realm
from ..kit.slapd import KEYS_FOR_SERVICE, PEOPLE, person

STAFF = f"cn=staff,{PEOPLE}"


class CheckerTestCase(DirectoryTestCase):
    """
    Base of the tests for L{LDAPChecker}.
    """

    def setUp(self) -> None:
        super().setUp()
        # Their reactor doesn't run: everything is done at once.
        self.workers = SteppedWorkers(running=False)
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def checker(self, **given: str) -> LDAPChecker:
        """
        Return a checker.
        """
        settings = ldapSettings(**{"host": self.server.socket, "base": PEOPLE, **given})
        checker = LDAPChecker(settings, workers=self.workers)
        self.addCleanup(checker.close)
        return checker

    def ask(self, checker: LDAPChecker, name: Any, password: Any = b"sesame") -> Any:
        """
        Log in.
        """
        return checker.requestAvatarId(UsernamePassword(name, password))

    def logged(self) -> str:
        """
        Put together what was logged.
        """
        return "\n".join(
            e["log_format"].format(**e) for e in self.events if e.get("log_format")
        )


class CheckerTests(CheckerTestCase):
    """
    Tests for L{LDAPChecker}, against slapd.
    """

    entries = (
        person("Alice"),
        person("bob"),
        person("jürgen", "größe"),
        f"dn: {STAFF}\nobjectClass: groupOfNames\ncn: staff\n"
        f"member: uid=alice,{PEOPLE}\n",
    )

    def test_interface(self) -> None:
        """
        It is a checker of names and passwords.
        """
        checker = self.checker()
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        self.assertEqual(list(checker.credentialInterfaces), [IUsernamePassword])

    def test_accepted(self) -> None:
        """
        A user is named as the directory spells it, in the type of the credentials' name.
        """
        checker = self.checker()
        named = self.successResultOf(self.ask(checker, b"ALICE"))
        self.assertEqual((named, isinstance(named, bytes)), (b"Alice", True))
        named = self.successResultOf(self.ask(checker, "alice", "sesame"))
        self.assertEqual((named, isinstance(named, str)), ("Alice", True))

    def test_text(self) -> None:
        """
        Names and passwords that protocols hand over as text are read as they were meant,
        whether FTP took UTF-8 for Latin-1 or not.
        """
        checker = self.checker()
        name, password = "jürgen", "größe"
        for encoding in ("utf-8", "latin-1"):
            typed = [t.encode(encoding).decode("latin-1") for t in (name, password)]
            self.assertEqual(self.successResultOf(self.ask(checker, *typed)), name)
        for typed in (["jürgen", "grösse"], ["jÃ¼rgen", "größe"], ["jurgen", "größe"]):
            self.failureResultOf(self.ask(checker, *typed), UnauthorizedLogin)

    def test_refused(self) -> None:
        """
        A wrong password and a name that isn't known are the same to the peer, and told
        apart in the log, without the password.
        """
        checker = self.checker()
        for name, password in ((b"alice", b"hunter2"), (b"eve", b"hunter2")):
            error = self.failureResultOf(self.ask(checker, name, password)).value
            self.assertEqual((type(error), error.args), (UnauthorizedLogin, ()))
        self.assertIn("wrong password", self.logged())
        self.assertIn("no entry matches", self.logged())
        self.assertNotIn("hunter2", self.logged())

    def test_denied(self) -> None:
        """
        A user who isn't in the group is denied, if the password is right.
        """
        checker = self.checker(group=STAFF)
        self.successResultOf(self.ask(checker, b"alice"))
        failure = self.failureResultOf(self.ask(checker, b"bob"), AccountDenied)
        self.assertIs(failure.value.reason, DenialReason.POLICY)
        failure = self.failureResultOf(self.ask(checker, b"bob", b"x"))
        self.assertIs(type(failure.value), UnauthorizedLogin)

    def test_down(self) -> None:
        """
        A directory that can't be asked is a temporary failure, which tells the peer
        nothing more.
        """
        checker = self.checker()
        self.server.kill()
        for _ in range(3):
            error = self.failureResultOf(self.ask(checker, b"alice")).value
            self.assertEqual(type(error), TemporaryFailure)
            self.assertNotIn(self.server.socket, str(error))
        self.assertIn("can't be reached", self.logged())
        self.assertEqual(self.logged().count("A server of the directory fails"), 1)

    def test_implausible(self) -> None:
        """
        Names and passwords that no directory could know, and empty passwords, aren't
        sent.
        """
        checker = self.checker()
        self.server.kill(signal.SIGSTOP)
        self.addCleanup(self.server.kill, signal.SIGCONT)
        for name, password in (
            (b"alice", b""),
            (b"", b"sesame"),
            (b"  ", b"sesame"),
            (b"alice\0", b"sesame"),
            (b"alice", b"ses\0ame"),
            (b"a" * 10_000, b"sesame"),
            (b"alice", b"a" * 10_000),
            (b"\xff", b"sesame"),
            ("\ud800", "sesame"),
            (None, b"sesame"),
            (b"alice", None),
        ):
            failure = self.failureResultOf(self.ask(checker, name, password))
            self.assertIs(type(failure.value), UnauthorizedLogin, name)

    def test_oddPassword(self) -> None:
        """
        A password is sent as it is, whatever bytes it is made of.
        """
        odd = "p\u00aa\ufb01\u200b"
        self.server.add(person("carol", odd))
        checker = self.checker()
        self.successResultOf(self.ask(checker, b"carol", odd.encode()))
        self.failureResultOf(self.ask(checker, b"carol", b"pafi"))
        self.failureResultOf(self.ask(checker, b"carol", b"\xff\xfe"), UnauthorizedLogin)

    def test_delay(self) -> None:
        """
        A refusal waits without a thread.
        """
        checker = self.checker()
        checker.store.directory._timing.accept("cn=slow", 0.9)
        self.workers.reactor.running = True
        asking = self.ask(checker, b"eve")
        self.workers.step()
        self.assertNoResult(asking)
        self.assertEqual(self.workers.pool.jobs, [])
        self.workers.reactor.advance(5)
        self.failureResultOf(asking, UnauthorizedLogin)

    def test_othersTakeLonger(self) -> None:
        """
        While it waits, and the directory proves to be slower than it was, it waits for
        longer.
        """
        checker = self.checker()
        pace = checker.store.directory._timing
        pace.accept("cn=slow", 0.2)
        self.workers.reactor.running = True
        for name in (b"eve", b"alice"):
            asking = checker.requestAvatarId(UsernamePassword(name, b"wrong"))
            self.workers.step()
            pace.refuse(0.4 if name == b"eve" else 0.6)
            self.workers.reactor.advance(0.25 if name == b"eve" else 0.5)
            self.assertNoResult(asking)
            self.workers.reactor.advance(0.25)
            self.failureResultOf(asking, UnauthorizedLogin)
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])

    def test_late(self) -> None:
        """
        A login that has waited for a thread for too long isn't begun with: all that come
        after it would be late, too.
        """
        checker = self.checker(timeout="2")
        self.workers.reactor.running = True
        asking = self.ask(checker, b"alice")
        now = time.monotonic()
        self.patch(time, "monotonic", lambda: now + 1.6)
        self.workers.step()
        self.failureResultOf(asking, TemporaryFailure)
        self.assertIn("too many logins wait", self.logged())

    def test_cancelled(self) -> None:
        """
        A login that is cancelled ends at once, and nothing comes after that.
        """
        checker = self.checker()
        self.workers.reactor.running = True
        asking = self.ask(checker, b"alice")
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.workers.step()

    def test_steps(self) -> None:
        """
        The log gets each step, if that is asked for.
        """
        checker = self.checker()
        self.successResultOf(self.ask(checker, b"alice"))
        self.assertNotIn("(uid=alice)", self.logged())
        checker.store.isWatched = True
        self.successResultOf(self.ask(checker, b"alice"))
        self.assertIn("(uid=alice)", self.logged())
        self.assertNotIn("sesame", self.logged())

    def test_odd(self) -> None:
        """
        What is wrong on this side is no wrong password, either.
        """
        checker = self.checker()
        self.patch(checker.store.directory, "lookUp", lambda *_: 1 / 0)
        self.failureResultOf(self.ask(checker, b"alice"), TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_names(self) -> None:
        """
        Names of users and of servers that aren't text don't break the log.
        """
        checker = self.checker()
        self.failureResultOf(self.ask(checker, "a\x1b[31m\n"), UnauthorizedLogin)
        self.assertNotIn("\x1b", self.logged())


class ScramTests(CheckerTestCase):
    """
    Tests for logins by SCRAM, against slapd.
    """

    entries = (
        personWithKeys("Alice", authPassword(keysOf())),
        personWithKeys("bob", authPassword(keysOf(b"hunter2"))),
        person("carol"),
        f"dn: {STAFF}\nobjectClass: groupOfNames\ncn: staff\n"
        f"member: uid=alice,{PEOPLE}\n",
    )
    options: ClassVar[dict[str, Any]] = {"access": KEYS_FOR_SERVICE}

    def serverFor(self, checker: LDAPChecker) -> Server:
        """
        Return a server that asks a checker.
        """
        return Server(portalOf(checker))

    def scramChecker(self, **given: str) -> LDAPChecker:
        """
        Return a checker that knows where keys are.
        """
        return self.checker(scram="authPassword", **self.account(), **given)

    def logIn(self, server: Server, client: ScramClient) -> Any:
        """
        Log in by SCRAM.
        """
        return server.login("SCRAM-SHA-256", client.answer, client.first)

    def test_interface(self) -> None:
        """
        SCRAM is served where the attribute is named, and nowhere else.
        """
        interfaces = self.scramChecker().credentialInterfaces
        self.assertEqual(list(interfaces), [IUsernamePassword, IScramCredentials])
        checker = self.checker()
        self.assertEqual(list(checker.credentialInterfaces), [IUsernamePassword])
        self.assertEqual(list(checker.scramHashes()), [])
        facts = ConnectionFacts(StringTransport())
        offered = mechanismsFor(portalOf(checker), facts, allowClearText=True)
        self.assertEqual(list(offered), [b"PLAIN", b"LOGIN"])
        offered = mechanismsFor(portalOf(self.scramChecker()), facts)
        self.assertEqual(list(offered), [b"SCRAM-SHA-256", b"SCRAM-SHA-1"])

    def test_accepted(self) -> None:
        """
        A user is named as the directory spells it, and knows that the server has their
        keys.
        """
        checker = self.scramChecker()
        client = ScramClient(name=b"ALICE")
        realm: Any = Realm()
        server = Server(Portal(realm, [checker]))
        self.successResultOf(self.logIn(server, client))
        self.assertEqual((realm.asked, client.isTrusted), ([b"Alice"], True))
        self.assertEqual(list(checker.scramHashes()), ["sha256"])

    def test_refused(self) -> None:
        """
        Wrong passwords, unknown names, and users without keys are the same to the client,
        and told apart in the log.
        """
        server = self.serverFor(self.scramChecker())
        seen = []
        for name in (b"alice", b"eve", b"EVE", b"carol", b"eve"):
            client = ScramClient(name=name, password=b"wrong")
            error = self.failureResultOf(self.logIn(server, client)).value
            self.assertEqual((type(error), error.args), (UnauthorizedLogin, ()))
            [challenge] = client.heard
            salt, count = challenge.split(b",")[1:]
            seen.append((salt, count, len(salt)))
        self.assertEqual(len({(count, size) for _, count, size in seen}), 1)
        self.assertEqual(seen[1], seen[2])
        self.assertEqual(seen[1], seen[4])
        self.assertEqual(len(set(seen)), 3)
        for why in ("wrong password", "no entry matches", "no keys for SCRAM-SHA-256"):
            self.assertIn(why, self.logged())

    def test_denied(self) -> None:
        """
        A user who isn't in the group is denied when they have proved the password.
        """
        server = self.serverFor(self.scramChecker(group=STAFF))
        self.successResultOf(self.logIn(server, ScramClient()))
        right = ScramClient(name=b"bob", password=b"hunter2")
        self.failureResultOf(self.logIn(server, right), AccountDenied)
        failure = self.failureResultOf(self.logIn(server, ScramClient(name=b"bob")))
        self.assertIs(type(failure.value), UnauthorizedLogin)

    def test_noThread(self) -> None:
        """
        No thread waits for the client, and nothing is left if it goes.
        """
        checker = self.scramChecker()
        self.workers.reactor.running = True
        for _ in range(2):
            client: Deferred[bytes] = Deferred()
            login = self.serverFor(checker).login(
                "SCRAM-SHA-256", lambda _, said=client: said, ScramClient().first
            )
            self.workers.step()
            self.workers.reactor.advance(5)
            self.assertEqual(self.workers.pool.jobs, [])
            self.assertNoResult(login)
            login.cancel()
            self.failureResultOf(login, CancelledError)
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])

    def test_gone(self) -> None:
        """
        A client that goes before it was asked isn't asked any more, whether the directory
        knows the name or not.
        """
        self.workers.reactor.running = True
        for name in (b"alice", b"eve", b"carol"):
            server = self.serverFor(self.scramChecker())
            for isFound in (False, True):
                login = self.logIn(server, ScramClient(name=name))
                if isFound:
                    self.workers.step()
                self.assertNoResult(login)
                login.cancel()
                self.failureResultOf(login, CancelledError)
                if self.workers.pool.jobs:
                    self.workers.step()
                self.workers.reactor.advance(5)
            self.assertEqual(server.sent, [])
        self.assertEqual(self.workers.reactor.getDelayedCalls(), [])

    def test_implausible(self) -> None:
        """
        Names that no directory could know aren't looked up.
        """
        checker = self.scramChecker()
        self.server.kill(signal.SIGSTOP)
        self.addCleanup(self.server.kill, signal.SIGCONT)
        for name in (b"  ", "\u3000".encode()):
            client = ScramClient(name=name)
            login = self.logIn(self.serverFor(checker), client)
            self.failureResultOf(login, UnauthorizedLogin)

    def test_down(self) -> None:
        """
        A directory that can't be asked is a temporary failure, for each name.
        """
        server = self.serverFor(self.scramChecker())
        self.server.kill()
        for name in (b"alice", b"eve"):
            login = self.logIn(server, ScramClient(name=name))
            error = self.failureResultOf(login).value
            self.assertEqual(type(error), TemporaryFailure)
        self.assertIn("can't be reached", self.logged())

    def test_late(self) -> None:
        """
        A login that has waited for a thread for too long is a temporary failure.
        """
        server = self.serverFor(self.scramChecker(timeout="2"))
        self.workers.reactor.running = True
        login = self.logIn(server, ScramClient())
        now = time.monotonic()
        self.patch(time, "monotonic", lambda: now + 1.6)
        self.workers.step()
        self.failureResultOf(login, TemporaryFailure)
        self.assertIn("too many logins wait", self.logged())

    def test_chain(self) -> None:
        """
        With a file beside the directory users of each log in; while the directory is down
        those of the file do, and others are a temporary failure.
        """
        file = InMemoryUsernamePasswordDatabaseDontUse(admin=b"sesame")
        for order in (1, -1):
            checkers = [file, self.scramChecker()][::order]
            server = Server(portalOf(*checkers))
            for name in (b"alice", b"admin"):
                client = ScramClient(name=name)
                self.successResultOf(self.logIn(server, client))
                self.assertTrue(client.isTrusted)
                wrong = ScramClient(name=name, password=b"x")
                self.failureResultOf(self.logIn(server, wrong), UnauthorizedLogin)
            self.failureResultOf(
                self.logIn(server, ScramClient(name=b"eve")), UnauthorizedLogin
            )
            self.server.kill()
            self.successResultOf(self.logIn(server, ScramClient(name=b"admin")))
            for name in (b"alice", b"eve"):
                client = ScramClient(name=name)
                self.failureResultOf(self.logIn(server, client), TemporaryFailure)
                self.assertEqual(len(client.heard), 1)
            self.server.start()

    def test_bind(self) -> None:
        """
        Passwords that are sent are checked by a bind, as ever.
        """
        checker = self.scramChecker()
        self.assertEqual(self.successResultOf(self.ask(checker, b"bob")), b"bob")
        login = self.ask(checker, b"bob", b"hunter2")
        self.failureResultOf(login, UnauthorizedLogin)


class DeadlineTests(FakeTestCase, TestCase):
    """
    Tests with the reactor, and threads.
    """

    def checker(self, *servers: Any, timeout: str = "1", **given: str) -> LDAPChecker:
        """
        Return a checker.
        """
        settings = ldapSettings(
            host=",".join(f"127.0.0.1:{server.port}" for server in servers),
            base="dc=example,dc=org",
            tls="none",
            timeout=timeout,
            **given,
        )
        workers = Workers(reactor, 8, deadline=settings.timeout)
        checker = LDAPChecker(settings, workers=workers)
        self.addCleanup(checker.close)
        return checker

    async def logIn(self, checker: LDAPChecker) -> object:
        """
        Log in.

        @return: the avatar ID, or the type of what was raised.
        """
        try:
            credentials = UsernamePassword(b"alice", b"sesame")
            return await checker.requestAvatarId(credentials)
        except Exception as error:
            return type(error)

    async def logInOften(self, checker: LDAPChecker) -> list[object]:
        """
        Log in as many at a time as must wait for threads.
        """
        logins = [Deferred.fromCoroutine(self.logIn(checker)) for _ in range(30)]
        return [await login for login in logins]

    async def run_(self) -> None:
        """
        Wait until the reactor runs, which it doesn't when a test begins.
        """
        await deferLater(reactor, 0, lambda: None)

    async def test_many(self) -> None:
        """
        Of more logins than there are threads each ends in time with a server that
        hangs, while the reactor goes on; with another server all are let in, and the
        threads come back.
        """
        await self.run_()
        ticks: list[None] = []
        ticking = LoopingCall(lambda: ticks.append(None))
        ticking.start(0.01)
        self.addCleanup(ticking.stop)
        hanging = self.serve(upTo(0, lambda conversation, _: conversation.hang()))
        alone = self.checker(hanging)
        ended = await self.logInOften(alone)
        self.assertEqual(ended, [TemporaryFailure] * 30)
        self.assertGreater(len(ticks), 20)
        both = self.checker(hanging, self.serve(well), timeout="4")
        for _ in range(2):
            self.assertEqual(await self.logInOften(both), [b"alice"] * 30)

    async def test_returned(self) -> None:
        """
        When a server that has hung works again nothing is left of that.
        """
        await self.run_()
        fake = self.serve(lambda conversation: conversation.hang())
        checker = self.checker(fake)
        self.assertIs(await self.logIn(checker), TemporaryFailure)
        [server] = checker.store.directory.failover.servers
        only = server.health
        while not only.isDown:
            # What finds that out has its own time.
            await deferLater(reactor, 0.01)
        fake.talk = well
        only._retryAt = 0.0
        self.assertEqual(await self.logIn(checker), b"alice")


class FallbackTests(DirectoryTestCase):
    """
    Tests for a local file beside a directory.
    """

    entries = (person("alice"),)

    def test_down(self) -> None:
        """
        Users of the file are accepted while the directory is down; others are a temporary
        failure.
        """
        path = Path(self.mktemp())
        path.write_bytes(b"admin:local\n")

        class Options(strcred.AuthOptionMixin, dict):  # type: ignore[type-arg]
            """
            What a program has.
            """

        options: Any = Options()
        options.opt_auth(f"ldap:host={self.server.socket}:base={PEOPLE}")
        options.opt_auth(f"file:{path}")
        ldap, file = options["credCheckers"]
        self.addCleanup(ldap.close)
        self.assertIsInstance(file, FilePasswordDB)
        ldap.store._workers = SteppedWorkers(running=False)
        realm: Any = Realm()
        portal = Portal(realm, [ldap, file])

        def logIn(name: bytes, password: bytes) -> Any:
            return portal.login(UsernamePassword(name, password), None, IUsernamePassword)

        self.successResultOf(logIn(b"alice", b"sesame"))
        self.successResultOf(logIn(b"admin", b"local"))
        self.server.kill()
        self.successResultOf(logIn(b"admin", b"local"))
        self.assertEqual(realm.asked, [b"alice", b"admin", b"admin"])
        self.failureResultOf(logIn(b"alice", b"sesame"), TemporaryFailure)
        self.failureResultOf(logIn(b"admin", b"x"), TemporaryFailure)


class FactoryTests(DirectoryTestCase):
    """
    Tests for the auth type.
    """

    entries = (person("alice"),)

    def setUp(self) -> None:
        super().setUp()
        self.errorOutput = StringIO()
        factory = cred_ldap.theLDAPCheckerFactory
        self.patch(factory, "errorOutput", self.errorOutput)

    def test_made(self) -> None:
        """
        It makes a checker of a directory, in this registry and in Twisted's.
        """
        from twisted.cred import strcred as theirs

        for registry in (strcred, theirs):
            checker = registry.makeChecker(
                f"ldap:host={self.server.socket}:base={PEOPLE}"
            )
            self.assertIsInstance(checker, LDAPChecker)
        self.assertEqual(self.errorOutput.getvalue(), "")

    def test_wrong(self) -> None:
        """
        What is wrong is refused when it is made.
        """
        for argstring in ("", "host=a", "host=a:base=x", "config=/nonexistent"):
            self.assertRaises(
                strcred.InvalidAuthArgumentString,
                strcred.makeChecker,
                f"ldap:{argstring}",
            )

    def test_exposed(self) -> None:
        """
        There is a warning if passwords are sent over a network without TLS.
        """
        strcred.makeChecker("ldap:host=ldap.example.org,localhost:base=dc=org:tls=none")
        warning = self.errorOutput.getvalue()
        self.assertEqual(warning.count("Warning:"), 1)
        self.assertIn("ldap.example.org:389 without TLS", warning)

    def test_startedWithoutServer(self) -> None:
        """
        A directory needn't work when the server starts.
        """
        self.server.kill()
        strcred.makeChecker(f"ldap:host={self.server.socket}:base={PEOPLE}")

    def test_withoutLibrary(self) -> None:
        """
        Without ldap3 the auth type says so, and others work.
        """
        script = (
            "import sys; sys.modules['ldap3'] = None\n"
            "from mycred import strcred\n"
            "strcred.makeChecker('anonymous')\n"
            "try: strcred.makeChecker('ldap:host=a:base=dc=org')\n"
            "except strcred.InvalidAuthArgumentString as error: print(error)\n"
        )
        self.assertIn("pip install ldap3", self.run_(script))

    def run_(self, script: str) -> str:
        """
        Run a script in a process of its own.
        """
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", script]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def test_lazy(self) -> None:
        """
        ldap3 isn't imported where there is no directory.
        """
        script = (
            "import sys; import mycred.checkers, mycred.strcred\n"
            "list(mycred.strcred.findCheckerFactories())\n"
            "print('ldap3' in sys.modules)\n"
        )
        self.assertEqual(self.run_(script), "False\n")

    def test_help(self) -> None:
        """
        The help names every key that there is, and has an example that works.
        """
        from mycred.checkers.ldap import ldapOptions

        text = cred_ldap.theLDAPCheckerFactory.authHelp
        for option in ldapOptions:
            self.assertIn(f"{option.key}=", text)
        example = text.rpartition("--auth=ldap:")[2].strip()
        self.assertIsInstance(readSettings(example), LDAPSettings)
