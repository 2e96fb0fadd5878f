"""
Whom an entry is of: his name, and whether his account is disabled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ..error import DenialReason
from ._settings import Settings
from .client._dn import NameTemplate, alike, foldedName, isSameAttribute, parseDN, valueIn
from .client._errors import Unsure
from .client._messages import Entry

#: What disables an account, where nobody binds who would be told so: in 389 Directory
#: Server, in OpenLDAP (slapo-ppolicy(5): locked until an administrator says otherwise),
#: and in Active Directory (ADS_UF_ACCOUNT_DISABLE, the bit with value 2).
LOCKS: dict[str, tuple[Callable[[bytes], bool], DenialReason]] = {
    "nsaccountlock": (lambda value: value.lower() == b"true", DenialReason.DISABLED),
    "pwdaccountlockedtime": (b"000001010000Z".__eq__, DenialReason.LOCKED),
    "useraccountcontrol": (
        lambda value: not value.isdigit() or bool(int(value[:20]) & 2),
        DenialReason.DISABLED,
    ),
}


# What Active Directory calls somebody: DOMAIN and NAME.
_domainAndName = re.compile(r"[^\\@]+\\([^\\@]+)")


class Person(NamedTuple):
    """
    Somebody who has an entry.

    @ivar dn: the name of the entry.
    @ivar name: his name.
    @ivar entry: their entry, as the service account sees it; L{None} if that wasn't
        looked at.
    """

    dn: str
    name: str
    entry: Entry | None = None


def valuesOf(entry: Entry, attribute: str) -> list[bytes]:
    """
    Return the values of an attribute, whichever of its names the directory uses.
    """
    return [
        value
        for known, some in entry.attributes.items()
        if isSameAttribute(known, attribute)
        for value in some
    ]


def lockOf(entry: Entry) -> DenialReason | None:
    """
    Tell whether an account is disabled, by its entry.
    """
    for name, (isLock, reason) in LOCKS.items():
        if any(map(isLock, entry.attributes.get(name, ()))):
            return reason
    return None


def nameIn(entry: Entry, attribute: str, typed: str) -> str:
    """
    Tell a user's name, as his entry spells it.

    @raise Unsure: if it doesn't say, or says too much.
    """
    values = valuesOf(entry, attribute)
    names = [value.decode("utf-8", "surrogateescape") for value in values if value]
    if len(names) > 1:
        # The name of the entry tells which of several counts; otherwise what was typed.
        try:
            own = valueIn(parseDN(entry.dn)[:1], attribute)
        except ValueError:
            own = None
        names = (own is not None and _spelled(own, names)) or _spelled(typed, names)
    if len(names) != 1:
        what = "more than one" if values else "no"
        raise Unsure(f"{entry.dn} has {what} {attribute} by which to name the user")
    return names[0]


def _spelled(name: str, names: list[str]) -> list[str]:
    """
    Find out how a name is spelled.
    """
    if name in names:
        return [name]
    return [known for known in names if alike(known) == alike(name)]


def personBehind(identity: str, settings: Settings) -> Person:
    """
    Tell whom a directory calls so: C{dn:} and a name in the directory, or, in Active
    Directory, C{u:} and a domain and a name.

    @raise Unsure: if that isn't clear.
    """
    kind, _, rest = identity.partition(":")
    # 389 Directory Server puts a space there.
    rest = rest.strip(" ")
    name: str | None = None
    if settings.dn is None:
        found = _domainAndName.fullmatch(rest)
        name = found[1] if kind == "u" and found else None
    elif kind == "dn":
        try:
            place = settings.dn.place
            names = parseDN(rest)[place : place + 1]
            name = valueIn(names, settings.dn.attribute)
        except ValueError:
            name = None
    if not name:
        raise Unsure(f"the directory calls the user {identity}, which names nobody")
    return Person(rest if kind == "dn" else "", name)


def personBound(entry: Entry, template: NameTemplate, typed: str) -> Person:
    """
    Return who has bound with the name of an entry.

    @param entry: the entry, as they see it.  They may have written its values, so these
        tell how the name in the entry's DN is spelled, and nothing else.
    @param template: what has made the name of the entry.
    @param typed: what they have typed.

    @raise Unsure: if that isn't clear.
    """
    try:
        names = parseDN(entry.dn)[template.place : template.place + 1]
        name = valueIn(names, template.attribute)
    except ValueError:
        name = None
    values = valuesOf(entry, template.attribute) if template.place == 0 else []
    written = [value.decode("utf-8", "surrogateescape") for value in values]
    spelled = _spelled(typed if name is None else name, written)
    if len(spelled) == 1:
        return Person(entry.dn, spelled[0])
    return Person(entry.dn, name or nameTyped(typed))


def nameTyped(typed: str) -> str:
    """
    Return the name of a user of whom the directory doesn't say how it is spelled.

    @raise Unsure: if that isn't clear.
    """
    try:
        return foldedName(typed)
    except ValueError as error:
        raise Unsure(
            f"the directory doesn't tell how the name is spelled: {error}"
        ) from None


__all__ = [
    "LOCKS",
    "Person",
    "lockOf",
    "nameIn",
    "nameTyped",
    "personBehind",
    "personBound",
    "valuesOf",
]
