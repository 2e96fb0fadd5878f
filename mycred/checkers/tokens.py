"""
A checker of tokens that another server has issued (OAuth 2.0), and what knows which are
good.

::

    from mycred.checkers.tokens import KeyURL, SignedTokens, TokenChecker, TokenRules

    keys = KeyURL("https://idp.example.org/jwks")
    rules = TokenRules("sub", issuer="https://idp.example.org", audience="mail")
    portal = Portal(realm, [TokenChecker(SignedTokens(keys, rules))])

They aren't in L{mycred.checkers}: a program without tokens needn't wait for an HTTP
client.
"""

from .._tokens import (
    CannotTell,
    Identity,
    Introspection,
    KeyFile,
    KeySource,
    KeyURL,
    OAuthClient,
    SignedTokens,
    TokenRefused,
    TokenRules,
    serverURL,
)
from ._token import TokenChecker, TokenVerifier

__all__ = [
    "CannotTell",
    "Identity",
    "Introspection",
    "KeyFile",
    "KeySource",
    "KeyURL",
    "OAuthClient",
    "SignedTokens",
    "TokenChecker",
    "TokenRefused",
    "TokenRules",
    "TokenVerifier",
    "serverURL",
]
