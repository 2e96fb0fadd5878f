"""
The options of the audit log, as a file of settings has them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from .._argstring import Option, Options, nonEmpty, oneOf
from .._uidoption import canMakeIn
from ._auditlog import AuditLog, Observer
from ._file import AuditFile
from ._formats import FORMATS
from ._syslog import FACILITIES, AuditSyslog


def _appendableFile(text: str) -> str:
    """
    Return the absolute path of a file that can be appended to, or made.

    @raise ValueError: if it can't.
    """
    path = os.path.abspath(nonEmpty(text))
    problem = _problemWith(path)
    if problem is not None:
        raise ValueError(
            f"{path} can't be written ({problem}); write the path of a file that the "
            "server can write, in a directory that exists"
        )
    return path


def _problemWith(path: str) -> str | None:
    """
    Return what keeps a file from being appended to, or made; L{None} if nothing does.
    The file isn't made: twistd may become another user before the first login.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    except FileNotFoundError:
        directory = os.path.dirname(path)
        if not os.path.isdir(directory):
            return f"{directory} is no directory"
        return None if canMakeIn(directory) else f"{directory} can't be written"
    except OSError as error:
        return error.strerror or str(error)
    try:
        isRegular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
    return None if isRegular else "it is not a regular file"


#: The options.  One of C{file} and C{syslog} must be given.
auditOptions = Options(
    Option(
        "file",
        _appendableFile,
        "FILE",
        "The file to which a line is appended for each login; made if it doesn't exist, "
        "for its owner alone.",
    ),
    Option(
        "format",
        oneOf({name: name for name in FORMATS}),
        "|".join(FORMATS),
        "The format of the file: the line that the log has, which is the default, or "
        "JSON objects with the names of the Elastic Common Schema.",
    ),
    Option(
        "syslog",
        oneOf({name: name for name in FACILITIES}),
        "auth|authpriv|local0|...|local7",
        "The facility of syslog to which the log's line is sent for each login.",
    ),
)


def makeAudit(values: Mapping[str, Any]) -> AuditLog:
    """
    Make what is told how logins end.

    @param values: the options, parsed.

    @raise ValueError: if they say nothing, or one can't take effect.
    """
    if "format" in values and "file" not in values:
        raise ValueError("format: there is no file= of this format")
    observers: list[Observer] = []
    if "file" in values:
        observers.append(AuditFile(values["file"], values.get("format", "line")))
    if "syslog" in values:
        observers.append(AuditSyslog(values["syslog"]))
    if not observers:
        raise ValueError("write file= or syslog=, or both")
    return AuditLog(*observers)


__all__ = ["auditOptions", "makeAudit"]
