"""
The address of a server that is asked about tokens.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .._peers import isThisMachine


def serverURL(text: str) -> str:
    """
    Return a URL to which tokens may be sent, or from which keys may come: one that is
    protected by TLS, or stays on this machine.

    @raise ValueError: if it is anything else.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("write a URL in ASCII, without spaces")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("write a URL, such as https\\://idp.example.org/path") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError(
            "write a URL with its colons as \\:, such as https\\://idp.example.org/path"
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError("a password in a URL can be seen by all users; write none")
    if parts.fragment:
        raise ValueError("a URL with a # can't be asked for")
    if parts.scheme == "http" and not isThisMachine(host):
        raise ValueError(
            "write https\\://; only a server on this machine may have no TLS "
            "(http\\://127.0.0.1)"
        )
    return text


__all__ = ["serverURL"]
