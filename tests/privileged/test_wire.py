"""
Tests for how the processes talk.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket, socketpair
from typing import Any

from hypothesis import given, settings, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._privileged import _wire
from mycred._privileged._wire import (
    WireError,
    drain,
    packRequest,
    packSettings,
    packVerdict,
    receive,
    send,
    unpackAnswer,
    unpackRequest,
    unpackSettings,
    unpackVerdict,
)
from mycred._verdict import Account, Kind, Verdict
from mycred.error import DenialReason

json = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda some: (
        strategies.lists(some, max_size=8)
        | strategies.dictionaries(strategies.text(), some, max_size=3)
    ),
    max_leaves=20,
)
name = strategies.binary(max_size=300)
text = strategies.binary(max_size=40).map(os.fsdecode)
ids = strategies.integers(0, 2**32 - 1)
accounts = strategies.builds(
    Account,
    text,
    ids,
    ids,
    text,
    text,
    strategies.lists(text).map(tuple),
    strategies.lists(ids).map(tuple),
)
verdicts = strategies.builds(
    Verdict,
    strategies.sampled_from(Kind),
    name,
    text,
    strategies.none() | strategies.sampled_from(DenialReason),
    strategies.none() | accounts,
    strategies.floats(0, 100),
    strategies.none(),
    strategies.none() | strategies.lists(text | ids | strategies.booleans()),
)


@contextmanager
def pair() -> Iterator[tuple[socket, socket]]:
    """
    Make two ends of a connection.
    """
    one, other = socketpair()
    with one, other:
        yield one, other


class MessageTests(SynchronousTestCase):
    """
    Tests for L{send} and L{receive}.
    """

    @given(strategies.lists(json, max_size=4))
    def test_messages(self, messages: list[Any]) -> None:
        """
        Messages arrive as they were sent, one by one.
        """
        with pair() as (one, other):
            for message in messages:
                send(one, [message])
            one.close()
            for message in messages:
                self.assertEqual(receive(other), [message])
            self.assertIsNone(receive(other))

    @given(strategies.binary(max_size=200))
    def test_anything(self, data: bytes) -> None:
        """
        Whatever comes is a message, the end, or an error of its own.
        """
        with pair() as (one, other):
            one.sendall(data)
            one.close()
            with contextlib.suppress(WireError):
                receive(other)

    @given(strategies.binary(max_size=200))
    def test_anythingOfALength(self, data: bytes) -> None:
        """
        So it is with the right length.
        """
        self.test_anything.hypothesis.inner_test(  # type: ignore[attr-defined]
            self, len(data).to_bytes(4, "big") + data
        )

    def test_absurd(self) -> None:
        """
        A length that nothing has, half a length, an end within a message, and lists
        within lists without end are no messages.
        """
        deep = b"[" * 100_000
        for data in (
            b"\xff\xff\xff\xff",
            b"\0\0\0\0",
            b"\0\0",
            b"\0\0\0\5[1]",
            len(deep).to_bytes(4, "big") + deep,
        ):
            with pair() as (one, other):
                one.sendall(data)
                one.close()
                self.assertRaises(WireError, receive, other)

    def test_tooLong(self) -> None:
        """
        What says that it is longer than any message isn't waited for.
        """
        with pair() as (one, other):
            one.sendall((2**24 + 1).to_bytes(4, "big"))
            self.assertRaises(WireError, receive, other, time.monotonic() + 3600)

    def test_late(self) -> None:
        """
        Who waits for a message, or the rest of one, waits no longer than he wants.
        """
        for data in (b"", b"\0\0\0\5[1"):
            with pair() as (one, other):
                one.sendall(data)
                self.assertRaises(TimeoutError, receive, other, time.monotonic())

    def test_drain(self) -> None:
        """
        What was sent before is forgotten, and what comes then isn't.
        """
        with pair() as (one, other):
            one.sendall(b"x" * 100_000)
            drain(other)
            send(one, "new")
            self.assertEqual(receive(other), "new")

    def test_drainAtTheEnd(self) -> None:
        """
        There may be nobody any more.
        """
        with pair() as (one, other):
            one.close()
            drain(other)
            self.assertIsNone(receive(other))


class QuestionTests(SynchronousTestCase):
    """
    Tests for questions and verdicts.
    """

    @given(strategies.integers(), name, name, strategies.none() | text)
    def test_request(
        self, number: int, user: bytes, password: bytes, peer: str | None
    ) -> None:
        """
        A question arrives as it was asked, with all bytes of the password.
        """
        with pair() as (one, other):
            send(one, packRequest(number, user, password, peer))
            asked = unpackRequest(receive(other))
        self.assertEqual(asked, (number, user, password, peer))

    @given(verdicts)
    def test_verdict(self, verdict: Verdict) -> None:
        """
        A verdict arrives as it was found.
        """
        with pair() as (one, other):
            send(one, packVerdict(verdict))
            self.assertEqual(unpackVerdict(receive(other)), verdict)

    @given(
        strategies.recursive(
            strategies.none()
            | strategies.integers()
            | strategies.binary().map(os.fsdecode),
            strategies.lists,
        )
    )
    def test_settings(self, value: Any) -> None:
        """
        Settings arrive as they were, with names of files in whatever bytes.
        """
        with pair() as (one, other):
            send(one, packSettings([value]))
            self.assertEqual(unpackSettings(receive(other)), [value])

    def test_encoding(self) -> None:
        """
        They are the same bytes to a process that has another encoding.
        """
        self.assertEqual(packSettings(["gr\u00fcn"]), ["gr\u00c3\u00bcn"])
        self.assertEqual(packSettings(("\udcff", None, 5)), ["\u00ff", None, 5])

    @settings(max_examples=300)
    @given(json | strategies.lists(json, min_size=4, max_size=6))
    def test_anything(self, message: Any) -> None:
        """
        Any other message is an error of its own.
        """
        for unpack in (unpackRequest, unpackVerdict, unpackAnswer):
            with contextlib.suppress(WireError):
                unpack(message)

    def test_noQuestion(self) -> None:
        """
        A question with a part too few, or of another kind, is none.
        """
        for message in (
            None,
            [],
            [1, "a", "b"],
            [1, "a", "b", None, 5],
            ["1", "a", "b", None],
            [1, "a", "b", 4],
            [1, 2, "b", None],
            [1, "a", "\u1234", None],
        ):
            self.assertRaises(WireError, unpackRequest, message)

    def test_noVerdict(self) -> None:
        """
        So it is with a verdict.
        """
        right = packVerdict(Verdict(Kind.ACCEPTED, b"alice"))
        unpackVerdict(right)
        for place, wrong in [(0, "x"), (0, None), (1, 5), (3, "x"), (4, 5), (4, ["a"])]:
            message = list(right)
            message[place] = wrong
            self.assertRaises(WireError, unpackVerdict, message)

    def test_most(self) -> None:
        """
        An account in more groups than any system allows fits into a message.
        """
        groups = tuple(f"group-{n}@example.org" for n in range(65_536))
        account = Account("a", 1, 1, "/", "/bin/sh", groups, tuple(range(65_536)))
        packed = packVerdict(Verdict(Kind.ACCEPTED, b"a", account=account))
        self.assertLess(len(str(packed)), _wire._MOST)
