"""
Tests for L{mycred.demo._pages} and what is shown on them, in memory.

They cover L{mycred.demo._http}, L{mycred.demo._loginpage}, L{mycred.demo._mailpage},
L{mycred.demo._mailtemplates} and L{mycred.demo._style}, too.
"""

from __future__ import annotations

import re
from base64 import b64encode
from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.internet.defer import Deferred, FirstError, fail, succeed
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.guard import BasicCredentialFactory
from twisted.web.resource import IResource

from mycred.demo._http import _Guarded
from mycred.demo._mailpage import MailboxPage
from mycred.demo._mailstore import Mailbox, Message
from mycred.demo._pages import wantsHTML
from mycred.demo._parsedmail import parseMessage
from mycred.demo._style import STYLE
from mycred.portal import Portal

from ..kit.letters import messages
from ..kit.web import Answer, Guarded

patient = settings(deadline=None, database=None)

# The elements of our pages, and their attributes.
_TAGS = """
    html head meta title link style body header main footer h1 h2 p a ol ul li span time
    dl dt dd bdi div section pre
"""
_ATTRIBUTES = "lang charset name content rel href class dir datetime"
_URL = re.compile(r"|/|/\?before=[1-9][0-9]*|/[1-9][0-9]*|data:image/svg\+xml,[^<>]*")


class Reader(HTMLParser):
    """
    What a browser makes of a page.

    @ivar shown: the text.
    @ivar urls: where links lead.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shown = ""
        self.urls: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.odd: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        See an element.
        """
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.urls += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        """
        See text.
        """
        self.shown += data

    def handle_comment(self, data: str) -> None:
        """
        See a comment, of which there are none.
        """
        self.odd.append(data)

    handle_pi = unknown_decl = handle_comment


class Store:
    """
    A store with the messages of the test.
    """

    def __init__(self, contents: list[bytes]) -> None:
        self.loaded = contents
        self.failing = False

    def content(self, user: bytes, uid: int, most: int) -> Deferred[bytes | None]:
        """
        Load a message.
        """
        if self.failing:
            return fail(OSError("disk"))
        return succeed(self.loaded[uid - 1][:most])

    def contents(
        self, user: bytes, uids: list[int], most: int
    ) -> Deferred[dict[int, bytes]]:
        """
        Load messages.
        """
        if self.failing:
            return fail(OSError("disk"))
        return succeed({uid: self.loaded[uid - 1][:most] for uid in uids})


