"""
The mailbox over HTTP: each request needs a login.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocolFactory
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.guard import BasicCredentialFactory
from twisted.web.iweb import ICredentialFactory
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Site

from .._contracts import (
    ICredentials,
    InterfaceType,
    IUsernameDigestHash,
    IUsernamePassword,
    Login,
)
from .._types import Clock
from ..credentials import DigestCredentialFactory, IBearerToken, ICertificateCredentials
from ..error import LoginFailed, TemporaryFailure, Throttled, Unauthorized
from ..portal import Portal
from ..web import BearerCredentialFactory, HTTPAuthSessionWrapper
from ._guarddigest import GuardDigest, InvalidAnswer, badRequest
from ._limits import LOGIN_TIMEOUT, LimitedConnection, LimitedFactory, LimitedPortal
from ._loginoffers import PROOFS, isOffered
from ._loginpage import LoginPage
from ._mailtemplates import WebLogin
from ._pages import PageResource, Request, notice
from ._protocols import REALM
from ._style import HEADERS


class _PagePortal(LimitedPortal):
    """
    A portal whose logins never fail: where one is refused, they end with a page that says
    so.  The realm gets to know how the user has logged in, as the mind.
    """

    def __init__(self, portal: Portal, request: Request, refusal: LoginPage) -> None:
        super().__init__(portal, request, service="http")
        self._refusal = refusal

    def login(
        self, credentials: ICredentials, mind: object, *interfaces: InterfaceType
    ) -> Deferred[Login]:
        """
        Log in, or answer with the page that comes instead.
        """
        if isinstance(credentials, InvalidAnswer):
            return succeed(_instead(credentials.page))

        def ebRefused(failure: Failure) -> Login:
            if isinstance(failure.value, Throttled):
                return _instead(_throttledPage(failure.value))
            if failure.check(TemporaryFailure):
                # After a 401 a browser would ask the user for the password again.
                why = "Logins are not possible now. Try again later."
                return _instead(PageResource(notice(503, "Service Unavailable", why)))
            failure.trap(LoginFailed, Unauthorized)
            return _instead(self._refusal)

        login = super().login(credentials, _webLoginOf(credentials), *interfaces)
        return login.addErrback(ebRefused)


def _instead(page: Resource) -> Login:
    """
    Return a login with a page in place of the avatar.
    """
    return IResource, page, lambda: None


def _throttledPage(error: Throttled) -> Resource:
    """
    Return the page that says when to try again.
    """
    page = notice(429, "Too Many Requests", f"{error}.")
    return PageResource(page, {b"retry-after": b"%d" % error.seconds})


def _webLoginOf(credentials: Any) -> WebLogin | None:
    """
    Return how a user logs in; L{None} if that isn't known.
    """
    if IBearerToken.providedBy(credentials):
        return WebLogin(b"", "HTTP Bearer authentication", proof="token")
    if ICertificateCredentials.providedBy(credentials):
        return WebLogin(b"", "a certificate", proof="certificate")
    if IUsernamePassword.providedBy(credentials):
        return WebLogin(credentials.username, "HTTP Basic authentication")
    fields = getattr(credentials, "fields", None)
    if fields is None:
        return None
    algorithm = fields.get("algorithm", b"MD5").decode("ascii", "replace").upper()
    return WebLogin(
        credentials.username, f"HTTP Digest authentication ({algorithm})", "--digest "
    )


class _Connection(LimitedConnection):
    """
    A connection that is limited anew with each request: a login is good for one.
    """

    # The separators of lines, cookies, arguments, and parts of a path and of a header.
    BEGINNINGS = b"\n;&/,"

    _beingServed = 0
    _isLoggedIn = False

    def dataReceived(self, data: bytes) -> None:
        """
        Take what the client sends: the beginning of a request, or more of it.
        """
        if not self._beingServed:
            self.awaitLogin()
        super().dataReceived(data)

    def serve(self, request: Request) -> None:
        """
        Set no limit to the time that the answer to a complete request takes.
        """
        self._beingServed += 1
        self._isLoggedIn = False
        self.stopWaiting()
        request.notifyFinish().addBoth(self._cbServed)
        if self._held > self.MOST_HELD // 2:
            # The client is told, rather than cut off in a later request.
            request.setHeader(b"connection", b"close")
            request.channel.persistent = False

    def _cbServed(self, _: object) -> None:
        """
        Count the answered request.
        """
        self._beingServed -= 1

    def loggedIn(self) -> None:
        """
        Count anew, since the client is logged in, for this request.
        """
        self._held = 0
        self._isLoggedIn = True

    def write(self, data: bytes) -> None:
        """
        Send data, and count it: a client that isn't logged in may never read it.
        """
        self._count([data])
        super().write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """
        Send several pieces of data, and count them.
        """
        written = list(data)
        self._count(written)
        super().writeSequence(written)

    def _count(self, written: list[bytes]) -> None:
        """
        Count the bytes that are sent to a client that isn't logged in.
        """
        if not self._isLoggedIn:
            self._held += sum(map(len, written))

    def loseConnection(self) -> None:
        """
        End when the client has read its answer.  A client that isn't logged in gets only
        limited time for that.
        """
        if not self._isLoggedIn:
            self.awaitLogin()
        super().loseConnection()


class _SiteFactory(LimitedFactory):
    """
    Build limited connections for requests, each of which has a portal of its own.
    """

    def openSession(self, protocol: object) -> None:
        """
        Do nothing.
        """


class _Guarded(Resource):
    """
    The resource that asks for a login, with a portal of its own for each request.
    """

    isLeaf = True

    def __init__(self, portal: Portal, factories: list[ICredentialFactory]) -> None:
        super().__init__()
        self._portal = portal
        self._factories = factories
        self._refusal = LoginPage(factories)

    def render(self, request: Request) -> object:
        """
        Log the user in, and have their page rendered.
        """
        request.transport.serve(request)
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        if len(request.requestHeaders.getRawHeaders(b"authorization", [])) > 1:
            # A proxy before this server may have checked another one.
            return badRequest("There are several logins.").render(request)
        session = _PagePortal(self._portal, request, self._refusal)
        request.notifyFinish().addBoth(session.close)
        answer = HTTPAuthSessionWrapper(session, self._factories).render(request)
        if answer is not NOT_DONE_YET and request.code == http.UNAUTHORIZED:
            # A malformed header doesn't get to the portal.
            return self._refusal.render(request)
        return answer


def _credentialFactories(portal: Portal) -> list[ICredentialFactory]:
    """
    Return the authentication schemes that the checkers can serve.
    """
    served = portal.listCredentialsInterfaces()
    factories: list[ICredentialFactory] = []
    if isOffered(portal, *PROOFS):
        # A file made by htdigest holds MD5 hashes, which serve nothing else.
        algorithm = b"MD5" if IUsernameDigestHash in served else b"SHA-256"
        factories.append(GuardDigest(DigestCredentialFactory(algorithm, REALM)))
    if IUsernamePassword in served:
        factories.append(BasicCredentialFactory(REALM))
    if IBearerToken in served:
        factories.append(BearerCredentialFactory(REALM))
    return factories


def makeFactory(
    portal: Portal, loginTimeout: float = LOGIN_TIMEOUT, reactor: Clock | None = None
) -> IProtocolFactory:
    """
    Return a factory that serves a portal over HTTP.

    @param loginTimeout: how long a client may take to send a request, in seconds.
    @param reactor: the clock for time-outs; the reactor that is installed if L{None}.
    """
    site = Site(_Guarded(portal, _credentialFactories(portal)), reactor=reactor)
    return _SiteFactory(site, _Connection, loginTimeout, reactor, [b"http/1.1"])


__all__ = ["makeFactory"]
