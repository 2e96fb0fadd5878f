"""
Values that several processes share by a state, as those see it who need some.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from typing import Protocol, TypeVar, Union

from twisted.internet.defer import Deferred, succeed

_T = TypeVar("_T")

# The size of a secret, in bytes.
_SIZE = 32


class SharedValues(Protocol):
    """
    What keeps values: a home of shared state.
    """

    def recall(self, key: bytes, /) -> Union[bytes, Deferred[Union[bytes, None]], None]:
        """
        Return the value of a key, as in
        L{ISharedState<mycred._state._interface.ISharedState>}.
        """

    def compareAndSet(
        self, key: bytes, old: bytes | None, new: bytes, seconds: float, /
    ) -> Union[bool, Deferred[bool]]:
        """
        Set the value of a key, as in
        L{ISharedState<mycred._state._interface.ISharedState>}.
        """


def awaitable(answer: Union[_T, Deferred[_T]]) -> Awaitable[_T]:
    """
    Return the answer of a state, which may be there already, as something to wait for.
    """
    return answer if isinstance(answer, Deferred) else succeed(answer)


def secretIn(
    values: SharedValues, key: bytes, own: bytes | None = None
) -> Deferred[bytes]:
    """
    Return the secret that all processes which share a state have.  The first one that
    asks makes it.

    @param key: what the secret is for; at most 64 bytes.
    @param own: what becomes the secret if there is none; random bytes if L{None}.

    @return: a L{Deferred}, which fails if the state can't be reached.
    """

    async def find() -> bytes:
        while True:
            found = await awaitable(values.recall(key))
            if found is not None:
                if len(found) < _SIZE:
                    raise ValueError("what the state holds is no secret")
                return found
            made = own or secrets.token_bytes(_SIZE)
            if await awaitable(values.compareAndSet(key, None, made, 0)):
                return made

    return Deferred.fromCoroutine(find())


__all__ = ["SharedValues", "awaitable", "secretIn"]
