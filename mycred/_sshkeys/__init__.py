"""
SSH keys: which keys open an account, and what may be done with them, as sshd decides
it.
"""

from ._authority import Authority, makeAuthority
from ._certificate import Certificate, Offer, keyOf, parseOffer
from ._evidence import Honors, KeyEvidence, notedKey, noteKey
from ._key import TOUCHED, TYPES, VERIFIED, PublicKey
from ._keyfiles import FILES, KeyFiles, checkFiles, checkPattern, expand
from ._lines import keysIn, readKey
from ._opening import UnsafeFile, asUser, insistOnModes, readSafely
from ._optionlist import parseOptions
from ._options import ANY_TUNNEL, SERVER_OPTIONS, BadOption, KeyOptions, merge
from ._policy import (
    ALGORITHMS,
    KeyPolicy,
    checkPolicy,
    isCertifying,
    signatureAlgorithm,
)
from ._ports import splitHost
from ._revoked import Revoked
from ._sources import isLike
from ._wire import Fields, UnusableKey, string

__all__ = [
    # From ._policy
    "ALGORITHMS",
    # From ._options
    "ANY_TUNNEL",
    # From ._keyfiles
    "FILES",
    # From ._options
    "SERVER_OPTIONS",
    # From ._key
    "TOUCHED",
    "TYPES",
    "VERIFIED",
    "Authority",
    "BadOption",
    # From ._certificate
    "Certificate",
    # From ._wire
    "Fields",
    # From ._evidence
    "Honors",
    "KeyEvidence",
    "KeyFiles",
    "KeyOptions",
    # From ._policy
    "KeyPolicy",
    "Offer",
    "PublicKey",
    # From ._revoked
    "Revoked",
    # From ._opening
    "UnsafeFile",
    # From ._wire
    "UnusableKey",
    "asUser",
    # From ._keyfiles
    "checkFiles",
    "checkPattern",
    "checkPolicy",
    "expand",
    "insistOnModes",
    # From ._policy
    "isCertifying",
    # From ._sources
    "isLike",
    "keyOf",
    # From ._lines
    "keysIn",
    "makeAuthority",
    # From ._options
    "merge",
    # From ._evidence
    "noteKey",
    "notedKey",
    "parseOffer",
    # From ._optionlist
    "parseOptions",
    # From ._lines
    "readKey",
    "readSafely",
    # From ._policy
    "signatureAlgorithm",
    # From ._ports
    "splitHost",
    # From ._wire
    "string",
]
