"""
The page for users who aren't logged in.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.web.iweb import ICredentialFactory
from twisted.web.resource import Resource
from twisted.web.template import Tag, tags

from ._guarddigest import challengeHeader
from ._pages import Page, Request, show, urlOf

_TITLE = "Log in to read mail"

# By which options curl logs in, the one first that serves most users.
_OPTIONS = {
    "basic": "-u NAME",
    "digest": "--digest -u NAME",
    "bearer": "--oauth2-bearer TOKEN",
}
_CERTIFICATE = "--cert FILE --key FILE"

_ACCOUNTS = (
    "The accounts are those of the server's --auth option: types that take passwords"
    " serve this page, such as file or htpasswd, and so do token and, over TLS, cert;"
    " sshkey and anonymous don't. bin/demo makes an account, and prints its name and"
    " password."
)


class LoginPage(Resource):
    """
    A page that says how to log in, which a browser shows to a user who cancels the login.
    It tells strangers nothing about the server that the challenges don't.
    """

    isLeaf = True

    def __init__(self, factories: Sequence[ICredentialFactory]) -> None:
        """
        @param factories: the ways to log in.
        """
        super().__init__()
        self._factories = factories

    def render(self, request: Request) -> int:
        """
        Send the page, with challenges.
        """
        headers = [
            challengeHeader(factory.scheme, factory.getChallenge(request))
            for factory in self._factories
        ]
        request.responseHeaders.setRawHeaders(b"WWW-Authenticate", headers)
        return show(request, self._page(urlOf(request)))

    def _page(self, url: str) -> Page:
        """
        Return the page.
        """
        schemes = [factory.scheme.decode("ascii") for factory in self._factories]
        ways = " or ".join(f"HTTP {scheme.capitalize()}" for scheme in schemes)
        terminal = f"In a terminal, with {ways or 'certificate'} authentication:"
        options = [_OPTIONS[scheme] for scheme in _OPTIONS if scheme in schemes]
        command = f"curl {[*options, _CERTIFICATE][0]} {url}"
        body = [
            tags.h1(_TITLE),
            tags.p(f"This page needs {_needed(schemes)}."),
            tags.p(tags.a("Ask me again", href="")),
            tags.p(_ACCOUNTS, class_="faint"),
            tags.p(terminal, class_="faint"),
            tags.pre(command),
        ]
        text = f"{_TITLE}\n\n{_ACCOUNTS}\n\n{terminal}\n  {command}"
        return Page(401, _TITLE, [Tag("main")(body, class_="sheet")], text)


def _needed(schemes: Sequence[str]) -> str:
    """
    Return what takes a login by some schemes.
    """
    if not schemes:
        return "a certificate"
    return "a token" if schemes == ["bearer"] else "a name and a password"


__all__ = ["LoginPage"]
