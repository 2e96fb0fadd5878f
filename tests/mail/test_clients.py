"""
Tests for L{mycred.mail} with the mail programs of a distribution, which have their own
implementations of SASL.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import inlineCallbacks

from mycred.mail import ESMTP, POP3
from mycred.sasl import Mechanism
from tests.kit.mailprograms import ProgramTests
from tests.kit.mailservers import CertificateChecker, ScramChecker, TokenChecker

# Names and passwords, and who has logged in by them.
TRIED = [("alice", "sesame", [b"alice"]), ("alice", "tulip", []), ("bob", "sesame", [])]

LETTER = "Subject: Tea\n\nAt five?\n"


def unbound(protocol: Any) -> Any:
    """
    Return a server's class without the mechanisms that are bound to TLS: newer clients of
    GNU SASL that don't use one where there is one refuse to go on.
    """

    class Unbound(protocol):  # type: ignore[misc]
        """
        A server that leaves some mechanisms out.
        """

        def mechanisms(self) -> dict[bytes, Mechanism]:
            """
            Return the others.
            """
            served = super().mechanisms()
            return {name: one for name, one in served.items() if not one.isBound}

    return Unbound


class GsaslTests(ProgramTests):
    """
    Tests for C{gsasl}, which is GNU SASL.
    """

    def gsasl(
        self, protocol: str, mechanism: str, name: str, password: str, *more: str
    ) -> Any:
        """
        Log in over STARTTLS.
        """
        return self.run_(
            self.program("gsasl", "gsasl"),
            f"--{protocol}",
            "--starttls",
            f"--connect=localhost:{self.port}",
            f"--x509-ca-file={self.authority}",
            f"--mechanism={mechanism}",
            f"--authentication-id={name}",
            "--authorization-id=",
            f"--password={password}",
            "--verbose",
            *more,
        )

    @inlineCallbacks
    def test_bound(self) -> Any:
        """
        It logs in by a mechanism that is bound to TLS 1.3, and finds that the server can
        be trusted; a wrong password and an unknown name are refused.
        """
        for protocol in ("imap", "smtp"):
            self.serveMail(protocol)
            for name, password, names in TRIED:
                done = yield self.gsasl(protocol, "SCRAM-SHA-256-PLUS", name, password)
                self.assertNames(*names)
                isTrusted = "server trusted" in done.stdout
                self.assertEqual(isTrusted, bool(names), done.stdout)
                self.assertEqual(done.returncode == 0, bool(names))

    @inlineCallbacks
    def test_unbound(self) -> Any:
        """
        It logs in by SCRAM with either hash if it is told not to bind the login to TLS.
        """
        for protocol in ("imap", "smtp"):
            self.serveMail(protocol)
            for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
                for name, password, names in TRIED:
                    done = yield self.gsasl(
                        protocol, mechanism, name, password, "--no-cb"
                    )
                    self.assertNames(*names)
                    isTrusted = "server trusted" in done.stdout
                    self.assertEqual(isTrusted, bool(names), done.stdout)


class CyrusTests(ProgramTests):
    """
    Tests for C{imtest}, C{smtptest} and C{pop3test}, which are of Cyrus SASL.
    """

    @inlineCallbacks
    def test_scram(self) -> Any:
        """
        They log in by SCRAM-SHA-256, acting as the same user; a wrong password and an
        unknown name are refused.
        """
        for protocol in ("imap", "smtp", "pop3"):
            program = {"imap": "imtest"}.get(protocol, f"{protocol}test")
            path = self.program(program, "cyrus-clients")
            self.serveMail(protocol)
            for name, password, names in TRIED:
                done = yield self.run_(
                    path,
                    *("-m", "SCRAM-SHA-256", "-u", name, "-a", name, "-w", password),
                    *("-p", str(self.port), "127.0.0.1"),
                )
                self.assertNames(*names)
                isIn = "Authenticated." in done.stdout
                self.assertEqual(isIn, bool(names), done.stdout)


class MbsyncTests(ProgramTests):
    """
    Tests for C{mbsync}.
    """

    @inlineCallbacks
    def test_scram(self) -> Any:
        """
        It logs in by SCRAM-SHA-256 over STARTTLS; a wrong password and an unknown name
        are refused.
        """
        path = self.program("mbsync", "isync")
        self.serveMail("imap")
        near, settings = self.folder / "mail", self.folder / "mbsyncrc"
        near.mkdir()
        for name, password, names in TRIED:
            settings.write_text(
                f"IMAPAccount demo\nHost localhost\nPort {self.port}\nUser {name}\n"
                f"Pass {password}\nSSLType STARTTLS\nCertificateFile {self.authority}\n"
                "AuthMechs SCRAM-SHA-256\n\nIMAPStore far\nAccount demo\n\n"
                f"MaildirStore near\nPath {near}/\nInbox {near}/INBOX\n\n"
                "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\n"
                "SyncState *\n"
            )
            done = yield self.run_(path, "-c", str(settings), "--list", "all")
            self.assertNames(*names)
            self.assertEqual(done.returncode == 0, bool(names), done.stdout)


class MuttTests(ProgramTests):
    """
    Tests for C{mutt}.
    """

    @inlineCallbacks
    def test_scram(self) -> Any:
        """
        It logs in by SCRAM-SHA-256 over STARTTLS; a wrong password is refused.
        """
        path = self.program("mutt", "mutt")
        self.serveMail("imap")
        settings = self.folder / "muttrc"
        for name, password, names in TRIED[:2]:
            settings.write_text(
                f"set imap_user={name}\nset imap_pass={password}\n"
                'set imap_authenticators="scram-sha-256"\nset ssl_starttls=yes\n'
                f"set ssl_force_tls=yes\nset folder={self.folder}\n"
                f"set certificate_file={self.authority}\n"
            )
            url = f"imap://localhost:{self.port}/INBOX"
            done = yield self.run_(
                path, "-n", "-F", str(settings), "-z", "-f", url, isTerminal=True
            )
            self.assertNames(*names)
            self.assertIn("SCRAM-SHA-256", done.stdout)


class MsmtpTests(ProgramTests):
    """
    Tests for C{msmtp}, with which programs send mail.
    """

    def msmtp(self, *options: str) -> Any:
        """
        Send a letter.
        """
        return self.run_(
            self.program("msmtp", "msmtp"),
            "--host=localhost",
            f"--port={self.port}",
            "--tls=on",
            "--tls-starttls=on",
            f"--tls-trust-file={self.authority}",
            "--from=alice@localhost",
            *options,
            "bob@localhost",
            given=LETTER,
        )

    @inlineCallbacks
    def test_scram(self) -> Any:
        """
        It sends a letter after a login by SCRAM with either hash; after none it can't.
        """
        self.serveMail("smtp", protocol=unbound(ESMTP))
        for mechanism in ("scram-sha-1", "scram-sha-256"):
            for name, password, names in TRIED:
                done = yield self.msmtp(
                    f"--auth={mechanism}",
                    f"--user={name}",
                    f"--passwordeval=echo {password}",
                )
                self.assertNames(*names)
                self.assertEqual(done.returncode == 0, bool(names), done.stdout)
        self.assertEqual(len(self.realm.delivery.messages), 2)
        self.assertIn(b"At five?", self.realm.delivery.messages[0])

    @inlineCallbacks
    def test_external(self) -> Any:
        """
        It logs in by a certificate.  Without a name it takes the challenge for the answer
        and goes on with C{MAIL FROM}, which is refused as one.
        """
        self.serveMail("smtp", CertificateChecker())
        certificate, key = self.alice
        options = (
            "--auth=external",
            f"--tls-cert-file={certificate}",
            f"--tls-key-file={key}",
        )
        done = yield self.msmtp(*options, "--user=alice")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNames(b"alice")
        done = yield self.msmtp(*options, "--user=bob")
        self.assertNotEqual(done.returncode, 0)
        done = yield self.msmtp(*options)
        if done.returncode:
            self.assertIn("501 5.5.2", done.stdout)
            self.assertNames()


class MpopTests(ProgramTests):
    """
    Tests for C{mpop}, which fetches mail.
    """

    @inlineCallbacks
    def test_scram(self) -> Any:
        """
        It fetches a letter after a login by SCRAM over STLS; after none it can't.
        """
        path = self.program("mpop", "mpop")
        self.serveMail("pop3", protocol=unbound(POP3))
        for name, password, names in TRIED:
            inbox = self.folder / "inbox"
            done = yield self.run_(
                path,
                "--host=localhost",
                f"--port={self.port}",
                "--tls=on",
                "--tls-starttls=on",
                f"--tls-trust-file={self.authority}",
                "--auth=scram-sha-256",
                f"--user={name}",
                f"--passwordeval=echo {password}",
                f"--delivery=mbox,{inbox}",
                f"--uidls-file={self.folder / 'uidls'}",
                "--keep=on",
                "--quiet",
            )
            self.assertNames(*names)
            self.assertEqual(done.returncode == 0, bool(names), done.stdout)
        self.assertIn("Hi!", inbox.read_text())


class CurlTests(ProgramTests):
    """
    Tests for C{curl}.
    """

    def curl(self, protocol: str, *options: str) -> Any:
        """
        Log in over STARTTLS, and do something.
        """
        done = ("-X", "RSET") if protocol == "smtp" else ()
        return self.run_(
            self.program("curl", "curl"),
            *("-sSfq", "--noproxy", "*", "--ssl-reqd", "--cacert", str(self.authority)),
            *options,
            *done,
            f"{protocol}://localhost:{self.port}/",
        )

    @inlineCallbacks
    def test_external(self) -> Any:
        """
        It logs in by a certificate, as the user whom that names and no other, and not
        without one.
        """
        certificate, key = map(str, self.alice)
        own = ("--cert", certificate, "--key", key)
        for protocol in ("imap", "pop3", "smtp"):
            self.serveMail(protocol, CertificateChecker())
            for name, options, names in (
                ("alice", own, [b"alice"]),
                ("bob", own, []),
                ("alice", (), []),
            ):
                done = yield self.curl(
                    protocol,
                    *("--login-options", "AUTH=EXTERNAL", "-u", f"{name}:"),
                    *options,
                )
                self.assertNames(*names)
                # Over SMTP it goes on without a login where none is offered.
                if names or protocol != "smtp":
                    self.assertEqual(done.returncode == 0, bool(names), done.stdout)

    @inlineCallbacks
    def test_token(self) -> Any:
        """
        It logs in by a token, and not by a wrong one.
        """
        for protocol in ("imap", "pop3", "smtp"):
            self.serveMail(protocol, TokenChecker(), ScramChecker())
            for token, names in (("token", [b"alice"]), ("wrong", [])):
                done = yield self.curl(protocol, "-u", "alice:", "--oauth2-bearer", token)
                self.assertNames(*names)
                self.assertEqual(done.returncode == 0, bool(names), done.stdout)
