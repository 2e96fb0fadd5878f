"""
Keys, and clients that sign with them as they are told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import defer, protocol, reactor

from .correspondence import Correspondence
from .keys import SKECDSA, SecurityKey, ecdsa, ed25519, nearRSA, rsaKey
from .openssh import USER
from .sshclient import SUCCESS, Client

Sign = Callable[[bytes], bytes]

NAME = USER.encode()

CERTIFIED = b"ssh-ed25519-cert-v01@openssh.com"

WEBAUTHN = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

ED, OTHER, CA = ed25519(), ed25519(), ed25519()

RSA, NEAR, P256 = rsaKey(), nearRSA(), ecdsa()

TOKEN, ECTOKEN = SecurityKey(), SecurityKey(type=SKECDSA)


class Crafted(Correspondence):
    """
    What the tests have in common: a client that signs as it is told.
    """

    keys = {}
    certificates = {}
    lines = (
        "RequiredRSASize 1024",
        f"PubkeyAcceptedAlgorithms +{WEBAUTHN.decode()}",
    )

    @defer.inlineCallbacks
    def proves(self, blob: bytes, algorithm: bytes, sign: Sign) -> Any:
        """
        Try to log in to both servers.

        @return: whether sshd, and whether mycred has let the user in.
        """
        outcomes = []
        for port in self.ports:
            client = yield protocol.ClientCreator(reactor, Client).connectTCP(
                "127.0.0.1", port
            )
            client.user = NAME
            yield client.ready
            code, _ = yield client.prove(None, blob, algorithm, sign=sign)
            outcomes.append(code == SUCCESS)
            client.transport.abortConnection()
            yield client.gone
        return tuple(outcomes)

    @defer.inlineCallbacks
    def agreeOnWays(self, ways: dict[str, Any]) -> Any:
        """
        Insist that both say what they must.

        @param ways: for each the file of keys, what C{proves} takes, and what must come
            of it.
        """
        wrong = []
        for name, (lines, blob, algorithm, sign, counts) in ways.items():
            self.file.write_bytes(lines)
            outcomes = yield self.proves(blob, algorithm, sign)
            if outcomes != (counts, counts):
                wrong.append((name, counts, outcomes))
        self.assertEqual(wrong, [])
