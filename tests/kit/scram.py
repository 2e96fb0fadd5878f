"""
Credentials of SCRAM whose client a test steps by hand, and keys that cost little.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, succeed

from mycred._scram import ScramKeys, prepared, written
from mycred.credentials import IScramCredentials
from mycred.error import UnauthorizedLogin

#: The salt of L{storedKeys}, and how often it hashes.
SALT, COUNT = b"a salt of 18 bytes", 3


def storedKeys(
    password: bytes = b"sesame", hash: str = "sha256", count: int = COUNT
) -> bytes:
    """
    Return keys of a password, as Dovecot writes them.
    """
    return written(ScramKeys.derived(hash, prepared(password), SALT, count))


@implementer(IScramCredentials)
class Proving:
    """
    Credentials whose client knows a password.

    @ivar asked: the keys that the client was to prove.
    @ivar expected: what checkers have said of the keys of most users.
    @ivar waiting: what fires when the client answers, if it is patient.
    @ivar cancelled: how often the client was no longer waited for.
    """

    authzid = b""
    salt = b"sixteen made up!"

    def __init__(
        self,
        username: Any = b"alice",
        password: bytes = b"sesame",
        hash: str = "sha256",
        isPatient: bool = False,
    ) -> None:
        """
        @param isPatient: whether it answers only when L{answer} is called.
        """
        self.username = username
        self.hash = hash
        self.asked: list[ScramKeys] = []
        self.expected: list[Any] = []
        self.waiting: Deferred[None] | None = None
        self.cancelled = 0
        self._password = prepared(password)
        self._isPatient = isPatient

    def prove(self, keys: ScramKeys) -> Deferred[None]:
        """
        Ask the client.
        """
        self.asked.append(keys)
        if self._isPatient:
            self.waiting = Deferred(self._cancel)
            return self.waiting
        return self._verdict()

    def answer(self) -> None:
        """
        Have the client answer.
        """
        waiting, self.waiting = self.waiting, None
        assert waiting is not None
        self._verdict().chainDeferred(waiting)

    def expect(self, *expected: Any) -> None:
        """
        Remember what is said of the keys of most users.
        """
        self.expected.append(expected)

    def _verdict(self) -> Deferred[None]:
        """
        Return whether the client knows the password.
        """
        if self.asked[-1].matches(self._password):
            return succeed(None)
        return fail(UnauthorizedLogin("what a protocol says"))

    def _cancel(self, _: object) -> None:
        """
        Count that nobody waits for the client any more.
        """
        self.cancelled += 1


__all__ = ["COUNT", "SALT", "Proving", "storedKeys"]
