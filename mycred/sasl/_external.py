"""
Mechanisms that send no secret.
"""

from __future__ import annotations

from .._scram import sentName
from ..credentials import Anonymous, CertificateCredentials
from ._exchange import Exchange, Step, refused


class External(Exchange):
    """
    EXTERNAL (U{RFC 4422<https://www.rfc-editor.org/rfc/rfc4422>}, appendix A): the name
    of the user to act as, or nothing.  The proof is the certificate that the client has
    presented to TLS.
    """

    def respond(self, answer: bytes) -> Step:
        """
        Return the credentials.
        """
        facts = self._context.facts
        self.username = sentName(answer)
        certificate = facts.certificate
        if certificate is None:
            raise refused("the client has presented no certificate")
        return CertificateCredentials(certificate, facts.chain, answer)


class Visit(Exchange):
    """
    ANONYMOUS (U{RFC 4505<https://www.rfc-editor.org/rfc/rfc4505>}): whatever the client
    says of itself, which nobody has verified.
    """

    def respond(self, answer: bytes) -> Step:
        """
        Return the credentials.
        """
        sentName(answer)
        return Anonymous()


__all__ = ["External", "Visit"]
