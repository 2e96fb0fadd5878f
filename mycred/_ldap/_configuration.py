"""
Parsing the settings of a directory, from an argument string or a file.
"""

from __future__ import annotations

import os
import re
import ssl
import stat
from codecs import BOM_UTF8
from collections.abc import Mapping
from configparser import ConfigParser, DuplicateOptionError, DuplicateSectionError, Error
from typing import Any

from .._argstring import readableFile
from .._contracts import InvalidAuthArgumentString
from .._paths import AnyPath, asPath
from ._options import FILE_OPTIONS, OPTIONS
from ._settings import RequiredGroups, Search, Settings
from .client._address import Address
from .client._dn import PLACEHOLDER, formatDN, isBelow, normalizedDN, parseDN
from .client._filters import ANYTHING, FilterTemplate, encodeFilter
from .client._messages import SUBTREE
from .client._opener import ANONYMOUS, ServiceAccount
from .client._tls import Security, makeContext

_SECTION = "ldap"
_TWICE = {DuplicateOptionError: "a key", DuplicateSectionError: "a section"}

_PORT, _TLS_PORT = 389, 636

# How an argument begins that other programs would take.
_url = re.compile("(?i)(?:ldap[si]?:)?//")

# The longest password of a service account, in bytes: a longer one is another file.
_LONGEST_PASSWORD = 1024

# The largest file of settings, in bytes.
_LARGEST_FILE = 2**16

# Options that go with base= only.
_FOR_SEARCH = ("scope", "attribute", "filter")


def readSettings(argstring: str) -> Settings:
    """
    Return the settings that an argument string gives.

    @param argstring: C{key=value}, separated by colons, or C{config=} and the path of a
        file that has the same keys in a section C{[ldap]}.

    @raise InvalidAuthArgumentString: if an option is unknown, missing, wrong, or couldn't
        take effect.  The text says which, and what would be right.
    """
    if re.search(r"\\(?![\\:=])", argstring.replace("\\\\", "")):
        raise InvalidAuthArgumentString("a backslash in a value is written \\\\")
    if _url.match(argstring):
        raise InvalidAuthArgumentString(
            "write host=NAME and base=DN, no URL; in place of ldaps://, tls=ldaps"
        )
    given = OPTIONS.parse(argstring)
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


def ldapSettings(**given: AnyPath) -> Settings:
    """
    Return the settings of a directory.

    @param given: the same keys and values as in the argument string of C{--auth=ldap:},
        with nothing escaped; a path may also be bytes or a path object.

    @raise ValueError: if an option is unknown, missing, wrong, or couldn't take effect.
    """
    texts = {}
    files = {option.key for option in OPTIONS if option.parse is readableFile}
    for key, value in given.items():
        if key in files and isinstance(value, (bytes, os.PathLike)):
            value = asPath(value)
        if not isinstance(value, str):
            raise ValueError(f"{key}: write text, as on a command line")
        texts[key] = value
    try:
        return readSettings(_joined(texts))
    except InvalidAuthArgumentString as error:
        raise ValueError(str(error)) from None


def _joined(given: Mapping[str, str]) -> str:
    """
    Return an argument string with these keys and values.
    """
    return ":".join(
        f"{key}={value}".replace("\\", "\\\\").replace(":", "\\:")
        for key, value in given.items()
    )


def _readFile(path: str) -> dict[str, Any]:
    """
    Return the options in a file of settings, parsed.

    @raise InvalidAuthArgumentString: if that can't be done.
    """
    status = os.stat(path)
    if status.st_size > _LARGEST_FILE:
        raise _wrong(path, "it is too large for a file of settings")
    if status.st_mode & stat.S_IWOTH:
        raise _wrong(path, "everybody can write to it; change that (chmod o-w)")
    parser = ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    try:
        with open(path, encoding="utf-8-sig") as file:
            parser.read_file(file)
    except UnicodeDecodeError:
        raise _wrong(path, "it isn't in UTF-8") from None
    except Error as error:
        # Not the line itself: it may hold a password.
        lines = [line for line, _ in getattr(error, "errors", [])]
        line = getattr(error, "lineno", None) or (lines[0] if lines else None)
        where = f", line {line}" if line else ""
        double = _TWICE.get(type(error))
        twice = f" ({double} is there twice)" if double else ""
        raise _wrong(
            path,
            f"it is no file of settings{where}{twice}; write a line [{_SECTION}], and "
            "lines with KEY = VALUE",
        ) from None
    if parser.sections() != [_SECTION] or parser.defaults():
        raise _wrong(path, f"write one section, [{_SECTION}]")
    # The parser of argument strings, so that the messages are the same.
    for key, text in parser[_SECTION].items():
        if "\n" in text:
            raise _wrong(
                path,
                f"{key}: it stands in one line; one that begins with a space belongs to "
                "the line above",
            )
        if "\\:" in text:
            raise _wrong(path, f"{key}: in a file a colon is written as it is")
        if re.search(r"\s[#;](?:\s|$)", text):
            raise _wrong(
                path,
                f"{key}: what follows a value is no comment; in a DN or a filter a # is "
                "written \\23, and a ; \\3b",
            )
        if text[:1] in ("'", '"'):
            raise _wrong(path, f"{key}: nothing is quoted in a file")
    try:
        return FILE_OPTIONS.parse(_joined(parser[_SECTION]))
    except InvalidAuthArgumentString as error:
        raise _wrong(path, str(error)) from None


