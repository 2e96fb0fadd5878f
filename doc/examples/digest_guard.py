"""
HTTP Digest for Twisted's guard: an answer that is repeated, or sent with another request,
is refused, and a browser whose challenge has expired answers a new one by itself.
"""

from twisted.web.guard import DigestCredentialFactory

from mycred import credentials
from mycred.error import StaleNonce


class DigestFactory(DigestCredentialFactory):
    """
    Twisted's factory, with mycred's challenges.
    """

    def __init__(self, algorithm, authenticationRealm):
        super().__init__(algorithm, authenticationRealm)
        self.digest = credentials.DigestCredentialFactory(algorithm, authenticationRealm)

    def decode(self, response, request):
        """
        Parse an answer, which must be for this very request.
        """
        address = request.getClientAddress().host
        try:
            return self.digest.decode(response, request.method, address, uri=request.uri)
        except StaleNonce:
            request.isStale = True
            raise

    def getChallenge(self, request):
        """
        Make a challenge; it says so if the browser's last answer was to an expired one.
        """
        challenge = super().getChallenge(request)
        if getattr(request, "isStale", False):
            challenge["stale"] = b"true"
        return challenge
