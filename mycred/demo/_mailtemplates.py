"""
The pages of a mailbox: the list, and a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime

from twisted.web.template import Tag, tags

from ._loginways import proofOptions
from ._mailheaders import oneLine
from ._pages import Page
from ._parsedmail import ParsedMessage

# How much of a message's text the list shows, in characters.
_PREVIEW = 140

_NO_SENDER, _NO_SUBJECT = "(unknown sender)", "(no subject)"


@dataclass(frozen=True)
class WebLogin:
    """
    How a user has logged in.

    @ivar name: the user name that was given; empty if none was.
    @ivar scheme: the authentication scheme, and its algorithm.
    @ivar option: the option by which curl uses it, followed by a space.
    @ivar proof: what the user has: a C{password}, a C{token} or a C{certificate}.
    """

    name: bytes
    scheme: str
    option: str = ""
    proof: str = "password"


@dataclass(frozen=True)
class ListedMessage:
    """
    A message in a list.

    @ivar uid: its UID.
    @ivar message: the beginning of it.
    """

    uid: int
    message: ParsedMessage


def listPage(
    user: bytes,
    webLogin: WebLogin,
    url: str,
    listed: Sequence[ListedMessage],
    before: int | None,
) -> Page:
    """
    Return the page that lists messages.

    @param user: the owner of the mailbox.
    @param webLogin: how they have logged in.
    @param url: the URL of the mailbox.
    @param listed: messages, the newest first.
    @param before: the UID below which there are more; L{None} if there are none.
    """
    title, login = _title(user), _login(webLogin)
    rows = [_row(one) for one in listed] or [tags.p("No messages.", class_="sheet")]
    more = f"/?before={before}" if before else ""
    older = [tags.p(tags.a("Older messages", href=more), class_="older")]
    commands = _commands(webLogin, url, listed[0].uid if listed else 1)
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


def messagePage(
    user: bytes, webLogin: WebLogin, message: ParsedMessage, isCut: bool
) -> Page:
    """
    Return the page that shows a message.

    @param user: the owner of the mailbox.
    @param webLogin: how they have logged in.
    @param message: the message.
    @param isCut: whether that is only the beginning of it.
    """
    title = message.subject or _NO_SUBJECT
    fields = [
        ("From", message.sender or _NO_SENDER),
        ("To", message.recipient),
        ("Date", format_datetime(message.date)),
    ]
    fields = [(name, value) for name, value in fields if value]
    notes = []
    if message.isHTML:
        notes.append("The message is an HTML page. This is its source.")
    if isCut:
        notes.append(
            "The message is long. This is its beginning; POP3 and IMAP have all."
        )
    attached = tags.section(
        tags.span("Attached", class_="faint"),
        tags.ul([tags.li(tags.bdi(name)) for name in message.attachments]),
        class_="attached",
    )
    body = [
        tags.header(
            tags.p(tags.a("\N{LEFTWARDS ARROW} ", _title(user), href="/")),
            tags.p(_login(webLogin)),
        ),
        Tag("main")(
            tags.h2(tags.bdi(title)),
            tags.dl([[tags.dt(n), tags.dd(tags.bdi(v))] for n, v in fields]),
            tags.div(message.text, class_="source text" if message.isHTML else "text"),
            attached if message.attachments else [],
            [tags.p(note, class_="faint attached") for note in notes],
            class_="sheet",
        ),
    ]
    lines = [f"{name}: {value}" for name, value in (*fields, ("Subject", title))]
    lines += [f"Attached: {name}" for name in message.attachments]
    return Page(200, title, body, "\n".join([*lines, "", message.text, *notes]))


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


def _login(webLogin: WebLogin) -> str:
    """
    Return the line that says who has logged in, and how.
    """
    return f"Logged in as {_name(webLogin.name)} by {webLogin.scheme}"


def _commands(webLogin: WebLogin, url: str, uid: int) -> list[tuple[str, str]]:
    """
    Return shell commands for the same user, each with what it is for.

    @param uid: the UID of a message.
    """
    name = _name(webLogin.name)
    web, mail = (
        " ".join(proofOptions(webLogin.proof, name, isMail)) for isMail in (False, True)
    )
    # Certificates are for TLS, and TLS is for names.
    place = "127.0.0.1:1143"
    if webLogin.proof == "certificate":
        mail, place = f"--ssl-reqd {mail}", "localhost:1143"
    return [
        ("Read a message in a terminal:", f"curl {webLogin.option}{web} {url}{uid}"),
        (
            "Put in another message over IMAP, with any mail client or curl (the address "
            "stands in the server's log, if --imap was given):",
            "printf 'From: me\\nSubject: Tea\\n\\nAt five?\\n' > message.eml\n"
            f"curl {mail} -T message.eml imap://{place}/INBOX",
        ),
    ]


def _row(one: ListedMessage) -> Tag:
    """
    Return the row of a message in the list.
    """
    message = one.message
    preview = "" if message.isHTML else oneLine(message.text[:_PREVIEW])
    return tags.li(
        tags.a(
            tags.span(message.name or _NO_SENDER, class_="sender", dir="auto"),
            tags.time(
                f"{message.date:%Y-%m-%d %H:%M}", datetime=message.date.isoformat()
            ),
            tags.span(message.subject or _NO_SUBJECT, class_="subject", dir="auto"),
            tags.span(preview, class_="preview", dir="auto") if preview else "",
            href=f"/{one.uid}",
        )
    )


def _textRow(one: ListedMessage) -> str:
    """
    Return the row of a message in the list, as text.
    """
    message = one.message
    name, subject = message.name or _NO_SENDER, message.subject or _NO_SUBJECT
    return f"{one.uid:>5}  {message.date:%Y-%m-%d %H:%M}  {name:<24.24}  {subject:.100}"


__all__ = ["ListedMessage", "WebLogin", "listPage", "messagePage"]
