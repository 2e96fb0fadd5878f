"""
Tests for who gets in to the example server, by each way that it has.
"""

from __future__ import annotations

import imaplib
import poplib
import shutil
import smtplib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from mycred.credentials import Anonymous

from ..kit.protocols import Refused
from ..kit.server import PATIENCE, ROOT, PBClients, Server, ServerTests


class Accounts(ServerTests, PBClients):
    """
    What is the same wherever the accounts are: Alice's password is C{sesame},
    Bob's is C{tulip}.

    @cvar challenged: who can prove their password without sending it; no user is
        asked to if it is empty.
    """

    timeout = 60
    challenged: tuple[str, ...] = ("alice", "bob")

    def auth(self) -> list[str]:
        """
        Write the options that say where the accounts are.
        """
        raise NotImplementedError

    def startAll(self) -> Server:
        """
        Start the protocols that the accounts can serve.
        """
        offered = "pop3 imap pb http" if self.challenged else "pop3 imap http"
        return self.start(*self.auth(), offered=offered)

    def assertLogins(self: Any, server: Server, logIn: Callable[[str, str], Any]) -> None:
        """
        Assert that the right passwords, and nothing else, let users in; and
        that neither passwords nor tracebacks are logged.
        """
        entered = [logIn("alice", "sesame"), logIn("bob", "tulip")]
        for client in entered:
            getattr(client, "quit", getattr(client, "logout", lambda: None))()
        for name, password in [
            ("alice", "tulip"),
            ("mallory", "sesame"),
            ("alice", ""),
            ("mallory", ""),
        ]:
            self.assertRaises(Refused, logIn, name, password)
        server.stop()
        for unwanted in ("sesame", "tulip", "Traceback"):
            self.assertNotIn(unwanted, server.log)

    def test_pop3(self) -> None:
        """
        The right password opens the mailbox over POP3; a wrong or an empty one,
        or an unknown name, does not.
        """
        server = self.startAll()
        self.assertLogins(server, server.pop3)

    def test_imap(self) -> None:
        """
        The right password opens the mailbox over IMAP4; a wrong or an empty one,
        or an unknown name, does not.
        """
        server = self.startAll()
        self.assertLogins(server, server.imap)

    def test_http(self: Any) -> None:
        """
        The right password shows the page to a client that uses Basic; a wrong
        or an empty one, or an unknown name, does not.
        """
        server = self.startAll()
        self.assertIn("Mail of alice", server.http("alice", "sesame"))
        self.assertIn("Mail of bob", server.http("bob", "tulip"))
        self.assertEqual(server.request({})[0].status, 401)
        self.assertLogins(server, server.http)

    def test_curl(self: Any) -> None:
        """
        C{curl -u} reads mail over POP3, IMAP4 and HTTP with the right password
        only.
        """
        server = self.startAll()
        # Where CRAM-MD5 is offered curl uses it, for every user.
        mail = [server.curl("pop3", "1"), server.curl("imap", "INBOX;MAILINDEX=1")]
        for client in (*mail, server.curl("http", "")):
            self.assertIn("Welcome", client("alice", "sesame"))
            self.assertIn("Welcome", client("bob", "tulip"))
        # 67 stands for a login that was denied.
        for client in mail:
            for name, password in [("alice", "tulip"), ("mallory", "sesame")]:
                refused = self.assertRaises(Refused, client, name, password)
                self.assertRegex(refused.answer, "^67:")
        self.assertLogins(server, server.curl("http", ""))

    def test_challenges(self: Any) -> None:
        """
        CRAM-MD5 and HTTP Digest are offered if, and only if, everybody could log
        in so: clients choose them, and try nothing else.  APOP never is.
        """
        server = self.startAll()
        pop3 = poplib.POP3("127.0.0.1", server.ports["pop3"], PATIENCE)
        self.assertNotIn(b"<", pop3.getwelcome())
        self.assertEqual("CRAM-MD5" in pop3.capa().get("SASL", []), self.offers())
        pop3.quit()
        imap = server.imap("alice", "sesame")
        self.assertEqual("AUTH=CRAM-MD5" in imap.capabilities, self.offers())
        imap.logout()
        asked = server.request({})[0].headers.get_all("WWW-Authenticate")
        schemes = [header.split()[0] for header in asked]
        self.assertEqual(schemes, ["digest", "basic"] if self.offers() else ["basic"])

    def offers(self) -> bool:
        """
        Tell whether challenges are offered.
        """
        return bool(self.challenged)


