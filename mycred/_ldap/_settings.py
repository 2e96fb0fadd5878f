"""
What a deployer says about a directory: on the command line, or in a file.
"""

from __future__ import annotations

import os
import re
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from configparser import ConfigParser, DuplicateOptionError, DuplicateSectionError, Error
from ipaddress import ip_address
from typing import Any, NamedTuple

from .._argstring import nonEmpty, parseArgString, yesNo
from .._contracts import InvalidAuthArgumentString
from ._filters import ANYTHING, FilterTemplate, encodeFilter
from ._link import Address
from ._messages import BASE, ONE, SUBTREE
from ._names import PLACEHOLDER, NameTemplate, formatDN, isBelow, normalized, parseDN
from ._tls import Security, makeContext

# The name of a host, also in letters that DNS encodes, or a number with points.
_host = re.compile(r"[\w.-]+")

_SECTION = "ldap"
_TWICE = DuplicateOptionError, DuplicateSectionError

_SCOPES = {"base": BASE, "one": ONE, "sub": SUBTREE}
_SECURITIES = {
    "starttls": Security.STARTTLS,
    "ldaps": Security.LDAPS,
    "none": Security.NONE,
}
_PORT, _TLS_PORT = 389, 636

# A password that is longer is something else, in bytes.
_LONGEST_PASSWORD = 1024

# What goes with a search for the user, and with nothing else.
_FOR_SEARCH = ("scope", "attribute", "filter")


class Search(NamedTuple):
    """
    How a user's entry is found.

    @ivar base: the name of the entry at or below which it is.
    @ivar scope: how far below.
    @ivar filter: what it matches.
    """

    base: str
    scope: int
    filter: FilterTemplate


class Groups(NamedTuple):
    """
    The groups in one of which a user must be.

    @ivar dn: the name of the only one, or L{None}.
    @ivar filter: what they match, encoded.
    @ivar base: the name of the entry at or below which groups are.
    @ivar isNested: whether a group within a group counts.
    """

    dn: str | None
    filter: bytes
    base: str
    isNested: bool


class Settings(NamedTuple):
    """
    A directory, and who of it is let in.

    @ivar addresses: where its servers are, the preferred one first.
    @ivar security: what protects the connections.
    @ivar context: what verifies the servers.
    @ivar account: the name and the password of the service account; empty for nobody.
    @ivar search: how a user's entry is found; L{None} if it isn't searched.
    @ivar attribute: the attribute that holds a user's name.
    @ivar dn: his name in the directory, where that is known beforehand.
    @ivar upn: the suffix that makes of his name the one with which he binds to Active
        Directory.
    @ivar groups: the groups in one of which he must be; L{None} if in none.
    @ivar require: the filter that his entry must match, encoded, or L{None}.
    @ivar timeout: how long a login may take, in seconds.
    """

    addresses: tuple[Address, ...]
    security: Security
    context: Any
    account: tuple[str, bytes] = ("", b"")
    search: Search | None = None
    attribute: str = "uid"
    dn: NameTemplate | None = None
    upn: str | None = None
    groups: Groups | None = None
    require: bytes | None = None
    timeout: float = 10.0

    def __repr__(self) -> str:
        """
        Tell where it is, and no password.
        """
        return f"<LDAP settings for {', '.join(map(str, self.addresses))}>"

    @property
    def exposed(self) -> tuple[Address, ...]:
        """
        The servers to which passwords go as they are, by way of a network.
        """
        if self.security is not Security.NONE:
            return ()
        return tuple(a for a in self.addresses if not a.isOnThisMachine)


