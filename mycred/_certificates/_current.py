"""
Which authorities and lists of revoked certificates aren't good now, for administrators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from cryptography.x509 import Certificate, CertificateRevocationList


def outdatedAuthorities(authorities: Sequence[Certificate]) -> Iterator[str]:
    """
    Yield what is wrong with the certificates of authorities now.
    """
    now = _now()
    for each in authorities:
        if not each.not_valid_before_utc <= now <= each.not_valid_after_utc:
            yield f"{each.subject.rfc4514_string()} isn't valid now"


def lackingLists(
    authorities: Sequence[Certificate], lists: Sequence[CertificateRevocationList]
) -> Iterator[str]:
    """
    Yield which lists aren't good now, and which authorities have none: all certificates
    by these are refused.
    """
    now = _now()
    good = {each.issuer for each in lists if _isCurrent(each, now)}
    # Each once, in their order.
    for issuer in dict.fromkeys(each.issuer for each in lists):
        if issuer not in good:
            yield f"the list by {issuer.rfc4514_string()} isn't good now"
    known = {each.issuer for each in lists}
    for authority in authorities:
        if authority.subject not in known:
            yield f"there is no list by {authority.subject.rfc4514_string()}"


def _isCurrent(each: CertificateRevocationList, now: datetime) -> bool:
    """
    Return whether a list counts now.
    """
    until = each.next_update_utc
    return until is not None and each.last_update_utc <= now <= until


def _now() -> datetime:
    """
    Return the time.
    """
    return datetime.now(timezone.utc)  # noqa: UP017  (Python 3.10)


__all__ = ["lackingLists", "outdatedAuthorities"]
