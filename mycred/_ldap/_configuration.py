"""
Parsing the settings of a directory, from an argument string or a file.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

from .._contracts import InvalidAuthArgumentString
from .._paths import AnyPath
from .._settingsfile import (
    joined,
    passwordIn,
    readSettingsFile,
    require,
    requirePrivacy,
    textsOf,
    wrongIn,
)
from ._options import FILE_OPTIONS, OPTIONS
from ._settings import RequiredGroups, Search, Settings
from .client._address import Address
from .client._dn import PLACEHOLDER, formatDN, isBelow, normalizedDN, parseDN
from .client._filters import ANYTHING, FilterTemplate, encodeFilter
from .client._messages import SUBTREE
from .client._opener import ANONYMOUS, ServiceAccount
from .client._tls import Security, makeContext

_SECTION = "ldap"

_PORT, _TLS_PORT = 389, 636

# How an argument begins that other programs would take.
_url = re.compile("(?i)(?:ldap[si]?:)?//")

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
        given = readSettingsFile(path, _SECTION, FILE_OPTIONS)
    try:
        return _makeSettings(given)
    except ValueError as error:
        raise wrongIn(path, str(error)) from None


def ldapSettings(**given: AnyPath) -> Settings:
    """
    Return the settings of a directory.

    @param given: the same keys and values as in the argument string of C{--auth=ldap:},
        with nothing escaped; a path may also be bytes or a path object.

    @raise ValueError: if an option is unknown, missing, wrong, or couldn't take effect.
    """
    try:
        return readSettings(joined(textsOf(given, OPTIONS)))
    except InvalidAuthArgumentString as error:
        raise ValueError(str(error)) from None


def _makeSettings(given: Mapping[str, Any]) -> Settings:
    """
    Return settings made of parsed options.

    @raise ValueError: if the options don't go together.
    """
    require("host" in given, "host", "write host=NAME, where the directory is")
    ways = [key for key in ("base", "dn", "upn") if key in given]
    require(
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
            require(key not in given, key, f"with {ways[0]}= no search is made")
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


def _checkMembership(given: Mapping[str, Any]) -> None:
    """
    Check that the options about who may log in go together.

    @raise ValueError: if they don't.
    """
    isFilter = given.get("group", "").startswith("(")
    isWide = isFilter or given.get("nested", False)
    for key in ("nested", "groupbase"):
        require("group" in given or key not in given, key, "write group= too")
    require(
        isWide or "groupbase" not in given,
        "groupbase",
        "it takes a filter as group=, or nested=yes",
    )
    require(
        not isWide or "base" in given or "groupbase" in given,
        "groupbase",
        "write groupbase=DN, where groups are",
    )
    looksUp = "group" in given or "require" in given
    if "upn" in given:
        for key in ("group", "require", "binddn"):
            require(
                key not in given,
                key,
                "with upn= the user's entry isn't known; use base= in place of it",
            )
    elif "dn" in given and not looksUp:
        require("binddn" not in given, "binddn", "with dn= no search is made")


def _checkScram(given: Mapping[str, Any]) -> None:
    """
    Check that SCRAM keys can be found and are read by the service account: whoever can
    read them can try passwords out on them, and pose as the server.

    @raise ValueError: if they aren't.
    """
    for key in ("base", "binddn"):
        require(
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
        require(
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
    require(isUsed or "port" not in given, "port", "no host is left that needs it")
    port = given.get("port", usual)
    addresses = tuple(
        Address(host, 0 if host.startswith("/") else own or port) for host, own in hosts
    )
    places = {address._replace(host=address.host.lower()) for address in addresses}
    require(len(places) == len(addresses), "host", "one is there twice")
    return addresses


def _contextOf(
    given: Mapping[str, Any], security: Security, addresses: tuple[Address, ...]
) -> ssl.SSLContext:
    """
    Return what verifies the servers.
    """
    certfile, keyfile = given.get("certfile"), given.get("keyfile")
    require(certfile is not None or keyfile is None, "keyfile", "write certfile=FILE too")
    if keyfile is not None:
        requirePrivacy(keyfile, "keyfile")
    elif certfile is not None:
        with open(certfile, "rb") as file:
            hasKey = b"PRIVATE KEY" in file.read()
        require(hasKey, "certfile", "it holds no key, write keyfile=FILE too")
        requirePrivacy(certfile, "certfile")
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
    require(dn is not None or path is None, "bindpwfile", "write binddn=DN too")
    if dn is None:
        return ANONYMOUS
    if path is None:
        raise ValueError("binddn: write bindpwfile=FILE too, a file with the password")
    return ServiceAccount(dn, passwordIn(path, "bindpwfile"))


__all__ = ["ldapSettings", "readSettings"]
