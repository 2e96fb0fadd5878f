"""
Checkers of TLS certificates.

::

    from mycred.checkers.certificates import CertificateChecker

    checker = CertificateChecker("/etc/myapp/ca.pem", crl="/etc/myapp/ca.crl")
    portal = Portal(realm, [checker])

They aren't in L{mycred.checkers}: a program without TLS needn't wait for pyOpenSSL.
"""

from ._certificate import CertificateChecker

__all__ = ["CertificateChecker"]
