"""
HTTP Digest for Twisted's guard, with the URI of the request, and the refusals that the
guard doesn't know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zope.interface import implementer

from twisted.logger import Logger
from twisted.web.iweb import ICredentialFactory
from twisted.web.resource import Resource

from .._contracts import ICredentials
from .._secrets import shortened
from ..credentials import DigestCredentialFactory, DigestedCredentials
from ..error import StaleNonce, WrongURI
from ._pages import PageResource, addressed, notice, show


@implementer(ICredentials)
class InvalidAnswer:
    """
    What a client presents with which nobody logs in, whatever the checkers say.

    @ivar page: the page that answers it.
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

    def render(self, request: Any) -> Any:
        """
        Challenge the client once more.
        """
        fields = {**self._challenge, "stale": b"true"}
        request.setHeader(b"www-authenticate", challengeHeader(b"Digest", fields))
        return show(request, notice(401, "Unauthorized", "The challenge has expired."))


def challengeHeader(scheme: bytes, challenge: Mapping[str, bytes]) -> bytes:
    """
    Write a challenge.

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
    Write the value of a field.
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
        @param digest: what makes the challenges and reads the answers.
        """
        self._digest = digest

    def getChallenge(self, request: Any) -> dict[str, bytes]:
        """
        Make the challenge for a client.
        """
        return self._digest.getChallenge(_addressOf(request))

    def decode(
        self, response: bytes, request: Any
    ) -> DigestedCredentials | InvalidAnswer:
        """
        Read a client's answer.

        @raise LoginFailed: if it is malformed, or for somebody else's challenge.
        """
        try:
            return self._digest.decode(
                response, request.method, _addressOf(request), uri=_uriOf(request)
            )
        except StaleNonce:
            return InvalidAnswer(_StalePage(self.getChallenge(request)))
        except WrongURI as error:
            self._log.info(
                "Request refused: an answer for {uri!r} came with one for {target!r}",
                uri=shortened(error.uri),
                target=shortened(request.uri),
            )
            return InvalidAnswer(badRequest("The login is for another address."))


def badRequest(why: str) -> Resource:
    """
    Make the page for a client that is at fault.
    """
    return PageResource(notice(400, "Bad Request", why))


def _addressOf(request: Any) -> str | None:
    """
    Return the address of the client; over a UNIX socket it has none.
    """
    return getattr(request.getClientAddress(), "host", None)


def _uriOf(request: Any) -> bytes:
    """
    Return the URI of the request, with the server's name where that is known, and is a
    name: the client mustn't say what the path begins with.
    """
    uri: bytes = request.uri
    server = addressed(request)
    return b"http://%s%s" % (server, uri) if server and uri.startswith(b"/") else uri


__all__ = ["GuardDigest", "InvalidAnswer", "badRequest", "challengeHeader"]
