"""
Tests for L{mycred.checkers.tokens} with a real client, curl, over each protocol.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet import reactor as theReactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SkipTest, TestCase
from twisted.web.guard import HTTPAuthSessionWrapper
from twisted.web.server import Site
from twisted.web.static import Data

from mycred.checkers.tokens import (
    Introspection,
    KeyFile,
    OAuthClient,
    SignedTokens,
    TokenChecker,
    TokenRules,
)
from mycred.portal import Portal
from mycred.web import BearerCredentialFactory

from ..kit.mailservers import PROTOCOLS, MailFactory, MailRealm
from ..kit.sessions import Realm
from ..kit.tokens import ISSUER, NOW, ECSigner, Provider, claims, keySet, page

reactor: Any = theReactor

SIGNER = ECSigner()


class CurlTests(TestCase):
    """
    Tests with curl, which sends the name beside the token (OAUTHBEARER, XOAUTH2).
    """

    def setUp(self) -> None:
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        keys = self.folder / "keys.json"
        keys.write_bytes(keySet(SIGNER.jwk()))
        rules = TokenRules("sub", ISSUER, "mail")
        file = KeyFile(str(keys))
        self.checker = TokenChecker(SignedTokens(file, rules, now=lambda: NOW))
        self.realm = MailRealm()
        self.ports: list[Any] = []
        self.provider: Provider | None = None

    @inlineCallbacks
    def tearDown(self) -> Iterator[Any]:
        yield self.checker.close()
        if self.provider is not None:
            yield self.provider.stop()
        for port in self.ports:
            yield port.stopListening()

    def listen(self, factory: Any) -> int:
        """
        Listen.

        @return: the port.
        """
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.ports.append(port)
        number: int = port.getHost().port
        return number

    def curl(self, *words: str) -> Any:
        """
        Run curl.

        @return: a Deferred that fires with what it has written, and its code.
        """
        command = ["-sSfq", "--noproxy", "*", "-m", "20", *words]
        running = getProcessOutputAndValue(shutil.which("curl"), command)
        return running.addCallback(lambda done: (done[0], done[2]))

    def mail(self, scheme: str, token: bytes, *more: str, user: str = "alice") -> Any:
        """
        Use a mail server.
        """
        portal = Portal(self.realm, [self.checker])
        port = self.listen(MailFactory(PROTOCOLS[scheme], portal))
        words = {
            "imap": [f"imap://127.0.0.1:{port}/"],
            "pop3": [f"pop3://127.0.0.1:{port}/1"],
            "smtp": [
                *("--mail-from", "a@example.org", "--mail-rcpt", "b@example.org"),
                *("-T", str(self.folder / "keys.json"), f"smtp://127.0.0.1:{port}"),
            ],
        }[scheme]
        login = ["-u", f"{user}:", "--oauth2-bearer", token.decode("ascii"), *more]
        return self.curl(*login, *words)

    @inlineCallbacks
    def test_good(self) -> Iterator[Any]:
        """
        A good token logs in over IMAP, POP3 and SMTP, by each mechanism.
        """
        token = SIGNER.sign(claims())
        for scheme in PROTOCOLS:
            for mechanism in ("OAUTHBEARER", "XOAUTH2"):
                option = f"AUTH={mechanism}"
                _, code = yield self.mail(scheme, token, "--login-options", option)
                self.assertEqual(code, 0, (scheme, mechanism))
        self.assertEqual(self.realm.names, [b"alice"] * 6)

    @inlineCallbacks
    def test_bad(self) -> Iterator[Any]:
        """
        A token of another issuer, one that has expired, and one of another user than the
        client says let nobody in.
        """
        thief = ECSigner("ec").sign(claims())
        expired = SIGNER.sign(claims(exp=NOW - 1))
        mallorys = SIGNER.sign(claims(sub="mallory"))
        for scheme in PROTOCOLS:
            for token in (thief, expired, mallorys, b"token"):
                _, code = yield self.mail(scheme, token)
                # "The remote server denied curl to login."
                self.assertEqual(code, 67, scheme)
        self.assertEqual(self.realm.names, [])

    @inlineCallbacks
    def test_asked(self) -> Iterator[Any]:
        """
        So it is with tokens that a server is asked about, once for each.
        """
        said = {"active": True, "username": "alice"}
        self.provider = Provider(page(said))
        self.provider.start()
        client, rules = OAuthClient("mail", "sesame"), TokenRules("username")
        self.checker = TokenChecker(Introspection(self.provider.url, client, rules))
        for scheme in PROTOCOLS:
            _, code = yield self.mail(scheme, b"token")
            self.assertEqual(code, 0, scheme)
            _, code = yield self.mail(scheme, b"token", user="root")
            self.assertEqual(code, 67, scheme)
        self.assertEqual(len(self.provider.requests), 1)
        self.assertEqual(self.realm.names, [b"alice"] * 3)
        for answer in ({"active": False}, {}):
            self.provider.answer = page(answer)
            for scheme in PROTOCOLS:
                _, code = yield self.mail(scheme, b"other")
                self.assertEqual(code, 67, scheme)

    @inlineCallbacks
    def test_http(self) -> Iterator[Any]:
        """
        A good token shows a page, and a wrong one doesn't.
        """
        shown = Data(b"Hello", "text/plain")
        shown.isLeaf = True
        portal = Portal(Realm(lambda: shown), [self.checker])
        guard = HTTPAuthSessionWrapper(portal, [BearerCredentialFactory(b"mail")])
        site = Site(guard)
        url = f"http://127.0.0.1:{self.listen(site)}/"
        for token, expected in (
            (SIGNER.sign(claims()), (b"Hello", 0)),
            (ECSigner("ec").sign(claims()), (b"", 22)),
            (b"token", (b"", 22)),
        ):
            got = yield self.curl("--oauth2-bearer", token.decode("ascii"), url)
            self.assertEqual(got, expected)