# As C{passwd -l} leaves it, after the exclamation mark.
LOCKED = "$6$salt$" + "." * 86


class Challenges(Accounts):
    """
    What is the same where a user can prove their password without sending it.
    """

    def assertChallenged(
        self: Any, server: Server, logIn: Callable[[str, str], Any]
    ) -> None:
        """
        Assert who can log in by answering a challenge.
        """
        for name, password in [("alice", "sesame"), ("bob", "tulip")]:
            if name in self.challenged:
                logIn(name, password)
            else:
                self.assertRaises(Refused, logIn, name, password)
        for name, password in [("bob", "sesame"), ("mallory", "tulip"), ("bob", "")]:
            self.assertRaises(Refused, logIn, name, password)
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_imapCramMD5(self) -> None:
        """
        An IMAP4 client that doesn't send its password gets in with the right
        one only.
        """
        server = self.startAll()

        def logIn(name: str, password: str) -> None:
            with imaplib.IMAP4("127.0.0.1", server.ports["imap"], PATIENCE) as client:
                try:
                    client.login_cram_md5(name, password)
                except imaplib.IMAP4.error as error:
                    raise Refused(error)

        self.assertChallenged(server, logIn)

    def test_pop3CramMD5(self) -> None:
        """
        A POP3 client that doesn't send its password gets in with the right one
        only.
        """
        server = self.startAll()
        login = "--login-options", "AUTH=CRAM-MD5"
        self.assertChallenged(server, server.curl("pop3", "1", *login))

    def test_httpDigest(self) -> None:
        """
        A browser that doesn't send its password gets in with the right one
        only.
        """
        server = self.startAll()
        self.assertChallenged(server, server.curl("http", "", "--digest"))

    @inlineCallbacks
    def test_pb(self: Any) -> Any:
        """
        A client of Perspective Broker reads its mail with the right password;
        with a wrong or an empty one, or an unknown name, it gets the error that
        Twisted's clients catch.
        """
        server = self.startAll()
        perspective = yield self.logIn(server, "bob", "tulip")
        (uid,) = yield perspective.callRemote("list")
        self.assertIn(b"Welcome", (yield perspective.callRemote("read", uid)))
        for name, password in [("bob", "sesame"), ("mallory", "tulip"), ("bob", "")]:
            yield self.assertRemote(
                self.logIn(server, name, password), "twisted.cred.error.UnauthorizedLogin"
            )


class PlainFileTests(Challenges, TestCase):
    """
    Tests for C{--auth=file:} with passwords in plain text, and accounts that are locked.
    """

    def auth(self) -> list[str]:
        """
        Write one file.
        """
        locked = {"carol": "!", "dave": "*", "erin": "x", "frank": "!" + LOCKED}
        return [self.passwords(alice="sesame", bob="tulip", **locked)]


class MemoryTests(Challenges, TestCase):
    """
    Tests for C{--auth=memory:}.
    """

    def auth(self) -> list[str]:
        """
        Name the users on the command line.
        """
        return ["--auth=memory:alice:sesame:bob:tulip"]


class TwoFilesTests(Accounts, TestCase):
    """
    Tests for two files, of which one holds hashes: who isn't in the first is
    looked up in the second.
    """

    challenged = ()

    def auth(self) -> list[str]:
        """
        Write two files.
        """
        return [
            self.passwords(alice=self.hashed("sesame")),
            self.passwords(bob="tulip"),
        ]

    @inlineCallbacks
    def test_pbForSome(self) -> Any:
        """
        Perspective Broker, which has no other login, is there for whom it can serve.
        """
        server = self.start(*self.auth())
        perspective = yield self.logIn(server, "bob", "tulip")
        yield perspective.callRemote("list")
        yield self.assertRemote(
            self.logIn(server, "alice", "sesame"), "twisted.cred.error.UnauthorizedLogin"
        )
        server.stop()
        self.assertIn("SCRAM and CRAM-MD5 are not offered", server.log)


class MemoryAndHtpasswdTests(TwoFilesTests):
    """
    Tests for users on the command line, and others in a file of hashes.
    """

    def auth(self) -> list[str]:
        """
        Write the file.
        """
        path = self.folder / "htpasswd"
        path.write_text(f"alice:{self.hashed('sesame')}\n")
        return ["--auth=memory:bob:tulip", f"--auth=htpasswd:{path}"]


