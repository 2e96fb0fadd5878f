"""
Tokens that another server has issued: whether they are good, and whom they name.
"""

from ._bearer import LONGEST_TOKEN, BearerCredentialFactory, isToken
from ._client import OAuthClient
from ._errors import CannotTell, TokenRefused
from ._introspection import Introspection
from ._keysources import KeyFile, KeySource, KeyURL
from ._rules import Identity, TokenRules
from ._signed import SignedTokens
from ._url import serverURL

__all__ = [
    "LONGEST_TOKEN",
    "BearerCredentialFactory",
    "CannotTell",
    "Identity",
    "Introspection",
    "KeyFile",
    "KeySource",
    "KeyURL",
    "OAuthClient",
    "SignedTokens",
    "TokenRefused",
    "TokenRules",
    "isToken",
    "serverURL",
]
