"""
What a store holds for a user now, so that a cache notices that a login wouldn't be
accepted any more.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING

from zope.interface import Interface

if TYPE_CHECKING:
    from typing import Any

# Of this process: nobody who reads a state learns what is stored.
_KEY = secrets.token_bytes(32)


class IStoredState(Interface):
    """
    A checker that can tell what its store holds for a user now, without verifying a
    password.

    A checker that provides this promises that its answer to a name and a password depends
    on them and on this state alone: not, for one, on where the client is.
    """

    def storedState(credentials: Any, avatarId: Any = None) -> Any:
        """
        Return the state of the store for a user.  It differs whenever the answer to the
        same name and password may differ: with the stored hash, the name's spelling, and
        whether the account may be used.  That there is no such user is a state, too.

        It must take the same time for users who are unknown, as long as C{avatarId} is
        L{None}: it is asked for before a password is verified.

        @param credentials: what is presented, of which only the name counts.
        @param avatarId: what a login with these credentials was accepted as, where that
            is to be accepted again; L{None} otherwise.  If the checker would answer with
            another one now, such as one in other groups, it returns another state.

        @return: any C{bytes}, or a L{Deferred} that fires with them.  They are kept in
            memory, and so had better be a digest.  The same bytes for all users mean that
            the store can't tell.

        @raise TemporaryFailure: if that can't be found out now; or the L{Deferred} fails
            with it.
        """


def stateDigest(*parts: object) -> bytes:
    """
    Return a digest of what a store holds, by a key of this process.

    @param parts: what it holds: values whose C{repr} shows all of them.
    """
    shown = repr(parts).encode("utf-8", "backslashreplace")
    return blake2b(shown, key=_KEY, digest_size=16).digest()


#: The state where a store has no such user.
NOBODY = stateDigest(None)


__all__ = ["NOBODY", "IStoredState", "stateDigest"]
