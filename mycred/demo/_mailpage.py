"""
The mailbox as web pages.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.template import tags

from ._mailstore import Mailbox, Message, StoreService, Unavailable
from ._mailtemplates import ListedMessage, WebLogin, listPage, messagePage
from ._pages import Page, Request, notice, show, urlOf
from ._parsedmail import parseMessage

# How many messages a page lists; how much of each is loaded for that, and how much of one
# that is opened, in bytes.
_LISTED, _PREVIEWED, _READ = 50, 8 * 1024, 128 * 1024

# A request may name the server, as to a proxy (RFC 9112, section 3.2.2).
_target = re.compile(rb"(?:https?://[^/?#]*)?([^?#]*)(?:\?([^#]*))?.*", re.I | re.S)
_message = re.compile(rb"/([1-9][0-9]{0,17})")
_before = re.compile(rb"before=([1-9][0-9]{0,17})")


class MailboxPage(Resource):
    """
    The pages of a mailbox: the list of its messages, and one for each message.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        """
        @param mind: the L{WebLogin}, if it is known.
        """
        super().__init__()
        self._store = store
        self._mailbox = mailbox
        if not isinstance(mind, WebLogin):
            mind = WebLogin(b"", "HTTP authentication")
        self._webLogin = mind if mind.name else replace(mind, name=mailbox.user)

    def logout(self) -> None:
        """
        Do nothing.
        """

    def render(self, request: Request) -> int:
        """
        Send the page that is asked for, unless the client leaves before it is loaded.
        """
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def cbPage(page: Page) -> None:
            if not gone:
                show(request, page)

        def ebPage(failure: Failure) -> None:
            if not failure.check(Unavailable):
                self._log.failure("Mail could not be shown", failure=failure)
            cbPage(notice(503, "Service Unavailable", "Try again later."))

        self._page(request).addCallbacks(cbPage, ebPage)
        return NOT_DONE_YET

    def _page(self, request: Request) -> Deferred[Page]:
        """
        Return the page that is asked for.
        """
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            why = "This page can only be read."
            return succeed(notice(405, "Method Not Allowed", why))
        path, query = _target.fullmatch(request.uri).groups(b"")  # type: ignore[union-attr]
        path = unquote_to_bytes(path)
        if path in (b"", b"/"):
            return self._listPage(urlOf(request), _before.fullmatch(query))
        asked = _message.fullmatch(path)
        for message in self._mailbox.messages:
            if asked and message.uid == int(asked[1]):
                return self._open(message)
        return succeed(_notFound())

    def _listPage(self, url: str, before: re.Match[bytes] | None) -> Deferred[Page]:
        """
        Return the list of messages, the newest first.

        @param before: the match that says where the list begins.
        """
        most = int(before[1]) if before else self._mailbox.uidNext
        older = [m for m in reversed(self._mailbox.messages) if m.uid < most]
        listed, rest = older[:_LISTED], older[_LISTED:]
        uids = [message.uid for message in listed]
        next_ = listed[-1].uid if rest else None

        def cbLoaded(contents: dict[int, bytes]) -> Page:
            found = [
                ListedMessage(m.uid, parseMessage(contents[m.uid], m.date))
                for m in listed
                # The others are gone.
                if m.uid in contents
            ]
            return listPage(self._mailbox.user, self._webLogin, url, found, next_)

        loading = self._store.contents(self._mailbox.user, uids, _PREVIEWED)
        return loading.addCallback(cbLoaded)

    def _open(self, message: Message) -> Deferred[Page]:
        """
        Return the page of a message.
        """

        def cbLoaded(content: bytes | None) -> Page:
            if content is None:
                return _notFound()
            parsed = parseMessage(content[:_READ], message.date)
            isCut = len(content) > _READ
            return messagePage(self._mailbox.user, self._webLogin, parsed, isCut)

        loading = self._store.content(self._mailbox.user, message.uid, _READ + 1)
        return loading.addCallback(cbLoaded)


def _notFound() -> Page:
    """
    Return the page for a path that isn't there.
    """
    back = tags.p(tags.a("All messages", href="/"))
    return notice(
        404, "Not Found", "There is no such page, or the message is gone.", back
    )


__all__ = ["MailboxPage"]
