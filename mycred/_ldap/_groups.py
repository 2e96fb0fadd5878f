"""
Membership in groups: by the group's entry or the user's, and over groups within groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from .._secrets import asBytes
from ._entries import User, nameOf, valuesOf
from ._session import Session
from ._settings import RequiredGroups
from .client._dn import isBelow, isSameAttribute, normalizedDN
from .client._errors import Unsure
from .client._filters import ANYTHING, allOf, anyOf, equals, inChain
from .client._messages import BASE, SUBTREE, SearchEntry

# The attribute in which some directories list a user's groups.
_MEMBER_OF = "memberOf"

#: The attributes of a user's entry that say which groups they are in.
TELLING = (_MEMBER_OF, "uid", "gidNumber")

# The attributes in which a group lists its members by DN.
_MEMBERS = ("member", "uniqueMember")

# Active Directory lists it in its root DSE (LDAP_CAP_ACTIVE_DIRECTORY_OID of MS-ADTS,
# section 3.1.1.3.4.3.1).
_ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"

_POSIX_GROUP = equals("objectClass", b"posixGroup")

# How deep groups may be within groups.
_DEEPEST = 20


class Membership:
    """
    Membership in a group, or in one of those that match a filter.

    @cvar mostGroups: how many groups of a user are followed.
    @cvar mostPerSearch: how many DNs go into one filter.
    @ivar where: which groups these are, for the log.
    """

    mostGroups = 1000
    mostPerSearch = 100

    def __init__(self, groups: RequiredGroups, attribute: str = "uid") -> None:
        """
        @param groups: the groups.
        @param attribute: the attribute that holds users' names.
        """
        self._groups = groups
        self._isUid = isSameAttribute(attribute, "uid")
        self._only = None if groups.dn is None else normalizedDN(groups.dn)
        self._within = normalizedDN(groups.base)
        self.where = groups.dn or f"{groups.text}, below {groups.base}"
        self._knowsChains: bool | None = None

    def includes(self, session: Session, user: User) -> bool:
        """
        Return whether a user is a member.

        @param user: the user, with their entry.

        @raise Fault: if no server works.
        @raise Unsure: if it can't be found out.
        """
        groups = () if user.entry is None else groupsIn(user.entry)
        isNested = self._groups.isNested
        if isNested and self._followsChains(session):
            return self._matches(session, inChain("member", asBytes(user.dn)))
        own = self._unixFilters(user)
        if self._areIn(session, [user.dn], own, groups):
            return True
        return isNested and self._climb(session, user, own, groups)

    def _unixFilters(self, user: User) -> list[bytes]:
        """
        Return encoded filters for the groups of a user's UNIX account: those that list
        their uid, whatever they log in with, and their primary group (RFC 2307).
        """
        entry = user.entry
        if entry is None:
            return []
        found = []
        with suppress(Unsure):
            uid = nameOf(entry, "uid", user.name if self._isUid else "")
            found.append(equals("memberUid", asBytes(uid)))
        gids = valuesOf(entry, "gidNumber")
        if len(gids) == 1 and gids[0].isdigit():
            found.append(allOf(_POSIX_GROUP, equals("gidNumber", gids[0])))
        return found

    def _climb(
        self,
        session: Session,
        user: User,
        own: Sequence[bytes],
        groups: Sequence[str],
    ) -> bool:
        """
        Return whether one of the groups that a user is in, or of those that these are in,
        and so on, is a member.

        @param own: filters for groups of the user.
        @param groups: the DNs of groups of the user, by what their entry says.
        """
        seen = {normalizedDN(user.dn)}
        members = [user.dn]
        for _ in range(_DEEPEST):
            found = list(self._groupsOf(session, members, own))
            # Each group is followed once: groups may be within each other in a circle.
            new = {normalizedDN(dn): dn for dn in [*groups, *(e.dn for e in found)]}
            members = [dn for key, dn in new.items() if key not in seen]
            seen.update(new)
            if len(seen) > self.mostGroups:
                raise Unsure(f"{user.dn} is in more than {self.mostGroups} groups")
            if not members:
                return False
            own = []
            groups = [dn for entry in found for dn in groupsIn(entry)]
            if self._areIn(session, members, [], [*members, *groups]):
                return True
        raise Unsure(f"the groups of {user.dn} are more than {_DEEPEST} deep")

    def _groupsOf(
        self, session: Session, members: Sequence[str], own: Sequence[bytes]
    ) -> Iterator[SearchEntry]:
        """
        Yield the entries of the groups that list one of these members, or match one of
        these filters.
        """
        for some in self._portions(members):
            where = _listsAny(some, own)
            yield from session.search(
                self._groups.base, SUBTREE, where, (_MEMBER_OF,), self.mostGroups + 1
            )

    def _areIn(
        self,
        session: Session,
        members: Sequence[str],
        own: Sequence[bytes],
        groups: Sequence[str],
    ) -> bool:
        """
        Return whether one of these members is in one of the required groups.

        @param members: their DNs.
        @param own: filters for other groups that they are in.
        @param groups: the DNs of groups that they are in, by what their own entries say.
        """
        told = {normalizedDN(group): group for group in groups}
        if self._only in told:
            return True
        if any(
            self._matches(session, _listsAny(some, own))
            for some in self._portions(members)
        ):
            return True
        if self._only is not None:
            return False
        # Groups elsewhere don't count: any user may be able to make some there.
        near = [group for key, group in told.items() if isBelow(key, self._within)]
        if len(near) > self.mostGroups:
            raise Unsure(f"a user is in more than {self.mostGroups} groups")
        wanted = self._groups.filter
        return any(session.search(g, BASE, wanted, mayMiss=True) for g in near)

    def _matches(self, session: Session, where: bytes) -> bool:
        """
        Return whether one of the required groups matches a filter.
        """
        wanted = self._groups
        base, scope = wanted.base, SUBTREE
        if wanted.dn is not None:
            base, scope = wanted.dn, BASE
        return bool(session.search(base, scope, allOf(wanted.filter, where)))

    def _followsChains(self, session: Session) -> bool:
        """
        Return whether the directory is an Active Directory, which follows groups within
        groups by itself.
        """
        if self._knowsChains is None:
            wanted = "supportedCapabilities"
            found = session.search("", BASE, ANYTHING, (wanted,))
            said = [v for e in found for v in e.attributes.get(wanted.lower(), ())]
            self._knowsChains = _ACTIVE_DIRECTORY in said
        return self._knowsChains

    def _portions(self, members: Sequence[str]) -> Iterator[Sequence[str]]:
        """
        Yield as many members at a time as go into one search.
        """
        for at in range(0, len(members), self.mostPerSearch):
            yield members[at : at + self.mostPerSearch]


def groupsIn(entry: SearchEntry) -> tuple[str, ...]:
    """
    Return the DNs of the groups that an entry says it is in.
    """
    values = entry.attributes.get(_MEMBER_OF.lower(), ())
    return tuple(value.decode("utf-8", "surrogateescape") for value in values)


def _listsAny(members: Iterable[str], own: Iterable[bytes]) -> bytes:
    """
    Return an encoded filter for groups that list one of these members, or match one of
    these filters.
    """
    return anyOf(
        *(equals(key, asBytes(dn)) for dn in members for key in _MEMBERS),
        *own,
    )


__all__ = ["TELLING", "Membership", "groupsIn"]
