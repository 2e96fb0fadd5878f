"""
Users, and what their entries say of them: their names, and whether an account is
disabled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ..error import DenialReason
from .client._dn import NameTemplate, alike, foldedName, isSameAttribute, parseDN, valueIn
from .client._errors import Unsure
from .client._messages import SearchEntry

#: The attributes that disable an account, for look-ups without a bind: of 389 Directory
#: Server, of OpenLDAP (slapo-ppolicy(5): locked until an administrator says otherwise),
#: and of Active Directory (ADS_UF_ACCOUNT_DISABLE, the bit with value 2).
LOCKS: dict[str, tuple[Callable[[bytes], bool], DenialReason]] = {
    "nsaccountlock": (lambda value: value.lower() == b"true", DenialReason.DISABLED),
    "pwdaccountlockedtime": (b"000001010000Z".__eq__, DenialReason.LOCKED),
    "useraccountcontrol": (
        lambda value: not value.isdigit() or bool(int(value[:20]) & 2),
        DenialReason.DISABLED,
    ),
}


# What Active Directory calls a user: DOMAIN\NAME.
_domainAndName = re.compile(r"[^\\@]+\\([^\\@]+)")


class User(NamedTuple):
    """
    A user of the directory.

    @ivar dn: the DN of their entry, or nothing if it isn't known.
    @ivar name: their name.
    @ivar entry: their entry, as the service account sees it; L{None} if it wasn't read.
    """

    dn: str
    name: str
    entry: SearchEntry | None = None


def valuesOf(entry: SearchEntry, attribute: str) -> list[bytes]:
    """
    Return the values of an attribute, whichever of its names the directory uses.
    """
    wanted = attribute.lower()
    return [
        value
        for known, values in entry.attributes.items()
        if known == wanted or isSameAttribute(known, attribute)
        for value in values
    ]


def lockOf(entry: SearchEntry) -> DenialReason | None:
    """
    Return why an account is disabled, or None if its entry doesn't say that it is.
    """
    for name, (isLock, reason) in LOCKS.items():
        if any(map(isLock, entry.attributes.get(name, ()))):
            return reason
    return None


def nameOf(entry: SearchEntry, attribute: str, typed: str) -> str:
    """
    Return a user's name, as their entry spells it.

    @param attribute: the attribute that holds it.
    @param typed: what the user has typed.

    @raise Unsure: if the entry has no name, or several that may be meant.
    """
    values = valuesOf(entry, attribute)
    names = [value.decode("utf-8", "surrogateescape") for value in values if value]
    if len(names) > 1:
        # Of several the one in the entry's DN counts, and otherwise what was typed.
        try:
            own = valueIn(parseDN(entry.dn)[:1], attribute)
        except ValueError:
            own = None
        names = (own is not None and _spellings(own, names)) or _spellings(typed, names)
    if len(names) != 1:
        what = "more than one" if values else "no"
        raise Unsure(f"{entry.dn} has {what} {attribute} by which to name the user")
    return names[0]


def _spellings(name: str, names: list[str]) -> list[str]:
    """
    Return those of several names that spell a name.
    """
    if name in names:
        return [name]
    return [known for known in names if alike(known) == alike(name)]


def userFromIdentity(identity: str, template: NameTemplate | None) -> User:
    """
    Return the user whose authorization identity this is: C{dn:} and a DN, or, in Active
    Directory, C{u:} and a domain and a name.

    @param identity: the identity.
    @param template: the template of users' DNs; L{None} for Active Directory.

    @raise Unsure: if it names no user.
    """
    kind, _, rest = identity.partition(":")
    # 389 Directory Server puts a space there.
    rest = rest.strip(" ")
    name: str | None = None
    if template is None:
        found = _domainAndName.fullmatch(rest)
        name = found[1] if kind == "u" and found else None
    elif kind == "dn":
        name = _nameInDN(rest, template)
    if not name:
        raise Unsure(f"the directory calls the user {identity}, which names no user")
    return User(rest if kind == "dn" else "", name)


def userFromOwnEntry(entry: SearchEntry, template: NameTemplate, typed: str) -> User:
    """
    Return the user who has bound with the DN of an entry.

    @param entry: the entry, as they see it.  They may have written its values, so these
        decide how the name in the entry's DN is spelled, and nothing else.
    @param template: the template that the DN was made from.
    @param typed: what they have typed.

    @raise Unsure: if their name isn't clear.
    """
    name = _nameInDN(entry.dn, template)
    values = valuesOf(entry, template.attribute) if template.place == 0 else []
    written = [value.decode("utf-8", "surrogateescape") for value in values]
    spelled = _spellings(typed if name is None else name, written)
    if len(spelled) == 1:
        return User(entry.dn, spelled[0])
    return User(entry.dn, name or nameFromTyped(typed))


def nameFromTyped(typed: str) -> str:
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


def _nameInDN(dn: str, template: NameTemplate) -> str | None:
    """
    Return the name in a user's DN, where the template has it; L{None} if there is none.
    """
    try:
        names = parseDN(dn)[template.place : template.place + 1]
        return valueIn(names, template.attribute)
    except ValueError:
        return None


__all__ = [
    "LOCKS",
    "User",
    "lockOf",
    "nameFromTyped",
    "nameOf",
    "userFromIdentity",
    "userFromOwnEntry",
    "valuesOf",
]
