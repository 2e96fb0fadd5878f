"""
The addresses in an envelope, and what else MAIL and RCPT say (RFC 5321, section 4.1.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_atom = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_quoted = rb'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
_local = rb"%b(?:\.%b)*|%b" % (_atom, _atom, _quoted)
_domain = rb"[A-Za-z0-9.-]+|\[[\x21-\x5a\x5e-\x7e]+\]"

# A route before the address is ignored, as the RFC has it (appendix C).  After the colon
# clients send a space that shouldn't be there.
_path = re.compile(
    rb": *<(?:@[A-Za-z0-9.,@-]+:)?(?:(%b)(?:@(%b))?)?>(?=\Z| )" % (_local, _domain)
)
# How long a path may be, in octets (section 4.5.3.1.3).
_LONGEST = 256

_parameter = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?")


@dataclass(frozen=True)
class Address:
    """
    The address of a mailbox.

    @ivar local: what stands before the C{@}, without its quotes.
    @ivar domain: what stands behind it; empty if the client has sent none.
    """

    local: bytes
    domain: bytes


@dataclass(frozen=True)
class Path:
    """
    What MAIL or RCPT is told.

    @ivar address: the address; L{None} for the empty path.
    @ivar text: the path as it was sent, without the brackets.
    @ivar parameters: the parameters that follow it, by name in upper case.
    """

    address: Address | None
    text: bytes
    parameters: Mapping[bytes, bytes]


def parsePath(arguments: bytes) -> Path:
    """
    Parse what follows C{FROM} or C{TO}.

    @raise ValueError: if it can't be parsed; the message is fit for the client.
    """
    found = _path.match(arguments)
    if found is None or found.end() > _LONGEST:
        raise ValueError("An address in angle brackets expected")
    local, domain = found[1], found[2] or b""
    if local is None:
        return Path(None, b"", _parameters(arguments[found.end() :]))
    text = local + b"@" * bool(domain) + domain
    if local.startswith(b'"'):
        local = re.sub(rb"\\(.)", rb"\1", local[1:-1])
    return Path(Address(local, domain), text, _parameters(arguments[found.end() :]))


def _parameters(text: bytes) -> dict[bytes, bytes]:
    """
    Parse parameters, such as C{SIZE=512}.
    """
    parameters: dict[bytes, bytes] = {}
    for word in text.split():
        found = _parameter.fullmatch(word)
        if found is None or found[1].upper() in parameters:
            raise ValueError("The parameters make no sense")
        parameters[found[1].upper()] = found[2] or b""
    return parameters


__all__ = ["Address", "Path", "parsePath"]
