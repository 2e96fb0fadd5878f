"""
Tests for the commands that the server shows.

They cover L{mycred.demo._startuplog}, too.
"""

from __future__ import annotations

import shlex
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from mycred._contracts import IUsernameDigestHash, IUsernamePassword
from mycred.credentials import IBearerToken, ICertificateCredentials
from mycred.demo._loginways import proofOptions, wayTo
from mycred.demo._protocols import proofFor


class Port:
    """
    Something that listens at an address.
    """

    def __init__(self, address: Any) -> None:
        self.getHost = lambda: address


class CommandTests(SynchronousTestCase):
    """
    Tests for commands, at places of all kinds.
    """

    def command(self, name: str, where: str, address: Any, **options: Any) -> str:
        """
        Return the command for a place.
        """
        way = wayTo(name, where, Port(address), **options)
        return way.command("alice:x", "alice", "client FILE")

    def test_curl(self) -> None:
        """
        The command of curl is for the address that a client of this machine reaches.
        """
        for host, server in (
            ("127.0.0.1", "127.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("::", "'http://[::1]:80/'"),
            ("::1", "'http://[::1]:80/'"),
            ("2001:db8::1", "'http://[2001:db8::1]:80/'"),
        ):
            kind: Any = IPv6Address if ":" in host else IPv4Address
            url = server if ":" in server else f"http://{server}:80/"
            self.assertEqual(
                self.command("http", "tcp:80", kind("TCP", host, 80)),
                f"curl -u alice:x {url}",
            )
        place = IPv4Address("TCP", "127.0.0.1", 81)
        self.assertEqual(
            self.command("pop3", "tcp:81", place), "curl -u alice:x pop3://127.0.0.1:81/1"
        )
        self.assertEqual(
            self.command("imap", "tcp:81", place),
            "curl -u alice:x 'imap://127.0.0.1:81/INBOX;MAILINDEX=1'",
        )

    def test_smtp(self) -> None:
        """
        The command for SMTP sends a message to oneself.
        """
        place = IPv4Address("TCP", "127.0.0.1", 81)
        sends = "--mail-from alice@localhost --mail-rcpt alice@localhost -T FILE"
        self.assertEqual(
            self.command("smtp", "tcp:81", place),
            f"curl {sends} -u alice:x smtp://127.0.0.1:81",
        )
        self.assertEqual(
            self.command("smtp", "mtls:81:privateKey=x", place),
            f"curl {sends} -u alice:x smtps://localhost:81",
        )

    def test_digest(self) -> None:
        """
        Where HTTP Digest serves more users than Basic, the command asks for it.
        """
        place = IPv4Address("TCP", "127.0.0.1", 81)
        self.assertEqual(
            self.command("http", "tcp:81", place, isDigest=True),
            "curl --digest -u alice:x http://127.0.0.1:81/",
        )

    def test_tls(self) -> None:
        """
        Over TLS the machine is called by its name, which certificates are for.
        """
        for host, server in (
            ("0.0.0.0", "localhost"),
            ("127.0.0.1", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
        ):
            self.assertEqual(
                self.command("pop3", "ssl:81", IPv4Address("TCP", host, 81)),
                f"curl -u alice:x pop3s://{server}:81/1",
            )

    def test_startedTLS(self) -> None:
        """
        Where passwords of other machines must come by TLS, the command for an address
        that others reach begins with it.
        """
        for host, server in (
            ("0.0.0.0", "pop3://127.0.0.1:81/1"),
            ("127.0.0.1", "pop3://127.0.0.1:81/1"),
            ("192.0.2.1", "pop3://192.0.2.1:81/1"),
        ):
            begins = "--ssl-reqd " * (host == "192.0.2.1")
            self.assertEqual(
                self.command(
                    "pop3", "tcp:81", IPv4Address("TCP", host, 81), beginsTLS=True
                ),
                f"curl {begins}-u alice:x {server}",
            )

    def test_token(self) -> None:
        """
        Users who have tokens, and no passwords, are shown what takes a token.
        """
        place = IPv4Address("TCP", "127.0.0.1", 81)
        for name, login in (
            ("pop3", "-u alice: pop3://127.0.0.1:81/1"),
            ("http", "http://127.0.0.1:81/"),
        ):
            self.assertEqual(
                self.command(name, "tcp:81", place, proof="token"),
                f"curl --oauth2-bearer TOKEN {login}",
            )

    def test_certificate(self) -> None:
        """
        Users who have certificates, and no passwords, are shown what takes one, over TLS.
        """
        place = IPv4Address("TCP", "127.0.0.1", 81)
        shown = "--cert FILE --key FILE"
        external = f"{shown} --login-options AUTH=EXTERNAL -u alice:"
        options: dict[str, Any] = {"proof": "certificate"}
        self.assertEqual(
            self.command("pop3", "mtls:81", place, **options),
            f"curl {external} pop3s://localhost:81/1",
        )
        self.assertEqual(
            self.command("http", "mtls:81", place, **options),
            f"curl {shown} https://localhost:81/",
        )
        self.assertEqual(
            self.command("pop3", "tcp:81", place, **options, beginsTLS=True),
            f"curl --ssl-reqd {external} pop3://localhost:81/1",
        )
        self.assertEqual(
            self.command(
                "pop3", "unix:/x", UNIXAddress(b"/x"), **options, beginsTLS=True
            ),
            f"curl --unix-socket /x --ssl-reqd {external} pop3://localhost/1",
        )

    def test_unix(self) -> None:
        """
        A UNIX socket is reached by curl, and is shown where there is no command.
        """
        place = UNIXAddress(b"/run/my app/it's")
        for name, url in (("http", "http://localhost/"), ("pop3", "pop3://localhost/1")):
            self.assertEqual(
                self.command(name, "unix:/x", place),
                f"""curl --unix-socket '/run/my app/it'"'"'s' -u alice:x {url}""",
            )
        for name in ("ssh", "pb"):
            self.assertEqual(
                self.command(name, "unix:/x", place), "at /run/my app/it's", name
            )

    def test_others(self) -> None:
        """
        SSH and Perspective Broker have clients of their own; what comes by way of a
        proxy, or from another package, is shown.
        """
        place = IPv4Address("TCP", "0.0.0.0", 81)
        self.assertEqual(
            self.command("ssh", "tcp:81", place), "ssh -p 81 alice@127.0.0.1"
        )
        self.assertEqual(
            self.command("ssh", "tcp6:81", IPv6Address("TCP", "::", 81)),
            "ssh -p 81 alice@::1",
        )
        self.assertEqual(self.command("pb", "tcp:81", place), "client FILE 81")
        self.assertEqual(
            self.command("imap", "haproxy:tcp:81", place),
            "at 127.0.0.1, port 81, by way of a proxy",
        )
        self.assertEqual(
            self.command("http", "mtls:81:privateKey=x:proxies=127.0.0.1", place),
            "at localhost, port 81, by way of a proxy",
        )
        self.assertEqual(
            self.command("imap", "haproxy:unix:/x", UNIXAddress(b"/x")),
            "at /x, by way of a proxy",
        )
        self.assertEqual(self.command("ssh", "other:x", "somewhere"), "at somewhere")

    def test_upload(self) -> None:
        """
        A message is put in over IMAP, unless a proxy is needed to connect.
        """
        for name, where, host, command in [
            ("imap", "tcp:81", "0.0.0.0", "imap://127.0.0.1:81/INBOX"),
            ("imap", "ssl:81", "127.0.0.1", "imaps://localhost:81/INBOX"),
            ("imap", "haproxy:tcp:81", "127.0.0.1", None),
            ("pop3", "tcp:81", "127.0.0.1", None),
            ("http", "tcp:81", "127.0.0.1", None),
        ]:
            way = wayTo(name, where, Port(IPv4Address("TCP", host, 81)))
            self.assertEqual(
                way.upload("alice:x", "a.eml"),
                command and f"curl -T a.eml -u alice:x {command}",
            )
        way = wayTo("imap", "unix:/x", Port(UNIXAddress(b"/x")))
        self.assertEqual(
            way.upload("alice:x", "a.eml"),
            "curl -T a.eml --unix-socket /x -u alice:x imap://localhost/INBOX",
        )


class ProofTests(SynchronousTestCase):
    """
    Tests for L{proofFor}.
    """

    def test_options(self) -> None:
        """
        A name of whatever characters is one argument of the command.
        """
        for name in ("al ice", "a: b", "it's: $(x)", "'"):
            for proof in ("password", "token", "certificate"):
                options = " ".join(proofOptions(proof, name, True))
                given = shlex.split(options)[-1]
                whole = f"{name.partition(':')[0]}:"
                self.assertEqual(given, name if proof == "password" else whole)

    def test_proofs(self) -> None:
        """
        A password is shown before a token, and that before a certificate, where a
        protocol takes them.
        """
        password, token = IUsernamePassword, IBearerToken
        certificate = ICertificateCredentials
        for protocol, served, expected in (
            ("imap", [password, token, certificate], "password"),
            ("imap", [token, certificate], "token"),
            ("imap", [certificate], "certificate"),
            # Files of htdigest serve HTTP alone.
            ("imap", [IUsernameDigestHash, certificate], "certificate"),
            ("http", [IUsernameDigestHash, certificate], "password"),
            ("http", [token], "token"),
        ):
            self.assertEqual(proofFor(protocol, served), expected, (protocol, served))