class HashedFileTests(Accounts, TestCase):
    """
    Tests for C{--auth=file:} with bcrypt hashes, and a password in plain text
    among them.
    """

    challenged = ()

    def auth(self) -> list[str]:
        """
        Write one file.
        """
        return [self.passwords(alice=self.hashed("sesame"), bob="tulip")]

    def test_hashIsNoPassword(self) -> None:
        """
        Who has read the file can't log in with the hash itself.
        """
        option = self.passwords(alice=self.hashed("sesame"))
        stored = Path(option.partition("file:")[2]).read_text().strip().split(":")[1]
        server = self.start(option, offered="pop3 imap http")
        for logIn in (server.pop3, server.imap, server.http):
            self.assertRaises(Refused, logIn, "alice", stored)

    def test_pbNotOffered(self: Any) -> None:
        """
        Perspective Broker isn't offered, since hashes can't serve it, and the
        log says so.
        """
        server = self.start(*self.auth(), offered="pop3 imap http", unsaid="pb")
        server.stop()
        self.assertNotIn("pb", server.ports)
        self.assertIn("PB is not offered: it takes passwords in plain text", server.log)


def run(*command: str, stdin: bytes = b"") -> str:
    """
    Run a program that other sites use.

    @return: what it printed.
    """
    packages = {
        "doveadm": "dovecot-core",
        "htpasswd": "apache2-utils",
        "mkpasswd": "whois",
        "openssl": "openssl",
    }
    if shutil.which(command[0]) is None:
        raise SkipTest(f"install {packages[command[0]]}")
    done = subprocess.run(command, input=stdin, capture_output=True, check=True, cwd=ROOT)
    return done.stdout.decode().strip()


class HtpasswdTests(Accounts, TestCase):
    """
    Tests for C{--auth=htpasswd:} with files that other programs have made.
    """

    challenged = ()

    def auth(self) -> list[str]:
        """
        Make a file with C{htpasswd -B}, and an account by C{openssl}.
        """
        self.path = self.folder / "htpasswd"
        run("htpasswd", "-bcB", str(self.path), "alice", "sesame")
        with self.path.open("a") as file:
            file.write(f"bob:{run('openssl', 'passwd', '-6', 'tulip')}\n")
        return [f"--auth=htpasswd:{self.path}"]

    def test_everyProgram(self: Any) -> None:
        """
        Whichever program made an account, its user logs in over HTTP, POP3 and
        IMAP4 with curl, and with no other password.
        """
        [option] = self.auth()
        for flag in ("-m", "-s", "-d", "-2", "-5"):
            run("htpasswd", "-b", flag, str(self.path), f"user{flag}", "rose")
        secrets = {
            "openssl1": run("openssl", "passwd", "-1", "rose"),
            "openssl6": run("openssl", "passwd", "-6", "rose"),
            "yescrypt": run("mkpasswd", "-m", "yescrypt", "rose"),
            "dovecot1": run("doveadm", "pw", "-s", "SHA512-CRYPT", "-p", "rose")
            + ":1000:1000::/home/dovecot1::",
            "dovecot2": run("doveadm", "pw", "-s", "BLF-CRYPT", "-p", "rose")
            + ":1001:1001::/home/dovecot2::userdb_mail=maildir:~/Maildir",
            "dovecot3": run("doveadm", "pw", "-s", "SSHA256", "-p", "rose") + "::::::",
            "dovecot4": run("doveadm", "pw", "-s", "ARGON2ID", "-r", "3", "-p", "rose"),
        }
        with self.path.open("a") as file:
            file.write("".join(f"{name}:{secrets[name]}\n" for name in secrets))
        server = self.start(option, offered="pop3 imap http")
        names = [line.split(":")[0] for line in self.path.read_text().splitlines()]
        self.assertEqual(len(names), 14)
        clients = [
            server.curl("http", ""),
            server.curl("pop3", "1"),
            server.curl("imap", "INBOX;MAILINDEX=1"),
        ]
        for name in names[2:]:
            for client in clients:
                self.assertIn("Welcome", client(name, "rose"))
                self.assertRaises(Refused, client, name, "tulip")
        server.stop()
        self.assertNotIn("Traceback", server.log)
        for scheme in ("Apache's MD5", "SHA-1", "DES", "MD5-crypt", "salted SHA-256"):
            self.assertEqual(server.log.count(f": {scheme} is weak"), 1, scheme)

    def test_weakRefused(self) -> None:
        """
        With C{weak=no}, those whose hashes are weak don't log in.
        """
        [option] = self.auth()
        run("htpasswd", "-b", "-s", str(self.path), "carol", "rose")
        server = self.start(f"{option}:weak=no", offered="pop3 imap http")
        server.http("alice", "sesame")
        self.assertRaises(Refused, server.http, "carol", "rose")

    def test_changedMeanwhile(self) -> None:
        """
        A password that C{mycred passwd} sets counts at once, and the old one no
        more; so does one that C{htpasswd} sets, which writes the file in place.
        """
        server = self.start(*self.auth(), offered="pop3 imap http")
        server.http("alice", "sesame")
        command = [sys.executable, "-m", "mycred", "passwd", "--stdin", "--cost=4"]
        run(*command, str(self.path), "alice", stdin=b"rose\n")
        server.http("alice", "rose")
        self.assertRaises(Refused, server.http, "alice", "sesame")
        run("htpasswd", "-bB", str(self.path), "alice", "sesame")
        server.http("alice", "sesame")
        self.assertRaises(Refused, server.http, "alice", "rose")
        run(*command[:-2], "--delete", str(self.path), "alice")
        self.assertRaises(Refused, server.http, "alice", "sesame")
        server.http("bob", "tulip")


