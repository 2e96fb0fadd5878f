"""
Who is in a group: by the group's entry or the user's, and over groups within groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from .._secrets import asBytes
from ._entries import Person, nameIn, valuesOf
from ._session import Session
from ._settings import Groups
from .client._dn import isBelow, isSameAttribute, normalized
from .client._errors import Unsure
from .client._filters import ANYTHING, allOf, anyOf, equals, inChain
from .client._messages import BASE, SUBTREE, Entry

# The attribute in which some directories list a user's groups.
_MEMBER_OF = "memberOf"

#: What of a user's entry tells which groups they are in.
TELLING = (_MEMBER_OF, "uid", "gidNumber")

# The attributes in which a group lists its members by their names in the directory.
_MEMBERS = ("member", "uniqueMember")

#: Active Directory says that of itself (LDAP_CAP_ACTIVE_DIRECTORY_OID of MS-ADTS,
#: section 3.1.1.3.4.3.1).
_ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"

_POSIX_GROUP = equals("objectClass", b"posixGroup")

# How deep groups may be within groups, how many of them are looked at, and how many go
# into one question.
_DEEPEST, _MOST, _AT_A_TIME = 20, 1000, 100


class Membership:
    """
    Tells who is in a group, or in one of those that match a filter.

    @ivar where: which groups these are, in words.
    """

    def __init__(self, groups: Groups, attribute: str = "uid") -> None:
        """
        @param groups: which groups, and where they are.
        @param attribute: the attribute that holds users' names.
        """
        self._groups = groups
        self._isUid = isSameAttribute(attribute, "uid")
        self._only = None if groups.dn is None else normalized(groups.dn)
        self._within = normalized(groups.base)
        self.where = groups.dn or f"{groups.text}, below {groups.base}"
        self._knowsChains: bool | None = None

    def holds(self, session: Session, person: Person) -> bool:
        """
        Tell whether somebody is a member.

        @param person: who, with their entry.

        @raise Fault: if no server works.
        @raise Unsure: if it can't be found out.
        """
        groups = () if person.entry is None else groupsIn(person.entry)
        isNested = self._groups.isNested
        if isNested and self._followsChains(session):
            return self._matches(session, inChain("member", asBytes(person.dn)))
        own = self._asAccount(person)
        if self._areIn(session, [person.dn], own, groups):
            return True
        return isNested and self._climb(session, person, own, groups)

    def _asAccount(self, person: Person) -> list[bytes]:
        """
        Encode the filters for groups that somebody is in as an account of Unix: they list
        their uid, whatever they log in with, or are their primary group (RFC 2307).
        """
        entry = person.entry
        if entry is None:
            return []
        found = []
        with suppress(Unsure):
            uid = nameIn(entry, "uid", person.name if self._isUid else "")
            found.append(equals("memberUid", asBytes(uid)))
        numbers = valuesOf(entry, "gidNumber")
        if len(numbers) == 1 and numbers[0].isdigit():
            found.append(allOf(_POSIX_GROUP, equals("gidNumber", numbers[0])))
        return found

    def _climb(
        self,
        session: Session,
        person: Person,
        own: Sequence[bytes],
        groups: Sequence[str],
    ) -> bool:
        """
        Look at the groups that somebody is in, at those that they are in, and so on.
        """
        seen = {normalized(person.dn)}
        members = [person.dn]
        for _ in range(_DEEPEST):
            found = list(self._groupsOf(session, members, own))
            # A group is looked at once: some are, by a few others, within themselves.
            new = {normalized(dn): dn for dn in [*groups, *(e.dn for e in found)]}
            members = [dn for key, dn in new.items() if key not in seen]
            seen.update(new)
            if len(seen) > _MOST:
                raise Unsure(f"{person.dn} is in more than {_MOST} groups")
            if not members:
                return False
            own = []
            groups = [dn for entry in found for dn in groupsIn(entry)]
            if self._areIn(session, members, [], [*members, *groups]):
                return True
        raise Unsure(f"the groups of {person.dn} are more than {_DEEPEST} deep")

    def _groupsOf(
        self, session: Session, members: Sequence[str], own: Sequence[bytes]
    ) -> Iterator[Entry]:
        """
        Find the groups that list one of these members.
        """
        for some in _portions(members):
            where = _lists(some, own)
            yield from session.search(
                self._groups.base, SUBTREE, where, (_MEMBER_OF,), _MOST + 1
            )

    def _areIn(
        self,
        session: Session,
        members: Sequence[str],
        own: Sequence[bytes],
        groups: Sequence[str],
    ) -> bool:
        """
        Tell whether one of these members is in a group that is asked for.

        @param own: filters for other groups that they are in.
        @param groups: groups that they are in, by what their own entries say.
        """
        told = {normalized(group): group for group in groups}
        if self._only in told:
            return True
        if any(self._matches(session, _lists(m, own)) for m in _portions(members)):
            return True
        if self._only is not None:
            return False
        # Anybody may be able to make groups elsewhere.
        near = [group for key, group in told.items() if isBelow(key, self._within)]
        if len(near) > _MOST:
            raise Unsure(f"somebody is in more than {_MOST} groups")
        wanted = self._groups.filter
        return any(session.search(g, BASE, wanted, mayMiss=True) for g in near)

    def _matches(self, session: Session, where: bytes) -> bool:
        """
        Tell whether a group that is asked for matches a filter.
        """
        wanted = self._groups
        base, scope = wanted.base, SUBTREE
        if wanted.dn is not None:
            base, scope = wanted.dn, BASE
        return bool(session.search(base, scope, allOf(wanted.filter, where)))

    def _followsChains(self, session: Session) -> bool:
        """
        Tell whether the directory finds groups within groups by itself.
        """
        if self._knowsChains is None:
            wanted = "supportedCapabilities"
            found = session.search("", BASE, ANYTHING, (wanted,))
            said = [v for e in found for v in e.attributes.get(wanted.lower(), ())]
            self._knowsChains = _ACTIVE_DIRECTORY in said
        return self._knowsChains


def groupsIn(entry: Entry) -> tuple[str, ...]:
    """
    Read the groups that an entry says it is in.
    """
    values = entry.attributes.get(_MEMBER_OF.lower(), ())
    return tuple(value.decode("utf-8", "surrogateescape") for value in values)


def _lists(members: Iterable[str], own: Iterable[bytes]) -> bytes:
    """
    Encode the filter for groups that list one of these members, or match one of these
    filters.
    """
    return anyOf(
        *(equals(key, asBytes(dn)) for dn in members for key in _MEMBERS),
        *own,
    )


def _portions(members: Sequence[str]) -> Iterator[Sequence[str]]:
    """
    Divide members into as many as go into one question.
    """
    for at in range(0, len(members), _AT_A_TIME):
        yield members[at : at + _AT_A_TIME]


__all__ = ["TELLING", "Membership", "groupsIn"]
