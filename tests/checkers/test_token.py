"""
Tests for L{mycred.checkers._token}, L{mycred.checkers.tokens} and
L{mycred.plugins.cred_token}.

They cover L{mycred._authzid} and L{mycred._tokens._errors}, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from zope.interface.verify import verifyObject

from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred.checkers import ICredentialsChecker
from mycred.checkers.tokens import (
    CannotTell,
    Identity,
    Introspection,
    KeyFile,
    KeyURL,
    OAuthClient,
    SignedTokens,
    TokenChecker,
    TokenRefused,
    TokenRules,
)
from mycred.credentials import BearerToken, IBearerToken
from mycred.error import TemporaryFailure, UnauthorizedLogin
from mycred.plugins.cred_token import theTokenCheckerFactory
from mycred.strcred import InvalidAuthArgumentString, makeChecker

from ..kit.certificates import Authority
from ..kit.tokens import (
    ISSUER,
    NOW,
    ECSigner,
    Provider,
    RSASigner,
    claims,
    keySet,
    page,
    writeSecret,
)

SIGNER = ECSigner()


class Verifier:
    """
    What says the same of each token.
    """

    opensLater = ("/keys",)

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def verify(self, token: bytes, source: Any = ()) -> Deferred[Identity]:
        """
        Answer.
        """
        self.asked.append((token, source))
        isError = isinstance(self.answer, Exception)
        return fail(self.answer) if isError else succeed(self.answer)

    def close(self) -> Deferred[None]:
        """
        Remember that.
        """
        self.asked.append(None)
        return succeed(None)


class TokenCheckerTests(SynchronousTestCase):
    """
    Tests for L{TokenChecker}.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)
        self.verifier = Verifier(Identity(b"alice", b"alice@example.org", None))
        self.checker = TokenChecker(self.verifier)

    def login(self, token: Any = b"sesame", authzid: bytes = b"") -> Deferred[Any]:
        """
        Log in.
        """
        return self.checker.requestAvatarId(BearerToken(token, authzid))

    def test_interface(self) -> None:
        """
        It checks tokens, and nothing else.
        """
        verifyObject(ICredentialsChecker, self.checker)
        self.assertEqual(self.checker.credentialInterfaces, (IBearerToken,))
        self.assertEqual(self.checker.opensLater, ("/keys",))
        self.successResultOf(self.checker.close())
        self.assertEqual(self.verifier.asked, [None])

    def test_names(self) -> None:
        """
        The client may say whose token it is, as the account is called, or as the token
        has it.
        """
        for authzid in (b"", b"alice", b"alice@example.org"):
            self.assertEqual(self.successResultOf(self.login(authzid=authzid)), b"alice")

    def test_otherName(self) -> None:
        """
        A token lets nobody in as another user.
        """
        for authzid in (b"root", b"Alice", b"alice@example.com", b"alice\0", b" alice"):
            self.failureResultOf(self.login(authzid=authzid), UnauthorizedLogin)

    def test_malformed(self) -> None:
        """
        What can't be a token is refused before any work.
        """
        for token in (b"", b"a b", b"a\r\nX: y", b"\xff", "sesame", None, b"a" * 20_000):
            self.failureResultOf(self.login(token), UnauthorizedLogin)
        self.assertEqual(self.verifier.asked, [])

    def test_source(self) -> None:
        """
        Logins are told apart by where they come from.
        """
        credentials: Any = BearerToken(b"sesame")
        credentials.peer = "192.0.2.7"
        self.successResultOf(self.checker.requestAvatarId(credentials))
        [(_, source)] = self.verifier.asked
        self.assertEqual(source, (False, b"\xc0\0\2", b"\xc0\0\2\7", None))

    def test_reasons(self) -> None:
        """
        The log is told why a login failed, and the client isn't; nobody is told the
        token.
        """
        for answer, kind in (
            (TokenRefused("it has expired"), UnauthorizedLogin),
            (CannotTell("it is down"), TemporaryFailure),
        ):
            self.verifier.answer = answer
            failure = self.failureResultOf(self.login(authzid=b"alice"), kind)
            self.assertIs(type(failure.value), kind)
            self.assertNotIn(str(answer), str(failure.value))
            said = str(formatEvent(self.events[-1]))
            self.assertIn(f'user="alice" why="{answer}" by=token', said)
            self.assertNotIn("sesame", said + failure.getTraceback() + repr(failure))

    def test_repr(self) -> None:
        """
        Credentials don't show their token.
        """
        self.assertNotIn("sesame", repr(BearerToken(b"sesame")))


