"""
Why there is no connection: whether a server can't be used now, or is refused for good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..._failover import Fault
from ._errors import Refused
from ._texts import inOneLine, textOf, withoutValues

# What is said where an operator has to change something, by PostgreSQL, by libpq, by
# PyMySQL, and by OpenSSL in both.  libpq tells no code, so what isn't understood counts
# as an outage.
_REFUSAL = re.compile(
    r"FATAL: .*(authentication failed|does not exist|no pg_hba.conf entry"
    r"|is not permitted to log in|permission denied"
    r"|unrecognized configuration parameter)"
    r"|no password supplied|certificate|private key"
    r"|\binvalid \w+ value\b|\binvalid port number|\bweak sslmode\b"
    r"|does not support SSL|SSL is required|CERTIFICATE_VERIFY_FAILED"
)

# The arguments that mycred adds to a URL.
_OWN = ("charset", "client_encoding")


def refusalOf(error: Exception, isRefused: bool) -> Fault:
    """
    Return what the error of a driver that can't connect means.

    @param isRefused: whether the class of the error, or its code, says already that a
        connection is refused for good.
    """
    text = inOneLine(textOf(error))
    return Refused(text) if isRefused or _REFUSAL.search(text) else Fault(text)


def unusable(error: Exception, arguments: Mapping[str, object]) -> Refused:
    """
    Return what it means that a driver fails before it connects: it doesn't take an
    argument of the URL.  Which one it is drivers don't always say.

    @param arguments: the arguments.
    """
    names = [f"{name}=" for name in arguments if name not in _OWN]
    what = " or ".join(names) or "the URL"
    # It may show what stands in the URL, or in a file that this names.
    why = inOneLine(withoutValues(textOf(error), isOfStatement=False))
    return Refused(f"{what} can't be used ({why})")


__all__ = ["refusalOf", "unusable"]
