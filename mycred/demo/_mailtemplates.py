"""
What the pages of a mailbox show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from shlex import quote

from twisted.web.template import Tag, tags

from ._mailheaders import oneLine
from ._pages import Page
from ._parsedmail import ParsedMessage

# How much of a message's text the list shows, in characters.
_PREVIEW = 140

_NO_SENDER, _NO_SUBJECT = "(unknown sender)", "(no subject)"


@dataclass(frozen=True)
class WebLogin:
    """
    How somebody has logged in.

    @ivar name: the name that they gave.
    @ivar scheme: the scheme, and its algorithm.
    @ivar option: what curl must be told to use it.
    """

    name: bytes
    scheme: str
    option: str = ""


@dataclass(frozen=True)
class ListedMessage:
    """
    A message in a list.

    @ivar uid: its number.
    @ivar letter: the beginning of it.
    """

    uid: int
    letter: ParsedMessage


def listPage(
    user: bytes,
    visit: WebLogin,
    url: str,
    listed: Sequence[ListedMessage],
    before: int | None,
) -> Page:
    """
    Show the messages of a mailbox.

    @param user: whose it is.
    @param visit: how they have logged in.
    @param url: the URL of the mailbox.
    @param listed: messages, the newest first.
    @param before: the number below which there are more; L{None} if there are none.
    """
    title, login = _title(user), _login(visit)
    rows = [_row(one) for one in listed] or [tags.p("No messages.", class_="sheet")]
    more = f"/?before={before}" if before else ""
    older = [tags.p(tags.a("Older messages", href=more), class_="older")]
    commands = _commands(visit, url, listed[0].uid if listed else 1)
    body = [
        tags.header(tags.h1(title), tags.p(login)),
        Tag("main")(
            tags.ol(rows, class_="list") if listed else rows, older if more else []
        ),
        tags.footer([[tags.p(why), tags.pre(line)] for why, line in commands]),
    ]
    text = [f"{title}\n{login}\n"]
    text += [_textRow(one) for one in listed] or ["No messages."]
    text += [f"\nOlder messages: {url}{more[1:]}"] if more else []
    text += [f"\n{why}\n  " + line.replace("\n", "\n  ") for why, line in commands]
    return Page(200, title, body, "\n".join(text))


def messagePage(user: bytes, visit: WebLogin, letter: ParsedMessage, isCut: bool) -> Page:
    """
    Show a message.

    @param user: whose it is.
    @param visit: how they have logged in.
    @param letter: the message.
    @param isCut: whether that is only the beginning of it.
    """
    title = letter.subject or _NO_SUBJECT
    fields = [
        ("From", letter.sender or _NO_SENDER),
        ("To", letter.recipient),
        ("Date", format_datetime(letter.date)),
    ]
    fields = [(name, value) for name, value in fields if value]
    notes = []
    if letter.isHTML:
        notes.append("The message is an HTML page. This is its source.")
    if isCut:
        notes.append(
            "The message is long. This is its beginning; POP3 and IMAP have all."
        )
    attached = tags.section(
        tags.span("Attached", class_="faint"),
        tags.ul([tags.li(tags.bdi(name)) for name in letter.attachments]),
        class_="attached",
    )
    body = [
        tags.header(
            tags.p(tags.a("\N{LEFTWARDS ARROW} ", _title(user), href="/")),
            tags.p(_login(visit)),
        ),
        Tag("main")(
            tags.h2(tags.bdi(title)),
            tags.dl([[tags.dt(n), tags.dd(tags.bdi(v))] for n, v in fields]),
            tags.div(letter.text, class_="source text" if letter.isHTML else "text"),
            attached if letter.attachments else [],
            [tags.p(note, class_="faint attached") for note in notes],
            class_="sheet",
        ),
    ]
    lines = [f"{name}: {value}" for name, value in (*fields, ("Subject", title))]
    lines += [f"Attached: {name}" for name in letter.attachments]
    return Page(200, title, body, "\n".join([*lines, "", letter.text, *notes]))


def _title(user: bytes) -> str:
    """
    Return the title of a mailbox.
    """
    return f"Mail of {_name(user)}"


def _name(user: bytes) -> str:
    """
    Return the name of a user as text.
    """
    return oneLine(user.decode("utf-8", "replace"))


def _login(visit: WebLogin) -> str:
    """
    Say who has logged in, and how.
    """
    return f"Logged in as {_name(visit.name)} by HTTP {visit.scheme}"


def _commands(visit: WebLogin, url: str, uid: int) -> list[tuple[str, str]]:
    """
    Return commands with which the same user gets further, and what each is for.

    @param uid: the number of a message.
    """
    name = quote(_name(visit.name))
    return [
        ("Read a message in a terminal:", f"curl {visit.option}-u {name} {url}{uid}"),
        (
            "Put in another message over IMAP, with any mail client or curl (the address "
            "stands in the server's log, if --imap was given):",
            "printf 'From: me\\nSubject: Tea\\n\\nAt five?\\n' > message.eml\n"
            f"curl -u {name} -T message.eml imap://127.0.0.1:1143/INBOX",
        ),
    ]


def _row(one: ListedMessage) -> Tag:
    """
    Show a message in the list.
    """
    letter = one.letter
    preview = "" if letter.isHTML else oneLine(letter.text[:_PREVIEW])
    return tags.li(
        tags.a(
            tags.span(letter.name or _NO_SENDER, class_="sender", dir="auto"),
            tags.time(f"{letter.date:%Y-%m-%d %H:%M}", datetime=letter.date.isoformat()),
            tags.span(letter.subject or _NO_SUBJECT, class_="subject", dir="auto"),
            tags.span(preview, class_="preview", dir="auto") if preview else "",
            href=f"/{one.uid}",
        )
    )


def _textRow(one: ListedMessage) -> str:
    """
    Show a message in the list, as text.
    """
    letter = one.letter
    name, subject = letter.name or _NO_SENDER, letter.subject or _NO_SUBJECT
    return f"{one.uid:>5}  {letter.date:%Y-%m-%d %H:%M}  {name:<24.24}  {subject:.100}"


__all__ = ["ListedMessage", "WebLogin", "listPage", "messagePage"]