def readSettings(argstring: str) -> Settings:
    """
    Read the settings of a directory.

    @param argstring: C{key=value}, separated by colons, or C{config=} and the name of
        a file that has the same keys in a section C{[ldap]}.

    @raise InvalidAuthArgumentString: if one is unknown, missing, wrong, or couldn't
        take effect.  The text says which, and what would be right.
    """
    if re.search(r"\\(?![\\:=])", argstring.replace("\\\\", "")):
        raise InvalidAuthArgumentString("a backslash in a value is written \\\\")
    given = parseArgString(argstring, {"config": _readFileName, **_KEYS})
    path = given.pop("config", None)
    if path is not None:
        if given:
            raise InvalidAuthArgumentString(
                f"{', '.join(given)}: with config= everything stands in the file"
            )
        given = _readFile(path)
    try:
        return _makeSettings(given)
    except ValueError as error:
        raise _wrong(path, str(error)) from None


def ldapSettings(**given: str) -> Settings:
    """
    Make the settings of a directory.

    @param given: the same keys and values as in the argument string of C{--auth=ldap:},
        with nothing escaped.

    @raise ValueError: if one is unknown, missing, wrong, or couldn't take effect.
    """
    for key, text in given.items():
        if not isinstance(text, str):
            raise ValueError(f"{key}: write text, as on a command line")
    try:
        return readSettings(_joined(given))
    except InvalidAuthArgumentString as error:
        raise ValueError(str(error)) from None


def _joined(given: Mapping[str, str]) -> str:
    """
    Make an argument string of keys and values.
    """
    return ":".join(
        f"{key}={value}".replace("\\", "\\\\").replace(":", "\\:")
        for key, value in given.items()
    )


def _readFile(path: str) -> dict[str, Any]:
    """
    Read a file with settings.

    @raise InvalidAuthArgumentString: if that can't be done.
    """
    if os.stat(path).st_mode & stat.S_IWOTH:
        raise _wrong(path, "everybody can write to it; change that (chmod o-w)")
    parser = ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    try:
        with open(path, encoding="utf-8-sig") as file:
            parser.read_file(file)
    except (Error, UnicodeDecodeError) as error:
        # Not what stands there: it may be a password.
        lines = [line for line, _ in getattr(error, "errors", [])]
        line = getattr(error, "lineno", None) or (lines[0] if lines else None)
        where = f", line {line}" if line else ""
        twice = " (a key is there twice)" if isinstance(error, _TWICE) else ""
        raise _wrong(
            path,
            f"it is no file of settings{where}{twice}; write a line [{_SECTION}], and "
            "lines with KEY = VALUE",
        ) from None
    if parser.sections() != [_SECTION] or parser.defaults():
        raise _wrong(path, f"write one section, [{_SECTION}]")
    # The same reader for both, so that the same is said of what is wrong.
    for key, text in parser[_SECTION].items():
        if "\n" in text:
            raise _wrong(
                path, f"{key}: a line that begins with a space belongs to the one above"
            )
        if " #" in text or " ;" in text:
            raise _wrong(path, f"{key}: what follows a value is no comment")
        if text[:1] in ("'", '"'):
            raise _wrong(path, f"{key}: nothing is quoted in a file")
    try:
        return parseArgString(_joined(parser[_SECTION]), _KEYS)
    except InvalidAuthArgumentString as error:
        raise _wrong(path, str(error)) from None


def _wrong(path: str | None, text: str) -> InvalidAuthArgumentString:
    """
    Tell what is wrong with settings.

    @param path: the file that has them, or L{None}.
    """
    where = "" if path is None else f"config: {path}: "
    return InvalidAuthArgumentString(where + text)


def _makeSettings(given: Mapping[str, Any]) -> Settings:
    """
    Put settings together.

    @raise ValueError: if they don't go together.
    """
    _insist("host" in given, "host", "write host=NAME, where the directory is")
    ways = [key for key in ("base", "dn", "upn") if key in given]
    _insist(
        len(ways) == 1,
        ", ".join(ways) or "base",
        "write one of base= (find the user, then bind as him), dn= and upn= (bind as "
        "him at once)",
    )
    security = _securityOf(given)
    template = given.get("dn")
    attribute = given.get("attribute", "uid")
    search = None
    if "base" in given:
        query = given.get("filter") or FilterTemplate(f"({attribute}={PLACEHOLDER})")
        search = Search(given["base"], given.get("scope", SUBTREE), query)
    else:
        attribute = template.attribute if template else "sAMAccountName"
        for key in _FOR_SEARCH:
            _insist(key not in given, key, f"with {ways[0]}= nobody is searched")
    _checkMembership(given)
    return Settings(
        _addressesOf(given, security),
        security,
        _contextOf(given),
        _accountOf(given),
        search,
        attribute,
        template,
        given.get("upn"),
        _groupsOf(given),
        given.get("require"),
        given.get("timeout", Settings._field_defaults["timeout"]),
    )


