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

# How often it is tried to set one, while others may do so, too.
_MOST_TRIES = 3


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

    @return: a L{Deferred}, which fails if the state can't be reached, or is full.
    """

    async def find() -> bytes:
        for _ in range(_MOST_TRIES):
            found = await awaitable(values.recall(key))
            if found is not None:
                if len(found) < _SIZE:
                    raise ValueError("what the state holds is no secret")
                return found
            made = own or secrets.token_bytes(_SIZE)
            if await awaitable(values.compareAndSet(key, None, made, 0)):
                return made
        raise ValueError("the state has no secret, and takes none")

    return Deferred.fromCoroutine(find())


def siteSecretIn(values: SharedValues, own: bytes | None = None) -> Deferred[bytes]:
    """
    Return the secret of a site, from which SCRAM's keys are made up for users whom no
    checker knows: the same in all processes, on all machines that share a state.

    @param values: the state.
    @param own: what becomes the secret if there is none yet, of 32 bytes at least; random
        bytes if L{None}.

    @return: a L{Deferred}, which fails if the state can't be reached.
    """
    return secretIn(values, b"site", own)


__all__ = ["SharedValues", "awaitable", "secretIn", "siteSecretIn"]
