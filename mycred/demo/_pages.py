"""
Pages, for browsers as HTML and for programs such as curl as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.template import Tag, flattenString, tags

from ._style import ICON, STYLE

_log = Logger()

# Who sends a request says what the server is called: a name or an address, and a port.
_server = re.compile(rb"[\w.:\[\]-]+")

_html = re.compile(
    r"(text/html|application/xhtml\+xml)\s*(;(?!\s*q=0(\.0*)?\s*$).*)?", re.I
)


@dataclass(frozen=True)
class Page:
    """
    What is answered.

    @ivar code: the status.
    @ivar title: the title.
    @ivar body: what is to be seen, as HTML.
    @ivar text: the same as text.
    """

    code: int
    title: str
    body: list[Tag]
    text: str


def show(request: Any, page: Page) -> int:
    """
    Answer a request with a page.

    @return: what a resource answers that has done so.
    """
    isHTML = wantsHTML(request.getHeader(b"accept"))
    kind = b"text/html" if isHTML else b"text/plain"
    request.setResponseCode(page.code)
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
        flattening = flattenString(request, _document(page))
        flattening.addCallback(lambda html: finish(b"<!DOCTYPE html>\n" + html))
        flattening.addErrback(ebPage)
    else:
        finish(page.text.encode() + b"\n")
    return NOT_DONE_YET


def wantsHTML(accepted: bytes | None) -> bool:
    """
    Tell whether a client takes HTML.  Browsers say so; curl says that it takes anything.

    @param accepted: the C{Accept} header; L{None} if there is none.
    """
    if accepted is None:
        return True
    kinds = accepted.decode("latin-1").split(",")
    return any(_html.fullmatch(kind.strip()) for kind in kinds)


def addressed(request: Any) -> bytes:
    """
    Return what a client calls the server, if that is a name or an address, and a port;
    else nothing.
    """
    server: bytes = request.getHeader(b"host") or b""
    return server if _server.fullmatch(server) else b""


def urlOf(request: Any) -> str:
    """
    Return the URL of the server.
    """
    scheme = "https" if request.isSecure() else "http"
    server = addressed(request).decode("ascii", "replace")
    return f"{scheme}://{server or '127.0.0.1:8080'}/"


class PageResource(Resource):
    """
    A page, whatever was asked for.
    """

    isLeaf = True

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def render(self, request: Any) -> int:
        """
        Show it.
        """
        return show(request, self._page)


def notice(code: int, title: str, text: str, *more: Tag) -> Page:
    """
    Make a page that says a few words.

    @param code: the status.
    @param title: the title.
    @param text: the words.
    @param more: what follows them for those who have a browser.
    """
    body = [Tag("main")(tags.h1(title), tags.p(text), more, class_="sheet")]
    return Page(code, title, body, f"{title}\n\n{text}")


def _document(page: Page) -> Tag:
    """
    Make the whole of a page.
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


__all__ = ["Page", "PageResource", "addressed", "notice", "show", "urlOf", "wantsHTML"]
