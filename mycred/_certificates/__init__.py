"""
TLS certificates of clients: whether an authority vouches for one, and whom it names.

All of it is pure but L{CertificateUsers}, which reads the files.  The signatures and the
chain are OpenSSL's to check, through pyOpenSSL; what a certificate says is read by
cryptography.
"""

from ._current import lackingLists, outdatedAuthorities
from ._errors import Undecided, Untrusted, refusingFlaws
from ._mapping import parseMapping
from ._naming import KINDS, WITH_DOMAIN, Naming
from ._pem import parseAuthorities, parseCertificates, parseRevocations
from ._trust import Revocations, Trust
from ._users import CertificateUsers

__all__ = [
    "KINDS",
    "WITH_DOMAIN",
    "CertificateUsers",
    "Naming",
    "Revocations",
    "Trust",
    "Undecided",
    "Untrusted",
    "lackingLists",
    "outdatedAuthorities",
    "parseAuthorities",
    "parseCertificates",
    "parseMapping",
    "parseRevocations",
    "refusingFlaws",
]
