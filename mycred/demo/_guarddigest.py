"""
HTTP Digest for C{twisted.web.guard}, which compares the URI of the request, and has the
answers for stale challenges and other URIs that the guard doesn't know.
"""

from __future__ import annotations

from collections.abc import Mapping

from zope.interface import implementer

from twisted.logger import Logger
from twisted.web.iweb import ICredentialFactory
from twisted.web.resource import Resource

from .._contracts import ICredentials
from .._secrets import shortened
from ..credentials import DigestCredentialFactory, DigestedCredentials
from ..error import StaleNonce, WrongURI
from ._pages import PageResource, Request, notice, serverNameIn, show


@implementer(ICredentials)
class InvalidAnswer:
    """
    Credentials that are refused before a checker is asked.

    @ivar page: the page to answer with.
    """

    def __init__(self, page: Resource) -> None:
        self.page = page


class _StalePage(Resource):
    """
    A page that asks for an answer to another challenge.
    """

    isLeaf = True

    def __init__(self, challenge: Mapping[str, bytes]) -> None:
        super().__init__()
        self._challenge = challenge

    def render(self, request: Request) -> int:
        """
        Send the page, with a new challenge.
        """
        fields = {**self._challenge, "stale": b"true"}
        request.setHeader(b"www-authenticate", challengeHeader(b"Digest", fields))
        return show(request, notice(401, "Unauthorized", "The challenge has expired."))


def challengeHeader(scheme: bytes, challenge: Mapping[str, bytes]) -> bytes:
    """
    Return a challenge as a header has it.

    Twisted's guard would quote all values, which RFC 7616 (section 3.3) forbids for two.
    """
    return (
        scheme
        + b" "
        + b", ".join(
            b"%s=%s" % (name.encode("ascii"), _value(name, value))
            for name, value in challenge.items()
        )
    )


def _value(name: str, value: bytes) -> bytes:
    """
    Return the value of a field as a header has it.
    """
    if name in ("algorithm", "stale"):
        return value
    return b'"%s"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


@implementer(ICredentialFactory)
class GuardDigest:
    """
    Challenges for Twisted's guard, and credentials from the answers.

    @cvar scheme: the name of the scheme, as the guard compares it.
    """

    scheme = b"digest"

    _log = Logger()

    def __init__(self, digest: DigestCredentialFactory) -> None:
        """
        @param digest: what makes the challenges and parses the answers.
        """
        self._digest = digest

    def getChallenge(self, request: Request) -> dict[str, bytes]:
        """
        Return a challenge for a client.
        """
        return self._digest.getChallenge(_addressOf(request))

    def decode(
        self, response: bytes, request: Request
    ) -> DigestedCredentials | InvalidAnswer:
        """
        Parse a client's answer.

        @raise LoginFailed: if it is malformed, or to another client's challenge.
        """
        try:
            return self._digest.decode(
                response, request.method, _addressOf(request), uri=_uriOf(request)
            )
        except StaleNonce:
            return InvalidAnswer(self.stalePage(request))
        except WrongURI as error:
            self._log.info(
                "Request refused: an answer for {uri!r} came with one for {target!r}",
                uri=shortened(error.uri),
                target=shortened(request.uri),
            )
            return InvalidAnswer(badRequest("The login is for another address."))

    def stalePage(self, request: Request) -> Resource:
        """
        Return the page that asks for an answer to another challenge.
        """
        return _StalePage(self.getChallenge(request))


def badRequest(why: str) -> Resource:
    """
    Return the page for a request that makes no sense.
    """
    return PageResource(notice(400, "Bad Request", why))


def _addressOf(request: Request) -> str | None:
    """
    Return the address of the client; L{None} over a UNIX socket.
    """
    return getattr(request.getClientAddress(), "host", None)


def _uriOf(request: Request) -> bytes:
    """
    Return the URI of the request, with the server's name if the client gives a valid one:
    an invalid one could pass for the beginning of the path.
    """
    uri: bytes = request.uri
    server = serverNameIn(request)
    return b"http://%s%s" % (server, uri) if server and uri.startswith(b"/") else uri


__all__ = ["GuardDigest", "InvalidAnswer", "badRequest", "challengeHeader"]
