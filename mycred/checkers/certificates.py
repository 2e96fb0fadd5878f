"""
Checkers of TLS certificates.

::

    from mycred.checkers.certificates import CertificateChecker

    checker = CertificateChecker("/etc/myapp/ca.pem", crl="/etc/myapp/ca.crl")
    portal = Portal(realm, [checker])

It takes pyOpenSSL: C{pip install '.[tls]'} in a checkout.  It isn't in
L{mycred.checkers}: a program without TLS needn't wait for pyOpenSSL.
"""

from ._certificate import CertificateChecker

__all__ = ["CertificateChecker"]
