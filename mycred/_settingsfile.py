"""
Files of settings: sections with the options of an argument string, most with one.
"""

from __future__ import annotations

import os
import re
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Mapping
from configparser import ConfigParser, DuplicateOptionError, DuplicateSectionError, Error
from difflib import get_close_matches
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
    parser = _parsed(path, section)
    if parser.sections() != [section] or parser.defaults():
        raise wrongIn(path, f"write one section, [{section}]")
    given = parser[section]
    for key, text in given.items():
        mistake = _mistakeIn(key, text, texts)
        if mistake is not None:
            raise wrongIn(path, mistake)
    try:
        # The parser of argument strings, so that the messages are the same.
        return options.parse(joined(given))
    except InvalidAuthArgumentString as error:
        raise wrongIn(path, str(error)) from None


def readSections(
    path: str, sections: Mapping[str, Options], texts: Collection[str] = ()
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """
    Return the options in the sections of a file of settings, parsed, and what is wrong
    with them.

    @param path: the path of the file.
    @param sections: the options of each section that there may be, by its name.  The
        first one must be there.
    @param texts: the keys of those that may have several lines, and hold anything.

    @return: the values that can be used, by section and key; and the mistakes, each in
        one line that doesn't show what is in the file, which may be a password.

    @raise InvalidAuthArgumentString: if it is no file of settings.
    """
    needed = next(iter(sections))
    parser = _parsed(path, needed)
    found = [*(["DEFAULT"] if parser.defaults() else []), *parser.sections()]
    mistakes = [_unknownSection(name, sections) for name in found if name not in sections]
    if needed not in found:
        mistakes.append(f"write a section [{needed}]")
    values = {}
    for name, options in sections.items():
        if name in found:
            own = {k: t for k, t in parser.items(name) if k not in parser.defaults()}
            wrong = {k: m for k, t in own.items() if (m := _mistakeIn(k, t, texts))}
            fit = {k: t for k, t in own.items() if k not in wrong}
            values[name], more = options.parseEach(fit, wrong)
            mistakes += [f"[{name}] {mistake}" for mistake in (*wrong.values(), *more)]
    return values, mistakes


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


def _parsed(path: str, section: str) -> ConfigParser:
    """
    Return what is in a file of settings.

    @param section: the name of a section that it must have.
    """
    status = os.stat(path)
    if status.st_size > _LARGEST_FILE:
        raise wrongIn(path, "it is too large for a file of settings")
    if status.st_mode & stat.S_IWOTH:
        raise wrongIn(path, "everybody can write to it; change that (chmod o-w)")
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
    return parser


def _unknownSection(name: str, sections: Collection[str]) -> str:
    """
    Return a message about an unknown section, which says what may have been meant.
    """
    known = ", ".join(f"[{section}]" for section in sections)
    similar = get_close_matches(name.lower(), sections, 1)
    # Something else may stand there, such as a password.
    shown = f"[{name}]" if re.fullmatch(r"[\w-]{1,30}", name) else "a section"
    meant = f", did you mean [{similar[0]}]? There are" if similar else "; there are"
    return f"{shown} is unknown{meant} {known}"


def _mistakeIn(key: str, text: str, texts: Collection[str]) -> str | None:
    """
    Return what is wrong with the way in which a value is written; L{None} if nothing is.

    @param texts: the keys whose values may have several lines, and hold anything.
    """
    if len(key.split()) > 1:
        return _GOES_ON
    if key in texts:
        return None
    return next((f"{key}: {wrong}" for isIt, wrong in _WRITTEN if isIt(text)), None)


# What stands in one line of other files, or is written otherwise there.
_WRITTEN: tuple[tuple[Callable[[str], object], str], ...] = (
    (
        lambda text: "\n" in text,
        "it stands in one line; one that begins with a space belongs to the line above",
    ),
    (lambda text: "\\:" in text, "in a file a colon is written as it is"),
    (
        re.compile(r"\s[#;](?:\s|$)").search,
        "what follows a value is no comment; in a DN or a filter a # is written \\23, "
        "and a ; \\3b",
    ),
    (lambda text: text[:1] in ("'", '"'), "nothing is quoted in a file"),
)


__all__ = [
    "joined",
    "passwordIn",
    "passwordTextIn",
    "readSections",
    "readSettingsFile",
    "require",
    "requirePrivacy",
    "textsOf",
    "wrongIn",
]
