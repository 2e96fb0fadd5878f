"""
What must be said of a token, by itself or by who has issued it, and whom it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._secrets import isPlausible
from ._errors import TokenRefused

#: So much may the clock of who has issued a token be ahead of ours, in seconds.
LEEWAY = 30

# Times beyond it can't be told apart by a JSON number (RFC 7493, section 2.2).
_LATEST = 2**53

# The types of tokens that let in whoever has them (RFC 6749, section 7.1); the second is
# what some servers say instead.
_BEARER = ("bearer", "access_token")


class MalformedClaims(TokenRefused):
    """
    What is said of a token isn't what RFC 7519 and RFC 7662 have.
    """


@dataclass(frozen=True)
class Identity:
    """
    The user whom a token names.

    @ivar name: the name of the account.
    @ivar claimed: the same as the claim has it, with the domain.
    @ivar until: when the token expires, in seconds since 1970; L{None} if that isn't
        said.
    """

    name: bytes
    claimed: bytes
    until: float | None


@dataclass(frozen=True)
class TokenRules:
    """
    What must be said of a token.

    @ivar claim: the name of the claim that names the account, such as C{sub}.  An
        C{email} counts only if C{email_verified} says so: at many identity providers
        users choose their own.
    @ivar issuer: who must have issued it (C{iss}); L{None} if that doesn't matter.
    @ivar audience: for whom it must be (C{aud}); L{None} if that doesn't matter.
    @ivar scope: the words that its C{scope} must have.
    @ivar domain: the domain that must end the claim; the name of the account is what
        stands before it, and the C{@}.  L{None} if the claim is the name.
    """

    claim: str
    issuer: str | None = None
    audience: str | None = None
    scope: tuple[str, ...] = ()
    domain: str | None = None

    def identityIn(
        self, claims: Mapping[str, Any], now: float, mustExpire: bool
    ) -> Identity:
        """
        Return whom a token names.

        @param claims: what is said of the token.
        @param now: the time, in seconds since 1970.
        @param mustExpire: whether it must say when it expires.

        @raise TokenRefused: if the token isn't good, or not for us.
        """
        self._insistOnOrigin(claims)
        until = _insistOnTimes(claims, now, mustExpire)
        _insistOnBearer(claims)
        self._insistOnScope(claims)
        claimed = self._claimed(claims)
        return Identity(self._nameOf(claimed).encode("utf-8"), claimed.encode(), until)

    def _insistOnOrigin(self, claims: Mapping[str, Any]) -> None:
        """
        Insist that the token comes from where it must, and is for us.
        """
        if self.issuer is not None and claims.get("iss") != self.issuer:
            raise TokenRefused("the token is from another issuer")
        if self.audience is None:
            return
        audience = claims.get("aud")
        several = [audience] if isinstance(audience, str) else audience
        if not isinstance(several, list) or not all(isinstance(a, str) for a in several):
            raise MalformedClaims("aud isn't a text, or a list of them")
        if self.audience not in several:
            raise TokenRefused("the token is for another audience")

    def _insistOnScope(self, claims: Mapping[str, Any]) -> None:
        """
        Insist on the words of the scope (RFC 6749, section 3.3).
        """
        if not self.scope:
            return
        words = claims.get("scope", "")
        if not isinstance(words, str):
            raise MalformedClaims("scope isn't a text")
        missing = set(self.scope).difference(words.split(" "))
        if missing:
            raise TokenRefused(f"the token's scope lacks {', '.join(sorted(missing))}")

    def _claimed(self, claims: Mapping[str, Any]) -> str:
        """
        Return the claim that names the account.
        """
        claimed = claims.get(self.claim)
        if not isinstance(claimed, str):
            raise TokenRefused(f"{self.claim} isn't a text that names an account")
        if self.claim == "email" and claims.get("email_verified") is not True:
            raise TokenRefused("email_verified isn't true, so that email proves nothing")
        # Nothing that can't be seen, nor half of a character: such a name could be taken
        # for another.
        if not (claimed.strip() and claimed.isprintable() and isPlausible(claimed)):
            raise TokenRefused(f"{self.claim} isn't fit for the name of an account")
        return claimed

    def _nameOf(self, claimed: str) -> str:
        """
        Return the name of the account.
        """
        if self.domain is None:
            return claimed
        name, at, domain = claimed.rpartition("@")
        if not (name.strip() and at) or domain.lower() != self.domain.lower():
            raise TokenRefused(f"{self.claim} doesn't end in @{self.domain}")
        return name


def _insistOnTimes(
    claims: Mapping[str, Any], now: float, mustExpire: bool
) -> float | None:
    """
    Insist that a token is good now.

    @return: when it expires; L{None} if it doesn't say so.
    """
    until = _timeIn(claims, "exp")
    if until is None and mustExpire:
        raise TokenRefused("the token doesn't say when it expires (exp)")
    if until is not None and now >= until:
        raise TokenRefused("the token has expired")
    for name, said in (("nbf", "isn't good yet"), ("iat", "comes from the future")):
        moment = _timeIn(claims, name)
        if moment is not None and moment > now + LEEWAY:
            raise TokenRefused(f"the token {said} ({name})")
    return until


def _timeIn(claims: Mapping[str, Any], name: str) -> float | None:
    """
    Return a time (a NumericDate of RFC 7519, section 2).

    @return: the seconds since 1970; L{None} if there is none.
    """
    if name not in claims:
        return None
    moment = claims[name]
    # True is an int to Python.
    if type(moment) not in (int, float) or not 0 <= moment <= _LATEST:
        raise MalformedClaims(f"{name} isn't a time in seconds since 1970")
    return float(moment)


def _insistOnBearer(claims: Mapping[str, Any]) -> None:
    """
    Insist that a token lets in whoever has it.  One that is bound to a key (RFC 7800)
    proves nothing without a proof that the client has the key, and that isn't sent here.
    """
    if "cnf" in claims:
        raise TokenRefused("the token is bound to a key (cnf), and is none for bearers")
    kind = claims.get("token_type")
    if kind is not None and str(kind).lower() not in _BEARER:
        raise TokenRefused("the token is none for bearers (token_type)")


__all__ = ["LEEWAY", "Identity", "MalformedClaims", "TokenRules"]
