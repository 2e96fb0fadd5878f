"""
What ends a command before its work is done.
"""

from __future__ import annotations

#: The exit status for a wrong command line, and for what can't be read or written,
#: as that of C{grep} and C{diff}.
TROUBLE = 2


class Trouble(Exception):
    """
    Something that whoever typed the command must mend.  The text says what, in one
    line.
    """


__all__ = ["TROUBLE", "Trouble"]