class HtdigestTests(ServerTests, SynchronousTestCase):
    """
    Tests for C{--auth=htdigest:}.
    """

    def test_digest(self) -> None:
        """
        A browser that doesn't send its password gets in with the right one only,
        and no other way to log in is offered.
        """
        server = self.start(self.htdigest(alice="sesame"), offered="http")
        client = server.curl("http", "", "--digest")
        self.assertIn("Mail of alice", client("alice", "sesame"))
        for name, password in [("alice", "tulip"), ("eve", "sesame")]:
            self.assertRaises(Refused, client, name, password)
        self.assertRaises(Refused, server.http, "alice", "sesame")
        server.stop()
        self.assertEqual(list(server.ports), ["http"])

    def test_besidePlainText(self) -> None:
        """
        Who isn't in the one file is looked up in the other, in either order.
        """
        both = [self.htdigest(alice="sesame"), self.passwords(bob="tulip")]
        for options in (both, both[::-1]):
            server = self.start(*options)
            client = server.curl("http", "", "--digest")
            self.assertIn("Mail of alice", client("alice", "sesame"))
            self.assertIn("Mail of bob", client("bob", "tulip"))
            self.assertRaises(Refused, client, "bob", "sesame")
            self.assertIn("Mail of bob", server.curl("http", "")("bob", "tulip"))
            server.stop()

    def test_besideHashes(self) -> None:
        """
        Beside hashes of another kind each is offered the only way that there is for
        them; the log says that clients which prefer Digest fail for the others.
        """
        htpasswd = self.folder / "htpasswd"
        htpasswd.write_text(f"bob:{self.hashed('tulip')}\n")
        server = self.start(
            self.htdigest(alice="sesame"),
            f"--auth=htpasswd:{htpasswd}",
            offered="pop3 imap http",
        )
        digest, basic = server.curl("http", "", "--digest"), server.curl("http", "")
        self.assertIn("Mail of alice", digest("alice", "sesame"))
        self.assertIn("Mail of bob", basic("bob", "tulip"))
        self.assertRaises(Refused, digest, "bob", "tulip")
        for scheme, path in (("pop3", "1"), ("imap", "INBOX;MAILINDEX=1")):
            self.assertIn("Welcome", server.curl(scheme, path)("bob", "tulip"))
        server.stop()
        self.assertIn("Digest except for htdigest", server.log)
        self.assertIn("which --auth=htpasswd can't check", server.log)


