"""
Files of settings: one section, with the options of an argument string.
"""

from __future__ import annotations

import os
import re
import stat
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping
from configparser import ConfigParser, DuplicateOptionError, DuplicateSectionError, Error
from typing import Any

from ._argstring import Options, readableFile
from ._contracts import InvalidAuthArgumentString
from ._paths import AnyPath, asPath

_TWICE = {DuplicateOptionError: "a key", DuplicateSectionError: "a section"}

# What is advised where a line is none of its own.
_GOES_ON = "where a value goes on, begin the line with a space"

# The largest file of settings, in bytes.
_LARGEST_FILE = 2**16

# The longest password in a file, in bytes: a longer one is another file.
_LONGEST_PASSWORD = 1024


def readSettingsFile(
    path: str, section: str, options: Options, texts: Collection[str] = ()
) -> dict[str, Any]:
    """
    Return the options in a file of settings, parsed.

    @param path: the path of the file.
    @param section: the name of its section.
    @param options: the options.
    @param texts: the keys of those that may have several lines, and hold anything.

    @raise InvalidAuthArgumentString: if that can't be done.  The text doesn't show what
        is in the file, which may be a password.
    """
    status = os.stat(path)
    if status.st_size > _LARGEST_FILE:
        raise wrongIn(path, "it is too large for a file of settings")
    if status.st_mode & stat.S_IWOTH:
        raise wrongIn(path, "everybody can write to it; change that (chmod o-w)")
    given = _sectionOf(path, section)
    for key, text in given.items():
        if len(key.split()) > 1:
            raise wrongIn(path, _GOES_ON)
        if key not in texts:
            _checkLine(path, key, text)
    try:
        # The parser of argument strings, so that the messages are the same.
        return options.parse(joined(given))
    except InvalidAuthArgumentString as error:
        raise wrongIn(path, str(error)) from None


def joined(given: Mapping[str, str]) -> str:
    """
    Return an argument string with these keys and values.
    """
    return ":".join(
        f"{key}={value}".replace("\\", "\\\\").replace(":", "\\:")
        for key, value in given.items()
    )


def textsOf(given: Mapping[str, AnyPath], options: Options) -> dict[str, str]:
    """
    Return the values that a program has given for options, as text.

    @param given: the values; that of a file may also be bytes or a path object.

    @raise ValueError: if another one is no text.
    """
    texts = {}
    files = {option.key for option in options if option.parse is readableFile}
    for key, value in given.items():
        if key in files and isinstance(value, (bytes, os.PathLike)):
            value = asPath(value)
        if not isinstance(value, str):
            raise ValueError(f"{key}: write text, as on a command line")
        texts[key] = value
    return texts


def wrongIn(path: str | None, text: str) -> InvalidAuthArgumentString:
    """
    Return the error for wrong settings.

    @param path: the file that has them, or L{None}.
    @param text: what is wrong, and what would be right.
    """
    where = "" if path is None else f"config: {path}: "
    return InvalidAuthArgumentString(where + text)


def require(condition: bool, key: str, text: str) -> None:
    """
    Require something of an option.

    @raise ValueError: if it doesn't hold.
    """
    if not condition:
        raise ValueError(f"{key}: {text}")


def requirePrivacy(path: str, key: str) -> None:
    """
    Require that other users can't read or write a file (its mode for others).

    @raise ValueError: if they can.
    """
    if os.stat(path).st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            f"{key}: everybody can read or write {path}; change that (chmod o-rwx), and "
            "what it holds, if others have seen it"
        )


def passwordIn(path: str, key: str) -> bytes:
    """
    Return the password in a file that holds nothing else.

    @param key: the option that names the file.

    @raise ValueError: if it doesn't hold one line with a password, or others can read it.
    """
    requirePrivacy(path, key)
    with open(path, "rb") as file:
        password = file.read(_LONGEST_PASSWORD + 2)
    # The end of the line isn't part of it.
    password = password.removesuffix(b"\n").removesuffix(b"\r")
    isPassword = 0 < len(password) <= _LONGEST_PASSWORD
    if not isPassword or b"\n" in password or b"\0" in password:
        raise ValueError(f"{key}: {path} doesn't hold one line with a password")
    if password.startswith(BOM_UTF8):
        raise ValueError(
            f"{key}: {path} begins with a byte order mark; write it without one"
        )
    if password != password.strip():
        raise ValueError(f"{key}: in {path} there is a space beside the password")
    return password


def passwordTextIn(path: str, key: str) -> str:
    """
    Return the password in a file, as text.

    @param key: the option that names the file.

    @raise ValueError: as L{passwordIn}, or if it isn't in UTF-8.
    """
    try:
        return passwordIn(path, key).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{key}: {path} isn't in UTF-8") from None


def _sectionOf(path: str, section: str) -> Mapping[str, str]:
    """
    Return the keys and values of the one section of a file.
    """
    parser = ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    try:
        with open(path, encoding="utf-8-sig") as file:
            parser.read_file(file)
    except UnicodeDecodeError:
        raise wrongIn(path, "it isn't in UTF-8") from None
    except Error as error:
        # Not the line itself: it may hold a password.
        lines = [line for line, _ in getattr(error, "errors", [])]
        line = getattr(error, "lineno", None) or (lines[0] if lines else None)
        where = f", line {line}" if line else ""
        double = _TWICE.get(type(error))
        twice = f" ({double} is there twice)" if double else ""
        raise wrongIn(
            path,
            f"it is no file of settings{where}{twice}; write a line [{section}], and "
            f"lines with KEY = VALUE; {_GOES_ON}",
        ) from None
    if parser.sections() != [section] or parser.defaults():
        raise wrongIn(path, f"write one section, [{section}]")
    return parser[section]


def _checkLine(path: str, key: str, text: str) -> None:
    """
    Refuse what stands in one line of other files, or is written otherwise there.
    """
    if "\n" in text:
        raise wrongIn(
            path,
            f"{key}: it stands in one line; one that begins with a space belongs to "
            "the line above",
        )
    if "\\:" in text:
        raise wrongIn(path, f"{key}: in a file a colon is written as it is")
    if re.search(r"\s[#;](?:\s|$)", text):
        raise wrongIn(
            path,
            f"{key}: what follows a value is no comment; in a DN or a filter a # is "
            "written \\23, and a ; \\3b",
        )
    if text[:1] in ("'", '"'):
        raise wrongIn(path, f"{key}: nothing is quoted in a file")


__all__ = [
    "joined",
    "passwordIn",
    "passwordTextIn",
    "readSettingsFile",
    "require",
    "requirePrivacy",
    "textsOf",
    "wrongIn",
]
