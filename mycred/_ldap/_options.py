"""
The options that describe a directory.
"""

from __future__ import annotations

import os
import re
import stat
from ipaddress import ip_address

from .._argstring import (
    Option,
    Options,
    integerBetween,
    oneOf,
    readableFile,
    secondsForLogin,
    yesNo,
)
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

# The name of a host, also in letters that DNS encodes, or an IPv4 address.
_host = re.compile(r"\w(?:[\w.-]*\w)?\.?")

# A user's principal name, and a domain with an account name.
_accountName = re.compile(
    r"[^\s=@\\{}][^=@\\{}]*@[\w-][\w.-]*|[\w-][\w.-]*\\[^\s=@\\{}][^=@\\{}]*"
)

# The longest path of a socket, in bytes (unix(7)).
_LONGEST_SOCKET = 107


def _parseHosts(text: str) -> tuple[tuple[str, int | None], ...]:
    """
    Return names of hosts, each with its own port or L{None}, and paths of sockets.
    """
    return tuple(_parseHost(entry.strip()) for entry in text.split(","))


def _parseHost(entry: str) -> tuple[str, int | None]:
    """
    Return the name of a host and its port or L{None}, or the path of a socket and
    L{None}.
    """
    if "://" in entry:
        raise ValueError(
            "write names, no URLs: in place of ldaps://NAME, host=NAME and tls=ldaps; "
            "in place of ldapi://, the path of the socket"
        )
    if entry.startswith("/"):
        if os.path.exists(entry) and not stat.S_ISSOCK(os.stat(entry).st_mode):
            raise ValueError(f"{entry} is no socket")
        if len(os.fsencode(entry)) > _LONGEST_SOCKET:
            raise ValueError(f"the path of a socket has {_LONGEST_SOCKET} bytes at most")
        return entry, None
    host, port = entry, ""
    if entry.startswith("["):
        host, bracket, rest = entry[1:].partition("]")
        port = rest[1:] if rest else ""
        isIPv6 = bool(bracket) and rest[:1] in ("", ":") and _isIPv6(host)
    else:
        # Without brackets it can't be told where an IPv6 address ends and a port begins.
        isIPv6 = False
        if entry.count(":") == 1:
            host, _, port = entry.partition(":")
    if not isIPv6 and ("[" in entry or ":" in host):
        raise ValueError(
            "an IPv6 address is written [2001:db8::1], and on a command line "
            "[2001\\:db8\\:\\:1]"
        )
    if not isIPv6 and not _host.fullmatch(host):
        raise ValueError(
            "write names of hosts, such as ldap1.example.org,ldap2.example.org"
        )
    return host, _parsePort(port) if port or entry.endswith(":") else None


def _isIPv6(text: str) -> bool:
    """
    Return whether a host is given by its IPv6 address.
    """
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


_parsePort = integerBetween(1, 65535, "a port from 1 to 65535")


