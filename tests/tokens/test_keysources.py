"""
Tests for L{mycred._tokens._keysources}, against a real server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred import _files
from mycred._tokens import CannotTell, KeyFile, KeyURL
from mycred._tokens._keyset import BadKeySet
from mycred.testing import SteppedWorkers

from ..kit.tokens import ECSigner, Provider, SteppedTime, captured, keySet

OLD, NEW = ECSigner("old"), ECSigner("new")


class KeyFileTests(SynchronousTestCase):
    """
    Tests for L{KeyFile}.
    """

    def setUp(self) -> None:
        self.patch(_files, "SETTLING", 0)
        self.path = Path(self.mktemp())

    def write(self, text: bytes) -> None:
        """
        Replace the file.
        """
        new = self.path.with_suffix(".new")
        new.write_bytes(text)
        os.replace(new, self.path)

    def kids(self, file: KeyFile) -> list[Any]:
        """
        Return the names of the keys.
        """
        return [key.kid for key in self.successResultOf(file.current())()]

    def test_differs(self) -> None:
        """
        The file is read again when it differs.
        """
        self.write(keySet(OLD.jwk()))
        file = KeyFile(str(self.path))
        self.assertEqual(self.kids(file), ["old"])
        self.write(keySet(NEW.jwk()))
        self.assertEqual(self.kids(file), ["new"])
        self.assertEqual(file.opensLater, (str(self.path),))

    def test_broken(self) -> None:
        """
        A file that is broken, gone or huge is an error, at the start and later.
        """
        self.assertRaises(OSError, KeyFile, str(self.path))
        self.write(b"{")
        error = self.assertRaises(ValueError, KeyFile, str(self.path))
        self.assertIn(str(self.path), str(error))
        self.write(keySet(OLD.jwk()))
        file = KeyFile(str(self.path))
        for text in (b"", b"{}", keySet(), keySet(OLD.jwk()) + b" " * 2**18):
            self.write(text)
            self.assertRaises(BadKeySet, self.kids, file)
        self.path.unlink()
        self.assertRaises(OSError, self.kids, file)
        self.write(keySet(NEW.jwk()))
        self.assertEqual(self.kids(file), ["new"])

    def test_writable(self) -> None:
        """
        A file into which everybody could write a key is an error at the start.
        """
        self.write(keySet(OLD.jwk()))
        self.path.chmod(0o666)
        error = self.assertRaises(ValueError, KeyFile, str(self.path))
        self.assertIn("chmod o-w", str(error))

    def test_newer(self) -> None:
        """
        There are no keys that are newer than those of the file.
        """
        self.write(keySet(OLD.jwk()))
        file = KeyFile(str(self.path))
        known = self.successResultOf(file.current())()
        self.assertIs(self.successResultOf(file.newer(known))(), known)


class KeyURLTests(TestCase):
    """
    Tests for L{KeyURL}.
    """

    def setUp(self) -> None:
        self.said = captured(self)
        self.time = SteppedTime()
        self.page: Any = keySet(OLD.jwk())
        self.status = 200
        self.provider = Provider(self.render)
        self.provider.start()
        self.source = KeyURL(
            self.provider.url,
            workers=SteppedWorkers(running=False),
            reactor=self.time,
            seconds=self.time.clock.seconds,
        )

    @inlineCallbacks
    def tearDown(self) -> Iterator[Any]:
        yield self.source.close()
        yield self.provider.stop()

    def render(self, request: Any) -> Any:
        """
        Answer a request.
        """
        request.setResponseCode(self.status)
        return self.page

    def kids(self, asking: Deferred[Any]) -> Deferred[list[str]]:
        """
        Return the names of keys.
        """
        return asking.addCallback(lambda keys: [key.kid for key in keys()])

    def current(self) -> Deferred[list[str]]:
        """
        Return the names of the keys that count now.
        """
        return self.kids(self.source.current())

    def asked(self) -> int:
        """
        Return how often the server was asked.
        """
        return len(self.provider.requests)

    @inlineCallbacks
    def test_fresh(self) -> Iterator[Any]:
        """
        Keys are fetched once, and again after an hour, so that those go that were
        withdrawn.
        """
        first = yield self.current()
        self.assertEqual(first, ["old"])
        self.page = keySet(NEW.jwk())
        self.time.clock.advance(3600)
        self.assertEqual(self.successResultOf(self.current()), ["old"])
        self.time.clock.advance(1)
        later = yield self.current()
        self.assertEqual((later, self.asked()), (["new"], 2))

    @inlineCallbacks
    def test_shared(self) -> Iterator[Any]:
        """
        Logins share a request, which goes on when their clients go away.
        """
        self.page = page = Deferred()
        first, second = self.current(), self.current()
        yield self.provider.asked(1)
        first.cancel()
        second.cancel()
        for login in (first, second):
            yield self.assertFailure(login, Exception)
        third = self.current()
        page.callback(keySet(OLD.jwk()))
        kids = yield third
        self.assertEqual((kids, self.asked(), self.said()), (["old"], 1, []))

    @inlineCallbacks
    def test_unknown(self) -> Iterator[Any]:
        """
        A key that isn't known is looked for, but not each time that somebody names one:
        clients may name any.
        """
        known = (yield self.source.current())()
        for _ in range(20):
            same = yield self.source.newer(known)
            self.assertIs(same(), known)
        self.assertEqual(self.asked(), 1)
        self.page = keySet(OLD.jwk(), NEW.jwk())
        self.time.clock.advance(10)
        kids = yield self.kids(self.source.newer(known))
        self.assertEqual((kids, self.asked()), (["old", "new"], 2))
        # Others who have looked at the keys of before get these.
        again = self.kids(self.source.newer(known))
        self.assertEqual(self.successResultOf(again), ["old", "new"])

    @inlineCallbacks
    def test_outage(self) -> Iterator[Any]:
        """
        While the server is down the keys of before are used for a day, nobody waits for
        it, and the log is told.
        """
        known = (yield self.source.current())()
        self.status = 503
        self.time.clock.advance(3601)
        kids = yield self.current()
        self.assertEqual(kids, ["old"])
        self.assertIn("answers 503, not 200", self.said()[0])
        # Whether a key is new can't be found out.
        failing = self.source.newer(known)
        yield self.assertFailure(failing, CannotTell)
        self.time.clock.advance(3600)
        self.assertEqual(self.successResultOf(self.current()), ["old"])
        yield self.provider.asked(3)
        self.status, self.page = 200, keySet(NEW.jwk())
        self.time.clock.advance(10)
        yield self.current()
        yield self.provider.asked(4)
        self.time.clock.advance(10)

    @inlineCallbacks
    def test_tooOld(self) -> Iterator[Any]:
        """
        After a day the keys of before count no more.
        """
        yield self.current()
        self.status = 500
        self.time.clock.advance(86401)
        yield self.assertFailure(self.current(), CannotTell)
        # Not each login asks.
        yield self.assertFailure(self.current(), CannotTell)
        self.assertEqual(self.asked(), 2)

    @inlineCallbacks
    def test_never(self) -> Iterator[Any]:
        """
        Without any keys nobody can tell, whatever is wrong.
        """
        for status, page in (
            (500, keySet(OLD.jwk())),
            (302, keySet(OLD.jwk())),
            (200, b""),
            (200, b"<html>"),
            (200, keySet()),
            (200, keySet({"kty": "oct", "k": "AAAA"})),
            (200, b" " * 2**18 + keySet(OLD.jwk())),
        ):
            self.status, self.page = status, page
            self.time.clock.advance(10)
            yield self.assertFailure(self.current(), CannotTell)
        self.assertEqual(self.asked(), 7)
        self.status, self.page = 200, keySet(OLD.jwk())
        yield self.assertFailure(self.current(), CannotTell)
        self.time.clock.advance(10)
        kids = yield self.current()
        self.assertEqual(kids, ["old"])
        self.assertEqual(self.said()[-1], "Tokens can be checked again")

    @inlineCallbacks
    def test_silent(self) -> Iterator[Any]:
        """
        A server that says nothing is waited for until the deadline.
        """
        self.page = Deferred()
        login = self.current()
        yield self.provider.asked(1)
        self.time.clock.advance(10)
        yield self.assertFailure(login, CannotTell)
