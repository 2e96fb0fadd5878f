"""
How the processes talk: JSON, with its length before it in four bytes.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from socket import socket
from typing import Any

from .._verdict import Account, Kind, Verdict
from ..error import DenialReason

# More is no message, in bytes.
_MOST = 2**24

# What a message can hold of bytes.
_CODEC = "latin-1"


class WireError(ValueError):
    """
    What came is no message.
    """


def send(connection: socket, message: Any) -> None:
    """
    Send a message.

    @param message: what JSON can hold.

    @raise OSError: if nobody takes it.
    """
    connection.sendall(encode(message))


def encode(message: Any) -> bytes:
    """
    Write a message as bytes.
    """
    text = json.dumps(message).encode("ascii")
    return len(text).to_bytes(4, "big") + text


def receive(connection: socket, until: float | None = None) -> Any:
    """
    Wait for a message.

    @param until: when to give up, as L{time.monotonic} counts.

    @return: the message; L{None} if there will be none.

    @raise TimeoutError: if none comes in time.
    @raise WireError: if what comes is none.
    """
    head = _read(connection, 4, until)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if len(head) < 4 or not 0 < size <= _MOST:
        raise WireError("no length")
    text = _read(connection, size, until)
    if len(text) < size:
        raise WireError("half a message")
    try:
        return json.loads(text)
    except ValueError:
        raise WireError("no JSON") from None
    except RecursionError:
        raise WireError("absurd JSON") from None


def drain(connection: socket) -> None:
    """
    Throw away what has come.
    """
    connection.setblocking(False)
    with suppress(BlockingIOError):
        while connection.recv(2**16):
            pass
    connection.setblocking(True)


def packSettings(value: Any) -> Any:
    """
    Write settings: text becomes the bytes that it stands for, whatever encoding each
    process has for the names of files.
    """
    if isinstance(value, str):
        return os.fsencode(value).decode(_CODEC)
    return list(map(packSettings, value)) if isinstance(value, (list, tuple)) else value


def unpackSettings(value: Any) -> Any:
    """
    Read settings.
    """
    if isinstance(value, str):
        return os.fsdecode(value.encode(_CODEC))
    return list(map(unpackSettings, value)) if isinstance(value, list) else value


def packRequest(number: int, name: bytes, password: bytes, peer: str | None) -> list[Any]:
    """
    Write a question.
    """
    return [number, name.decode(_CODEC), password.decode(_CODEC), peer]


def unpackRequest(message: Any) -> tuple[int, bytes, bytes, str | None]:
    """
    Read a question.

    @raise WireError: if it is none.
    """
    try:
        number, name, password, peer = message
        if not isinstance(number, int) or not isinstance(peer, (str, type(None))):
            raise WireError("no question")
        return number, name.encode(_CODEC), password.encode(_CODEC), peer
    except (AttributeError, TypeError, ValueError):
        raise WireError("no question") from None


def packAnswer(number: int, verdict: Verdict, notes: list[str]) -> list[Any]:
    """
    Write an answer.
    """
    return [number, packVerdict(verdict), notes]


def unpackAnswer(message: Any) -> tuple[int | None, Any, list[str]]:
    """
    Read an answer.

    @return: the number of the question, the verdict, and what is to be logged.
        Where a process has ended there is no number, and how it has ended in place
        of the verdict.

    @raise WireError: if it is none.
    """
    try:
        number, content, notes = message
        if number is None:
            return None, str(content), []
        return number, unpackVerdict(content), [str(note) for note in notes]
    except (TypeError, ValueError):
        raise WireError("no answer") from None


def packVerdict(verdict: Verdict) -> list[Any]:
    """
    Write a verdict.
    """
    denial = verdict.denial and verdict.denial.name
    name = verdict.name.decode(_CODEC)
    account, key = packSettings(verdict.account), packSettings(verdict.key)
    kind, why = verdict.kind.name, verdict.why
    return [kind, name, why, denial, account, verdict.delay, key]


def unpackVerdict(message: Any) -> Verdict:
    """
    Read a verdict.

    @raise WireError: if it is none.
    """
    try:
        kind, name, why, denial, account, delay, key = message
        if account is not None:
            facts = Account(*unpackSettings(account))
            groups, gids = tuple(facts.groups), tuple(facts.gids)
            account = facts._replace(groups=groups, gids=gids)
        reason = DenialReason[denial] if denial else None
        found = unpackSettings(key)
        return Verdict(
            Kind[kind], name.encode(_CODEC), why, reason, account, delay, key=found
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise WireError("no verdict") from None


def _read(connection: socket, size: int, until: float | None) -> bytes:
    """
    Read so many bytes, or what there is before the end.
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
    "WireError",
    "drain",
    "encode",
    "packAnswer",
    "packRequest",
    "packSettings",
    "packVerdict",
    "receive",
    "send",
    "unpackAnswer",
    "unpackRequest",
    "unpackSettings",
    "unpackVerdict",
]
