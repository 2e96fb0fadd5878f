"""
Whether a client's certificate is accepted in the handshake.
"""

from __future__ import annotations

from cryptography.x509 import Certificate
from OpenSSL.crypto import X509
from OpenSSL.SSL import Connection

from twisted.logger import Logger

from .._certificates import Trust, Undecided, Untrusted, refusingFlaws
from .._peers import hostOf
from .._secrets import printable

# The usual errors of OpenSSL (X509_V_ERR_... in x509_vfy.h), in words.
_REASONS = {
    9: "it isn't valid yet",
    10: "it has expired",
    18: "it is by itself",
    19: "it is by an authority that isn't trusted",
    20: "it is by an authority that isn't trusted",
    26: "it isn't for clients",
}


class Verifier:
    """
    What OpenSSL asks at each step of verifying a client's certificate.

    When OpenSSL has no objection any more, the certificate is verified again by the rules
    of C{cert:}: OpenSSL knows no others for lists of what is revoked than to want one by
    the issuer of the authority, too, or to check the client's own certificate only.
    """

    _log = Logger()

    def __init__(self, trust: Trust) -> None:
        """
        @param trust: the authorities that are trusted, and what they have revoked.
        """
        self._trust = trust
        # The certificates above the client's own, of the chain that is being verified.
        # It is one at a time: OpenSSL goes through a chain in one call.
        self._above: list[X509] = []

    def __call__(
        self, connection: Connection, found: X509, error: int, depth: int, isFine: int
    ) -> bool:
        """
        Return whether OpenSSL may go on.

        @param connection: OpenSSL's side of the connection.
        @param found: a certificate of the chain, from the last to the client's own.
        @param error: OpenSSL's number of what is wrong with it.
        @param depth: how many certificates lie between it and the client.
        @param isFine: whether OpenSSL finds nothing wrong.
        """
        if isFine and depth:
            self._above.append(found)
            return True
        above, self._above = self._above, []
        why = self._flawOf(found, above) if isFine else _REASONS.get(error, str(error))
        if why is not None:
            peer = hostOf(connection.get_app_data().getPeer()) or "?"
            self._log.info(
                "Disconnected: {peer}: the certificate of {name} is refused: {why}",
                peer=printable(peer),
                name=_nameOf(found),
                why=why,
            )
        return why is None

    def _flawOf(self, found: X509, above: list[X509]) -> str | None:
        """
        Return why a certificate isn't accepted; L{None} if it is.
        """
        try:
            chain = [_parsed(one) for one in above]
            self._trust.insistOn(_parsed(found), chain)
        except (Undecided, Untrusted) as error:
            return printable(str(error))
        return None


def _parsed(certificate: X509) -> Certificate:
    """
    Return a certificate as cryptography has it.

    @raise Untrusted: if it can't be parsed.
    """
    with refusingFlaws():
        return certificate.to_cryptography()


def _nameOf(certificate: X509) -> str:
    """
    Return the name in a certificate of which nothing has been verified.
    """
    try:
        with refusingFlaws():
            return printable(_parsed(certificate).subject.rfc4514_string())
    except Untrusted:
        return "?"


__all__ = ["Verifier"]
