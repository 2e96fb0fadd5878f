"""
What a server says of itself, in its root DSE (RFC 4512, section 5.1).
"""

from __future__ import annotations

from ._bindresult import COME_AGAIN, describe
from ._connection import Link
from ._errors import Elsewhere
from ._filters import ANYTHING
from ._messages import BASE, PASSWORD_POLICY, SUPPORTED_CONTROL, Entry, Result


def knowsPolicy(link: Link, account: tuple[str, bytes], until: float) -> bool | None:
    """
    Find out whether a server knows the password policy control.  Some servers end, or
    end the connection, if it is sent to them, though it isn't critical.

    @param link: a connection on which nobody has bound yet.
    @param account: the name and the password of the service account, which is asked for
        where anonymous searches find nothing; both empty if there is none.
    @param until: when to give up, by L{time.monotonic}.

    @return: L{None} if the server doesn't say.

    @raise Elsewhere: if it can't tell now.
    @raise Fault: if it gives no answer that can be understood.
    @raise Unsure: if that is too long.
    """
    controls = _controls(link, until)
    if not controls and account[0]:
        _refuseDelay(link, link.bind(*account, until))
        controls = _controls(link, until)
    return None if controls is None else PASSWORD_POLICY in controls


def askControls(link: Link, until: float) -> tuple[list[Entry], Result]:
    """
    Ask which controls a server knows.  That it answers shows that it works.

    @return: the root DSE, if there is one to be seen, and how the search ended.
    """
    return link.search("", BASE, ANYTHING, (SUPPORTED_CONTROL,), 1, until)


def _controls(link: Link, until: float) -> list[bytes] | None:
    """
    Read which controls a server knows.

    @return: L{None} if there is no root DSE to be seen.
    """
    entries, result = askControls(link, until)
    _refuseDelay(link, result)
    if not entries:
        return None
    return list(entries[0].attributes.get(SUPPORTED_CONTROL.lower(), ()))


def _refuseDelay(link: Link, result: Result) -> None:
    """
    Refuse an answer that asks to come again: what was taken for the last word would count
    for as long as the server works.

    @raise Elsewhere: if it does.
    """
    if result.code in COME_AGAIN:
        raise Elsewhere(
            f"{link.address} doesn't say yet what it knows: {describe(result)}"
        )


__all__ = ["askControls", "knowsPolicy"]
