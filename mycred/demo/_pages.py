"""
Pages: as HTML for browsers, and as text for programs such as curl.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.template import Tag, flattenString, tags

from ._style import ICON, STYLE

_log = Logger()

# A server as clients may call it: a name or an address, and a port.
_server = re.compile(rb"[\w.:\[\]-]+")

_html = re.compile(
    r"(text/html|application/xhtml\+xml)\s*(;(?!\s*q=0(\.0*)?\s*$).*)?", re.I
)


class Request(Protocol):
    """
    What the pages use of a C{twisted.web} request.
    """

    code: int
    method: bytes
    uri: bytes
    requestHeaders: Headers
    responseHeaders: Headers
    transport: Any
    channel: Any

    def getHeader(self, key: bytes) -> bytes | None: ...

    def setHeader(self, name: bytes, value: bytes) -> None: ...

    def setResponseCode(self, code: int, message: bytes | None = None) -> None: ...

    def getClientAddress(self) -> IAddress: ...

    def isSecure(self) -> bool: ...

    def notifyFinish(self) -> Deferred[None]: ...

    def write(self, data: bytes) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True)
class Page:
    """
    A page.

    @ivar code: the HTTP status.
    @ivar title: the title.
    @ivar body: the elements of the body.
    @ivar text: the whole page as text.
    """

    code: int
    title: str
    body: list[Tag]
    text: str


def show(request: Request, page: Page) -> int:
    """
    Answer a request with a page.

    @return: what C{render} returns then.
    """
    isHTML = wantsHTML(request.getHeader(b"accept"))
    kind = b"text/html" if isHTML else b"text/plain"
    # Twisted doesn't know all of them.
    phrase = None if page.code in http.RESPONSES else page.title.encode()
    request.setResponseCode(page.code, phrase)
    request.setHeader(b"Content-Type", kind + b"; charset=utf-8")
    request.setHeader(b"Vary", b"Accept")

    def finish(body: bytes) -> None:
        request.setHeader(b"Content-Length", b"%d" % len(body))
        request.write(body)
        request.finish()

    def ebPage(failure: Failure) -> None:
        _log.failure("A page could not be made", failure=failure)
        request.setResponseCode(500)
        finish(b"")

    if isHTML:
        flattening = flattenString(None, _document(page))
        flattening.addCallback(lambda html: finish(b"<!DOCTYPE html>\n" + html))
        flattening.addErrback(ebPage)
    else:
        finish(page.text.encode() + b"\n")
    return NOT_DONE_YET


def wantsHTML(accepted: bytes | None) -> bool:
    """
    Return whether a client asks for HTML.  Browsers do; curl accepts anything.

    @param accepted: the C{Accept} header; L{None} if there is none.
    """
    if accepted is None:
        return True
    kinds = accepted.decode("latin-1").split(",")
    return any(_html.fullmatch(kind.strip()) for kind in kinds)


def serverNameIn(request: Request) -> bytes:
    """
    Return the server's name as the client has it, if it is a valid one; else nothing.
    """
    server: bytes = request.getHeader(b"host") or b""
    return server if _server.fullmatch(server) else b""


def urlOf(request: Request) -> str:
    """
    Return the URL of the server, as the client has it.
    """
    scheme = "https" if request.isSecure() else "http"
    server = serverNameIn(request).decode("ascii", "replace")
    return f"{scheme}://{server or '127.0.0.1:8080'}/"


class PageResource(Resource):
    """
    The resource that always answers with one page.
    """

    isLeaf = True

    def __init__(self, page: Page, headers: Mapping[bytes, bytes] = {}) -> None:
        """
        @param headers: what the answer has besides.
        """
        super().__init__()
        self._page = page
        self._headers = headers

    def render(self, request: Request) -> int:
        """
        Send the page.
        """
        for name, value in self._headers.items():
            request.setHeader(name, value)
        return show(request, self._page)


def notice(code: int, title: str, text: str, *more: Tag) -> Page:
    """
    Return a page with one paragraph.

    @param code: the HTTP status.
    @param title: the title.
    @param text: the paragraph.
    @param more: what follows it in HTML.
    """
    body = [Tag("main")(tags.h1(title), tags.p(text), more, class_="sheet")]
    return Page(code, title, body, f"{title}\n\n{text}")


def _document(page: Page) -> Tag:
    """
    Return the HTML document of a page.
    """
    return tags.html(
        tags.head(
            tags.meta(charset="utf-8"),
            tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
            tags.title(page.title),
            tags.link(rel="icon", href=ICON),
            tags.style(STYLE),
        ),
        tags.body(*page.body),
        lang="en",
    )


__all__ = [
    "Page",
    "PageResource",
    "Request",
    "notice",
    "serverNameIn",
    "show",
    "urlOf",
    "wantsHTML",
]