class AnonymousTests(ServerTests, PBClients, TestCase):
    """
    Tests for C{--auth=anonymous}.
    """

    timeout = 60

    @inlineCallbacks
    def assertNoticeOnly(self, server: Server) -> Any:
        """
        Assert what an anonymous client can do.
        """
        visitor = yield self.connect(server).login(Anonymous())
        notice = yield visitor.callRemote("notice")
        self.assertIn("mycred example server", notice)
        for call in [("list",), ("read", 1), ("send", b"alice", b"Hi")]:
            yield self.assertRemote(visitor.callRemote(*call), "builtins.AttributeError")

    @inlineCallbacks
    def test_notice(self) -> Any:
        """
        Who comes over Perspective Broker without a name may read the public
        notice and nothing else; mail is not offered at all.
        """
        server = self.start(
            "--auth=anonymous", offered="pb", unsaid="pop3 imap smtp http"
        )
        yield self.assertNoticeOnly(server)
        server.stop()
        self.assertEqual(list(server.ports), ["pb"])
        for name in ("POP3", "IMAP", "SMTP", "HTTP"):
            self.assertIn(f"{name} is not offered", server.log)

    @inlineCallbacks
    def test_besideUsers(self) -> Any:
        """
        Beside users with passwords, who read their mail and the notice, those
        without a name still read the notice only.
        """
        server = self.start("--auth=anonymous", self.passwords(alice="sesame"))
        yield self.assertNoticeOnly(server)
        alice = yield self.logIn(server, "alice", "sesame")
        self.assertEqual((yield alice.callRemote("list")), [1])
        yield alice.callRemote("notice")

    def test_mail(self) -> None:
        """
        Nobody without a name gets near mail: no mechanism is for them, and they send
        none.
        """
        auth = "--auth=anonymous", self.passwords(alice="sesame")
        server = self.start(*auth, offered="imap smtp")
        with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=PATIENCE) as client:
            client.ehlo()
            self.assertNotIn("ANONYMOUS", client.esmtp_features["auth"])
            self.assertEqual(client.docmd("AUTH", "ANONYMOUS =")[0], 504)
            self.assertEqual(client.mail("alice@localhost")[0], 530)
        with imaplib.IMAP4("127.0.0.1", server.ports["imap"], PATIENCE) as other:
            self.assertNotIn("AUTH=ANONYMOUS", other.capabilities)

    @inlineCallbacks
    def test_notAsked(self) -> Any:
        """
        Unless the deployer says C{--auth=anonymous}, nobody comes in without a
        name.
        """
        server = self.start(self.passwords(alice="sesame"))
        yield self.assertRemote(
            self.connect(server).login(Anonymous()),
            "twisted.cred.error.UnhandledCredentials",
        )


class MissingFileTests(ServerTests, SynchronousTestCase):
    """
    Tests for C{--auth=file:} of a file that comes later.
    """

    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "later"
        self.server = self.start(f"--auth=file:{self.path}")

    def test_warns(self) -> None:
        """
        The server starts, and warns of the file that isn't there.
        """
        self.server.stop()
        self.assertIn(f"Warning: not a valid file: {self.path}\n", self.server.log)

    def test_temporaryFailure(self) -> None:
        """
        Until the file comes no user gets in, and none is told that their password is
        wrong; the log names the file.
        """
        for logIn, answer in [
            (self.server.pop3, "-ERR [SYS/TEMP]"),
            (self.server.imap, "[UNAVAILABLE]"),
            (self.server.http, "503"),
            (self.server.curl("pop3", "", "-v"), "-ERR [SYS/TEMP]"),
            (self.server.curl("imap", "INBOX", "-v"), "NO [UNAVAILABLE]"),
            (self.server.curl("http", ""), "503"),
        ]:
            refused = self.assertRaises(Refused, logIn, "alice", "sesame")
            self.assertIn(answer, refused.answer)
        self.path.write_text("alice:hunter2\n")
        for logIn, answer in [
            (self.server.pop3, "-ERR [AUTH]"),
            (self.server.imap, "[AUTHENTICATIONFAILED]"),
            (self.server.http, "401"),
            (self.server.curl("imap", "INBOX", "-v"), "NO [AUTHENTICATIONFAILED]"),
        ]:
            refused = self.assertRaises(Refused, logIn, "alice", "sesame")
            self.assertIn(answer, refused.answer)
        self.server.stop()
        self.assertIn(f"{self.path} can't be read", self.server.log)
        self.assertNotIn("sesame", self.server.log)

    def logsIn(self, secret: str) -> None:
        """
        Assert that Alice can log in after a file with her secret has come.
        """
        self.assertRaises(Refused, self.server.pop3, "alice", "sesame")
        self.path.write_text(f"alice:{secret}\n")
        self.server.pop3("alice", "sesame").quit()
        self.server.imap("alice", "sesame").logout()
        self.server.http("alice", "sesame")
        self.assertRaises(Refused, self.server.pop3, "alice", "wrong")

    def test_comesLater(self) -> None:
        """
        As soon as the file is there, users log in without a restart.
        """
        self.logsIn("sesame")

    def test_hashesComeLater(self) -> None:
        """
        The same holds for a file with hashes.
        """
        self.logsIn(self.hashed("sesame"))
