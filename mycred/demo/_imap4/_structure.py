"""
What a message is made of, as the answers ENVELOPE, BODY and BODYSTRUCTURE tell it
(RFC 3501, section 7.4.2).
"""

from __future__ import annotations

from typing import Any

from .._mailheaders import addressesIn
from ._part import Part
from ._syntax import listed, string


def envelope(part: Part) -> bytes:
    """
    Return the envelope of a message: who has sent it to whom, and about what.
    """
    sender = _addresses(part, b"FROM")
    return listed(
        [
            string(part.value(b"DATE")),
            string(part.value(b"SUBJECT")),
            sender or b"NIL",
            _addresses(part, b"SENDER") or sender or b"NIL",
            _addresses(part, b"REPLY-TO") or sender or b"NIL",
            *(_addresses(part, name) or b"NIL" for name in (b"TO", b"CC", b"BCC")),
            string(part.value(b"IN-REPLY-TO")),
            string(part.value(b"MESSAGE-ID")),
        ]
    )


def structure(part: Part, isExtended: bool) -> bytes:
    """
    Return the structure of a part.

    @param isExtended: whether a client has asked for all that is known.
    """
    headers = part.headers
    kind, subtype = (
        string(t.encode("ascii", "replace"))
        for t in (headers.get_content_maintype(), headers.get_content_subtype())
    )
    if part.parts:
        parts = b"".join(structure(inner, isExtended) for inner in part.parts)
        more = [subtype]
        if isExtended:
            more += [_parameters(part, "content-type"), *_further(part)]
        return b"(" + parts + b" " + b" ".join(more) + b")"
    fields = [
        kind,
        subtype,
        _parameters(part, "content-type"),
        string(part.value(b"CONTENT-ID")),
        string(part.value(b"CONTENT-DESCRIPTION")),
        string(part.value(b"CONTENT-TRANSFER-ENCODING") or b"7bit"),
        b"%d" % len(part.body),
    ]
    lines = b"%d" % len(part.body.splitlines())
    if part.isMessage:
        inner = part.message
        fields += [envelope(inner), structure(inner, isExtended), lines]
    elif headers.get_content_maintype() == "text":
        fields.append(lines)
    if isExtended:
        fields += [string(part.value(b"CONTENT-MD5")), *_further(part)]
    return listed(fields)


def _addresses(part: Part, name: bytes) -> bytes | None:
    """
    Return the addresses in a header.

    @return: L{None} if there are none.
    """
    value = part.value(name)
    if value is None:
        return None
    found = []
    for personal, address in addressesIn(value.decode("latin-1")):
        mailbox, _, host = address.rpartition("@")
        if mailbox or host:
            known = (personal or None, None, mailbox or host, host if mailbox else "")
            written = [None if t is None else t.encode("latin-1") for t in known]
            found.append(listed([string(text) for text in written]))
    return b"(" + b"".join(found) + b")" if found else None


def _parameters(part: Part, header: str) -> bytes:
    """
    Return the parameters of a header.
    """
    known: Any = part.headers.get_params(header=header) or []
    written = []
    for name, value in known[1:]:
        # RFC 2231: an encoding, a language and the text.
        text = value[2] if isinstance(value, tuple) else value
        written += [string(t.encode("utf-8", "replace")) for t in (name, text)]
    return listed(written) if written else b"NIL"


def _further(part: Part) -> list[bytes]:
    """
    Return the disposition, the language and the location of a part.
    """
    disposition = part.headers.get_content_disposition()
    shown = b"NIL"
    if disposition:
        kind = string(disposition.encode("ascii", "replace"))
        shown = listed([kind, _parameters(part, "content-disposition")])
    return [
        shown,
        string(part.value(b"CONTENT-LANGUAGE")),
        string(part.value(b"CONTENT-LOCATION")),
    ]


__all__ = ["envelope", "structure"]
