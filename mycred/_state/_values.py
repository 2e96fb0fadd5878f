"""
Small values by keys, in the memory of this process.
"""

from __future__ import annotations

from collections.abc import Callable

# How much room there is, in bytes, and what an entry takes besides key and value.
_ROOM, _ENTRY = 8 << 20, 256

# How long what is full isn't searched again for what is too old, in seconds.
_AGAIN = 1.0


class Values:
    """
    Values that are kept until their time has come.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        """
        @param seconds: what tells the time.
        """
        self._seconds = seconds
        self._values: dict[bytes, tuple[bytes, float]] = {}
        self._used = 0
        self._searched = float("-inf")

    def recall(self, key: bytes) -> bytes | None:
        """
        Return the value of a key; L{None} if there is none, or it is too old.
        """
        value, until = self._values.get(key, (None, 0.0))
        return None if until and until <= self._seconds() else value

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float
    ) -> bool:
        """
        Set the value of a key, if it is what the caller thinks, and there is room.

        @param seconds: for how long it is kept; 0 for ever.
        """
        if self.recall(key) != old:
            return False
        size = _sizeOf(key, new) - (0 if old is None else _sizeOf(key, old))
        if self._used + size > _ROOM:
            self._forgetOld()
        if self._used + size > _ROOM:
            return False
        self._forget(key)
        until = self._seconds() + seconds if seconds else 0.0
        self._values[key] = new, until
        self._used += _sizeOf(key, new)
        return True

    def _forget(self, key: bytes) -> None:
        """
        Forget a value, if there is one.
        """
        if key in self._values:
            value, _ = self._values.pop(key)
            self._used -= _sizeOf(key, value)

    def _forgetOld(self) -> None:
        """
        Forget what is too old, unless that was done just now.
        """
        now = self._seconds()
        if now < self._searched + _AGAIN:
            return
        self._searched = now
        for key, (_, until) in list(self._values.items()):
            if until and until <= now:
                self._forget(key)


def _sizeOf(key: bytes, value: bytes) -> int:
    """
    Return how much room an entry takes, in bytes.
    """
    return len(key) + len(value) + _ENTRY


__all__ = ["Values"]
