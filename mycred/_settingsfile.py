"""
Files of settings: sections with the options of an argument string, most with one.
"""

from __future__ import annotations

import os
import re
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from ._argstring import Options, WrongSettings, readableFile
from ._contracts import InvalidAuthArgumentString
from ._files import openRegular
from ._inifile import GOES_ON, IniFile, Line, parseIni
from ._paths import AnyPath, asPath

# The largest file of settings, in bytes.
_LARGEST_FILE = 2**16

# The longest password in a file, in bytes: a longer one is another file.
_LONGEST_PASSWORD = 1024


class Settings(NamedTuple):
    """
    What is in a file of settings with several sections.

    @ivar file: the file, as it is written.
    @ivar values: the values that can be used, by section and key.
    @ivar mistakes: what is wrong, in no order, with the numbers of lines.  It doesn't
        show what is in the file, which may be a password.
    """

    file: IniFile
    values: dict[str, dict[str, Any]]
    mistakes: list[Line]


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
    try:
        file = _parsed(path)
    except ValueError as error:
        raise wrongIn(path, str(error)) from None
    if file.mistakes:
        raise wrongIn(path, "; ".join(map(shownMistake, file.mistakes)))
    if list(file.sections) != [section]:
        raise wrongIn(path, f"write one section, [{section}]")
    given = {key: e.text for key, e in file.sections[section].entries.items()}
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
) -> Settings:
    """
    Return the options in the sections of a file of settings, parsed, and what is wrong
    with them.

    @param path: the path of the file.
    @param sections: the options of each section that there may be, by its name.  The
        first one must be there.
    @param texts: the keys of those that may have several lines, and hold anything.

    @raise ValueError: if others may write the file, or it is no text of some length.
    """
    file = _parsed(path)
    values, mistakes = {}, [*file.mistakes]
    for name, section in file.sections.items():
        if name not in sections:
            mistakes.append(Line(section.number, _unknownSection(name, sections)))
            continue
        given = {key: entry.text for key, entry in section.entries.items()}
        values[name], wrong = sections[name].parseEach(given)
        for key, text in given.items():
            written = _mistakeIn(key, text, texts)
            if written is not None:
                wrong[key] = written
        for key, mistake in wrong.items():
            number = section.entries.get(key, section).number
            mistakes.append(Line(number, f"[{name}] {mistake}"))
    needed = next(iter(sections))
    if needed not in file.sections:
        mistakes.append(Line(1, f"write a section [{needed}]"))
    return Settings(file, values, mistakes)


def shownMistake(mistake: Line) -> str:
    """
    Return what is wrong in a line, with its number.
    """
    return f"line {mistake.number}: {mistake.text}"


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
    if path is None:
        return InvalidAuthArgumentString(text)
    return WrongSettings(f"config: {path}: {text}")


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


def _parsed(path: str) -> IniFile:
    """
    Return what is in a file of settings.

    @raise ValueError: if it can't be read, others may write it, or it is no text of some
        length.
    """
    try:
        with openRegular(path) as file:
            status = os.fstat(file.fileno())
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ValueError(f"it can't be read ({error.strerror or error})") from None
    if len(content) > _LARGEST_FILE:
        raise ValueError("it is too large for a file of settings")
    if status.st_mode & stat.S_IWOTH:
        raise ValueError("everybody can write to it; change that (chmod o-w)")
    try:
        return parseIni(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {number}: it isn't in UTF-8") from None


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
    if re.search(r"[\s:]", key):
        return GOES_ON
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
        "what follows a value is no comment; write one in a line of its own (in a DN or "
        "a filter of LDAP a # is written \\23, and a ; \\3b)",
    ),
    (lambda text: text[:1] in ("'", '"'), "nothing is quoted in a file"),
)


__all__ = [
    "Settings",
    "joined",
    "passwordIn",
    "passwordTextIn",
    "readSections",
    "readSettingsFile",
    "require",
    "requirePrivacy",
    "shownMistake",
    "textsOf",
    "wrongIn",
]
