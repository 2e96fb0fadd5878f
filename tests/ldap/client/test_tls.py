"""
Tests for L{mycred._ldap.client._tls}, against slapd.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from mycred._ldap.client._connection import Connection

from ...kit.certificates import Authority
from ...kit.directory import DirectoryTestCase
from ...kit.slapd import person


class TLSTests(DirectoryTestCase):
    """
    Tests for certificates.
    """

    entries = (person("alice"),)

    def setUp(self) -> None:
        self.files = Path(self.mktemp()).resolve()
        self.files.mkdir()
        self.authority = Authority(self.files)

    def certify(self, *hosts: str, authority: Any = None, **options: Any) -> None:
        """
        Start a server with a certificate for these hosts.
        """
        authority = authority or self.authority
        self.serve(certificate=authority.certify("server", *hosts, **options))

    def ask(self, host: str = "localhost", **given: str) -> Any:
        """
        Log in, by StartTLS and by TLS from the first byte, which must have the same
        result.
        """
        given.setdefault("cafile", str(self.authority.file))
        looks = []
        for tls, port in (("starttls", self.server.port), ("ldaps", self.server.tlsPort)):
            directory = self.directory(host=host, port=str(port), tls=tls, **given)
            looks.append(self.look(directory, "alice"))
            looks.append(self.look(directory, "alice", "x"))
        kinds = [seen.kind for seen in looks]
        self.assertEqual(kinds[:2], kinds[2:])
        return looks[0], looks[2]

    def assertUntrusted(self, *words: str, **given: str) -> None:
        """
        Assert a temporary failure, with either kind of TLS.
        """
        for seen in self.ask(**given):
            self.assertUnsure(seen, *words)

    def test_verified(self) -> None:
        """
        A server with the right certificate is trusted, by name or by IP address.
        """
        self.certify("localhost", "127.0.0.1")
        for host in ("localhost", "127.0.0.1"):
            for seen in self.ask(host):
                self.assertAccepted(seen, "alice")
                [server] = [step for step in seen.steps if "server:" in step]
                self.assertIn("TLSv1.3", server)
                self.assertIn("certificate of commonName=server by commonName=ca", server)
                self.assertIn(f"verified for {host}", server)

    def test_number(self) -> None:
        """
        A certificate for an IP address isn't one for a name.
        """
        self.certify("127.0.0.1")
        for seen in self.ask("127.0.0.1"):
            self.assertAccepted(seen, "alice")
        self.assertUntrusted("Hostname mismatch", host="localhost")

    def test_otherName(self) -> None:
        """
        A certificate for another name isn't trusted.
        """
        self.certify("ldap.example.org", "127.0.0.2")
        self.assertUntrusted("Hostname mismatch", host="localhost")
        self.assertUntrusted("mismatch", host="127.0.0.1")

    def test_expired(self) -> None:
        """
        An expired one isn't, either.
        """
        self.certify("localhost", isExpired=True)
        self.assertUntrusted("expired")

    def test_otherAuthority(self) -> None:
        """
        Nor one by an unknown authority.
        """
        self.certify("localhost", authority=Authority(self.files, "other"))
        self.assertUntrusted("CERTIFICATE_VERIFY_FAILED")

    def test_issuing(self) -> None:
        """
        A file that holds the authority that has certified the server is enough, though
        that be certified by another one; as is one with the server's own certificate.
        """
        issuing = Authority(self.files, "issuing", above=self.authority)
        self.certify("localhost", authority=issuing)
        for seen in self.ask(cafile=str(issuing.file)):
            self.assertAccepted(seen, "alice")
        for seen in self.ask(cafile=str(self.files / "server.crt")):
            self.assertAccepted(seen, "alice")
        # Of the one above the server doesn't tell how it comes to it.
        self.assertUntrusted("VERIFY_FAILED", cafile=str(self.authority.file))
        self.assertUntrusted(
            "VERIFY_FAILED", cafile=str(Authority(self.files, "other").file)
        )

    def test_system(self) -> None:
        """
        Without a file the system's authorities count, which this one isn't among.
        """
        self.certify("localhost")
        for tls, port in (("starttls", self.server.port), ("ldaps", self.server.tlsPort)):
            directory = self.directory(host="localhost", port=str(port), tls=tls)
            self.assertUnsure(self.look(directory, "alice"), "VERIFY_FAILED")

    def test_name(self) -> None:
        """
        The server is told which name is meant (SNI).
        """
        self.certify("localhost")
        told: list[Any] = []
        wrap = ssl.SSLContext.wrap_socket

        def remember(context: Any, *args: Any, **given: Any) -> Any:
            told.append(given["server_hostname"])
            return wrap(context, *args, **given)

        self.patch(ssl.SSLContext, "wrap_socket", remember)
        self.ask()
        self.assertEqual(set(told), {"localhost"})

    def test_once(self) -> None:
        """
        Certificates are parsed once, not for each connection.
        """
        self.certify("localhost")
        given = {"host": "localhost", "cafile": str(self.authority.file)}
        directory = self.directory(port=str(self.server.port), **given)
        self.patch(ssl.SSLContext, "load_verify_locations", None)
        self.patch(ssl.SSLContext, "load_default_certs", None)
        self.assertAccepted(self.look(directory, "alice"), "alice")

    def test_client(self) -> None:
        """
        A server that asks for a client certificate gets it.
        """
        certificate = self.authority.certify("server", "localhost")
        ca = self.authority.file
        self.serve(certificate=certificate, ca=ca)
        mine = self.authority.certify("client")
        for seen in self.ask(certfile=str(mine[0]), keyfile=str(mine[1])):
            self.assertAccepted(seen, "alice")
        for seen in self.ask():
            self.assertUnsure(seen)


class NoTLSTests(DirectoryTestCase):
    """
    Tests for a server without TLS.
    """

    entries = (person("alice"),)

    def test_insisted(self) -> None:
        """
        If TLS is required nothing is sent without it.
        """
        port = str(self.server.port)
        directory = self.directory(host="localhost", port=port, tls="starttls")
        self.assertUnsure(self.look(directory, "alice"), "doesn't begin TLS")

    def test_thisMachine(self) -> None:
        """
        On this machine it is used all the same, and the log is told, once.
        """
        directory = self.directory(host="localhost", port=str(self.server.port))
        for _ in range(2):
            self.assertAccepted(self.look(directory, "alice"), "alice")
        [note] = directory.takeNotes()
        self.assertIn("without TLS", note)
        self.assertIn("localhost", note)

    def test_elsewhere(self) -> None:
        """
        On any other machine it isn't.
        """
        self.patch(Connection, "isOnThisMachine", lambda connection: False)
        directory = self.directory(host="localhost", port=str(self.server.port))
        self.assertUnsure(self.look(directory, "alice"), "doesn't begin TLS")

    def test_outright(self) -> None:
        """
        Unless C{tls=none} says so; and that is logged.
        """
        self.patch(Connection, "isOnThisMachine", lambda connection: False)
        port = str(self.server.port)
        directory = self.directory(host="localhost", port=port, tls="none")
        self.assertAccepted(self.look(directory, "alice"), "alice")
        [note] = directory.takeNotes()
        self.assertIn("without TLS", note)

    def test_socket(self) -> None:
        """
        A Unix socket needs no TLS, and the log needs no warning.
        """
        directory = self.directory()
        self.assertAccepted(self.look(directory, "alice"), "alice")
        self.assertEqual(list(directory.takeNotes()), [])


class HasTLSTests(DirectoryTestCase):
    """
    Tests for a server of this machine that has TLS.
    """

    entries = (person("alice"),)

    def setUp(self) -> None:
        files = Path(self.mktemp()).resolve()
        files.mkdir()
        certificate = Authority(files).certify("server", "localhost")
        self.options = {"certificate": certificate}
        super().setUp()

    def test_untrusted(self) -> None:
        """
        A certificate that isn't trusted isn't a reason to go on without TLS.
        """
        directory = self.directory(host="localhost", port=str(self.server.port))
        self.assertUnsure(self.look(directory, "alice"), "VERIFY_FAILED")
