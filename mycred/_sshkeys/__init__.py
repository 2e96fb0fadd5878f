"""
SSH keys: which keys open an account, and what may be done with them, as sshd decides
it.
"""

from ._authority import Authority
from ._authorizedkeys import keyBlobIn, keysIn
from ._certificate import Certificate, Offer, parseOffer, signingKeyOf
from ._evidence import Honors, KeyEvidence, notedKey, noteKey
from ._key import TOUCHED, TYPES, VERIFIED, PublicKey
from ._keyfiles import FILES, KeyFiles, checkKeyFiles, checkPattern, expand
from ._optionlist import parseOptions
from ._options import ANY_TUNNEL, SERVER_OPTIONS, BadOption, KeyOptions, merge
from ._policy import ALGORITHMS, KeyPolicy, checkPolicy, isCertifying, signatureAlgorithm
from ._ports import splitHost
from ._revoked import Revoked
from ._settings import KeySettings, makeAuthority
from ._sources import isLike
from ._strictmodes import UnsafeFile, asUser, insistOnModes, readSafely
from ._wire import Fields, UnusableKey, string

__all__ = [
    "ALGORITHMS",
    "ANY_TUNNEL",
    "FILES",
    "SERVER_OPTIONS",
    "TOUCHED",
    "TYPES",
    "VERIFIED",
    "Authority",
    "BadOption",
    "Certificate",
    "Fields",
    "Honors",
    "KeyEvidence",
    "KeyFiles",
    "KeyOptions",
    "KeyPolicy",
    "KeySettings",
    "Offer",
    "PublicKey",
    "Revoked",
    "UnsafeFile",
    "UnusableKey",
    "asUser",
    "checkKeyFiles",
    "checkPattern",
    "checkPolicy",
    "expand",
    "insistOnModes",
    "isCertifying",
    "isLike",
    "keyBlobIn",
    "keysIn",
    "makeAuthority",
    "merge",
    "noteKey",
    "notedKey",
    "parseOffer",
    "parseOptions",
    "readSafely",
    "signatureAlgorithm",
    "signingKeyOf",
    "splitHost",
    "string",
]
