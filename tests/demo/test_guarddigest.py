"""
Tests for L{mycred.demo._guarddigest}, in memory and in the example server.
"""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.internet.address import UNIXAddress
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import IResource

from mycred.demo._guarddigest import GuardDigest
from mycred.demo._http import _Guarded
from mycred.portal import Portal

from ..kit.digest import Client, header
from ..kit.protocols import Refused
from ..kit.server import Server, ServerTests
from ..kit.web import Answer, Guarded, challengeIn

patient = settings(deadline=None, database=None)


class Served(Guarded):
    """
    The page as the example server has it.
    """

    def guard(self, portal: Portal) -> IResource:
        """
        Have users log in.
        """
        return _Guarded(portal, [GuardDigest(self.digest)])


class GuardedTests(Served, SynchronousTestCase):
    """
    Tests for L{GuardDigest}.
    """

    def assertStale(self, answer: Answer) -> None:
        """
        Assert that a client is told to answer another challenge, as RFC 7616 wants it
        written, and can.
        """
        self.assertEqual(answer.status, 401)
        [challenge] = answer.challenges
        for field in ("stale=true", "algorithm=md5", 'qop="auth"', 'realm="here"'):
            self.assertIn(field, re.split(", | ", challenge))
        again = Client(answer.challenge())
        self.assertEqual(self.answer(again.fields()).status, 200)
        wrong = Client(self.answer(again.fields()).challenge(), password=b"wrong")
        refused = self.answer(wrong.fields())
        self.assertEqual(refused.status, 401)
        self.assertNotIn("stale", refused.challenge())

    def test_expired(self) -> None:
        """
        A client whose challenge has expired gets another one, without its user being
        asked.
        """
        client = self.client()
        self.assertEqual(self.answer(client.fields(1)).page, b"Hello")
        self.digest.now += self.digest.CHALLENGE_LIFETIME_SECS + 1
        self.assertStale(self.answer(client.fields(2)))

    def test_replayed(self) -> None:
        """
        So does one that repeats an answer.
        """
        client = self.client()
        self.assertEqual(self.answer(client.fields()).status, 200)
        self.assertStale(self.answer(client.fields()))

    def test_forgotten(self) -> None:
        """
        So does one whose nonce had to be forgotten.
        """
        self.digest._used.most = 2
        client = self.client()
        for _ in range(3):
            self.assertEqual(self.answer(self.client().fields()).status, 200)
        self.assertStale(self.answer(client.fields()))

    def test_otherURI(self) -> None:
        """
        An answer that is for another URI is an error of the client's, which isn't asked
        to log in for that; and nothing is used up.
        """
        client = self.client()
        for target in (b"/b", b"/a?b", b"/", b"//a", b"http://example.org/b"):
            for method in (b"GET", b"HEAD", b"POST"):
                answer = self.answer(client.fields(), target=target, method=method)
                self.assertEqual((answer.status, answer.challenges), (400, []))
                self.assertIn("text/html", answer.headers["Content-Type"])
        self.assertEqual(self.answer(client.fields()).status, 200)

    def test_sameURI(self) -> None:
        """
        The URI may be written with the server's name or without it, in the request as in
        the answer.
        """
        for target, uri in (
            (b"/a?b=%2F~%c3", b"/a?b=%2F%7E%C3"),
            (b"http://example.org/a", b"/a"),
            (b"/a", b"http://example.org/a"),
            (b"/a", b"http://EXAMPLE.ORG:80/a"),
        ):
            answer = self.answer(self.client().fields(uri=uri), target=target)
            self.assertEqual(answer.status, 200, uri)
        answer = self.answer(self.client().fields(uri=b"http://example.com/a"))
        self.assertEqual(answer.status, 400)

    def test_forgedHost(self) -> None:
        """
        What a client says of the server doesn't make one URI of another.
        """
        self.host = b"example.org/public?next="
        fields = self.client().fields(uri=b"/public?next=/secret")
        self.assertEqual(self.answer(fields, target=b"/secret").status, 400)
        fields = self.client().fields(uri=b"/secret")
        self.assertEqual(self.answer(fields, target=b"/secret").status, 200)

    def test_refused(self) -> None:
        """
        A wrong password, a malformed answer, and another way to log in are refused, with
        a challenge, and no word of its being stale.
        """
        wrong = b"Digest " + header(
            Client(self.client().challenge, password=b"x").fields()
        )
        malformed = b"Digest " + header({**self.client().fields(), "nc": b"1"})
        for answer in (
            wrong,
            malformed,
            b"Digest",
            b"Digest ,",
            b"Basic eDp5",
            b"x",
            b" ",
        ):
            refused = self.ask(answer)
            self.assertEqual(refused.status, 401)
            self.assertNotIn("stale", refused.challenge())

    def test_severalHeaders(self) -> None:
        """
        Of several logins in one request none counts.
        """
        good = b"Digest " + header(self.client().fields())
        for answers in ((good, good), (good, b"Basic eDp5"), (b"x", good)):
            answer = self.ask(*answers)
            self.assertEqual((answer.status, answer.challenges), (400, []))
        self.assertEqual(self.ask(good).status, 200)

    def test_logged(self) -> None:
        """
        What is refused because of its URI is told in the log, cut off.
        """
        with capturedLogs() as events:
            self.answer(self.client().fields(uri=b"/\x1b" + b"x" * 100))
        [said] = [formatEvent(e) for e in events if "Request refused" in formatEvent(e)]
        self.assertIn(repr(b"/\x1b" + b"x" * 62), said)
        self.assertIn(repr(b"/a"), said)
        self.assertNotIn("x" * 63, said)


