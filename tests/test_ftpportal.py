"""
Tests for L{mycred._ftpportal}: what Twisted's FTP server says of logins that can't be
decided now.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail, inlineCallbacks
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.internet.threads import deferToThread
from twisted.protocols.ftp import FTPFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from mycred.error import TemporaryFailure, Throttled, UnauthorizedLogin
from mycred.sessions import SessionFactory

from .kit.certificates import Authority
from .kit.portals import Checker
from .kit.protocols import PATIENCE, LoginTestCase
from .kit.sessions import Realm

LOGIN = b"USER alice\r\nPASS sesame\r\n"


class FTPPortalTests(LoginTestCase):
    """
    Tests for L{FTPPortal}.
    """

    def setUp(self) -> None:
        self.checker = Checker(lambda: fail(self.error))
        self.factory = SessionFactory(FTPFactory(Portal(Realm(), [self.checker])))

    def said(self, lines: bytes, context: Any = None) -> Deferred[list[bytes]]:
        """
        Return what the server says until it ends the connection.

        @param context: TLS; L{None} if there is none.
        """

        def read() -> list[bytes]:
            place = "127.0.0.1", self.port
            with socket.create_connection(place, PATIENCE) as plain:
                wire = plain
                if context is not None:
                    wire = context.wrap_socket(plain, server_hostname="localhost")
                wire.sendall(lines)
                answers = wire.makefile("rb").read().split(b"\r\n")
                wire.close()
                return answers

        return deferToThread(read)

    @inlineCallbacks
    def test_undecided(self) -> Any:
        """
        Such a login is answered with 421, and when to come back if that is known; then
        the connection ends, and whatever else the client has sent isn't answered.
        """
        self.serve(self.factory)
        for self.error, text in (
            (Throttled(4.5), b"421 Too many failed logins; try again in 5 s."),
            (TemporaryFailure("secret"), b"421 Logins are not possible now. Try"),
        ):
            said = yield self.said(LOGIN * 3 + b"PASS sesame\r\n" * 3)
            self.assertEqual(said[1], b"331 Password required for alice.")
            self.assertTrue(said[2].startswith(text), said)
            self.assertEqual(said[3:], [b""])

    @inlineCallbacks
    def test_overTLS(self) -> Any:
        """
        Over TLS it is the same.
        """
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        authority = Authority(folder)
        certificate, key = authority.certify("localhost", "localhost")
        options = DefaultOpenSSLContextFactory(str(key), str(certificate))
        self.serve(TLSMemoryBIOFactory(options, False, self.factory))
        self.error = Throttled(1)
        context = ssl.create_default_context(cafile=str(authority.file))
        said = yield self.said(LOGIN, context)
        self.assertTrue(said[2].startswith(b"421 Too many"), said)

    @inlineCallbacks
    def test_refused(self) -> Any:
        """
        A login that is refused is answered as ever, and the client may try again.
        """
        self.serve(self.factory)
        self.error = UnauthorizedLogin()
        said = yield self.said(LOGIN * 2 + b"QUIT\r\n")
        self.assertEqual([answer[:4] for answer in said[2:6:2]], [b"530 "] * 2)
        self.assertEqual(self.checker.asked, 2)
