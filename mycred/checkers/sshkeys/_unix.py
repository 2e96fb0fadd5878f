"""
The checker of the system's passwords that conch has.
"""

from __future__ import annotations

from ..._conchcontracts import twistedConch
from ..._counterparts import Counterpart
from .. import _unix


class UNIXPasswordDatabase(
    _unix.UNIXPasswordDatabase, Counterpart, twistedConch.UNIXPasswordDatabase
):
    """
    The same as L{mycred.checkers.UNIXPasswordDatabase}, for who asks whether it is
    conch's.
    """


__all__ = ["UNIXPasswordDatabase"]
