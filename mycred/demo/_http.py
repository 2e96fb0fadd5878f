"""
The mailbox as a web browser shows it.
"""

from __future__ import annotations

from html import escape
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.guard import BasicCredentialFactory, HTTPAuthSessionWrapper
from twisted.web.iweb import ICredentialFactory
from twisted.web.pages import errorPage
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Site

from .._contracts import (
    IUsernameDigestHash,
    IUsernamePassword,
    Login,
)
from ..credentials import DigestCredentialFactory
from ..error import TemporaryFailure
from ..portal import Portal
from ._digest import GuardDigest, Refused, badRequest
from ._limits import LOGIN_TIMEOUT, LimitedConnection, LimitedFactory, LimitedPortal
from ._offered import PROOFS, isOffered
from ._options import REALM
from ._store import Mailbox, StoreService

_page = """<!DOCTYPE html>
<meta charset="utf-8"><title>Mail of {user}</title>
<h1>Mail of {user}</h1>
{messages}
"""


class MailboxPage(Resource):
    """
    A page with the messages of a mailbox.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        super().__init__()
        self._store = store
        self._mailbox = mailbox

    def logout(self) -> None:
        """
        Leave.
        """

    def render_GET(self, request: Any) -> int:
        """
        Show the messages, the newest first.
        """
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        user = self._mailbox.user
        loading = [
            self._store.content(user, message.uid)
            for message in reversed(self._mailbox.messages)
        ]

        def cbLoaded(contents: list[bytes | None]) -> None:
            if not gone:
                request.setHeader(b"content-type", b"text/html; charset=utf-8")
                request.setHeader(b"cache-control", b"no-store")
                request.write(_render(user, [c for c in contents if c is not None]))
                request.finish()

        def ebLoaded(failure: Failure) -> None:
            self._log.failure("Mail could not be shown", failure=failure)
            if not gone:
                request.setResponseCode(503)
                request.finish()

        gatherResults(loading, consumeErrors=True).addCallbacks(cbLoaded, ebLoaded)
        return NOT_DONE_YET


def _render(user: bytes, contents: list[bytes]) -> bytes:
    """
    Make the page.
    """
    messages = "\n".join(f"<pre>{_text(content)}</pre><hr>" for content in contents)
    page = _page.format(user=_text(user), messages=messages or "<p>No mail.</p>")
    return page.encode("utf-8")


def _text(data: bytes) -> str:
    """
    Show bytes as text that can't be taken for HTML.
    """
    return escape(data.decode("utf-8", "replace"))


class _PagePortal(LimitedPortal):
    """
    A portal that has a page for those about whom nothing can be found out: with a
    refusal a browser would have the user type his password again.
    """

    def login(self, *args: Any) -> Deferred[Login]:
        """
        Log in, or fetch that page, or the one that comes instead.
        """
        if isinstance(args[0], Refused):
            return succeed((IResource, args[0].page, lambda: None))

        def ebUnsure(failure: Failure) -> Login:
            failure.trap(TemporaryFailure)
            page = errorPage(
                503, "Service Unavailable", "Nobody can log in now. Try again later."
            )
            return IResource, page, lambda: None

        return super().login(*args).addErrback(ebUnsure)


class _Connection(LimitedConnection):
    """
    A connection that is limited anew with each request: a login is good for one.
    """

    # What separates lines, cookies, arguments, parts of a path and of a header.
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

    def serve(self, request: Any) -> None:
        """
        Give a request that has come in as a whole the time that its answer takes.
        """
        self._beingServed += 1
        self._isLoggedIn = False
        self.stopWaiting()
        request.notifyFinish().addBoth(self._cbServed)
        if self._held > self.MOST_HELD // 2:
            # Rather than cut it off in a later request, tell the client.
            request.setHeader(b"connection", b"close")
            request.channel.persistent = False

    def _cbServed(self, _: object) -> None:
        """
        Be ready for the next request.
        """
        self._beingServed -= 1

    def loggedIn(self) -> None:
        """
        Count anew: somebody is logged in, for this request.
        """
        self._held = 0
        self._isLoggedIn = True

    def loseConnection(self) -> None:
        """
        End when the client has read its answer, and don't wait long for somebody who
        isn't logged in.
        """
        if not self._isLoggedIn:
            self.awaitLogin()
        super().loseConnection()


class _Guarded(Resource):
    """
    What asks everybody to log in, with a portal of its own for each request.
    """

    isLeaf = True

    def __init__(self, portal: Portal, factories: list[ICredentialFactory]) -> None:
        super().__init__()
        self._portal = portal
        self._factories = factories

    def render(self, request: Any) -> Any:
        """
        Log the user in, and have his page rendered.
        """
        request.transport.serve(request)
        if len(request.requestHeaders.getRawHeaders(b"authorization", [])) > 1:
            # Whatever stands before this server may have looked at another one.
            return badRequest("There are several logins.").render(request)
        session = _PagePortal(self._portal, request, service="http")
        request.notifyFinish().addBoth(session.close)
        return HTTPAuthSessionWrapper(session, self._factories).render(request)


def _credentialFactories(portal: Portal) -> list[ICredentialFactory]:
    """
    Choose the ways to log in that the checkers can serve.
    """
    served = portal.listCredentialsInterfaces()
    factories: list[ICredentialFactory] = []
    if isOffered(portal, *PROOFS):
        # A file made by htdigest holds MD5 hashes, which serve nothing else.
        algorithm = b"MD5" if IUsernameDigestHash in served else b"SHA-256"
        factories.append(GuardDigest(DigestCredentialFactory(algorithm, REALM)))
    if IUsernamePassword in served:
        factories.append(BasicCredentialFactory(REALM))
    return factories


def makeFactory(
    portal: Portal, loginTimeout: float = LOGIN_TIMEOUT, reactor: Any = None
) -> IProtocolFactory:
    """
    Serve a portal over HTTP.

    @param loginTimeout: how long a client may take to send a request, in seconds.
    @param reactor: what counts the time; the reactor that is installed if L{None}.
    """
    site = Site(_Guarded(portal, _credentialFactories(portal)), reactor=reactor)
    return LimitedFactory(site, _Connection, loginTimeout, reactor, [b"http/1.1"])


__all__ = ["MailboxPage", "makeFactory"]