def _wrong(path: str | None, text: str) -> InvalidAuthArgumentString:
    """
    Return the error for wrong settings.

    @param path: the file that has them, or L{None}.
    @param text: what is wrong, and what would be right.
    """
    where = "" if path is None else f"config: {path}: "
    return InvalidAuthArgumentString(where + text)


def _makeSettings(given: Mapping[str, Any]) -> Settings:
    """
    Return settings made of parsed options.

    @raise ValueError: if the options don't go together.
    """
    _require("host" in given, "host", "write host=NAME, where the directory is")
    ways = [key for key in ("base", "dn", "upn") if key in given]
    _require(
        len(ways) == 1,
        ", ".join(ways) or "base",
        "write one of base= (find the user, then bind as them), dn= and upn= (bind as "
        "them at once)",
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
            _require(key not in given, key, f"with {ways[0]}= no search is made")
    _checkMembership(given)
    _checkScram(given)
    addresses = _addressesOf(given, security)
    return Settings(
        addresses=addresses,
        security=security,
        account=_accountOf(given),
        search=search,
        attribute=attribute,
        dn=template,
        upn=given.get("upn"),
        groups=_groupsOf(given),
        require=given.get("require"),
        timeout=given.get("timeout", Settings._field_defaults["timeout"]),
        policy=given.get("policy"),
        scram=given.get("scram"),
        # Last: it parses all certificates that the system trusts.
        context=_contextOf(given, security, addresses),
    )


def _require(condition: bool, key: str, text: str) -> None:
    """
    Require something of an option.

    @raise ValueError: if it doesn't hold.
    """
    if not condition:
        raise ValueError(f"{key}: {text}")


def _checkMembership(given: Mapping[str, Any]) -> None:
    """
    Check that the options about who may log in go together.

    @raise ValueError: if they don't.
    """
    isFilter = given.get("group", "").startswith("(")
    isWide = isFilter or given.get("nested", False)
    for key in ("nested", "groupbase"):
        _require("group" in given or key not in given, key, "write group= too")
    _require(
        isWide or "groupbase" not in given,
        "groupbase",
        "it takes a filter as group=, or nested=yes",
    )
    _require(
        not isWide or "base" in given or "groupbase" in given,
        "groupbase",
        "write groupbase=DN, where groups are",
    )
    looksUp = "group" in given or "require" in given
    if "upn" in given:
        for key in ("group", "require", "binddn"):
            _require(
                key not in given,
                key,
                "with upn= the user's entry isn't known; use base= in place of it",
            )
    elif "dn" in given and not looksUp:
        _require("binddn" not in given, "binddn", "with dn= no search is made")


def _checkScram(given: Mapping[str, Any]) -> None:
    """
    Check that SCRAM keys can be found and are read by the service account: whoever can
    read them can try passwords out on them, and pose as the server.

    @raise ValueError: if they aren't.
    """
    for key in ("base", "binddn"):
        _require(
            "scram" not in given or key in given,
            "scram",
            f"write {key}= too: keys are looked up by a service account that may read "
            "them, and nobody else may",
        )


def _groupsOf(given: Mapping[str, Any]) -> RequiredGroups | None:
    """
    Return the groups of which users must be in one, or None.
    """
    if "group" not in given:
        return None
    group = given["group"]
    isFilter = group.startswith("(")
    base, isNested = given.get("groupbase"), given.get("nested", False)
    return RequiredGroups(
        text=group,
        dn=None if isFilter else group,
        filter=encodeFilter(group) if isFilter else ANYTHING,
        base=base or _sharedBase(given.get("base", ""), group, isFilter, isNested),
        isNested=isNested,
    )


def _sharedBase(base: str, group: str, isFilter: bool, isNested: bool) -> str:
    """
    Return the DN below which groups are, if the deployer doesn't give it: that of users,
    or, if the required group is elsewhere, the nearest one above both.
    """
    names = parseDN(base)
    if not isFilter:
        known = normalizedDN(group)
        while not isBelow(known, normalizedDN(formatDN(names))):
            names = names[1:]
        _require(
            bool(names) or not isNested,
            "groupbase",
            "write groupbase=DN, at or below which groups are",
        )
    return formatDN(names)


def _securityOf(given: Mapping[str, Any]) -> Security:
    """
    Return what protects the connections.
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
    Return the addresses of the servers.
    """
    hosts = given["host"]
    usual = _TLS_PORT if security is Security.LDAPS else _PORT
    isUsed = any(port is None and not host.startswith("/") for host, port in hosts)
    _require(isUsed or "port" not in given, "port", "no host is left that needs it")
    port = given.get("port", usual)
    addresses = tuple(
        Address(host, 0 if host.startswith("/") else own or port) for host, own in hosts
    )
    places = {address._replace(host=address.host.lower()) for address in addresses}
    _require(len(places) == len(addresses), "host", "one is there twice")
    return addresses


def _contextOf(
    given: Mapping[str, Any], security: Security, addresses: tuple[Address, ...]
) -> ssl.SSLContext:
    """
    Return what verifies the servers.
    """
    certfile, keyfile = given.get("certfile"), given.get("keyfile")
    _require(
        certfile is not None or keyfile is None, "keyfile", "write certfile=FILE too"
    )
    if keyfile is not None:
        _requirePrivacy(keyfile, "keyfile")
    elif certfile is not None:
        with open(certfile, "rb") as file:
            hasKey = b"PRIVATE KEY" in file.read()
        _require(hasKey, "certfile", "it holds no key, write keyfile=FILE too")
        _requirePrivacy(certfile, "certfile")
    if security is Security.NONE or all(address.isSocket for address in addresses):
        # It isn't used, and trusts no authority.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = makeContext(given.get("cafile"))
    except OSError as error:
        path = given["cafile"]
        raise ValueError(f"cafile: {path} holds no certificates ({error})") from None
    try:
        if certfile is not None:
            return makeContext(given.get("cafile"), certfile, keyfile)
    except OSError as error:
        raise ValueError(
            f"certfile: it and its key can't be used ({error}); write PEM files, the key "
            "without a passphrase"
        ) from None
    return context


def _accountOf(given: Mapping[str, Any]) -> ServiceAccount:
    """
    Return the service account, with the password from its file.
    """
    dn, path = given.get("binddn"), given.get("bindpwfile")
    _require(dn is not None or path is None, "bindpwfile", "write binddn=DN too")
    if dn is None:
        return ANONYMOUS
    if path is None:
        raise ValueError("binddn: write bindpwfile=FILE too, a file with the password")
    _requirePrivacy(path, "bindpwfile")
    with open(path, "rb") as file:
        password = file.read(_LONGEST_PASSWORD + 2)
    # The end of the line isn't part of it.
    password = password.removesuffix(b"\n").removesuffix(b"\r")
    isPassword = 0 < len(password) <= _LONGEST_PASSWORD
    if not isPassword or b"\n" in password or b"\0" in password:
        raise ValueError(f"bindpwfile: {path} doesn't hold one line with a password")
    if password.startswith(BOM_UTF8):
        raise ValueError(
            f"bindpwfile: {path} begins with a byte order mark; write it without one"
        )
    if password != password.strip():
        raise ValueError(f"bindpwfile: in {path} there is a space beside the password")
    return ServiceAccount(dn, password)


def _requirePrivacy(path: str, key: str) -> None:
    """
    Require that other users can't read or write a file (its mode for others).
    """
    if os.stat(path).st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            f"{key}: everybody can read or write {path}; change that (chmod o-rwx), and "
            "what it holds, if others have seen it"
        )


__all__ = ["ldapSettings", "readSettings"]
