"""
HTTP Digest authentication (U{RFC 7616<https://www.rfc-editor.org/rfc/rfc7616>}): the
challenge, and the credentials that answer it.
"""

from ._credentials import DigestCredentialFactory, DigestedCredentials

__all__ = ["DigestCredentialFactory", "DigestedCredentials"]
