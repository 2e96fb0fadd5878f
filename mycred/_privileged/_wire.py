"""
How the processes talk: JSON, with its length before it in four bytes.

What is sent is an object whose keys are the names of the fields (L{mycred._records}); a
process that sends other ones is refused.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket
from typing import TypeVar

from .._records import pack, packFields, unpack, unpackFields
from .._verdict import Verdict

_T = TypeVar("_T")

# How long a message may be, in bytes.
_LONGEST_MESSAGE = 2**24

# What of a verdict is sent: nothing but this, whatever else a verdict may hold.
_SENT = ("kind", "name", "why", "denial", "account", "delay", "key")


class WireError(ValueError):
    """
    What came is no message, or not the one that was expected.
    """


@dataclass(frozen=True)
class Start:
    """
    What the broker is told first.

    @ivar kind: what the workers ask for verdicts: C{unix}, C{pam} or C{sshkey}.
    @ivar settings: the record of settings of this kind, packed.
    """

    kind: str
    settings: object


@dataclass(frozen=True)
class Request:
    """
    What a worker is asked.

    @ivar number: what its reply repeats.
    @ivar name: the name of the user.
    @ivar password: the password, or the key.
    @ivar peer: the address of the client; L{None} if it isn't known.
    """

    number: int
    name: bytes
    password: bytes = field(repr=False)
    peer: str | None


@dataclass(frozen=True)
class Reply:
    """
    What a worker replies.

    @ivar verdict: the verdict.
    @ivar notes: what the log should be told.
    """

    verdict: Verdict
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """
    What the broker is told to do: to replace a worker.

    @ivar place: the place of the worker, counted from 0.
    @ivar number: what the broker repeats when it has done so.
    """

    place: int
    number: int


def send(connection: socket, message: object) -> None:
    """
    Send a message.

    @param message: what JSON can hold.

    @raise OSError: if the other side has ended.
    """
    connection.sendall(encode(message))


def encode(message: object) -> bytes:
    """
    Return a message as it is sent.
    """
    text = json.dumps(message).encode("ascii")
    return len(text).to_bytes(4, "big") + text


def receive(connection: socket, until: float | None = None) -> object:
    """
    Wait for a message.

    @param until: when to give up, as L{time.monotonic} counts.

    @return: the message; L{None} if the other side has ended.

    @raise TimeoutError: if none comes in time.
    @raise WireError: if what comes is none.
    """
    head = _read(connection, 4, until)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if len(head) < 4 or not 0 < size <= _LONGEST_MESSAGE:
        raise WireError("no length")
    text = _read(connection, size, until)
    if len(text) < size:
        raise WireError("half a message")
    try:
        message: object = json.loads(text)
    except ValueError:
        raise WireError("no JSON") from None
    except RecursionError:
        raise WireError("absurd JSON") from None
    return message


def drain(connection: socket) -> None:
    """
    Read and drop what has come.
    """
    connection.setblocking(False)
    with suppress(BlockingIOError):
        while connection.recv(2**16):
            pass
    connection.setblocking(True)


def unpackMessage(kind: type[_T], message: object) -> _T:
    """
    Return the record that a message holds, as L{pack} has packed it.

    @raise WireError: if it holds none of this type.
    """
    try:
        return unpack(kind, message)
    except ValueError as error:
        raise WireError(str(error)) from None


def packVerdict(verdict: Verdict) -> dict[str, object]:
    """
    Return a verdict as JSON has it.
    """
    return packFields(verdict, _SENT)


def unpackVerdict(message: object) -> Verdict:
    """
    Return the verdict that was packed; its key stays packed.

    @raise WireError: if it is none.
    """
    try:
        return unpackFields(Verdict, message, _SENT)
    except ValueError as error:
        raise WireError(str(error)) from None


def packReply(number: int, reply: Reply) -> dict[str, object]:
    """
    Return a reply as JSON has it.

    @param number: that of the request.
    """
    verdict, notes = packVerdict(reply.verdict), pack(reply.notes)
    return {"number": number, "verdict": verdict, "notes": notes}


def packEnd(how: str) -> dict[str, object]:
    """
    Return what comes in place of a reply when a worker has ended.

    @param how: how it has ended.
    """
    return {"ended": pack(how)}


def unpackReply(message: object) -> tuple[int, Reply] | str:
    """
    Return a reply and the number of its request; or how the worker has ended.

    @raise WireError: if it is neither.
    """
    if not isinstance(message, dict):
        raise WireError("no reply")
    if message.keys() == {"ended"}:
        return unpackMessage(str, message["ended"])
    if message.keys() != {"number", "verdict", "notes"}:
        raise WireError("no reply")
    number = unpackMessage(int, message["number"])
    verdict = unpackVerdict(message["verdict"])
    return number, Reply(verdict, unpackMessage(tuple[str, ...], message["notes"]))


def _read(connection: socket, size: int, until: float | None) -> bytes:
    """
    Return so many bytes, or what there is before the end.
    """
    parts = []
    while size:
        if until is not None:
            connection.settimeout(max(until - time.monotonic(), 1e-4))
        part = connection.recv(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


__all__ = [
    "Order",
    "Reply",
    "Request",
    "Start",
    "WireError",
    "drain",
    "encode",
    "packEnd",
    "packReply",
    "packVerdict",
    "receive",
    "send",
    "unpackMessage",
    "unpackReply",
    "unpackVerdict",
]
