"""
A fake server, which may do what no real one should.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap import Directory, ldapSettings
from mycred._ldap.client._messages import (
    PASSWORD_POLICY,
    SUPPORTED_CONTROL,
    element,
    elements,
    endOfElement,
    integer,
)
from mycred._verdict import Kind, Verdict

BIND, SEARCH, EXTENDED, UNBIND = 0x60, 0x63, 0x77, 0x42
BOUND, ENTRY, DONE, ANSWERED = 0x61, 0x64, 0x65, 0x78

# How long a test waits for what comes by itself, in seconds.
_PATIENCE = 20.0

_controls = SUPPORTED_CONTROL.encode()

ALICE = b"uid=alice,dc=example,dc=org"


class Fake:
    """
    A server, run by threads of its own.

    @ivar port: its port.
    @ivar asked: the kinds of all requests that came.
    @ivar accepted: how many connections there were.
    @ivar talk: what it does with a connection.
    @ivar taken: a lock for what it can do once at a time.
    @ivar policies: for each of the binds that came whether it had the password policy
        control.
    @ivar controls: the controls in its root DSE; searches for these aren't in C{asked};
        L{None} if C{talk} answers them.
    """

    def __init__(
        self, talk: Callable[[Conversation], None], host: str = "127.0.0.1"
    ) -> None:
        """
        @param talk: what it does with a connection.
        @param host: the address that it listens on, with its zone after a C{%}.
        """
        self.talk = talk
        self.asked: list[int] = []
        self.accepted = 0
        self.taken = Lock()
        self.policies: list[bool] = []
        self.controls: tuple[bytes, ...] | None = (PASSWORD_POLICY,)
        self._isOver = Event()
        self._conversations: list[Conversation] = []
        place = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        self._listener = socket.create_server(place[4], family=place[0])
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """
        End it, and what it does.
        """
        self._isOver.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for conversation in self._conversations:
            conversation.close()

    def open(self) -> int:
        """
        Return how many connections the other side hasn't closed.
        """
        return sum(not each.isOver() for each in self._conversations)

    def _serve(self) -> None:
        """
        Accept connections.
        """
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            # Otherwise the second part of an answer waits for a delayed ACK.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conversation = Conversation(self, accepted, self._isOver)
            self._conversations.append(conversation)
            Thread(target=self._talk, args=(conversation,), daemon=True).start()

    def _talk(self, conversation: Conversation) -> None:
        """
        Do what this one does.
        """
        with suppress(OSError, ValueError):
            self.talk(conversation)


class Conversation:
    """
    A connection, as the server sees it.
    """

    def __init__(self, server: Fake, accepted: socket.socket, isOver: Event) -> None:
        self._server = server
        self._socket = accepted
        self._isOver = isOver
        self._isMute = False

    def requests(self) -> Iterator[tuple[int, int, bytes]]:
        """
        Yield the requests: the message ID, the tag, and the content.
        """
        received = b""
        while True:
            stop = endOfElement(received)
            while stop is None or len(received) < stop:
                data = self._socket.recv(4096)
                if not data:
                    return
                received += data
                stop = endOfElement(received)
            [(_, whole)] = elements(received[:stop])
            received = received[stop:]
            (_, identity), (kind, body), *controls = elements(whole)
            if kind == BIND:
                # A control that isn't critical has an OID, and nothing else.
                asked = element(0x30, element(4, PASSWORD_POLICY))
                self._server.policies.append(controls == [(0xA0, asked)])
                if controls and not self._server.policies[-1]:
                    raise ValueError("an unexpected control")
            known = self._server.controls
            if known is not None and kind == SEARCH and _controls in body:
                number = int.from_bytes(identity, "big")
                self.say(entry(number, b"", *known, attribute=_controls))
                self.answer(number, DONE)
                continue
            self._server.asked.append(kind)
            yield int.from_bytes(identity, "big"), kind, body

    def asked(self) -> int:
        """
        Return how many requests have come to the server.
        """
        return len(self._server.asked)

    def asksPolicy(self) -> bool:
        """
        Return whether the last bind had the password policy control.
        """
        return self._server.policies[-1]

    def say(self, *parts: bytes) -> None:
        """
        Send something.
        """
        if self._isMute:
            self.hang()
        self._socket.sendall(b"".join(parts))

    def answer(self, identity: int, kind: int, code: int = 0, *more: bytes) -> None:
        """
        Send a result.
        """
        self.say(result(identity, kind, code, *more))

    def reply(self, identity: int, kind: int, code: int = 0) -> None:
        """
        Send the result of a request, of whatever kind.
        """
        self.answer(identity, DONE if kind == SEARCH else kind + 1, code)

    def behave(self, identity: int, kind: int, body: bytes) -> None:
        """
        Do what a server does that knows Alice, and accepts any password.
        """
        if kind == BIND:
            self.answer(identity, BOUND)
        elif kind == SEARCH:
            self.say(entry(identity, ALICE, b"alice"))
            self.answer(identity, DONE)

    def hang(self) -> None:
        """
        Do nothing any more.
        """
        self._isOver.wait()

    def mute(self) -> None:
        """
        Answer nothing any more.
        """
        self._isMute = True

    def wait(self, seconds: float) -> None:
        """
        Take some time.
        """
        self._isOver.wait(seconds)

    def drip(self, data: bytes) -> None:
        """
        Send a byte, and another, with some time between, for ever.
        """
        for byte in data:
            self._socket.sendall(bytes([byte]))
            if self._isOver.wait(0.05):
                return

    def close(self) -> None:
        """
        End it.
        """
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def isOver(self) -> bool:
        """
        Return whether the other side has closed it.
        """
        try:
            self._socket.settimeout(0.2)
            while self._socket.recv(4096):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


def result(identity: int, kind: int, code: int = 0, *more: bytes) -> bytes:
    """
    Return an encoded result.
    """
    body = element(kind, integer(code, 0x0A), b"\x04\x00\x04\x00", *more)
    return element(0x30, integer(identity), body)


def entry(identity: int, dn: bytes, *values: bytes, attribute: bytes = b"uid") -> bytes:
    """
    Return an encoded entry.
    """
    known = element(0x31, *(element(4, value) for value in values))
    pair = element(0x30, element(4, attribute), known)
    body = element(ENTRY, element(4, dn), element(0x30, pair))
    return element(0x30, integer(identity), body)


def well(conversation: Conversation) -> None:
    """
    Behave.
    """
    for request in conversation.requests():
        conversation.behave(*request)


def upTo(count: int, then: Callable[[Conversation, int], Any]) -> Any:
    """
    Return what a server does that behaves for some requests, over all connections, and
    then does something else.

    @param then: what it does, with the message ID of the next request.
    """

    def talk(conversation: Conversation) -> None:
        for request in conversation.requests():
            if conversation.asked() > count:
                then(conversation, request[0])
                return
            conversation.behave(*request)

    return talk


def until(condition: Callable[[], object]) -> None:
    """
    Wait for something that comes by itself.
    """
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it doesn't come")


# How long a login may take with a server that never answers, in seconds.
SHORT = 0.3

# The timeout of a login that needn't wait, in seconds.
LONG = 20.0


class FakeTestCase(SynchronousTestCase):
    """
    Base of the tests with fake servers.
    """

    def serve(self, talk: Callable[[Conversation], None]) -> Fake:
        """
        Start a server.
        """
        server = Fake(talk)
        self.addCleanup(server.stop)
        return server

    def directory(self, *servers: Fake, **given: str) -> Directory:
        """
        Return a directory of these servers.
        """
        usual = {
            "host": ",".join(f"127.0.0.1:{server.port}" for server in servers),
            "tls": "none",
        }
        if "dn" not in given:
            usual["base"] = "dc=example,dc=org"
        directory = Directory(ldapSettings(**{**usual, **given}))
        self.addCleanup(directory.close)
        return directory

    def look(self, directory: Directory, timeout: float = LONG) -> Verdict:
        """
        Log in.
        """
        deadline = time.monotonic() + timeout
        verdict = directory.lookUp(b"alice", b"sesame", deadline)
        # Whatever happens, it doesn't take much longer.
        self.assertLess(time.monotonic(), deadline + 5)
        return verdict

    def assertUnsure(self, verdict: Verdict, *words: str) -> None:
        """
        Assert a temporary failure, for a reason with these words.
        """
        self.assertIs(verdict.kind, Kind.UNSURE, verdict)
        for word in words:
            self.assertIn(word, verdict.why)
