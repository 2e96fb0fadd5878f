"""
HTTP logins that Twisted's guard doesn't know: by the certificate of a client, and by a
token.

::

    from mycred.web import BearerCredentialFactory, HTTPAuthSessionWrapper

    factories = [BasicCredentialFactory(b"example"), BearerCredentialFactory(b"example")]
    resource = HTTPAuthSessionWrapper(portal, factories)
"""

from __future__ import annotations

from copy import copy
from typing import Any

from twisted.python.failure import Failure
from twisted.web import guard
from twisted.web.pages import errorPage
from twisted.web.resource import IResource, Resource
from twisted.web.util import DeferredResource

from ._conversations import ICertificateCredentials
from ._facts import ConnectionFacts
from ._tokens import BearerCredentialFactory
from .credentials import CertificateCredentials
from .error import TemporaryFailure, Throttled
from .portal import SessionPortal


class HTTPAuthSessionWrapper(guard.HTTPAuthSessionWrapper):
    """
    The L{HTTPAuthSessionWrapper<twisted.web.guard.HTTPAuthSessionWrapper>} of Twisted,
    and a login by the certificate that the client has presented to TLS.

    A request with a header C{Authorization} is served as by Twisted's: what a user has
    typed counts more than what their browser has.  So is one without a certificate, or
    where no checker of the portal checks certificates.  One whose certificate is refused
    is answered with 401, so that the user can type a password.

    A login that can't be decided now (L{TemporaryFailure}) is answered with 503: after a
    401 a browser would ask for the password again, and a program throw its token away.
    One that has to wait (L{Throttled}) is answered with 429, and C{Retry-After}.

    Each request has a portal of its own (L{SessionPortal}), unless the portal that was
    given is one: checkers and the log know where the client is, and a login that is
    under way ends when the client leaves.

    As a password that a browser remembers, a certificate goes with every request,
    also with one that another site makes the browser send.
    """

    def _authorizedResource(self, request: Any) -> IResource:
        """
        Return the resource that a request may have.
        """
        if not isinstance(self._portal, SessionPortal):
            own = copy(self)
            own._portal = session = _RequestPortal(self._portal, request, service="http")
            request.notifyFinish().addBoth(session.close)
            return own._authorizedResource(request)
        if not request.getHeader(b"authorization"):
            credentials = self._presentedWith(request)
            if credentials is not None:
                return DeferredResource(self._login(credentials))
        resource: IResource = super()._authorizedResource(request)
        return resource

    def _loginFailed(self, result: Failure) -> IResource:
        """
        Return what is shown in place of what was asked for.
        """
        if isinstance(result.value, Throttled):
            return _Throttled(result.value)
        if result.check(TemporaryFailure):
            why = "Logins are not possible now. Try again later."
            return errorPage(503, "Service Unavailable", why)
        refusal: IResource = super()._loginFailed(result)
        return refusal

    def _presentedWith(self, request: Any) -> CertificateCredentials | None:
        """
        Return the certificate of a request's connection, if the portal checks any.
        """
        if ICertificateCredentials not in self._portal.listCredentialsInterfaces():
            return None
        facts = ConnectionFacts(_transportOf(request), "http")
        certificate = facts.certificate
        if certificate is None:
            return None
        return CertificateCredentials(certificate, facts.chain)


class _RequestPortal(SessionPortal):
    """
    The portal of a request.
    """

    @property
    def facts(self) -> ConnectionFacts:
        """
        What is known of the request's connection.
        """
        return ConnectionFacts(_transportOf(self.protocol), "http")


class _Throttled(Resource):
    """
    A page that says when to come back (RFC 6585, section 4).
    """

    isLeaf = True

    def __init__(self, error: Throttled) -> None:
        super().__init__()
        self._error = error

    def render(self, request: Any) -> bytes:
        """
        Return the page.
        """
        # Twisted doesn't know the status.
        request.setResponseCode(429, b"Too Many Requests")
        request.setHeader(b"retry-after", b"%d" % self._error.seconds)
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return f"{self._error}.\n".encode()


def _transportOf(request: Any) -> Any:
    """
    Return the transport of a request's connection; L{None} if it isn't known.
    """
    transport = getattr(request, "transport", None)
    if transport is None:
        # Over HTTP/2 a request is a stream of a connection, and has none of its own.
        connection = getattr(getattr(request, "channel", None), "_conn", None)
        transport = getattr(connection, "transport", None)
    return transport


__all__ = ["BearerCredentialFactory", "HTTPAuthSessionWrapper"]
