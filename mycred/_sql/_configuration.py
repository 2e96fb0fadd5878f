"""
Parsing the settings of a database of accounts, from an argument string or a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from .._contracts import InvalidAuthArgumentString
from .._paths import AnyPath
from .._settingsfile import (
    joined,
    passwordTextIn,
    readSettingsFile,
    require,
    requirePrivacy,
    textsOf,
    wrongIn,
)
from ._names import Names
from ._options import FILE_OPTIONS, OPTIONS
from ._settings import Settings
from .client import BadStatement, DatabaseURL, parametersIn, returnsAsName

_SECTION = "sql"

# The values that are bound in each statement.
_QUERY_VALUES = {"username": "the name that the user has typed"}
_UPDATE_VALUES = {"name": "the user's name", "password": "the new hash"}

# How a URL looks whose colon ends the value.
_bareURL = re.compile(r"(?<!\\)://")

# How a URL looks that would be taken for the path of a file.
_unnamedURL = re.compile(r"[A-Za-z][\w+]*\\:/")

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
    if _bareURL.search(argstring):
        raise InvalidAuthArgumentString(
            "url: write \\: for each colon in a URL, as in "
            "url=postgresql\\://myapp@localhost/accounts; or name a file that has all"
        )
    if _unnamedURL.match(argstring):
        raise InvalidAuthArgumentString("url: write url= before the URL")
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
        settings = _makeSettings(given, mayHoldPassword=path is not None)
        if path is not None and any(url.hasPassword for url in settings.urls):
            requirePrivacy(path, "url")
    except ValueError as error:
        raise wrongIn(path, str(error)) from None
    return settings


def _makeSettings(given: Mapping[str, Any], mayHoldPassword: bool) -> Settings:
    """
    Return settings made of parsed options.

    @param mayHoldPassword: whether a URL may hold a password: on a command line all users
        of the machine see it.

    @raise ValueError: if the options don't go together.
    """
    require("url" in given, "url", "write url=URL, where the database is")
    require("query" in given, "query", "write query= too, which finds a user")
    urls = _urlsOf(given, mayHoldPassword)
    dialect = urls[0].dialect
    query = _statement("query", given["query"], dialect, _QUERY_VALUES)
    require(
        not returnsAsName(query, dialect),
        "query",
        "name must be what is stored, so write its column in place of :username as name",
    )
    update = given.get("update")
    if update is not None:
        update = _statement("update", update, dialect, _UPDATE_VALUES, "old")
    return Settings(
        urls,
        query,
        update,
        Names(given.get("case", False), given.get("realm")),
        given.get("timeout", _DEFAULTS["timeout"]),
        given.get("connections", _DEFAULTS["connections"]),
    )


def _urlsOf(given: Mapping[str, Any], mayHoldPassword: bool) -> tuple[DatabaseURL, ...]:
    """
    Return the URLs of the servers, with the password from its file.
    """
    urls = [_parseURL(text) for text in given["url"]]
    require(
        mayHoldPassword or not any(url.hasPassword for url in urls),
        "url",
        "a password on a command line can be seen by all users; write passwordfile=FILE",
    )
    dialects = {url.dialect for url in urls}
    require(len(dialects) == 1, "url", "all servers must be of one kind")
    path = given.get("passwordfile")
    if path is None:
        return tuple(urls)
    require("sqlite" not in dialects, "passwordfile", "SQLite has no passwords")
    lack = [not url.hasPassword for url in urls]
    require(any(lack), "passwordfile", "all URLs have a password already")
    password = passwordTextIn(path, "passwordfile")
    return tuple(
        _parseURL(text, password) if lacks else url
        for text, url, lacks in zip(given["url"], urls, lack)
    )


def _parseURL(text: str, password: str | None = None) -> DatabaseURL:
    """
    Return a URL.

    @raise ValueError: if it can't be used, or a library is missing.
    """
    try:
        url = DatabaseURL.parse(text, password)
        # twistd may change the directory before the first login.
        return DatabaseURL.ofFile(os.path.abspath(url.path)) if url.path else url
    except (ValueError, ImportError) as error:
        raise ValueError(f"url: {error}") from None


def _statement(
    key: str, text: str, dialect: str, needed: Mapping[str, str], optional: str = ""
) -> str:
    """
    Return a statement.

    @param needed: the values that must be bound in it, with what each of them is.
    @param optional: another one that may be.

    @raise ValueError: if others are bound in it.
    """
    statement = text.strip().rstrip(";").rstrip()
    require(bool(statement), key, "write a statement")
    try:
        found = parametersIn(statement, dialect)
    except BadStatement as error:
        raise ValueError(f"{key}: {error}") from None
    known = [f":{name}" for name in (*needed, optional) if name]
    for name in sorted(found.difference(needed, [optional])):
        raise ValueError(f"{key}: there is no :{name} here, write {' or '.join(known)}")
    for name, meaning in needed.items():
        why = f"write :{name}, without quotes, where {meaning} stands"
        require(name in found, key, why)
    return statement


__all__ = ["readSettings", "sqlSettings"]
