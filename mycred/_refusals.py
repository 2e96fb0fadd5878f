"""
What follows from the failures of several checkers that were asked about one login.
"""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import providedBy

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import qual

from ._audit import (
    UNFINISHED,
    authTypeOf,
    checkedBy,
    noteRefusedByOne,
    reasonOf,
    sumUp,
)
from ._secrets import printable
from .error import (
    AccountDenied,
    LoginDenied,
    StaleNonce,
    TemporaryFailure,
    UnauthorizedLogin,
    UnhandledCredentials,
)

#: The failures after which no other checker is asked: a verdict, conch's "right so far",
#: or an answer to HTTP Digest that is right, and that another process has taken.
FINAL = (AccountDenied, LoginDenied, StaleNonce, *UNFINISHED)

# The failures after which the search goes on, and its outcome if no checker accepts: the
# first of these kinds that was met.
_REFUSALS = (TemporaryFailure, UnauthorizedLogin, UnhandledCredentials)


def refusalOf(failure: Failure, checker: object, log: Logger) -> Failure:
    """
    Return the failure of a checker as the chain takes it, and log that others are asked.
    """
    failure = takenFrom(failure, checker, log)
    log.debug(
        "{by} doesn't let the user in, and others are asked: {why}",
        by=authTypeOf(checker),
        why=printable(reasonOf(failure)),
    )
    return failure


def takenFrom(failure: Failure, checker: object, log: Logger) -> Failure:
    """
    Return the failure of a checker as the chain takes it: what is no refusal, but a
    defect, is logged, and is a L{TemporaryFailure}.
    """
    if not failure.check(*_REFUSALS):
        log.failure("A checker could not tell", failure=failure)
        failure = Failure(TemporaryFailure("A checker could not tell"))
    return checkedBy(failure, checker)


def summedUp(failures: Sequence[Failure], credentials: object) -> Failure:
    """
    Return the failure that sums up those of the checkers.

    @param failures: failures as L{refusalOf} returns them.
    """
    for kind in _REFUSALS:
        alike = [failure for failure in failures if failure.check(kind)]
        if alike:
            summed = sumUp(alike)
            if kind is TemporaryFailure and any(
                f.check(UnauthorizedLogin) for f in failures
            ):
                noteRefusedByOne(summed)
            return summed
    return Failure(unhandled(credentials))


def unhandled(credentials: object) -> UnhandledCredentials:
    """
    Return the error that no checker is for credentials of this kind, in Twisted's own
    words, which programs compare.
    """
    interfaces = ", ".join(map(qual, providedBy(credentials)))
    return UnhandledCredentials(f"No checker for {interfaces}")


__all__ = [
    "FINAL",
    "refusalOf",
    "summedUp",
    "takenFrom",
    "unhandled",
]
