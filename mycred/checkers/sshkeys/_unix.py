"""
Conch's checker of the system's passwords.
"""

from __future__ import annotations

from ..._conchcontracts import twistedConch
from ..._counterparts import Counterpart
from .. import _unix


class UNIXPasswordDatabase(
    _unix.UNIXPasswordDatabase, Counterpart, twistedConch.UNIXPasswordDatabase
):
    """
    The same as L{mycred.checkers.UNIXPasswordDatabase}, for programs that ask whether it
    is an instance of conch's.
    """


__all__ = ["UNIXPasswordDatabase"]