def _parseDN(text: str) -> str:
    """
    Return the name of an entry, or raise L{ValueError}.
    """
    _refusePlaceholder(text)
    try:
        isRoot = not parseDN(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a DN, such as dc=example,dc=org") from None
    if isRoot:
        raise ValueError("write a DN, such as dc=example,dc=org")
    return text


def _parseAccount(text: str) -> str:
    """
    Return the name of the service account: that of an entry, or one of those that
    Active Directory has besides (MS-ADTS, section 5.1.1.1.1).
    """
    if _accountName.fullmatch(text):
        return text
    try:
        return _parseDN(text)
    except ValueError as error:
        raise ValueError(
            f"{error}; for Active Directory also svc@ad.example.org or AD\\svc, which is "
            "written AD\\\\svc on a command line"
        ) from None


def _parseFilter(text: str) -> bytes:
    """
    Return a filter, encoded.
    """
    _refusePlaceholder(text)
    return encodeFilter(text)


def _parseGroup(text: str) -> str:
    """
    Return the name of a group's entry, or a filter for groups, as it is written.
    """
    if text.startswith("("):
        _parseFilter(text)
        return text
    return _parseDN(text)


def _refusePlaceholder(text: str) -> None:
    """
    Raise L{ValueError} if a placeholder for the user's name stands where no name is
    put in.
    """
    if PLACEHOLDER in text:
        raise ValueError(f"{PLACEHOLDER} has a meaning in filter= and dn= only")
    refuseBraces(text)


def _parseAttribute(text: str) -> str:
    """
    Return the name of an attribute.
    """
    plain = text.replace("-", "").replace(".", "")
    # "1.1" asks for no attribute, and a DN isn't one.
    if not (plain.isascii() and plain.isalnum()) or text.lower() in ("1.1", "dn"):
        raise ValueError("write the name of an attribute, such as uid")
    return text


def _parseSuffix(text: str) -> str:
    """
    Return what follows the C{@} in users' principal names.
    """
    if not text or "@" in text or PLACEHOLDER in text or text.split() != [text]:
        raise ValueError("write what follows the @, such as example.org")
    return text


#: The options that may stand in a file, too.
FILE_OPTIONS = Options(
    Option(
        "host",
        _parseHosts,
        "NAME,NAME",
        "The servers, the preferred one first; a port follows \\:, as in a,b\\:1389, and "
        "a name that begins with / is a socket of this machine (ldapi).",
    ),
    Option(
        "port",
        _parsePort,
        "N",
        "The port of servers that have none of their own, 389 or with tls=ldaps 636 if "
        "not given.",
    ),
    Option(
        "tls",
        oneOf(_SECURITIES),
        "starttls|ldaps|none",
        "How connections are protected, by StartTLS if not given; certificates and names "
        "are always verified.",
    ),
    Option(
        "cafile",
        readableFile,
        "FILE",
        "The certificates of authorities, in PEM, the system's if not given.",
    ),
    Option(
        "certfile",
        readableFile,
        "FILE",
        "This server's own certificate, for directories that ask for one.",
    ),
    Option(
        "keyfile",
        readableFile,
        "FILE",
        "The key of certfile=, if that file doesn't hold it; not all users of the "
        "machine may be able to read it.",
    ),
    Option(
        "base",
        _parseDN,
        "DN",
        "The entry at or below which a user's entry is searched for; then the user must "
        "be able to bind.",
    ),
    Option(
        "scope",
        oneOf(_SCOPES),
        "sub|one|base",
        "How far below base= users are searched for: sub, if not given, is anywhere; one "
        "is just below; base is nowhere but there.",
    ),
    Option(
        "attribute",
        _parseAttribute,
        "NAME",
        "The attribute with the name that users log in with, uid if not given.",
    ),
    Option(
        "filter",
        FilterTemplate,
        "(FILTER)",
        "The filter that finds a user's entry, with {username} where the name stands; if "
        "not given, (uid={username}), with the attribute in place of uid.",
    ),
    Option(
        "binddn",
        _parseAccount,
        "DN",
        "The service account that searches (svc@ad.example.org or AD\\\\svc in Active "
        "Directory, too); without it searches are anonymous.",
    ),
    Option(
        "bindpwfile",
        readableFile,
        "FILE",
        "A file with the password of binddn=, in one line, that not all users of the "
        "machine can read.",
    ),
    Option(
        "dn",
        NameTemplate,
        "DN",
        "The name with which users bind at once, with {username} where their name "
        "stands, as in uid={username},ou=people,dc=example,dc=org.",
    ),
    Option(
        "upn",
        _parseSuffix,
        "DOMAIN",
        "The domain with which users bind at once, as NAME@DOMAIN, in Active Directory.",
    ),
    Option(
        "group",
        _parseGroup,
        "DN|(FILTER)",
        "The group that users must be in, or a filter for such groups.",
    ),
    Option(
        "groupbase",
        _parseDN,
        "DN",
        "The entry at or below which groups are, for a filter and for nested=yes.",
    ),
    Option("nested", yesNo, "yes", "Counts groups within the group."),
    Option("require", _parseFilter, "(FILTER)", "What a user's entry must match."),
    Option(
        "scram",
        _parseAttribute,
        "NAME",
        "The attribute with the SCRAM keys of users, such as authPassword, which the "
        "service account, and nobody else, may read.",
    ),
    Option(
        "policy",
        yesNo,
        "yes|no",
        "Whether servers are asked what their password policy says, at which some fail; "
        "if not given, those are asked that list the control for it.",
    ),
    Option(
        "timeout",
        secondsForLogin,
        "N",
        "How long a login may take, in seconds, from 1 to 300; 10 if not given.",
    ),
)

#: All options of C{--auth=ldap}.
OPTIONS = Options(
    *FILE_OPTIONS,
    Option(
        "config",
        readableFile,
        "FILE",
        "A file that has all of these in a section [ldap], in place of them.",
    ),
)


__all__ = ["FILE_OPTIONS", "OPTIONS"]
