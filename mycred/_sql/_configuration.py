"""
Parsing the settings of a database of accounts, from an argument string or a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

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
from ._names import Names
from ._options import FILE_OPTIONS, OPTIONS
from ._settings import Settings, installFor
from ._url import DatabaseURL

_SECTION = "sql"

# What drivers call passwords among the arguments of a URL.
_PASSWORDS = {"passwd", "password", "sslpassword", "ssl_key_password"}

_DEFAULTS = Settings._field_defaults


def readSettings(argstring: str) -> Settings:
    """
    Return the settings that an argument string gives.

    @param argstring: the path of a file of settings that has a section C{[sql]}; or
        C{key=value}, separated by colons.

    @raise InvalidAuthArgumentString: if an option is unknown, missing, wrong, or couldn't
        take effect, or a library is missing.  The text says which, and what would be
        right.
    """
    given = OPTIONS.parse(argstring)
    path = given.pop("config", None)
    if path is None:
        return _settingsOf(given, None)
    if given:
        raise InvalidAuthArgumentString(
            f"{', '.join(given)}: with a file of settings everything stands in the file"
        )
    texts = ("query", "update", "url")
    return _settingsOf(readSettingsFile(path, _SECTION, FILE_OPTIONS, texts), path)


def sqlSettings(**given: AnyPath) -> Settings:
    """
    Return the settings of a database of accounts.

    @param given: the same keys and values as in a file of settings for C{--auth=sql:}; a
        path may also be bytes or a path object.

    @raise ValueError: if an option is unknown, missing, wrong, or couldn't take effect,
        or a library is missing.
    """
    try:
        parsed = FILE_OPTIONS.parse(joined(textsOf(given, FILE_OPTIONS)))
        return _makeSettings(parsed, mayHoldPassword=True)
    except InvalidAuthArgumentString as error:
        raise ValueError(str(error)) from None


def _settingsOf(given: Mapping[str, Any], path: str | None) -> Settings:
    """
    Return settings made of parsed options.

    @param path: the file that has them, or L{None}.
    """
    try:
        if path is not None and any(map(_hasPassword, given.get("url", ()))):
            requirePrivacy(path, "url")
        return _makeSettings(given, mayHoldPassword=path is not None)
    except ValueError as error:
        raise wrongIn(path, str(error)) from None


def _makeSettings(given: Mapping[str, Any], mayHoldPassword: bool) -> Settings:
    """
    Return settings made of parsed options.

    @param mayHoldPassword: whether a URL may hold a password: on a command line all users
        of the machine see it.

    @raise ValueError: if the options don't go together.
    """
    require("url" in given, "url", "write url=URL, where the database is")
    require("query" in given, "query", "write query= too, which finds a user")
    haveOwn = [_hasPassword(text) for text in given["url"]]
    require(
        mayHoldPassword or not any(haveOwn),
        "url",
        "a password on a command line can be seen by all users; write passwordfile=FILE",
    )
    password, path = None, given.get("passwordfile")
    if path is not None:
        require(not all(haveOwn), "passwordfile", "all URLs have a password already")
        password = _decoded(passwordIn(path, "passwordfile"))
    urls = tuple(
        _parseURL(text, None if hasOwn else password)
        for text, hasOwn in zip(given["url"], haveOwn)
    )
    dialects = {url.dialect for url in urls}
    require(len(dialects) == 1, "url", "all servers must be of one kind")
    isFile = dialects == {"sqlite"}
    require(not isFile or password is None, "passwordfile", "SQLite has no passwords")
    return Settings(
        urls,
        given["query"],
        given.get("update"),
        Names(given.get("case", False), given.get("realm")),
        given.get("timeout", _DEFAULTS["timeout"]),
        given.get("connections", _DEFAULTS["connections"]),
    )


def _parseURL(text: str, password: str | None) -> DatabaseURL:
    """
    Return a URL.

    @raise ValueError: if it can't be used, or a library is missing.
    """
    try:
        return DatabaseURL.parse(text, password)
    except ValueError as error:
        raise ValueError(f"url: {error}") from None
    except ImportError as error:
        install = installFor(text.partition(":")[0].partition("+")[0])
        raise ValueError(
            f"url: it takes a library that isn't installed ({error}); do {install}"
        ) from None


def _hasPassword(url: str) -> bool:
    """
    Return whether a URL holds a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # It can't be told; whoever parses it says what is wrong.
        return "@" in url
    arguments = {key.lower() for key, _ in parse_qsl(parts.query)}
    return parts.password is not None or not arguments.isdisjoint(_PASSWORDS)


def _decoded(password: bytes) -> str:
    """
    Return a password as text.
    """
    try:
        return password.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("passwordfile: the password isn't in UTF-8") from None


__all__ = ["readSettings", "sqlSettings"]
