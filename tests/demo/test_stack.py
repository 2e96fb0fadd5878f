"""
Tests for the example server with a stack, in one process and several: what real clients
cost, which addresses are counted and written down, and what the log warns of.
"""

from __future__ import annotations

import json
import smtplib
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mycred.checkers import HtdigestChecker, HtpasswdChecker
from mycred.checkers.sshkeys import InMemorySSHKeyDB, SSHPublicKeyChecker
from mycred.demo._startuplog import _warnOfGuesses
from mycred.stack import CheckerStack, ProcessState, Throttle

from ..kit.demoworkers import frozen, workersOf
from ..kit.haproxy import HAProxy
from ..kit.protocols import Refused
from ..kit.server import PATIENCE, Server, ServerTests

# What a client is told that has to wait, by its beginning.
WAIT = "Too many failed logins; try again in "

# How many guesses each worker verifies.
GUESSES = 4


class StackTests(ServerTests, TestCase):
    """
    Tests with C{twistd myapp --auth=stack:}.
    """

    def stack(self: Any, settings: str = "") -> str:
        """
        Write the file of a stack with Alice in it.

        @param settings: its throttle's.

        @return: the option that names it.
        """
        users = self.folder / "users"
        users.write_text(f"alice:{self.hashed('sesame')}\n")
        self.audit = self.folder / "logins.json"
        path = self.folder / "login.ini"
        path.write_text(
            f"[stack]\ncheckers = htpasswd:{users}\n[throttle]\n{settings}\n"
            f"[audit]\nfile = {self.audit}\nformat = json\n"
        )
        return f"--auth=stack:{path}"

    def events(self: Any) -> list[Any]:
        """
        Return what has been written down of logins.
        """
        return [json.loads(line) for line in self.audit.read_text().splitlines()]

    def smtp(self, server: Server, password: str) -> None:
        """
        Log Alice in over SMTP, by each mechanism that the server offers until one works.
        """
        place = "127.0.0.1", server.ports["smtp"]
        with smtplib.SMTP(*place, timeout=PATIENCE) as client:
            try:
                client.login("alice", password)
            except smtplib.SMTPAuthenticationError as error:
                raise Refused(error)

    def test_retries(self) -> None:
        """
        Clients that go on with a password that isn't right any more, by several
        mechanisms and over several connections, cost their user one failure.
        """
        server = self.start(self.stack("pair = 1"), offered="pop3 imap http smtp")

        def clients() -> Iterator[Any]:
            yield server.imap
            yield server.pop3
            yield lambda name, password: self.smtp(server, password)
            yield server.http
            yield server.curl("imap", "INBOX")
            yield server.curl("pop3", "")

        for _ in range(2):
            for client in clients():
                refused = self.assertRaises(Refused, client, "alice", "before")
                self.assertNotIn(WAIT, refused.answer)
                self.assertNotIn("429", refused.answer)
        server.imap("alice", "sesame").logout()
        for number in range(2):
            self.assertRaises(Refused, server.imap, "alice", f"guess{number}")
        refused = self.assertRaises(Refused, server.imap, "alice", "sesame")
        self.assertIn(f"[UNAVAILABLE] {WAIT}", refused.answer)

    def test_proxied(self) -> None:
        """
        Behind HAProxy the clients are told apart, and it is the one who has guessed that
        has to wait, whatever header it forges; the audit log has their addresses.
        """
        auth = self.stack("pair = 1")
        where = "--imap=haproxy:tcp:0:interface=127.0.0.1"
        server = Server(self.options([auth, where], [], "imap"), ["imap"])
        self.addCleanup(server.stop)
        forged = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"
        expected = []
        for how, guesser in (("send-proxy", 2), ("send-proxy-v2", 3)):
            proxy = HAProxy(server.ports["imap"], how)
            self.addCleanup(proxy.stop)
            for host, first, password, answer in (
                (guesser, b"", "guess1", b" NO "),
                (guesser, forged, "guess2", b" NO "),
                (guesser, b"", "sesame", b" NO [UNAVAILABLE] "),
                (1, b"", "sesame", b" OK "),
            ):
                at = f"127.0.0.{host}", 0
                place = "127.0.0.1", proxy.port
                with socket.create_connection(place, PATIENCE, at) as wire:
                    login = f"1 LOGIN alice {password}\r\n2 LOGOUT\r\n"
                    wire.sendall(first + login.encode())
                    self.assertIn(b"\r\n1" + answer, wire.makefile("rb").read())
                expected.append(f"127.0.0.{host}")
        server.stop()
        events = self.events()
        self.assertEqual([event["source.ip"] for event in events], expected)
        self.assertEqual(
            [event["mycred.verdict"] for event in events],
            ["refused", "refused", "throttled", "accepted"] * 2,
        )

    def test_manyAtOnce(self) -> None:
        """
        However many logins are under way at once, and however early clients send them,
        each is written down with the address of its own client.
        """
        server = self.start(self.stack("network = 1000"), offered="pop3 imap http")
        basic = "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {}\r\n\r\n"
        expected = set()
        with ExitStack() as wires:
            waiting = []
            for number in range(2, 32):
                host = f"127.0.0.{number}"
                protocol, refusal = (
                    ("pop3", b"-ERR "),
                    ("imap", b" NO "),
                    ("http", b"HTTP/1.1 401 "),
                )[number % 3]
                place = "127.0.0.1", server.ports[protocol]
                wire = socket.create_connection(place, PATIENCE, (host, 0))
                wires.enter_context(wire)
                waiting.append((wire, refusal))
                for again in range(3):
                    name = f"{host}-{again}"
                    expected.add((name, host))
                    token = b64encode(f"{name}:x".encode()).decode("ascii")
                    said = {
                        "pop3": f"USER {name}\r\nPASS x\r\n",
                        "imap": f"{again} LOGIN {name} x\r\n",
                        "http": basic.format(token),
                    }
                    wire.sendall(said[protocol].encode())
            for wire, refusal in waiting:
                heard = b""
                while heard.count(refusal) < 3:
                    heard += wire.recv(65536) or self.fail(heard)
        server.stop()
        told = {(event["user.name"], event["source.ip"]) for event in self.events()}
        self.assertEqual(told, expected)