def _insist(condition: bool, key: str, text: str) -> None:
    """
    Insist on something about a key.
    """
    if not condition:
        raise ValueError(f"{key}: {text}")


def _checkMembership(given: Mapping[str, Any]) -> None:
    """
    Insist that who may log in can be found out.
    """
    isFilter = given.get("group", "").startswith("(")
    isWide = isFilter or given.get("nested", False)
    for key in ("nested", "groupbase"):
        _insist("group" in given or key not in given, key, "write group= too")
    _insist(
        isWide or "groupbase" not in given,
        "groupbase",
        "it takes a filter as group=, or nested=yes",
    )
    _insist(
        not isWide or "base" in given or "groupbase" in given,
        "groupbase",
        "write groupbase=DN, where groups are",
    )
    looksUp = "group" in given or "require" in given
    if "upn" in given:
        for key in ("group", "require", "binddn"):
            _insist(
                key not in given,
                key,
                "with upn= the user's entry isn't known; use base= in place of it",
            )
    elif "dn" in given and not looksUp:
        _insist("binddn" not in given, "binddn", "with dn= nobody is searched")


def _groupsOf(given: Mapping[str, Any]) -> Groups | None:
    """
    Tell in which groups a user must be.
    """
    if "group" not in given:
        return None
    group = given["group"]
    isFilter = group.startswith("(")
    base, isNested = given.get("groupbase"), given.get("nested", False)
    return Groups(
        None if isFilter else group,
        encodeFilter(group) if isFilter else ANYTHING,
        base or _sharedBase(given.get("base", ""), group, isFilter, isNested),
        isNested,
    )


def _sharedBase(base: str, group: str, isFilter: bool, isNested: bool) -> str:
    """
    Tell where groups are, if a deployer doesn't: where users are, and, if a group is
    named that is elsewhere, above both.
    """
    names = parseDN(base)
    if not isFilter:
        known = normalized(group)
        while not isBelow(known, normalized(formatDN(names))):
            names = names[1:]
        _insist(
            bool(names) or not isNested,
            "groupbase",
            "write groupbase=DN, at or below which groups are",
        )
    return formatDN(names)


def _securityOf(given: Mapping[str, Any]) -> Security:
    """
    Choose what protects the connections.
    """
    security: Security | None = given.get("tls")
    hasFiles = any(key in given for key in ("cafile", "certfile", "keyfile"))
    isSocket = all(host.startswith("/") for host, _ in given["host"])
    if isSocket and (hasFiles or security not in (None, Security.NONE)):
        raise ValueError("tls: what stays on this machine, in a socket, takes no TLS")
    if security is None:
        return Security.STARTTLS if hasFiles else Security.OPPORTUNE
    if security is Security.NONE and hasFiles:
        raise ValueError("tls: with tls=none no certificate is used")
    return security


def _addressesOf(given: Mapping[str, Any], security: Security) -> tuple[Address, ...]:
    """
    Tell where the servers are.
    """
    hosts = given["host"]
    usual = _TLS_PORT if security is Security.LDAPS else _PORT
    isUsed = any(port is None and not host.startswith("/") for host, port in hosts)
    _insist(isUsed or "port" not in given, "port", "every host has its own")
    port = given.get("port", usual)
    addresses = tuple(
        Address(host, 0 if host.startswith("/") else own or port) for host, own in hosts
    )
    places = {address._replace(host=address.host.lower()) for address in addresses}
    _insist(len(places) == len(addresses), "host", "one is there twice")
    return addresses


