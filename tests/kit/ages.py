"""
Dates of lines of shadow(5), with what they say of an account.
"""

from __future__ import annotations

from mycred.error import DenialReason

EXPIRED = DenialReason.EXPIRED
PASSWORD_EXPIRED = DenialReason.PASSWORD_EXPIRED

#: Lines after the name and the hash, with the day in the place of C{T}, and why the
#: account may not be used.  tests.test_system holds the same to pam_unix.
AGES: list[tuple[str, DenialReason | None]] = [
    ("T:0:99999:7:::", None),
    ("::::::", None),
    # sp_expire
    ("T:0:99999:7::T-1:", EXPIRED),
    ("T:0:99999:7::T:", EXPIRED),
    ("T:0:99999:7::T+1:", None),
    ("T:0:99999:7::0:", EXPIRED),
    # sp_lstchg
    ("0:0:99999:7:::", PASSWORD_EXPIRED),
    ("0::::::", PASSWORD_EXPIRED),
    (":0:5:7:::", None),
    ("T+5:0:1:7:0::", None),
    # sp_max
    ("T-10:0:9:7:::", PASSWORD_EXPIRED),
    ("T-10:0:10:7:::", PASSWORD_EXPIRED),
    ("T-10:0:11:7:::", None),
    ("T-10:0::7:0::", None),
    ("T:0:0:7:::", PASSWORD_EXPIRED),
    # sp_inact
    ("T-10:0:4:7:5::", EXPIRED),
    ("T-10:0:5:7:5::", EXPIRED),
    ("T-10:0:6:7:5::", PASSWORD_EXPIRED),
    ("T-10:0:10:7:0::", EXPIRED),
    ("T-10:0:11:7:0::", None),
    # sp_min
    ("T-10:20:99999:7:::", None),
    # Two at a time.
    ("0:0:99999:7::T-1:", EXPIRED),
    # Fields that old systems don't have, and the reserved one.
    ("T:0:9", None),
    ("T:0:9:", None),
    ("T:0:9:7::99999", None),
    ("T-10:0:9", PASSWORD_EXPIRED),
]


def written(fields: str, today: int) -> bytes:
    """
    Return the dates of a line, for a day.
    """
    parts = (
        str(today + int(part[1:] or "0")) if part.startswith("T") else part
        for part in fields.split(":")
    )
    return ":".join(parts).encode("ascii")


__all__ = ["AGES", "written"]
