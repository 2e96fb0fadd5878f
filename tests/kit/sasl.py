"""
Both ends of a login by SASL, in memory.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from mycred._scram import ScramKeys, prepared
from mycred.checkers import ICredentialsChecker
from mycred.credentials import IScramCredentials
from mycred.error import UnauthorizedLogin
from mycred.portal import ConnectionFacts, Portal
from mycred.sasl import MECHANISMS, Context, authenticate

from .sessions import Realm


@implementer(ICredentialsChecker)
class KeysChecker:
    """
    A checker that keeps keys of passwords.

    @ivar users: by name, the keys of each user; all for one hash.
    @ivar hints: what is expected of the keys of most users; nothing, if empty.
    """

    credentialInterfaces: Any = (IScramCredentials,)

    def __init__(self, *hints: int, **users: ScramKeys) -> None:
        self.users = {name.encode(): keys for name, keys in users.items()}
        self.hints = hints

    def scramHashes(self) -> set[str]:
        """
        Return the hashes that there are keys for.
        """
        return {keys.hash for keys in self.users.values()}

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Have a client prove that it knows the password.
        """
        name = credentials.username
        keys = self.users.get(name)
        if keys is None or keys.hash != credentials.hash:
            if self.hints:
                credentials.expect(*self.hints)
            return fail(UnauthorizedLogin())
        proved: Deferred[None] = credentials.prove(keys)
        return proved.addCallback(lambda _: name)


class ScramClient:
    """
    A client of SCRAM, that says what a test wants it to.

    @ivar heard: the server's challenges.
    @ivar isTrusted: whether the server has proved that it has the keys.
    """

    header = b"n,,"
    binding = b""
    nonce = b"clientnonce"

    def __init__(
        self,
        hash: str = "sha256",
        name: bytes = b"alice",
        password: bytes = b"sesame",
        **said: Any,
    ) -> None:
        """
        @param said: other values of the attributes of the class.
        """
        self.hash = hash
        self.name = name
        self.password = prepared(password)
        self.heard: list[bytes] = []
        self.isTrusted = False
        vars(self).update(said)
        escaped = name.replace(b"=", b"=3D").replace(b",", b"=2C")
        self.bare = b"n=%b,r=%b" % (escaped, self.nonce)

    @property
    def first(self) -> bytes:
        """
        The first message.
        """
        return self.header + self.bare

    def answer(self, challenge: bytes) -> bytes:
        """
        Answer a challenge.
        """
        self.heard.append(challenge)
        if not challenge:
            return self.first
        if challenge.startswith(b"v="):
            self.isTrusted = b64decode(challenge[2:]) == self._signature
            return b""
        return self._prove(challenge)

    def _prove(self, challenge: bytes) -> bytes:
        """
        Return the last message.
        """
        fields = dict(part.split(b"=", 1) for part in challenge.split(b","))
        salt, count = b64decode(fields[b"s"]), int(fields[b"i"])
        salted = hashlib.pbkdf2_hmac(self.hash, self.password, salt, count)
        clientKey = hmac.digest(salted, b"Client Key", self.hash)
        storedKey = hashlib.new(self.hash, clientKey).digest()
        bound = b64encode(self.header + self.binding)
        bare = b"c=%b,r=%b" % (bound, fields[b"r"])
        text = b",".join((self.bare, challenge, bare))
        signature = hmac.digest(storedKey, text, self.hash)
        proof = bytes(a ^ b for a, b in zip(clientKey, signature))
        serverKey = hmac.digest(salted, b"Server Key", self.hash)
        self._signature = hmac.digest(serverKey, text, self.hash)
        return bare + b",p=" + b64encode(proof)


def keysOf(
    password: bytes = b"sesame",
    hash: str = "sha256",
    count: int = 1,
    salt: bytes = b"sixteen bytes...",
) -> ScramKeys:
    """
    Return the keys of a password.
    """
    return ScramKeys.derived(hash, prepared(password), salt, count)


def portalOf(*checkers: Any) -> Portal:
    """
    Return a portal for checkers.
    """
    return Portal(Realm(), checkers)


class Server:
    """
    A protocol that logs in by SASL.

    @ivar sent: the challenges that it has sent.
    """

    def __init__(
        self,
        portal: Any,
        *,
        transport: Any = None,
        facts: Any = None,
        **context: Any,
    ) -> None:
        """
        @param context: what its context says besides the facts.
        """
        self.portal = portal
        facts = facts or ConnectionFacts(transport)
        self.context = Context(facts, **{"secret": b"secret of the site", **context})
        self.sent: list[bytes] = []

    def login(
        self,
        mechanism: str,
        answer: Callable[[bytes], Any] | Iterator[Any],
        initial: bytes | None = None,
    ) -> Deferred[Any]:
        """
        Log in.

        @param mechanism: the name of the mechanism.
        @param answer: answers challenges: with bytes, a failure or a Deferred; or the
            answers themselves.
        @param initial: what the client has sent with the name of the mechanism.
        """
        respond = answer if callable(answer) else lambda _: next(answer)

        def ask(challenge: bytes) -> Deferred[bytes]:
            self.sent.append(challenge)
            said = respond(challenge)
            if isinstance(said, Deferred):
                return said
            if isinstance(said, (Failure, Exception)):
                return fail(said)
            return succeed(said)

        return authenticate(
            MECHANISMS[mechanism.encode()],
            self.context,
            initial,
            ask,
            lambda credentials: self.portal.login(credentials, None, object),
        )