class PageTests(Guarded, SynchronousTestCase):
    """
    Tests for the pages of Alice's mailbox.
    """

    contents: list[bytes] = []

    def guard(self, portal: Portal) -> IResource:
        """
        Have her log in with her password.
        """
        return _Guarded(portal, [BasicCredentialFactory(b"here")])

    def makePage(self) -> Any:
        """
        Make the pages.
        """
        self.store = Store(self.contents)
        known = [
            Message(uid, len(content), 0) for uid, content in enumerate(self.contents, 1)
        ]
        mailbox = Mailbox(b"al<i>ce", 1, len(known) + 1, known)
        return MailboxPage(self.store, mailbox, None)  # type: ignore[arg-type]

    def get(self, target: bytes = b"/", method: bytes = b"GET") -> Answer:
        """
        Ask for a page.
        """
        login = b"Basic " + b64encode(b"alice:secret")
        return self.ask(login, target=target, method=method)

    def look(self, target: bytes = b"/") -> Reader:
        """
        Ask for a page that is there, and insist that all elements are our own.
        """
        answer = self.get(target)
        self.assertEqual(answer.status, 200)
        return self.readOurs(answer)

    def readOurs(self, answer: Answer) -> Reader:
        """
        Read a page, and insist that all of its elements are our own.
        """
        page = answer.page.decode("utf-8")
        self.assertTrue(page.startswith("<!DOCTYPE html>\n<html"))
        reader = Reader(page)
        self.assertEqual(reader.tags.difference(_TAGS.split()), set())
        self.assertEqual(reader.attributes.difference(_ATTRIBUTES.split()), set())
        self.assertEqual([u for u in reader.urls if not _URL.fullmatch(u)], [])
        self.assertEqual(reader.odd, [])
        self.assertIn(STYLE, page)
        return reader

    @patient
    @given(st.lists(messages, max_size=3), st.binary())
    def test_anyMessages(self, contents: list[bytes], subject: bytes) -> None:
        """
        Whatever is in messages, the list and the page of each are shown, and have no
        elements but our own; what the messages say is text.
        """
        self.contents = [*contents, b"Subject: " + subject + b"\n\n" + subject]
        self.look()
        for uid, content in enumerate(self.contents, 1):
            reader = self.look(b"/%d" % uid)
            letter = parseMessage(content, 0)
            for text in (letter.sender, letter.subject, letter.text):
                self.assertIn(text, reader.shown)

    @patient
    @given(st.binary())
    def test_anyTarget(self, target: bytes) -> None:
        """
        Whatever is asked for, the list is answered, or that there is no such page.
        """
        target = b"/" + re.sub(rb"[\x00-\x20\x7f-\xff]", b"", target)
        answer = self.get(target)
        self.assertIn(answer.status, (200, 404))
        self.readOurs(answer)

    def test_targets(self) -> None:
        """
        Messages have addresses of their own; all other addresses aren't there.
        """
        self.contents = [b"Subject: first\n\n", b"Subject: second\n\n"]
        for target in (
            b"/",
            b"/?",
            b"/?q",
            b"http://example.org",
            b"http://example.org/",
        ):
            self.assertEqual(self.look(target).urls[1:], ["/2", "/1"], target)
        for target in (b"/2", b"/%32", b"/2?x", b"HTTP://example.org:80/2"):
            self.assertIn("second", self.look(target).shown)
        for target in (
            *(b"/0", b"/3", b"/02", b"/-1", b"/1/", b"//1", b"/1.0", b"/%D9%A1", b"//"),
            *(b"/favicon.ico", b"/../1", b"/1%00", b"/" + b"9" * 1000, b"/1%2f"),
        ):
            self.assertEqual(self.get(target).status, 404, target)

    def test_many(self) -> None:
        """
        A page lists fifty messages, and leads to the older ones.
        """
        self.contents = [b"Subject: nr%d.\n\n" % uid for uid in range(1, 121)]
        found = []
        target = "/"
        while target:
            reader = self.look(target.encode())
            found += re.findall(r"nr(\d+)\.", reader.shown)
            more = [url for url in reader.urls if "before" in url]
            target = more[0] if more else ""
        self.assertEqual(found, [str(uid) for uid in range(120, 0, -1)])

    def test_long(self) -> None:
        """
        Of a long message the beginning is shown, and it says so.
        """
        self.contents = [b"Subject: long\n\n" + b"x" * 200_000 + b"the end", b"\n\nshort"]
        long = self.look(b"/1").shown
        self.assertIn("x" * 100_000, long)
        self.assertNotIn("the end", long)
        self.assertIn("This is its beginning", long)
        self.assertNotIn("beginning", self.look(b"/2").shown)

    def test_empty(self) -> None:
        """
        An empty mailbox says that it is, and shows how to put a message in.
        """
        shown = self.look().shown
        self.assertIn("No messages", shown)
        self.assertIn("curl -u 'al<i>ce' -T message.eml imap://", shown)

    def test_storeFails(self) -> None:
        """
        If the store fails, the user is told to try again, and the log why.
        """
        self.contents = [b"\n\n"]
        page = self.makePage()
        self.store.failing = True
        self.makePage = lambda: page  # type: ignore[method-assign]
        self.setUp()
        for target in (b"/", b"/1"):
            answer = self.get(target)
            self.assertEqual(answer.status, 503)
            self.assertNotIn(b"disk", answer.page)
            self.assertEqual(len(self.flushLoggedErrors(OSError, FirstError)), 1)

    def test_methods(self) -> None:
        """
        HEAD is answered like GET, without the page; all other methods are refused.
        """
        answer, full = self.get(method=b"HEAD"), self.get()
        self.assertEqual((answer.status, answer.page), (200, b""))
        self.assertEqual(answer.headers["Content-Length"], str(len(full.page)))
        for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"X"):
            answer = self.get(method=method)
            self.assertEqual(answer.status, 405, method)
            self.assertEqual(answer.headers["Allow"], "GET, HEAD")

    def test_strangers(self) -> None:
        """
        Whatever a stranger asks for, and by whatever method, the answer is the same.
        """
        self.contents = [b"Subject: first\n\n"]
        asked = [
            self.ask(target=target, method=method)
            for target in (b"/", b"/1", b"/2", b"/favicon.ico")
            for method in (b"GET", b"POST", b"X")
        ]
        self.assertEqual({answer.status for answer in asked}, {401})
        self.assertEqual(len({answer.page for answer in asked}), 1)

    def test_refused(self) -> None:
        """
        Who doesn't log in is told how to; so is who does it wrongly, in any way.
        """
        for answers in (
            [],
            [b"Basic " + b64encode(b"alice:wrong")],
            [b"Basic " + b64encode(b"bob:secret")],
            [b"Basic !"],
            [b"Bearer x"],
            [b"x"],
            [b"Digest username=x"],
        ):
            answer = self.ask(*answers)
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.challenges, ['basic realm="here"'])
            shown = self.readOurs(answer).shown
            self.assertIn("needs a name and a password", shown)
            self.assertIn("curl -u NAME http://example.org/", shown)
            self.assertNotIn("alice", shown)

    def test_forgedHost(self) -> None:
        """
        What a client calls the server is repeated only if it is a name.
        """
        self.host = b"example.org; rm -rf <b>"
        self.assertNotIn("rm -rf", self.readOurs(self.ask()).shown)

    def test_headers(self) -> None:
        """
        With each answer the browser is told to run nothing, to load nothing, and to keep
        nothing.
        """
        self.contents = [b"\n\n"]
        login = b"Basic " + b64encode(b"alice:secret")
        for answer in (
            self.get(),
            self.get(b"/1"),
            self.get(b"/2"),
            self.get(method=b"POST"),
            self.ask(),
            self.ask(b"Basic !"),
            self.ask(login, login),
        ):
            headers = answer.headers
            self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none';", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")


class NegotiationTests(SynchronousTestCase):
    """
    Tests for L{wantsHTML}.
    """

    def test_kinds(self) -> None:
        """
        Browsers get HTML, and programs that take anything get text.
        """
        for accepted, isHTML in {
            None: True,
            b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": True,
            b"*/*": False,
            b"": False,
            b"text/plain": False,
            b"TEXT/HTML": True,
            b"text/plain, text/html;level=1;q=0.1": True,
            b"text/html;q=0, */*": False,
            b"text/html; q=0.000": False,
            b"text/html; q=0.01": True,
            b"text/htmlx": False,
        }.items():
            self.assertEqual(wantsHTML(accepted), isHTML, accepted)

    @patient
    @given(st.binary())
    def test_anything(self, accepted: bytes) -> None:
        """
        Whatever a client sends, it is one of both.
        """
        self.assertIn(wantsHTML(accepted), (True, False))
