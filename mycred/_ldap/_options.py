"""
How each value is read that a deployer says about a directory.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from .._argstring import nonEmpty, yesNo
from .client._dn import PLACEHOLDER, NameTemplate, parseDN, refuseBraces
from .client._filters import FilterTemplate, encodeFilter
from .client._messages import BASE, ONE, SUBTREE
from .client._tls import Security

_SCOPES = {"base": BASE, "one": ONE, "sub": SUBTREE}
_SECURITIES = {
    "starttls": Security.STARTTLS,
    "ldaps": Security.LDAPS,
    "none": Security.NONE,
}

# The name of a host, also in letters that DNS encodes, or a number with points.
_host = re.compile(r"\w(?:[\w.-]*\w)?\.?")

# A user's principal name, and a domain with an account name.
_accountName = re.compile(
    r"[^\s=@\\{}][^=@\\{}]*@[\w-][\w.-]*|[\w-][\w.-]*\\[^\s=@\\{}][^=@\\{}]*"
)

_seconds = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,9})?")

# The name of a socket is no longer, in bytes (unix(7)).
_LONGEST_SOCKET = 107


def _readHosts(text: str) -> tuple[tuple[str, int | None], ...]:
    """
    Read names of hosts, with their own ports or L{None}, and of sockets.
    """
    return tuple(_readHost(entry.strip()) for entry in text.split(","))


def _readHost(entry: str) -> tuple[str, int | None]:
    """
    Read the name of a host, or of a socket.
    """
    if "://" in entry:
        raise ValueError(
            "write names, no URLs: in place of ldaps://NAME, host=NAME and tls=ldaps; "
            "in place of ldapi://, the name of the socket"
        )
    if entry.startswith("/"):
        if os.path.exists(entry) and not stat.S_ISSOCK(os.stat(entry).st_mode):
            raise ValueError(f"{entry} is no socket")
        if len(os.fsencode(entry)) > _LONGEST_SOCKET:
            raise ValueError(f"the name of a socket has {_LONGEST_SOCKET} bytes at most")
        return entry, None
    host, port = entry, ""
    if entry.startswith("["):
        host, bracket, rest = entry[1:].partition("]")
        port = rest[1:] if rest else ""
        isNumber = bool(bracket) and rest[:1] in ("", ":") and _isNumber(host)
    else:
        # Of a number with colons nobody knows where it ends.
        isNumber = False
        if entry.count(":") == 1:
            host, _, port = entry.partition(":")
    if not isNumber and ("[" in entry or ":" in host):
        raise ValueError(
            "a number with colons is written [2001:db8::1], and on a command line "
            "[2001\\:db8\\:\\:1]"
        )
    if not isNumber and not _host.fullmatch(host):
        raise ValueError(
            "write names of hosts, such as ldap1.example.org,ldap2.example.org"
        )
    return host, _readPort(port) if port or entry.endswith(":") else None


def _isNumber(text: str) -> bool:
    """
    Tell whether a host is named by its number, with colons.
    """
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def _readPort(text: str) -> int:
    """
    Read the number of a port.
    """
    number = text.lstrip("0")
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise ValueError("write a port from 1 to 65535")
    if int(number) > 65535:
        raise ValueError("write a port from 1 to 65535")
    return int(text)


def _oneOf(choices: Mapping[str, Any]) -> Callable[[str], Any]:
    """
    Make what reads one of a few words.
    """

    def read(text: str) -> Any:
        if text not in choices:
            raise ValueError(f"write one of {', '.join(choices)}")
        return choices[text]

    return read


def _readDN(text: str) -> str:
    """
    Read a name in a directory.
    """
    _refusePlaceholder(text)
    try:
        isRoot = not parseDN(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a DN, such as dc=example,dc=org") from None
    if isRoot:
        raise ValueError("write a DN, such as dc=example,dc=org")
    return text


def _readAccount(text: str) -> str:
    """
    Read the name of the service account: a name in the directory, or one of those that
    Active Directory has besides (MS-ADTS, section 5.1.1.1.1).
    """
    if _accountName.fullmatch(text):
        return text
    try:
        return _readDN(text)
    except ValueError as error:
        raise ValueError(
            f"{error}; for Active Directory also svc@ad.example.org or AD\\svc, which is "
            "written AD\\\\svc on a command line"
        ) from None


def _readFilter(text: str) -> bytes:
    """
    Read a filter.
    """
    _refusePlaceholder(text)
    return encodeFilter(text)


def _readGroup(text: str) -> str:
    """
    Read the name of a group, or a filter for groups.
    """
    if text.startswith("("):
        _readFilter(text)
        return text
    return _readDN(text)


def _refusePlaceholder(text: str) -> None:
    """
    Refuse a name where nobody's name is put in.
    """
    if PLACEHOLDER in text:
        raise ValueError(f"{PLACEHOLDER} has a meaning in filter= and dn= only")
    refuseBraces(text)


def _readAttribute(text: str) -> str:
    """
    Read the name of an attribute.
    """
    plain = text.replace("-", "").replace(".", "")
    # "1.1" asks for no attribute, and a DN isn't one.
    if not (plain.isascii() and plain.isalnum()) or text.lower() in ("1.1", "dn"):
        raise ValueError("write the name of an attribute, such as uid")
    return text


def _readSuffix(text: str) -> str:
    """
    Read what follows the C{@} of a user's principal name.
    """
    if not text or "@" in text or PLACEHOLDER in text or text.split() != [text]:
        raise ValueError("write what follows the @, such as example.org")
    return text


def readFileName(text: str) -> str:
    """
    Read the name of a file that can be read now.

    @return: its full name: twistd may change the folder.
    """
    path = os.path.abspath(nonEmpty(text))
    if os.path.lexists(path) and not os.path.isfile(path):
        # A pipe, for one, would have the server wait for whoever writes to it.
        raise ValueError(f"{path} can't be read, it isn't a file")
    try:
        open(path, "rb").close()
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror})") from None
    return path


def _readSeconds(text: str) -> float:
    """
    Read how long a login may take.
    """
    seconds = float(text) if _seconds.fullmatch(text) else 0
    if not 1 <= seconds <= 300:
        raise ValueError("write a number of seconds from 1 to 300, such as 10")
    return seconds


#: The keys, with what reads their values.
KEYS: dict[str, Callable[[str], Any]] = {
    "host": _readHosts,
    "port": _readPort,
    "tls": _oneOf(_SECURITIES),
    "cafile": readFileName,
    "certfile": readFileName,
    "keyfile": readFileName,
    "base": _readDN,
    "scope": _oneOf(_SCOPES),
    "attribute": _readAttribute,
    "filter": FilterTemplate,
    "binddn": _readAccount,
    "bindpwfile": readFileName,
    "dn": NameTemplate,
    "upn": _readSuffix,
    "group": _readGroup,
    "groupbase": _readDN,
    "nested": yesNo,
    "require": _readFilter,
    "timeout": _readSeconds,
    "policy": yesNo,
}


__all__ = ["KEYS", "readFileName"]
