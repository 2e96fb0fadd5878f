"""
Clients that say what no client should, to see whether any of it lets them in or breaks
something.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import IBearerToken, ICertificateCredentials
from mycred.error import SASLError, UnauthorizedLogin, UnhandledCredentials
from mycred.sasl import MECHANISMS, Context, authenticate, decode, decodeInitial

from .sasl import KeysChecker, ScramClient, keysOf, portalOf

#: What a login may fail with.
EXPECTED = UnauthorizedLogin, UnhandledCredentials

# What stands in messages, and what is written into them.
_PARTS = (
    *(b"", b"\0", b"\x01", b"\n", b"\r", b",", b"=", b"=2C", b"=3D", b"a=", b"n=", b"r="),
    *(b"m=x,", b"p=", b"c=biws", b"i=1", b"y,,", b"n,,", b"p=tls-exporter,,", b"*", b"+"),
    *(
        b"\xff",
        b"\xc3\xbc",
        b"\xed\xa0\x80",
        b"\xe2\x80\x8b",
        b"alice",
        b"user=",
        b"auth=",
    ),
    *(b"Bearer ", b"%s%n", b"' or 1=1 --", b"*)(uid=*", b"A" * 1024, b"9" * 400),
)

# Whole messages of clients, with a password that is wrong.
_MESSAGES = (
    *(b"\0alice\0wrong", b"alice\0alice\0wrong", b"\0nobody\0wrong", b"alice", b"wrong"),
    *(b"n,,n=alice,r=nonce", b"y,,n=nobody,r=nonce", b"n,a=alice,n=alice,r=nonce"),
    *(b"p=tls-exporter,,n=alice,r=nonce", b"p=tls-unique,,n=nobody,r=nonce"),
    b"c=biws,r=nonce,p=" + b64encode(bytes(32)),
    b"alice 0123456789abcdef0123456789abcdef",
    b"n,a=alice,\x01host=h\x01port=143\x01auth=Bearer wrong\x01\x01",
    b"user=alice\x01auth=Bearer wrong\x01\x01",
)


class _Refusing:
    """
    A checker that nobody is good enough for.
    """

    credentialInterfaces = (IBearerToken, ICertificateCredentials)

    def requestAvatarId(self, credentials: object) -> Deferred[bytes]:
        """
        Refuse.
        """
        return fail(UnauthorizedLogin())


@dataclass
class Report:
    """
    What has come of hostile lines.

    @ivar lines: how many there were.
    @ivar outcomes: by the names of errors, how many logins ended so.
    @ivar accepted: how many clients were let in, with what they have said.
    @ivar broken: what else logins have failed with, with what the client has said.
    """

    lines: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    accepted: list[list[bytes]] = field(default_factory=list)
    broken: list[tuple[Failure, list[bytes]]] = field(default_factory=list)


class Attack:
    """
    Many logins by hostile clients.
    """

    def __init__(self, seed: int) -> None:
        """
        @param seed: what the same lines come from each time.
        """
        self._random = Random(seed)
        password = secrets.token_hex().encode("ascii")
        self._password = password
        keys = {"alice": keysOf(password), "al": keysOf(password, "sha1")}
        memory = InMemoryUsernamePasswordDatabaseDontUse(alice=password)
        self._portal = portalOf(KeysChecker(**keys), memory, _Refusing())
        self._context = Context(
            SimpleNamespace(
                certificate=object(),
                chain=(),
                peer=None,
                service=None,
                channelBinding={"tls-exporter": b"binding"}.get,
            ),
            offered=tuple(MECHANISMS),
        )
        self.report = Report()

    def run(self, lines: int) -> Report:
        """
        Send lines.

        @param lines: how many, at least.
        """
        names = list(MECHANISMS)
        while self.report.lines < lines:
            self._attack(self._random.choice(names))
        return self.report

    def _attack(self, name: bytes) -> None:
        """
        Try to log in by a mechanism.
        """
        self._said: list[bytes] = []
        self._client = self._makeClient(name)
        try:
            initial = self._initial()
        except SASLError:
            self.report.outcomes["SASLError"] += 1
            return
        login = authenticate(
            MECHANISMS[name],
            self._context,
            initial,
            self._ask,
            lambda credentials: self._portal.login(credentials, None, object),
        )
        login.addCallbacks(self._cbAccepted, self._ebRefused)

    def _makeClient(self, name: bytes) -> ScramClient:
        """
        Return a client that knows the password, and is led astray.
        """
        hash, user = ("sha256", b"alice") if b"256" in name else ("sha1", b"al")
        bound = {"header": b"p=tls-exporter,,", "binding": b"binding"}
        isBound = name.endswith(b"PLUS")
        return ScramClient(hash, user, self._password, **(bound if isBound else {}))

    def _initial(self) -> bytes | None:
        """
        Return the first answer, if it comes with the name of the mechanism.
        """
        chance = self._random.random()
        if chance < 0.3:
            return None
        if chance < 0.6:
            # So that the conversation of SCRAM gets to its end.
            self._said.append(self._client.first)
            return self._client.first
        return decodeInitial(self._line(b""))

    def _ask(self, challenge: bytes) -> Deferred[bytes]:
        """
        Answer a challenge.
        """
        try:
            return succeed(decode(self._line(challenge)))
        except SASLError:
            return fail()

    def _line(self, challenge: bytes) -> bytes:
        """
        Return a line.
        """
        self.report.lines += 1
        chance = self._random.random()
        if chance < 0.01:
            line = b"*"
        elif chance < 0.05:
            line = self._random.randbytes(self._random.randrange(40))
        elif chance < 0.1:
            line = self._spoilt(b64encode(self._message(challenge)))
        else:
            line = b64encode(self._message(challenge))
        if challenge.startswith(b"v=") and not line:
            # To be content with the server's proof is no attack.
            line = b"eA=="
        self._said.append(line)
        return line

    def _message(self, challenge: bytes) -> bytes:
        """
        Return a message: mostly one of a client, spoilt.
        """
        random = self._random
        if challenge.startswith(b"r="):
            nonce = challenge[2:].split(b",")[0]
            guess = b64encode(random.randbytes(random.choice((20, 32))))
            if not challenge.endswith(b",i=1") or random.random() < 0.5:
                return self._spoilt(b"c=biws,r=%b,p=%b" % (nonce, guess))
            right = self._client.answer(challenge)
            return right if random.random() < 0.2 else self._spoilt(right)
        if random.random() < 0.1:
            return random.randbytes(random.randrange(80))
        return self._spoilt(random.choice(_MESSAGES))

    def _spoilt(self, message: bytes) -> bytes:
        """
        Return a message into which something else was written, or half of one.
        """
        random = self._random
        for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
            start = random.randrange(len(message) + 1)
            end = min(len(message), start + random.choice((0, 0, 1, 2, 8, 10_000)))
            message = message[:start] + random.choice(_PARTS) + message[end:]
        return message

    def _cbAccepted(self, _: Any) -> None:
        """
        Note that a client was let in.
        """
        self.report.accepted.append(self._said)

    def _ebRefused(self, failure: Failure) -> None:
        """
        Count a refusal.
        """
        self.report.outcomes[failure.type.__name__] += 1
        if not failure.check(*EXPECTED):
            self.report.broken.append((failure, self._said))
