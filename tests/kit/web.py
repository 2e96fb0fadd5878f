"""
A page behind HTTP Digest, in memory, and requests for it.
"""

from __future__ import annotations

from http.client import parse_headers
from io import BytesIO
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import IResource
from twisted.web.server import Site
from twisted.web.static import Data

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.demo import _http
from mycred.portal import Portal

from .digest import Client, Factory, header
from .sessions import Realm


def challengeIn(written: str) -> dict[str, bytes]:
    """
    Read a C{WWW-Authenticate} header.
    """
    fields = parse_keqv_list(parse_http_list(written.partition(" ")[2]))
    return {name: value.encode("ascii") for name, value in fields.items()}


class Answer:
    """
    What a server has answered.

    @ivar status: the code.
    @ivar challenges: the challenges, as they were written.
    @ivar page: the page.
    """

    def __init__(self, sent: bytes) -> None:
        line, _, rest = sent.partition(b"\r\n")
        self.status = int(line.split()[1])
        self.headers = parse_headers(BytesIO(rest))
        self.challenges = self.headers.get_all("WWW-Authenticate", [])
        self.page = rest.partition(b"\r\n\r\n")[2]

    def challenge(self) -> dict[str, bytes]:
        """
        Return the fields of the only challenge.
        """
        [written] = self.challenges
        return challengeIn(written)


class Guarded:
    """
    What the tests of pages that ask for HTTP Digest have in common.

    @ivar address: where clients come from.
    @ivar host: what they call the server.
    @ivar digest: what makes the challenges; its clock is the test's.
    """

    address: Any = IPv4Address("TCP", "192.0.2.7", 1234)
    host = b"example.org"

    def setUp(self) -> None:
        self.digest = Factory(b"md5", b"here")
        checker = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
        portal = Portal(Realm(self.makePage), [checker])
        site = Site(self.guard(portal), reactor=Clock())
        self.site = _http._SiteFactory(site, _http._Connection, reactor=Clock())

    def guard(self, portal: Portal) -> IResource:
        """
        Have users log in with C{self.digest}.
        """
        raise NotImplementedError

    def makePage(self) -> Data:
        """
        Make what is to be seen.
        """
        page = Data(b"Hello", "text/plain")
        page.isLeaf = True
        return page

    def ask(
        self, *answers: bytes, target: bytes = b"/a", method: bytes = b"GET"
    ) -> Answer:
        """
        Send a request.

        @param answers: the values of its C{Authorization} headers.
        """
        lines = [b"%s %s HTTP/1.1" % (method, target), b"Host: " + self.host]
        lines += [b"Authorization: " + answer for answer in answers]
        channel = self.site.buildProtocol(self.address)
        transport = StringTransport(peerAddress=self.address)
        channel.makeConnection(transport)
        channel.dataReceived(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        assert transport.disconnecting
        return Answer(transport.value())

    def client(self) -> Client:
        """
        Ask for a challenge.
        """
        return Client(self.ask().challenge())

    def answer(self, fields: dict[str, bytes], **request: bytes) -> Answer:
        """
        Send a request with an answer to a challenge.
        """
        return self.ask(b"Digest " + header(fields), **request)
