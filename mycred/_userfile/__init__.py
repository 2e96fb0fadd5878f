"""
Files of lines with a name and a secret: look a name up fast, and notice when the
file differs.

What is read is a snapshot of the whole file with an index over it, or, without
an index, just the line that is asked for.  Nothing here knows what a secret
means.
"""

from ._file import UserFile, openRegular, readWhole
from ._lines import HTPASSWD, Entry, Layout
from ._snapshot import Snapshot
from ._state import SETTLING, Signature, State, Watch, signatureOf

__all__ = [
    # From ._lines
    "HTPASSWD",
    # From ._state
    "SETTLING",
    "Entry",
    "Layout",
    "Signature",
    # From ._snapshot
    "Snapshot",
    # From ._state
    "State",
    # From ._file
    "UserFile",
    # From ._state
    "Watch",
    # From ._file
    "openRegular",
    "readWhole",
    # From ._state
    "signatureOf",
]
