"""
Tests for what two example servers know together that share a state, as
L{mycred.demo._sharing} and L{mycred._httpdigest._sharednonces} have it.
"""

from __future__ import annotations

import imaplib
import re
import time

from twisted.trial.unittest import SynchronousTestCase

from ..kit.databases import PASSWORD, PostgreSQL, serverOf
from ..kit.digest import Client, header
from ..kit.redisserver import RedisServer
from ..kit.server import PATIENCE, Server, ServerTests, hangUp
from ..kit.web import challengeIn


class SharedTests(ServerTests, SynchronousTestCase):
    """
    Tests with two servers that share an SQLite file.
    """

    def state(self) -> list[str]:
        """
        Return the lines of a stack's file that say where the state is.
        """
        return [f"state = sqlite:///{self.folder}/state.sqlite"]

    def begin(self, name: str) -> Server:
        """
        Start a server with a stack.

        @param name: what it is called: it has files of its own.
        """
        stack = self.folder / f"{name}.ini"
        auth = self.passwords(alice="secret").partition("=")[2]
        lines = ["[stack]", f"checkers = {auth}", *self.state(), "[throttle]", ""]
        stack.write_text("\n".join(lines))
        store = f"--store={self.folder / name}.sqlite"
        return self.start(f"--auth=stack:{stack}", store, offered="imap http")

    def challengeAt(self, server: Server) -> Client:
        """
        Return a browser that has a server's challenge.
        """
        answer, _ = server.request({})
        challenges = answer.headers.get_all("WWW-Authenticate")
        [digest] = [each for each in challenges if each.lower().startswith("digest")]
        return Client(challengeIn(digest))

    def ask(self, server: Server, fields: dict[str, bytes]) -> tuple[int, str]:
        """
        Hand an answer to a server.

        @return: its status, and the new challenge, if there is one.
        """
        given = {"Authorization": "Digest " + header(fields).decode("ascii")}
        answer, _ = server.request(given)
        return answer.status, str(answer.headers.get("WWW-Authenticate", ""))

    def assertReplayed(self, fields: dict[str, bytes], *servers: Server) -> None:
        """
        Insist that servers see that an answer was taken.
        """
        for server in servers:
            status, challenge = self.ask(server, fields)
            self.assertEqual(status, 401)
            self.assertIn("stale=true", challenge)

    def takenAt(self, server: Server, maker: Server) -> dict[str, bytes]:
        """
        Return an answer that a server has taken to a challenge of another one, as soon as
        both have been told the key.
        """
        until = time.monotonic() + PATIENCE
        while True:
            fields = self.challengeAt(maker).fields(1, b"/")
            status, _ = self.ask(server, fields)
            if status == 200:
                return fields
            self.assertLess(time.monotonic(), until)

    def saltAt(self, server: Server, name: str) -> str:
        """
        Return with what salt a server asks for somebody's password.
        """
        told: list[bytes] = []

        def answer(challenge: bytes) -> bytes | None:
            told.append(challenge)
            return None if challenge else f"n,,n={name},r=nonce".encode()

        client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], PATIENCE)
        self.addCleanup(hangUp, client)
        self.assertRaises(
            imaplib.IMAP4.error, client.authenticate, "SCRAM-SHA-256", answer
        )
        return re.findall(rb",s=([^,]+),i=", told[-1])[0].decode("ascii")

    def assertSameSalts(self, servers: list[Server], salt: str) -> None:
        """
        Insist on the salt of somebody who doesn't exist, as soon as the state has said
        what the secret is.
        """
        until = time.monotonic() + PATIENCE
        for server in servers:
            while (found := self.saltAt(server, "nobody")) != salt:
                self.assertLess(time.monotonic(), until, found)

    def test_shared(self) -> None:
        """
        A challenge of HTTP Digest is good at both servers, each answer to it once, and
        somebody who doesn't exist has the same salt at both; also after both were
        restarted, and where they have lost their own secrets.
        """
        one, other = self.begin("one"), self.begin("other")
        salt = self.saltAt(one, "nobody")
        self.assertSameSalts([one, other], salt)
        self.assertNotEqual(self.saltAt(one, "somebody"), salt)
        taken = [self.takenAt(one, other), self.takenAt(other, one)]
        for fields in taken:
            self.assertReplayed(fields, one, other)
        for server in (one, other):
            server.stop()
            self.assertNotIn("Traceback", server.log)
        for path in self.folder.glob("*.secret"):
            path.unlink()
        one, other = self.begin("one"), self.begin("other")
        self.assertSameSalts([one, other], salt)
        taken += [self.takenAt(one, other), self.takenAt(other, one)]
        for fields in taken:
            self.assertReplayed(fields, one, other)


class RedisTests(SharedTests):
    """
    Tests with two servers that share Redis.
    """

    def state(self) -> list[str]:
        return [f"state = {RedisServer.of('example servers').url}"]


class PostgreSQLTests(SharedTests):
    """
    Tests with two servers that share a database.
    """

    def setUp(self) -> None:
        super().setUp()
        server = serverOf(PostgreSQL)
        self.url = server.url(server.makeDatabase())

    def state(self) -> list[str]:
        path = self.folder / "password"
        path.write_text(PASSWORD)
        path.chmod(0o600)
        bare = self.url.replace(f":{PASSWORD.replace(' ', '%20')}@", "@")
        return [f"state = {bare}", f"state-passwordfile = {path}"]