class UNIXSocketTests(GuardedTests):
    """
    The same where clients have no address.
    """

    address = UNIXAddress(None)


class HostileTests(Served, SynchronousTestCase):
    """
    Whatever a client sends, nothing breaks.
    """

    @patient
    @given(st.binary().filter(lambda value: not re.search(rb"[\r\n\0]", value)))
    def test_anything(self, value: bytes) -> None:
        """
        Whatever the client sends, it is refused, and nothing breaks.
        """
        self.assertIn(self.ask(b"Digest " + value).status, (400, 401))
        self.assertEqual(self.flushLoggedErrors(), [])


class ServedTests(ServerTests):
    """
    What is the same in the example server with each kind of accounts.
    """

    # What curl asks for is sent as it is: --path-as-is leaves dots alone.
    PATHS = (
        "",
        "?",
        "?q",
        "a?b=c&d=e;f",
        "a%20b/c%2Fd?e%20f=%26",
        "%7Ea/~a?%7E=~",
        "%c3%a4/%C3%A4",
        "a/./b/../c",
        "a//b",
        "a?b?c",
        "a'(b)*!$,:@[c]",
        "%22quoted%22?%5C",
    )

    def auth(self) -> str:
        """
        Write a file in which Alice has the password C{sesame}.

        @return: the option that names it.
        """
        raise NotImplementedError

    def serve(self: Any) -> Server:
        """
        Start the server.
        """
        return self.start(self.auth(), offered="http")

    def test_curl(self: Any) -> None:
        """
        curl gets in with the right password, whatever it asks for.
        """
        server = self.serve()
        for path in self.PATHS:
            options = ["--digest", "--path-as-is", "--globoff", "--no-fail"]
            page = server.curl("http", path, *options)("alice", "sesame")
            there = "Not Found" if path.strip("?q") else "Mail of alice"
            self.assertIn(there, page, path)
        client = server.curl("http", "", "--digest")
        self.assertRaises(Refused, client, "alice", "tulip")
        server.stop()
        self.assertNotIn("Request refused", server.log)

    def challenged(self, server: Server) -> Client:
        """
        Ask for a challenge.
        """
        written = server.request({})[0].headers.get_all("WWW-Authenticate")[0]
        return Client(challengeIn(written), password=b"sesame")

    def test_otherURI(self: Any) -> None:
        """
        An answer for another URI is no good.
        """
        server = self.serve()
        client = self.challenged(server)
        answer, page = self.send(server, client.fields(uri=b"/a"))
        self.assertEqual(answer.status, 400)
        self.assertNotIn("WWW-Authenticate", answer.headers)
        self.assertIn("Bad Request", page)
        answer, page = self.send(server, client.fields(uri=b"/"))
        self.assertIn("Mail of alice", page)

    def test_startedAgain(self: Any) -> None:
        """
        Who was challenged before the server was started again is told to answer another
        challenge, as is who repeats an answer.
        """
        server = self.serve()
        client = self.challenged(server)
        self.assertEqual(self.send(server, client.fields(uri=b"/"))[0].status, 200)
        again = [self.send(server, client.fields(uri=b"/"))[0]]
        server.stop()
        server = self.serve()
        again.append(self.send(server, client.fields(2, uri=b"/"))[0])
        for answer in again:
            self.assertEqual(answer.status, 401)
            self.assertIn(", stale=true", answer.headers["WWW-Authenticate"])

    def send(self, server: Server, fields: dict[str, bytes]) -> tuple[Any, str]:
        """
        Answer a challenge.
        """
        value = "Digest " + header(fields).decode("ascii")
        return server.request({"Authorization": value})


class FileTests(ServedTests, SynchronousTestCase):
    """
    Tests for C{--auth=file:}, with SHA-256.
    """

    def auth(self) -> str:
        """
        Write the passwords.
        """
        return self.passwords(alice="sesame")


class HtdigestTests(ServedTests, SynchronousTestCase):
    """
    Tests for C{--auth=htdigest:}, with MD5.
    """

    def auth(self) -> str:
        """
        Write the hash.
        """
        return self.htdigest(alice="sesame")
