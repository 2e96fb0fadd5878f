"""
A checker of TLS certificates that finds users by the serial number.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred

from mycred.checkers import ICredentialsChecker
from mycred.checkers.certificates import CertificateChecker
from mycred.credentials import ICertificateCredentials, insistOnOwnName
from mycred.error import UnauthorizedLogin


@implementer(ICredentialsChecker)
class SerialChecker:
    """
    The users whose certificates have these serial numbers.
    """

    credentialInterfaces = (ICertificateCredentials,)

    def __init__(self, ca: str, users: Mapping[int, bytes]) -> None:
        """
        @param ca: the path of the authority's certificate.
        @param users: the users, by the serial numbers of their certificates.
        """
        # Every certificate has a fingerprint, so this one only verifies.
        self._authority = CertificateChecker(ca, name="fingerprint")
        self._users = users

    def requestAvatarId(self, credentials: ICertificateCredentials) -> Deferred[Any]:
        """
        Check a certificate.
        """
        presented = copy(credentials)
        # It would insist on the fingerprint.
        presented.authzid = b""
        verifying = self._authority.requestAvatarId(presented)
        return verifying.addCallback(self._cbVerified, credentials)

    def _cbVerified(self, _: object, credentials: ICertificateCredentials) -> bytes:
        """
        Return the name of the user.
        """
        name = self._users.get(credentials.certificate.serial_number)
        if name is None:
            raise UnauthorizedLogin()
        insistOnOwnName(credentials.authzid, name)
        return name