class PluginTests(SynchronousTestCase):
    """
    Tests for C{--auth=token:}.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.client = writeSecret(self.folder / "client", b"mail\nsesame\n")
        self.keys = self.folder / "keys.json"
        self.keys.write_bytes(keySet(SIGNER.jwk()))
        self.ca = Authority(self.folder).file

    def refused(self, argstring: str) -> str:
        """
        Return the message for an argument string.
        """
        error = self.assertRaises(
            InvalidAuthArgumentString, theTokenCheckerFactory.generateChecker, argstring
        )
        self.assertNotIn("sesame", str(error))
        return str(error)

    def test_good(self) -> None:
        """
        Each way makes a checker.
        """
        rules = "issuer=i:audience=a"
        for argstring in (
            f"introspect=https\\://idp.example.org/i:client={self.client}",
            f"introspect=http\\://127.0.0.1/i:client={self.client}:scope=a,b:claim=sub",
            f"introspect=https\\://a.example/i:client={self.client}:ca={self.ca}:{rules}",
            f"keys={self.keys}:{rules}:claim=email:domain=example.org",
            f"keys=https\\://idp.example.org/keys:{rules}",
            f"keys=https\\://idp.example.org/keys:{rules}:ca={self.ca}",
        ):
            checker = makeChecker(f"token:{argstring}")
            self.assertIsInstance(checker, TokenChecker)
        made = makeChecker(f"token:keys={self.keys}:{rules}")
        self.assertEqual(made.opensLater, (str(self.keys),))  # type: ignore[attr-defined]

    def test_defaults(self) -> None:
        """
        Without claim= it is C{sub} in signed tokens, and C{username} elsewhere.
        """
        signed = f"keys={self.keys}:issuer=i:audience=a"
        asked = f"introspect=https\\://idp.example.org/i:client={self.client}"
        for argstring, claim in ((signed, "sub"), (asked, "username")):
            checker: Any = makeChecker(f"token:{argstring}")
            self.assertEqual(checker._verifier._rules.claim, claim)

    def test_combinations(self) -> None:
        """
        What is missing, or can't take effect, is told with what would be right.
        """
        client, keys = f"client={self.client}", f"keys={self.keys}"
        url = "introspect=https\\://idp.example.org/i"
        for argstring, told in (
            ("", "write one of introspect=URL and keys=FILE|URL"),
            (f"{url}:{keys}:{client}", "write one of"),
            (url, "introspect: write client=FILE"),
            (f"{keys}:issuer=i:audience=a:{client}", "client: with keys="),
            (f"{keys}:audience=a", "keys: write issuer="),
            (f"{keys}:issuer=i", "keys: write audience="),
            (f"{keys}:issuer=i:audience=a:ca={self.ca}", "ca: no server"),
            (f"introspect=http\\://127.0.0.1/:{client}:ca={self.ca}", "ca: no server"),
            (f"{url}:{client}:ca={self.client}", "ca: "),
            (f"keys=https\\://a.example/:issuer=i:audience=a:ca={self.client}", "ca: "),
            (f"introspect=http\\://idp.example.org/:{client}", "write https"),
            ("keys=http\\://idp.example.org/:issuer=i:audience=a", "write https"),
            ("introspect=https://idp.example.org/i", "colon"),
            (f"{url}:client={self.folder}/none", "can't be read"),
            (f"{url}:client={self.ca}", "client: "),
            (f"keys={self.client}:issuer=i:audience=a", "keys: "),
            (f"keys={self.folder}/none:issuer=i:audience=a", "can't be read"),
            (f"{keys}:issuer=:audience=a", "issuer: a value is missing"),
            (f"{keys}:issuer=i:audience=a:domain=@a.org", "domain: write what follows"),
            (f"{keys}:issuer=i:audience=a:domain=", "domain: write what follows"),
            (f"{keys}:issuer=i:audience=a:leeway=60", "there is no leeway="),
            (f"{url}:{client}:scope=a,", "scope: write names"),
        ):
            self.assertIn(told, self.refused(argstring), argstring)

    def test_mode(self) -> None:
        """
        A file with a secret that everybody can read is refused.
        """
        self.client.chmod(0o644)
        url = "introspect=https\\://idp.example.org/i"
        self.assertIn("chmod o-rwx", self.refused(f"{url}:client={self.client}"))

    def test_missingLibraries(self) -> None:
        """
        Where a library is missing, the message says how to install it; what needs none
        works.
        """
        rules = "issuer=i:audience=a"
        missing = {"joserfc": None, "joserfc.jwk": None, "joserfc.errors": None}
        with patch.dict(sys.modules, missing):
            for keys in (self.keys, "http\\://127.0.0.1/keys"):
                self.assertIn("'.[jwt]'", self.refused(f"keys={keys}:{rules}"))
        with patch.dict(sys.modules, {"OpenSSL.crypto": None}):
            # Another test may have imported it.
            sys.modules.pop("mycred._tokens._policy", None)
            url = f"introspect=https\\://a.example/:client={self.client}"
            self.assertIn("'.[tls]'", self.refused(url))
        makeChecker(f"token:introspect=http\\://127.0.0.1/:client={self.client}")

    def test_help(self) -> None:
        """
        The help has each option.
        """
        for key in ("introspect=", "client=", "keys=", "issuer=", "audience=", "claim="):
            self.assertIn(key, theTokenCheckerFactory.authHelp)


class WholeTests(TestCase):
    """
    Tests for the whole way, with real servers and TLS.
    """

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.folder = folder
        self.authority = Authority(folder)
        self.checker: TokenChecker | None = None
        self.provider = Provider(page({"active": True, "username": "alice"}))
        self.provider.start(self.authority)

    @inlineCallbacks
    def tearDown(self) -> Iterator[Any]:
        if self.checker is not None:
            yield self.checker.close()
        yield self.provider.stop()

    def login(self, token: bytes, authzid: bytes = b"") -> Deferred[Any]:
        """
        Log in.
        """
        assert self.checker is not None
        return self.checker.requestAvatarId(BearerToken(token, authzid))

    @inlineCallbacks
    def test_introspection(self) -> Iterator[Any]:
        """
        Tokens are asked about over TLS; while the server is down, those are good that
        were good a moment ago, and of others nobody can tell.
        """
        self.checker = TokenChecker(
            Introspection(
                self.provider.url,
                OAuthClient("mail", "sesame"),
                TokenRules("username"),
                ca=str(self.authority.file),
            )
        )
        name = yield self.login(b"token", b"alice")
        self.assertEqual(name, b"alice")
        yield self.assertFailure(self.login(b"token", b"root"), UnauthorizedLogin)
        self.provider.answer = page({"active": False})
        yield self.assertFailure(self.login(b"other"), UnauthorizedLogin)
        self.provider.answer = page({})
        yield self.assertFailure(self.login(b"other"), TemporaryFailure)
        name = yield self.login(b"token")
        self.assertEqual(name, b"alice")

    @inlineCallbacks
    def test_keys(self) -> Iterator[Any]:
        """
        Keys are fetched over TLS, again when a new one comes, and tokens of others are
        refused.
        """
        rsa = RSASigner()
        self.provider.answer = lambda request: keySet(SIGNER.jwk())
        keys = KeyURL(self.provider.url, ca=str(self.authority.file))
        keys.PAUSE = 0
        rules = TokenRules("sub", ISSUER, "mail")
        self.checker = TokenChecker(SignedTokens(keys, rules, now=lambda: NOW))
        name = yield self.login(SIGNER.sign(claims()), b"alice")
        self.assertEqual(name, b"alice")
        token = rsa.sign(claims(sub="bob"))
        yield self.assertFailure(self.login(token), UnauthorizedLogin)
        self.provider.answer = lambda request: keySet(SIGNER.jwk(), rsa.jwk())
        name = yield self.login(token)
        self.assertEqual(name, b"bob")
        self.assertEqual(len(self.provider.requests), 3)
        thief = ECSigner("ec").sign(claims())
        yield self.assertFailure(self.login(thief), UnauthorizedLogin)

    @inlineCallbacks
    def test_file(self) -> Iterator[Any]:
        """
        Keys may stand in a file.
        """
        path = self.folder / "keys.json"
        path.write_bytes(keySet(SIGNER.jwk()))
        rules = TokenRules("sub", ISSUER, "mail")
        keys = KeyFile(str(path))
        self.checker = TokenChecker(SignedTokens(keys, rules, now=lambda: NOW))
        name = yield self.login(SIGNER.sign(claims()))
        self.assertEqual(name, b"alice")
        yield self.assertFailure(self.login(SIGNER.sign(claims(aud="x"))), Exception)
