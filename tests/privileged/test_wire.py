"""
Tests for L{mycred._privileged._wire}.
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
    Order,
    Reply,
    Request,
    Start,
    WireError,
    drain,
    packEnd,
    packReply,
    packVerdict,
    receive,
    send,
    unpackMessage,
    unpackReply,
    unpackVerdict,
)
from mycred._records import pack
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

    @settings(deadline=None)
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

    @settings(deadline=None)
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

    @settings(deadline=None)
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
        No message, nor the rest of one, is waited for longer than was asked.
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


class RequestTests(SynchronousTestCase):
    """
    Tests for L{Request}.
    """

    @settings(deadline=None)
    @given(strategies.integers(), name, name, strategies.none() | text)
    def test_request(
        self, number: int, user: bytes, password: bytes, peer: str | None
    ) -> None:
        """
        A request arrives as it was sent, with all bytes of the password.
        """
        request = Request(number, user, password, peer)
        with pair() as (one, other):
            send(one, pack(request))
            self.assertEqual(unpackMessage(Request, receive(other)), request)

    def test_secret(self) -> None:
        """
        The password doesn't show.
        """
        self.assertNotIn("hunter2", repr(Request(1, b"alice", b"hunter2", None)))

    def test_noRequest(self) -> None:
        """
        A request with a field too few, one too many, or of another type, is none.
        """
        right = {"number": 1, "name": "a", "password": "b", "peer": None}
        unpackMessage(Request, right)
        for message in (
            None,
            [],
            [1, "a", "b", None],
            {name: right[name] for name in ("number", "name", "password")},
            {**right, "more": 5},
            {**right, "number": "1"},
            {**right, "number": True},
            {**right, "peer": 4},
            {**right, "name": 2},
            {**right, "password": "\u1234"},
        ):
            self.assertRaises(WireError, unpackMessage, Request, message)


class AnswerTests(SynchronousTestCase):
    """
    Tests for answers and verdicts.
    """

    @settings(deadline=None)
    @given(verdicts)
    def test_verdict(self, verdict: Verdict) -> None:
        """
        A verdict arrives as it was found, with its key as it was packed.
        """
        with pair() as (one, other):
            send(one, packVerdict(verdict))
            arrived = unpackVerdict(receive(other))
        self.assertEqual(arrived.key, pack(verdict.key))
        for name in ("kind", "name", "why", "denial", "account", "delay"):
            self.assertEqual(getattr(arrived, name), getattr(verdict, name))

    @settings(deadline=None)
    @given(strategies.integers(), verdicts, strategies.lists(text))
    def test_answer(self, number: int, verdict: Verdict, notes: list[str]) -> None:
        """
        So does an answer, with the number of its request.
        """
        with pair() as (one, other):
            send(one, packReply(number, Reply(verdict, tuple(notes))))
            arrived = unpackReply(receive(other))
        assert not isinstance(arrived, str)
        self.assertEqual((arrived[0], arrived[1].notes), (number, tuple(notes)))

    def test_end(self) -> None:
        """
        In its place may come how the worker has ended.
        """
        self.assertEqual(unpackReply(packEnd("killed")), "killed")
        self.assertRaises(WireError, unpackReply, {"ended": 5})
        self.assertRaises(WireError, unpackReply, {"ended": "x", "number": 5})

    def test_sent(self) -> None:
        """
        Nothing of a verdict is sent but what the server has to know: neither the state
        of a file, nor what a password is compared with.
        """
        packed = packVerdict(Verdict(Kind.REFUSED, b"alice"))
        names = ["kind", "name", "why", "denial", "account", "delay", "key"]
        self.assertEqual(list(packed), names)

    @settings(deadline=None)
    @given(verdicts, strategies.data())
    def test_shifted(self, verdict: Verdict, data: Any) -> None:
        """
        Of a verdict, or an account, with a field that one side lacks, none is made: no
        value ever becomes that of another field.
        """
        packed = packVerdict(verdict)
        records = [packed]
        if isinstance(packed["account"], dict):
            records.append(packed["account"])
        record = data.draw(strategies.sampled_from(records))
        name = data.draw(strategies.sampled_from(sorted(record)))
        value = record.pop(name)
        self.assertRaises(WireError, unpackVerdict, packed)
        record[f"{name}'s twin"] = value
        self.assertRaises(WireError, unpackVerdict, packed)
        record[name] = value
        self.assertRaises(WireError, unpackVerdict, packed)
        del record[f"{name}'s twin"]
        unpackVerdict(packed)

    @settings(max_examples=300, deadline=None)
    @given(json | strategies.lists(json, min_size=4, max_size=6))
    def test_anything(self, message: Any) -> None:
        """
        Any other message is an error of its own.
        """
        for kind in (Request, Order, Start):
            with contextlib.suppress(WireError):
                unpackMessage(kind, message)
        for unpack in (unpackVerdict, unpackReply):
            with contextlib.suppress(WireError):
                unpack(message)

    @settings(max_examples=300, deadline=None)
    @given(verdicts, strategies.sampled_from(sorted(_wire._SENT)), json)
    def test_anyValue(self, verdict: Verdict, name: str, value: Any) -> None:
        """
        So it is with a verdict of which one field holds anything.
        """
        with contextlib.suppress(WireError):
            unpackVerdict({**packVerdict(verdict), name: value})

    def test_noVerdict(self) -> None:
        """
        A verdict with a field of another type is none.
        """
        right = packVerdict(Verdict(Kind.ACCEPTED, b"alice"))
        unpackVerdict(right)
        for name, wrong in [
            ("kind", "x"),
            ("kind", None),
            ("name", 5),
            ("denial", "x"),
            ("account", 5),
            ("account", ["a"]),
            ("delay", "5"),
            ("delay", True),
        ]:
            self.assertRaises(WireError, unpackVerdict, {**right, name: wrong})

    def test_most(self) -> None:
        """
        An account in more groups than any system allows fits into a message.
        """
        groups = tuple(f"group-{n}@example.org" for n in range(65_536))
        account = Account("a", 1, 1, "/", "/bin/sh", groups, tuple(range(65_536)))
        packed = packVerdict(Verdict(Kind.ACCEPTED, b"a", account=account))
        self.assertLess(len(str(packed)), _wire._LONGEST_MESSAGE)
