"""
The order of the messages that exchange keys (RFC 4253, section 7).
"""

from __future__ import annotations

from twisted.conch.ssh.transport import (
    MSG_DEBUG,
    MSG_DISCONNECT,
    MSG_KEXINIT,
    MSG_NEWKEYS,
)

from ._malformed import Malformed

# Those by which keys are computed have numbers from 30 to 49.  An exchange has two of
# them at most, and one more if the client guesses wrongly by which method it will be.
_COMPUTING, _MOST = range(30, 50), 3

# Those that may come at any time; their numbers come one after another.
_ALWAYS = range(MSG_DISCONNECT, MSG_DEBUG + 1)


class Exchange:
    """
    Where the exchange of keys stands.

    Each one costs the server a signature and an answer: without an order, a client
    could have hundreds of them for what it sends at a time.
    """

    def __init__(self) -> None:
        self._isFirstDone = False
        self._isUnderWay = False
        self._computing = 0

    def insist(self, number: int, hasKeys: bool, isLoggedIn: bool) -> None:
        """
        Insist that a message may come now, and note that it has come.

        @param number: which message it is.
        @param hasKeys: whether the new keys have been computed.
        @param isLoggedIn: whether a user is logged in.  Until then clients are held to
            the letter, since answers wait until the keys are exchanged.

        @raise Malformed: if it may not.
        """
        if number in _ALWAYS:
            return
        if number == MSG_KEXINIT:
            isRight = not self._isUnderWay
            self._isUnderWay, self._computing = True, 0
        elif number == MSG_NEWKEYS:
            isRight = self._isUnderWay and hasKeys
            self._isUnderWay, self._isFirstDone = False, True
        elif number in _COMPUTING:
            self._computing += 1
            isRight = self._isUnderWay and not hasKeys and self._computing <= _MOST
        else:
            isRight = isLoggedIn or (self._isFirstDone and not self._isUnderWay)
        if not isRight:
            raise Malformed("not in this order")


__all__ = ["Exchange"]
