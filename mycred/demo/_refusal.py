"""
The page for who isn't logged in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.web.iweb import ICredentialFactory
from twisted.web.resource import Resource
from twisted.web.template import tags

from ._digest import challengeHeader
from ._pages import notice, show, urlOf

_ASKED = (
    "This page opens with a name and a password. If your browser doesn't ask for them any"
    " more, load the page again."
)
_ACCOUNTS = (
    "Good are the accounts that the server's --auth names; who has started it knows them."
    " bin/demo has one, and prints its name and password when it starts."
)


class Refusal(Resource):
    """
    A page that says how to log in.  A browser shows it to a user who doesn't.
    """

    isLeaf = True

    def __init__(self, factories: Sequence[ICredentialFactory]) -> None:
        """
        @param factories: the ways to log in.
        """
        super().__init__()
        self._factories = factories

    def render(self, request: Any) -> int:
        """
        Challenge the client.
        """
        headers = [
            challengeHeader(factory.scheme, factory.getChallenge(request))
            for factory in self._factories
        ]
        request.responseHeaders.setRawHeaders(b"WWW-Authenticate", headers)
        schemes = [f.scheme.decode("ascii") for f in self._factories]
        option = "" if "basic" in schemes else "--digest "
        ways = " or ".join(f"HTTP {scheme.capitalize()}" for scheme in schemes)
        page = notice(
            401,
            "Log in to read mail",
            _ASKED,
            _ACCOUNTS,
            f"The server takes {ways}. In a terminal:",
            tags.pre(f"curl {option}-u NAME {urlOf(request)}"),
        )
        return show(request, page)


__all__ = ["Refusal"]
