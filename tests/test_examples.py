"""
Tests for the programs in the documentation, and for what its pages show.
"""

from __future__ import annotations

import doctest
import os
import poplib
import pwd
import re
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path
from threading import Timer
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, inlineCallbacks, maybeDeferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.spread import pb
from twisted.test.iosim import IOPump, connectedServerAndClient
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.guard import HTTPAuthSessionWrapper
from twisted.web.resource import IResource
from twisted.web.test.requesthelper import DummyRequest

from mycred._hashes import Hash
from mycred.checkers import (
    ANONYMOUS,
    FilePasswordDB,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from mycred.checkers.sshkeys import SSHPublicKeyChecker, UNIXAuthorizedKeysFiles
from mycred.credentials import IUsernamePassword, UsernamePassword
from mycred.demo import _pb
from mycred.demo._mailstore import StoreService
from mycred.demo._realm import MailRealm
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.hashes import make
from mycred.portal import Portal
from mycred.testing import SteppedWorkers

from .kit.digest import Client
from .kit.examples import EXAMPLES, ROOT, load
from .kit.files import BCRYPT
from .kit.mailclients import trusting
from .kit.mailprograms import ProgramTests
from .kit.openssh import USER, client, keygen, login, needSSH
from .kit.sshprograms import Login, Paramiko, Plink, publicHalf
from .kit.web import Guarded

# How long a program may take before it is ended, in seconds.
PATIENCE = 60


def listening(example: Any) -> tuple[str, int, Any]:
    """
    Start an example in a reactor that is none.

    @return: where it listens, and the factory that does.
    """
    memory = MemoryReactorClock()
    example.main(memory)
    [(port, factory, _, interface)] = memory.tcpServers
    return interface, port, factory


class LateRealm:
    """
    A realm whose avatar comes when the test says so.
    """

    def __init__(self) -> None:
        self.logouts = 0
        self.waiting: Deferred[Any] = Deferred()

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Have the protocol wait.
        """
        return self.waiting

    def logout(self) -> None:
        """
        Count.
        """
        self.logouts += 1


class PagesTests(SynchronousTestCase):
    """
    Tests for the pages.
    """

    def test_doctests(self) -> None:
        """
        What a page shows of an interactive session is what happens.
        """
        parser, found = doctest.DocTestParser(), 0
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
        said: list[str] = []
        for page in sorted((ROOT / "doc").glob("*.rst")):
            text = page.read_text("utf-8")
            test = parser.get_doctest(text, {}, page.name, str(page), 0)
            found += len(test.examples)
            runner.run(test, out=said.append)
        self.assertEqual("".join(said), "")
        self.assertGreater(found, 0)

    def test_everyExample(self) -> None:
        """
        Every example stands in a page, or can be had from one, and every page that asks
        for one gets it.
        """
        pages = "".join(p.read_text("utf-8") for p in (ROOT / "doc").glob("*.rst"))
        shown = re.findall(
            r"(?:literalinclude:: |:download:`(?:[^`<]*<)?)examples/([^\s>`]+)", pages
        )
        files = [path for path in EXAMPLES.rglob("*") if path.suffix != ".pyc"]
        names = {str(path.relative_to(EXAMPLES)) for path in files if path.is_file()}
        self.assertEqual(set(shown), names)

    def test_importable(self) -> None:
        """
        Importing an example that stands alone installs no reactor, and so does
        nothing with one.
        """
        program = (
            f"import sys; sys.path.insert(0, {str(EXAMPLES)!r})\n"
            "import checker, demo_pb, diary_dropin, first_login_pb, first_login_pop3\n"
            "import realm, special_plugin\n"
            "print('twisted.internet.reactor' in sys.modules)\n"
        )
        printed = subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        self.assertEqual(printed.stdout, "False\n")


class DigestGuardTests(Guarded, SynchronousTestCase):
    """
    Tests for C{digest_guard.py}.
    """

    def guard(self, portal: Portal) -> IResource:
        """
        Have users log in.
        """
        factory = load("digest_guard").DigestFactory(b"md5", b"here")
        factory.digest = self.digest
        return HTTPAuthSessionWrapper(portal, [factory])

    def test_login(self) -> None:
        """
        An answer is good once, and for the URI that was asked for.
        """
        client = self.client()
        self.assertEqual(self.answer(client.fields(), target=b"/b").status, 401)
        self.assertEqual(self.answer(client.fields()).page, b"Hello")
        self.assertEqual(self.answer(client.fields()).status, 401)

    def test_stale(self) -> None:
        """
        Who answers a challenge that has expired is told so, and who types a wrong
        password isn't.
        """
        client = self.client()
        self.digest.now += self.digest.CHALLENGE_LIFETIME_SECS + 1
        fresh = self.answer(client.fields()).challenge()
        self.assertEqual(fresh["stale"], b"true")
        wrong = Client(fresh, password=b"wrong")
        self.assertNotIn("stale", self.answer(wrong.fields()).challenge())
        self.assertEqual(self.answer(Client(fresh).fields()).page, b"Hello")


class FirstLoginPOP3Tests(SynchronousTestCase):
    """
    Tests for C{first_login_pop3.py}.
    """

    def setUp(self) -> None:
        self.example = load("first_login_pop3")

    def connect(self, factory: Any) -> Callable[..., list[bytes]]:
        """
        Connect to a factory.

        @return: a callable that sends lines and returns the answers.
        """
        protocol = factory.buildProtocol(None)
        self.transport = StringTransport()
        protocol.makeConnection(self.transport)
        self.addCleanup(self.transport.loseConnection)
        self.protocol = protocol

        def say(*lines: bytes) -> list[bytes]:
            self.transport.clear()
            for line in lines:
                protocol.dataReceived(line + b"\r\n")
            return [line[:8] for line in self.transport.value().splitlines()]

        return say

    def test_login(self) -> None:
        """
        Who logs in can delete messages, and nobody can before that.
        """
        interface, port, factory = listening(self.example)
        self.assertEqual((interface, port), ("127.0.0.1", 9985))
        say = self.connect(factory)
        self.assertEqual(say(b"DELE 1", b"PASS sesame"), [b"-ERR log", b"-ERR sen"])
        self.assertEqual(say(b"USER alice", b"PASS sesame"), [b"+OK now ", b"+OK welc"])
        self.assertEqual(say(b"DELE 1", b"DELE 1"), [b"+OK dele", b"-ERR no "])
        self.assertEqual(say(b"DELE 0", b"DELE x", b"DELE 9"), [b"-ERR no "] * 3)
        self.assertEqual(say(b"USER bob", b"NOOP"), [b"-ERR not", b"-ERR no "])
        say(b"QUIT")
        self.assertTrue(self.transport.disconnecting)

    def test_refused(self) -> None:
        """
        A wrong password and an unknown user get the same answer.
        """
        say = self.connect(listening(self.example)[2])
        wrong = say(b"USER alice", b"PASS x"), say(b"USER eve", b"PASS sesame")
        self.assertEqual(wrong, ([b"+OK now ", b"-ERR [AU"],) * 2)
        self.assertEqual(say(b"DELE 1"), [b"-ERR log"])

    def test_temporaryFailure(self) -> None:
        """
        A store that can't tell is not a wrong password; neither is a defect.
        """
        checker = FilePasswordDB(self.mktemp())
        portal = Portal(self.example.MailRealm(), [checker])
        say = self.connect(self.example.POP3Factory(portal))
        self.assertEqual(say(b"USER alice", b"PASS sesame")[1], b"-ERR [SY")
        self.patch(checker, "requestAvatarId", lambda _: fail(ZeroDivisionError()))
        self.assertEqual(say(b"USER alice", b"PASS sesame")[1], b"-ERR [SY")
        self.flushLoggedErrors(ZeroDivisionError)

    def test_logout(self) -> None:
        """
        The avatar is logged out when the connection is gone; and if the client
        goes before it arrives, too.
        """
        for early in (True, False):
            realm = LateRealm()
            checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
            portal = Portal(realm, [checker])  # type: ignore[arg-type]
            say = self.connect(self.example.POP3Factory(portal))
            say(b"USER alice", b"PASS sesame")
            self.assertEqual(say(b"USER alice"), [b"-ERR not"])
            avatar = self.example.IMailbox, object(), realm.logout
            if early:
                realm.waiting.callback(avatar)
                self.assertEqual(realm.logouts, 0)
            self.protocol.connectionLost(Failure(ConnectionResetError()))
            if not early:
                realm.waiting.callback(avatar)
            self.assertEqual(realm.logouts, 1)


class FirstLoginPBTests(SynchronousTestCase):
    """
    Tests for C{first_login_pb.py}.
    """

    def connect(self, example: Any) -> tuple[pb.PBClientFactory, Any, IOPump]:
        """
        Connect to the example, in memory.
        """
        interface, port, factory = listening(example)
        self.assertEqual((interface, port), ("127.0.0.1", 9986))
        client = pb.PBClientFactory()
        _, serverSide, pump = connectedServerAndClient(
            lambda: factory.buildProtocol(None), lambda: client.buildProtocol(None)
        )
        return client, serverSide, pump

    def test_login(self) -> None:
        """
        The user logs in, is echoed, and is logged out when they go.
        """
        example = load("first_login_pb")
        left: list[object] = []

        def logout(avatar: object) -> None:
            left.append(avatar)

        self.patch(example.SimplePerspective, "logout", logout)
        client, server, pump = self.connect(example)
        login = client.login(UsernamePassword(b"guest", b"password"))
        pump.flush()
        avatar = self.successResultOf(login)
        echo = avatar.callRemote("echo", "hello")
        pump.flush()
        self.assertEqual(self.successResultOf(echo), "hello")
        self.assertEqual(left, [])
        server.transport.loseConnection()
        pump.flush()
        self.assertEqual(len(left), 1)

    def test_refused(self) -> None:
        """
        A wrong password is refused.
        """
        client, _, pump = self.connect(load("first_login_pb"))
        login = client.login(UsernamePassword(b"guest", b"x"))
        pump.flush()
        # The class of the error is its name, over the wire.
        self.assertIn("UnauthorizedLogin", str(self.failureResultOf(login).type))
        # Twisted logs every login that is refused over PB.
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_otherInterface(self) -> None:
        """
        Realm and avatar hold no surprises.
        """
        example = load("first_login_pb")
        realm = example.SimpleRealm()
        self.assertRaises(NotImplementedError, realm.requestAvatar, b"x", None, IResource)
        realm.requestAvatar(b"guest", None, pb.IPerspective)[2]()


class RealmTests(SynchronousTestCase):
    """
    Tests for C{realm.py}.
    """

    def test_views(self) -> None:
        """
        Each interface gets its view of the same diary, which lasts from one login
        to the next, and nobody sees that of another user.
        """
        example = load("realm")
        realm = example.DiaryRealm()
        interface, diary, logout = realm.requestAvatar(b"alice", None, example.IDiary)
        self.assertIs(interface, example.IDiary)
        self.assertTrue(verifyObject(example.IDiary, diary))
        diary.write("dear diary")
        self.assertEqual(diary.readers, 1)
        logout()
        self.assertEqual(diary.readers, 0)
        _, page, _ = realm.requestAvatar(b"alice", None, object, IResource)
        request: Any = DummyRequest([b""])
        self.assertEqual(page.render_GET(request), b"dear diary\n")
        _, page, _ = realm.requestAvatar(b"bob", None, IResource)
        self.assertEqual(page.render_GET(request), b"")

    def test_refused(self) -> None:
        """
        Nobody without a name is let in, and no unknown interface is served.
        """
        ask = load("realm").DiaryRealm().requestAvatar
        self.assertRaises(UnauthorizedLogin, ask, ANONYMOUS, None, IResource)
        self.assertRaises(NotImplementedError, ask, b"alice", None, IUsernamePassword)


class Pool:
    """
    A connection pool that does its work at once, or when the test says so.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.waiting: Deferred[Any] | None = None

    def runInteraction(self, function: Any, *args: object) -> Deferred[Any]:
        """
        Ask the database.
        """
        if self.waiting is not None:
            return self.waiting
        return maybeDeferred(function, self.connection.cursor(), *args)


class CheckerTests(SynchronousTestCase):
    """
    Tests for C{checker.py}.
    """

    def setUp(self) -> None:
        self.example = load("checker")
        self.connection = sqlite3.connect(":memory:")
        self.addCleanup(self.connection.close)
        self.connection.executescript(self.example.SCHEMA)
        self.connection.execute(
            "insert into accounts (name, hash) values (?, ?)",
            (b"alice", make(b"sesame", cost=4)),
        )
        self.pool = Pool(self.connection)
        self.checker = self.example.SpecialChecker(self.pool)
        self.checker.workers = SteppedWorkers(running=False, queueLimit=1)

    def ask(self, name: Any, password: Any) -> Deferred[Any]:
        """
        Present a name and a password.
        """
        return self.checker.requestAvatarId(UsernamePassword(name, password))

    def test_right(self) -> None:
        """
        The right password names the avatar, in the type that the protocol speaks.
        """
        self.assertEqual(self.successResultOf(self.ask(b"alice", b"sesame")), b"alice")
        self.assertEqual(self.successResultOf(self.ask("alice", "sesame")), "alice")

    def test_refusedAlike(self) -> None:
        """
        Wrong, unknown, empty and absurd are the same to the caller.
        """
        for name, password in (
            (b"alice", b"x"),
            (b"eve", b"sesame"),
            (b"alice", b""),
            (b"", b"sesame"),
            (b"alice", b"sesame\0"),
            (b"alice", b"x" * 1025),
            ("alice", "\ud800"),
        ):
            error = self.failureResultOf(self.ask(name, password)).value
            self.assertIs(type(error), UnauthorizedLogin)
            self.assertEqual(str(error), "")

    def test_added(self) -> None:
        """
        An account that was added gets in by its password.
        """
        self.example.addUser(self.connection, b"bob", b"tulip")
        self.assertEqual(self.successResultOf(self.ask(b"bob", b"tulip")), b"bob")

    def test_logged(self) -> None:
        """
        The log is told how logins end, as by mycred's own checkers.
        """
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.failureResultOf(self.ask(b"alice", b"x"), UnauthorizedLogin)
        [told] = [e for e in events if e["log_namespace"] == "mycred.login"]
        self.assertEqual(
            (told["verdict"], told["why"], told["by"]),
            ("refused", "wrong password", "special"),
        )

    def test_unknownCostsTheSame(self) -> None:
        """
        A hash is computed for an unknown user, too.
        """
        hashed: list[bytes] = []
        verify = Hash.verify
        self.patch(Hash, "verify", lambda h, p: hashed.append(p) or verify(h, p))
        self.failureResultOf(self.ask(b"eve", b"guess"), UnauthorizedLogin)
        self.assertEqual(hashed, [b"guess"])

    def test_denied(self) -> None:
        """
        That an account is disabled is told to those only who know its password.
        """
        self.connection.execute("update accounts set disabled = 1")
        error = self.failureResultOf(self.ask(b"alice", b"sesame")).value
        self.assertIsInstance(error, AccountDenied)
        self.assertIs(error.reason, DenialReason.DISABLED)
        error = self.failureResultOf(self.ask(b"alice", b"x")).value
        self.assertIs(type(error), UnauthorizedLogin)

    def test_cannotTell(self) -> None:
        """
        A database that can't be read, and too many logins, are a temporary
        failure.
        """
        self.pool.waiting = Deferred()
        first = self.ask(b"alice", b"sesame")
        self.failureResultOf(self.ask(b"alice", b"sesame"), TemporaryFailure)
        self.pool.waiting.errback(sqlite3.OperationalError("disk I/O error"))
        self.failureResultOf(first, TemporaryFailure)
        self.assertEqual(len(self.flushLoggedErrors(sqlite3.OperationalError)), 1)
        self.pool.waiting = None
        self.successResultOf(self.ask(b"alice", b"sesame"))


class DistributionTests(SynchronousTestCase):
    """
    Tests for C{special_plugin.py} and C{twistd_plugin.py}, in a distribution of
    their own.
    """

    def setUp(self) -> None:
        self.place = Path(self.mktemp()).resolve()
        self.database = self.place / "accounts.sqlite"
        files = {
            "realm.py": "diary/realm.py",
            "checker.py": "diary/cred.py",
            "twistd_plugin.py": "diary/tap.py",
            "diary_dropin.py": "twisted/plugins/diary_dropin.py",
        }
        for source, target in files.items():
            self.put(source, target)
        (self.place / "diary" / "__init__.py").touch()
        checker = load("checker")
        connection = sqlite3.connect(self.database)
        connection.executescript(checker.SCHEMA)
        checker.addUser(connection, b"alice", b"sesame")
        connection.commit()
        connection.close()

    def put(self, example: str, target: str) -> None:
        """
        Put an example to where its distribution has it.
        """
        path = self.place / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / example, path)

    def command(self, *arguments: str) -> list[str]:
        """
        Return a command line for twistd.
        """
        path = [str(self.place), str(ROOT)]
        program = f"import sys; sys.path[:0] = {path!r}\n"
        program += "from twisted.scripts.twistd import run; run()"
        return [sys.executable, "-c", program, *arguments]

    def twistd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """
        Run twistd until it ends by itself.
        """
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=self.place,
        )

    def test_selectable(self) -> None:
        """
        The auth type is listed and explained, whichever of the two folders its
        file is in, beside mycred's own types.
        """
        for folder in ("mycred", "twisted"):
            target = f"{folder}/plugins/diary_plugins.py"
            self.put("special_plugin.py", target)
            listed = self.twistd("diary", "--help-auth").stdout
            self.assertRegex(listed, r"\n  special *\tFILE\[:threads=N\]")
            self.assertRegex(listed, r"\n  file ")
            self.assertNotIn("anonymous", listed)
            told = self.twistd("diary", "--help-auth-type=special").stdout
            self.assertIn("Example: --auth=special:/var/lib/", told)
            (self.place / target).unlink()
            cache = (self.place / target).parent / "__pycache__"
            shutil.rmtree(cache, ignore_errors=True)
        self.assertNotIn("special", self.twistd("diary", "--help-auth").stdout)

    def test_wrongOptions(self) -> None:
        """
        A command line that can't work ends the program, and its last line says
        what would be right.
        """
        self.put("special_plugin.py", "mycred/plugins/diary_plugins.py")
        for argument, words in (
            ("--port=tcp:0", "--auth is missing, for example"),
            ("--auth=special", "--auth=special: database must be given"),
            ("--auth=special:/no/such", "database: /no/such can't be read"),
            (f"--auth=special:{self.database}:thread=2", "did you mean threads=?"),
            (f"--auth=special:{self.database}:threads=x", "a number from 1 to 99"),
            ("--auth=anonymous", "--auth=anonymous: this program can't use it"),
        ):
            done = self.twistd("diary", argument)
            last = (done.stdout + done.stderr).strip().splitlines()[-1]
            self.assertIn(words, last)
            self.assertNotIn("Traceback", done.stderr)

    def test_serves(self) -> None:
        """
        C{twistd diary --auth=special:...} lets in all users of the database.
        """
        self.put("special_plugin.py", "mycred/plugins/diary_plugins.py")
        server = subprocess.Popen(
            self.command(
                "--nodaemon",
                "--pidfile=",
                "diary",
                "--port=tcp:0:interface=127.0.0.1",
                f"--auth=special:{self.database}:threads=1",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.place,
        )
        timer = Timer(PATIENCE, server.kill)
        timer.start()
        self.addCleanup(self.end, server, timer)
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if match := re.search(r"Site starting on (\d+)", line):
                break
        else:
            self.fail(said)
        port = int(match[1])
        self.assertEqual(self.request(port, "alice:sesame", "dear"), (200, b"dear\n"))
        self.assertEqual(self.request(port, "alice:sesame"), (200, b"dear\n"))
        for wrong in ("alice:x", "eve:sesame", "alice:"):
            self.assertEqual(self.request(port, wrong)[0], 401)

    def end(self, server: subprocess.Popen[str], timer: Timer) -> None:
        """
        End a server.
        """
        server.send_signal(signal.SIGINT)
        server.communicate()
        timer.cancel()
        timer.join()

    def request(
        self, port: int, user: str, entry: str | None = None
    ) -> tuple[int, bytes]:
        """
        Read the diary, or write into it.
        """
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        authorization = "Basic " + b64encode(user.encode()).decode()
        connection.request(
            "GET" if entry is None else "POST",
            "/",
            entry,
            {"Authorization": authorization},
        )
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


class SSHServerTests(TestCase):
    """
    Tests for C{ssh_server.py}.
    """

    @inlineCallbacks
    def test_command(self) -> Any:
        """
        The real ssh logs in, and is told which key it has; so do PuTTY's client and
        paramiko.
        """
        needSSH()
        home = pwd.getpwuid(os.geteuid()).pw_dir
        folder = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
        self.addCleanup(shutil.rmtree, folder)
        key = keygen(folder / "key")
        (folder / USER).write_text((folder / "key.pub").read_text())
        factory = load("ssh_server").makeFactory([f"{folder}/%u"], str(folder / "host"))
        net: Any = reactor
        listening = net.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        port = listening.getHost().port
        _, out, _ = yield login(port, key, "list")
        says = rf"^{USER} by SHA256:[^ ]+: b'list'\n$"
        self.assertRegex(out.decode(), says)
        asked = Login(port, publicHalf(folder / "host"), key=key, command="list")
        for program in (Plink, Paramiko):
            done = yield program(folder).run(asked)
            self.assertRegex(done.out.decode(), says, done.err)
            self.assertEqual(done.status, 0)


class MailServerTests(ProgramTests):
    """
    Tests for C{mail_server.py}.
    """

    @inlineCallbacks
    def test_letter(self) -> Any:
        """
        What one user sends by SMTP another reads by POP3, both after a login over TLS; a
        recipient whom nobody knows is refused.
        """
        checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame", bob=b"tulip")
        certificate, key = map(str, self.server)
        secret = self.folder / "secret"
        factories = load("mail_server").makeFactories(
            [checker], [b"alice", b"bob"], key, certificate, str(secret)
        )
        self.assertTrue(secret.exists())
        ports = []
        for factory in factories:
            self.serve(factory)
            ports.append(self.port)

        def send(recipient: str) -> None:
            with smtplib.SMTP("localhost", ports[0], timeout=PATIENCE) as client:
                client.starttls(context=trusting(self.authority))
                client.login("alice", "sesame")
                client.sendmail("alice@localhost", [recipient], b"Subject: Tea\n\nHi!\n")

        def read() -> list[bytes]:
            client = poplib.POP3("localhost", ports[1], PATIENCE)
            client.stls(trusting(self.authority))
            client.user("bob")
            client.pass_("tulip")
            letter = client.retr(1)[1]
            client.quit()
            return letter

        yield deferToThread(send, "bob@localhost")
        letter = yield deferToThread(read)
        self.assertIn(b"Hi!", letter)
        yield self.assertFailure(
            deferToThread(send, "carol@localhost"), smtplib.SMTPRecipientsRefused
        )


class TwoFactorTests(TestCase):
    """
    Tests for C{two_factors.py}.
    """

    @inlineCallbacks
    def test_both(self) -> Any:
        """
        The real ssh is let in with a key and a password, and with none of them alone.
        """
        needSSH()
        home = pwd.getpwuid(os.geteuid()).pw_dir
        folder = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
        self.addCleanup(shutil.rmtree, folder)
        key, other = keygen(folder / "key"), keygen(folder / "other")
        (folder / USER).write_text((folder / "key.pub").read_text())
        keys = SSHPublicKeyChecker(UNIXAuthorizedKeysFiles(files=folder / "%u"))
        passwords = InMemoryUsernamePasswordDatabaseDontUse(**{USER: b"sesame"})
        make, realm = load("two_factors").makeFactory, load("ssh_server").Realm()
        factory = make(realm, keys, passwords, folder / "host")
        net: Any = reactor
        listening = net.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        port = listening.getHost().port
        for given, password, isIn in (
            (key, "sesame", True),
            (key, "wrong", False),
            (other, "sesame", False),
        ):
            out, err, status = yield self.login(folder, port, given, password)
            self.assertEqual(status == 0, isIn, err)
            self.assertEqual(out.startswith(f"{USER} by SHA256:".encode()), isIn)
        out, _, status = yield self.login(folder, port, key, None)
        self.assertEqual((out, status), (b"", 255))

    def login(
        self, folder: Path, port: int, key: Path, password: str | None
    ) -> Deferred[tuple[bytes, bytes, int]]:
        """
        Run ssh, which asks a program for the password.
        """
        told = folder / "askpass"
        told.write_text(f"#!/bin/sh\necho {password}\n")
        told.chmod(0o700)
        methods = "publickey" if password is None else "publickey,password"
        options = [
            *(one for one in client if "Preferred" not in one and "Batch" not in one),
            f"-oPreferredAuthentications={methods}",
            "-oNumberOfPasswordPrompts=1",
        ]
        return getProcessOutputAndValue(
            shutil.which("ssh"),
            [*options[1:], f"-p{port}", f"-i{key}", f"{USER}@127.0.0.1", "list"],
            env={
                **os.environ,
                "SSH_ASKPASS": str(told),
                "SSH_ASKPASS_REQUIRE": "force",
                "DISPLAY": "none",
            },
        )


class DemoPBTests(TestCase):
    """
    Tests for C{demo_pb.py}, with the example server's mailbox.
    """

    def setUp(self) -> None:
        self.place = Path(self.mktemp()).resolve()
        self.place.mkdir()
        self.passwords = self.write("passwd", b"# who\n\nalice:sesame\nbob:x\n")
        self.store = StoreService(str(self.place / "mail.sqlite"))
        self.store.startService()
        self.addCleanup(self.store.stopService)
        portal = Portal(MailRealm(self.store), [FilePasswordDB(str(self.passwords))])
        net: Any = reactor
        listening = net.listenTCP(0, _pb.makeFactory(portal), interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.port = listening.getHost().port

    def write(self, name: str, content: bytes) -> Path:
        """
        Write a file.
        """
        path = self.place / name
        path.write_bytes(content)
        return path

    def program(self, *arguments: object) -> Deferred[tuple[bytes, bytes, int]]:
        """
        Run the example as a program.

        @return: a L{Deferred} that fires with what it printed, what it complained
            of, and its status.
        """
        return getProcessOutputAndValue(
            sys.executable,
            [str(EXAMPLES / "demo_pb.py"), *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    @inlineCallbacks
    def test_reads(self) -> Any:
        """
        It logs in as the first user of the file, and prints the messages.
        """
        out, err, status = yield self.program(self.passwords, self.port)
        self.assertEqual((err, status), (b"", 0))
        self.assertTrue(out.startswith(b"message 1\n"), out)
        self.assertIn(b"Subject: Welcome\n", out)
        self.assertIn(b"To: <alice@localhost>\n", out)

    @inlineCallbacks
    def test_refused(self) -> Any:
        """
        Refused, or with nobody to talk to, it says so in one line and ends with
        status 1.
        """
        closed = self.mktemp()
        for arguments, words in (
            ((self.write("a", b"alice:x\n"), self.port), b"refused: UnauthorizedLogin"),
            ((self.write("b", b"eve:sesame\n"), self.port), b"UnauthorizedLogin"),
            ((self.write("c", b"alice:\n"), self.port), b"UnauthorizedLogin"),
            ((self.write("d", b"alice:%s\n" % BCRYPT), self.port), b"UnauthorizedLogin"),
            ((self.write("e", b"# nobody\n"), self.port), b"has no line"),
            ((self.passwords, 1), b"No mail: Connection was refused"),
            ((closed,), b"No such file"),
            ((), b"Usage"),
        ):
            out, err, status = yield self.program(*arguments)
            self.assertEqual((out, status), (b"", 1))
            self.assertIn(words, err)
            self.assertEqual(err.count(b"\n"), 1, err)
        self.flushLoggedErrors(UnauthorizedLogin)

    @inlineCallbacks
    def test_mind(self) -> Any:
        """
        A message that comes in while the program is logged in is told.
        """
        example = load("demo_pb")
        told: Deferred[str] = Deferred()
        credentials = UsernamePassword(b"alice", b"sesame")
        mind = example.Mind(told.callback)
        login = example.logIn(reactor, self.port, credentials, mind)
        mailbox, connection = yield Deferred.fromCoroutine(login)
        yield mailbox.callRemote("send", b"alice", b"Hello, me.")
        news = yield told
        self.assertEqual(news, "new message 2")
        printed = StringIO()
        self.patch(sys, "stdout", printed)
        yield Deferred.fromCoroutine(example.showMail(mailbox))
        self.assertIn("Hello, me.", printed.getvalue())
        gone: Deferred[None] = Deferred()
        connection.notifyOnDisconnect(lambda: gone.callback(None))
        connection.transport.loseConnection()
        yield gone
