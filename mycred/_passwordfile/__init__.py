"""
Files of lines with a name and a secret: look a name up fast, verify a password against
the hash in its line, and notice when the file differs.

What is read is a snapshot of the whole file with an index over it, or, without an index,
just the line that is asked for.
"""

from ._layout import (
    HTPASSWD,
    Entry,
    Layout,
    SecretReader,
    isDigest,
    readBare,
    readDigest,
    readHash,
    readHashOrPassword,
    readHashOrPlain,
    readStrong,
)
from ._lookup import PasswordFile, verdictOn, verified
from ._notes import Notes, Source, isOfLine
from ._scramsurvey import ScramSurvey
from ._snapshot import Snapshot
from ._stored import StoredSecret, scramVerdict
from ._userfile import UserFile

__all__ = [
    "HTPASSWD",
    "Entry",
    "Layout",
    "Notes",
    "PasswordFile",
    "ScramSurvey",
    "SecretReader",
    "Snapshot",
    "Source",
    "StoredSecret",
    "UserFile",
    "isDigest",
    "isOfLine",
    "readBare",
    "readDigest",
    "readHash",
    "readHashOrPassword",
    "readHashOrPlain",
    "readStrong",
    "scramVerdict",
    "verdictOn",
    "verified",
]