class GuessesTests(SynchronousTestCase):
    """
    Tests for what is told of guesses that nobody counts.
    """

    def test_outside(self) -> None:
        """
        A checker of passwords beside a throttle is told, one of keys isn't; nor is any
        where there is no throttle, or all are behind it.
        """
        throttled = CheckerStack(
            [HtpasswdChecker("a")], throttle=Throttle(ProcessState())
        )
        plain, digest = HtpasswdChecker("b"), HtdigestChecker("c", "here")
        keys = SSHPublicKeyChecker(InMemorySSHKeyDB({}))
        told: list[str] = []

        def observe(event: LogEvent) -> None:
            told.append(str(formatEvent(event)))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        checkers: Any
        for checkers, others in (
            ([throttled, plain, digest, keys], "htpasswd and --auth=htdigest"),
            ([CheckerStack([plain]), throttled], "stack"),
            ([throttled, keys, throttled], None),
            ([CheckerStack([plain]), plain], None),
        ):
            told.clear()
            _warnOfGuesses(checkers)
            beginnings = [line.partition(" stands beside")[0] for line in told]
            self.assertEqual(beginnings, [f"--auth={others}"] if others else [])


class WorkersTests(ServerTests, SynchronousTestCase):
    """
    Tests for what two workers count.
    """

    def serve(self, *lines: str) -> Server:
        """
        Start a server with two workers, and a throttle.

        @param lines: more lines of the section of the stack.
        """
        passwords = self.passwords(alice="sesame").removeprefix("--auth=")
        path = self.folder / "login.ini"
        throttle = "[throttle]", f"pair = {GUESSES - 1}", ""
        path.write_text(
            "\n".join(("[stack]", f"checkers = {passwords}", *lines, *throttle))
        )
        path.chmod(0o600)
        return self.start(f"--auth=stack:{path}", "--processes=2", offered="imap")

    def guess(self, server: Server, number: int) -> str:
        """
        Guess, by one of the workers.

        @return: the answer.
        """
        with frozen(workersOf(server)[number % 2]):
            refused = self.assertRaises(Refused, server.imap, "alice", f"x{number}")
        return str(refused)

    def test_shared(self) -> None:
        """
        Two workers that share a state count together.
        """
        server = self.serve(f"state = sqlite:///{self.folder}/state")
        answers = [self.guess(server, number) for number in range(2 * GUESSES)]
        waiting = ["UNAVAILABLE" in answer for answer in answers]
        self.assertNotIn(True, waiting[:GUESSES], answers)
        # Not all of them need to wait: the first pauses are short.
        self.assertIn(True, waiting, answers)
        self.assertNotIn("by itself", server.log)

    def test_alone(self) -> None:
        """
        Without a state each counts by itself, and the log says so.
        """
        server = self.serve()
        answers = [self.guess(server, number) for number in range(2 * GUESSES)]
        self.assertNotIn("UNAVAILABLE", "".join(answers))
        self.assertIn(
            "--processes=2: each of them counts failed logins by itself", server.log
        )
