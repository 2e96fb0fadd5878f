"""
Tests for L{mycred._tokens._signed}.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from mycred import _files
from mycred._tokens import (
    CannotTell,
    Identity,
    KeyFile,
    SignedTokens,
    TokenRefused,
    TokenRules,
)
from mycred._tokens._keyset import KeySet, parseKeySet
from mycred.error import TemporaryFailure
from mycred.testing import SteppedWorkers

from ..kit.tokens import ISSUER, NOW, ECSigner, captured, claims, keySet

OLD, NEW = ECSigner("old"), ECSigner("new")
RULES = TokenRules("sub", ISSUER, "mail")


class Keys:
    """
    Keys that are replaced when one is missing.

    @ivar asked: how often that was so.
    """

    opensLater: tuple[str, ...] = ()

    def __init__(self, *sets: bytes) -> None:
        self.sets = [parseKeySet(text) for text in sets]
        self.asked = 0

    def current(self) -> Deferred[Callable[[], KeySet]]:
        """
        Return the keys.
        """
        return succeed(lambda: self.sets[0])

    def newer(self, known: KeySet) -> Deferred[Callable[[], KeySet]]:
        """
        Return the next ones.
        """
        self.asked += 1
        if len(self.sets) > 1:
            del self.sets[0]
        return self.current()

    def close(self) -> Deferred[None]:
        """
        Do nothing.
        """
        return succeed(None)


class SignedTokensTests(SynchronousTestCase):
    """
    Tests for L{SignedTokens}.
    """

    def setUp(self) -> None:
        self.patch(_files, "SETTLING", 0)
        self.said = captured(self)
        self.workers = SteppedWorkers(running=False)
        self.keys = Keys(keySet(OLD.jwk()))

    def verify(self, token: bytes, keys: Any = None, **said: Any) -> Deferred[Identity]:
        """
        Verify a token.
        """
        signed = SignedTokens(
            keys or self.keys, RULES, workers=self.workers, now=lambda: NOW
        )
        return signed.verify(token)

    def test_good(self) -> None:
        """
        A good token names its user.
        """
        identity = self.successResultOf(self.verify(OLD.sign(claims())))
        self.assertEqual(identity.name, b"alice")

    def test_bad(self) -> None:
        """
        A token that another key has signed, that isn't one or isn't for us is refused.
        """
        for token in (
            ECSigner("old").sign(claims()),
            b"token",
            OLD.sign(claims(aud="web")),
            OLD.sign(claims(exp=NOW)),
            OLD.sign(claims(exp=None)),
        ):
            self.failureResultOf(self.verify(token), TokenRefused)
        self.assertEqual(self.keys.asked, 0)

    def test_needed(self) -> None:
        """
        Without an issuer and an audience there would be no telling whose tokens count.
        """
        for rules in (TokenRules("sub", ISSUER), TokenRules("sub", audience="mail")):
            self.assertRaises(ValueError, SignedTokens, self.keys, rules)

    def test_newKey(self) -> None:
        """
        A key that isn't known is looked for once.
        """
        self.keys = Keys(keySet(OLD.jwk()), keySet(OLD.jwk(), NEW.jwk()))
        identity = self.successResultOf(self.verify(NEW.sign(claims())))
        self.assertEqual((identity.name, self.keys.asked), (b"alice", 1))
        unknown = self.verify(ECSigner("x").sign(claims()))
        failure = self.failureResultOf(unknown, TokenRefused)
        self.assertIn("no key fits", str(failure.value))
        self.assertEqual(self.keys.asked, 2)

    def test_foreign(self) -> None:
        """
        No keys are looked for on behalf of tokens that aren't for us anyway.
        """
        token = NEW.sign(claims(iss="https://other.example"))
        self.failureResultOf(self.verify(token), TokenRefused)
        self.assertEqual(self.keys.asked, 0)

    def test_file(self) -> None:
        """
        While the file of the keys is broken nobody can tell, and the log is told.
        """
        path = Path(self.mktemp())
        path.write_bytes(keySet(OLD.jwk()))
        keys = KeyFile(str(path))
        self.successResultOf(self.verify(OLD.sign(claims()), keys))
        for breakIt in (lambda: path.write_bytes(b"{"), path.unlink):
            breakIt()
            self.failureResultOf(self.verify(OLD.sign(claims()), keys), CannotTell)
            self.assertIn(str(path), self.said()[-1])

    def test_repaired(self) -> None:
        """
        The log is told when the keys can be read again.
        """
        keys, fetched = Keys(keySet(OLD.jwk())), self.keys.current
        signed = SignedTokens(keys, RULES, workers=self.workers, now=lambda: NOW)

        def broken() -> KeySet:
            raise OSError("broken")

        keys.current = lambda: succeed(broken)  # type: ignore[method-assign]
        self.failureResultOf(signed.verify(OLD.sign(claims())), CannotTell)
        keys.current = fetched  # type: ignore[method-assign]
        self.successResultOf(signed.verify(OLD.sign(claims())))
        self.assertEqual(self.said()[1:], ["Tokens can be checked again"])

    def test_threads(self) -> None:
        """
        All is done in threads, and their limits hold.
        """
        self.workers = SteppedWorkers(queueLimit=1)
        first = self.verify(OLD.sign(claims()))
        self.assertNoResult(first)
        second = self.verify(OLD.sign(claims()))
        self.workers.reactor.advance(0)
        self.failureResultOf(second, TemporaryFailure)
        self.workers.step()
        self.assertEqual(self.successResultOf(first).name, b"alice")