def _contextOf(given: Mapping[str, Any]) -> Any:
    """
    Make what verifies the servers.
    """
    certfile, keyfile = given.get("certfile"), given.get("keyfile")
    _insist(certfile is not None or keyfile is None, "keyfile", "write certfile=FILE too")
    if keyfile is not None:
        _insistOnPrivacy(keyfile, "keyfile")
    elif certfile is not None:
        with open(certfile, "rb") as file:
            hasKey = b"PRIVATE KEY" in file.read()
        _insist(hasKey, "certfile", "it holds no key, write keyfile=FILE too")
        _insistOnPrivacy(certfile, "certfile")
    try:
        context = makeContext(given.get("cafile"))
    except OSError as error:
        raise ValueError(f"cafile: it holds no certificates ({error})") from None
    try:
        if certfile is not None:
            return makeContext(given.get("cafile"), certfile, keyfile)
    except OSError as error:
        raise ValueError(
            f"certfile: it and its key can't be used ({error}); write PEM files, the key "
            "without a passphrase"
        ) from None
    return context


def _accountOf(given: Mapping[str, Any]) -> tuple[str, bytes]:
    """
    Read the service account.
    """
    dn, path = given.get("binddn"), given.get("bindpwfile")
    _insist(dn is not None or path is None, "bindpwfile", "write binddn=DN too")
    if dn is None:
        return "", b""
    if path is None:
        raise ValueError("binddn: write bindpwfile=FILE too, a file with the password")
    _insistOnPrivacy(path, "bindpwfile")
    with open(path, "rb") as file:
        password = file.read(_LONGEST_PASSWORD + 2)
    # The line's end isn't part of it, whoever wrote it.
    password = password.removesuffix(b"\n").removesuffix(b"\r")
    isPassword = 0 < len(password) <= _LONGEST_PASSWORD
    if not isPassword or b"\n" in password or b"\0" in password:
        raise ValueError(f"bindpwfile: {path} doesn't hold one line with a password")
    if password != password.strip() or password.startswith(BOM_UTF8):
        raise ValueError(f"bindpwfile: in {path} a space stands beside the password")
    return dn, password


def _insistOnPrivacy(path: str, key: str) -> None:
    """
    Insist that not everybody can read or write a file.
    """
    if os.stat(path).st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            f"{key}: everybody can read or write {path}; change that (chmod o-rwx), and "
            "what it holds, if others have seen it"
        )


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
        return entry, None
    host, port = entry, ""
    if entry.startswith("["):
        host, bracket, rest = entry[1:].partition("]")
        port = rest[1:] if rest else ""
        isNumber = bool(bracket) and rest[:1] in ("", ":") and _isNumber(host)
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
        isNumber = False
    else:
        isNumber = _isNumber(entry)
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
        return ip_address(text).version == 6 and "%" not in text
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


def _readFileName(text: str) -> str:
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
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= 300:
        raise ValueError("write a number of seconds from 1 to 300, such as 10")
    return seconds


# The keys, with what reads their values.
_KEYS: dict[str, Callable[[str], Any]] = {
    "host": _readHosts,
    "port": _readPort,
    "tls": _oneOf(_SECURITIES),
    "cafile": _readFileName,
    "certfile": _readFileName,
    "keyfile": _readFileName,
    "base": _readDN,
    "scope": _oneOf(_SCOPES),
    "attribute": _readAttribute,
    "filter": FilterTemplate,
    "binddn": _readDN,
    "bindpwfile": _readFileName,
    "dn": NameTemplate,
    "upn": _readSuffix,
    "group": _readGroup,
    "groupbase": _readDN,
    "nested": yesNo,
    "require": _readFilter,
    "timeout": _readSeconds,
}


__all__ = ["Settings", "ldapSettings", "readSettings"]
