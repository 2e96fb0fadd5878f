"""
Tests for L{mycred._ldap._groups}, against slapd.
"""

from __future__ import annotations

from mycred._ldap import Directory
from mycred._ldap._entries import User
from mycred._ldap._groups import Membership
from mycred._ldap.client._messages import SearchEntry, element
from mycred.error import DenialReason

from ..kit.directory import DirectoryTestCase
from ..kit.slapd import GROUPS, ONLY_SERVICE, PEOPLE, SUFFIX, person

# No group may be empty.
NOBODY = f"cn=nobody,{SUFFIX}"


def group(name: str, *members: str, kind: str = "member") -> str:
    """
    Return the entry of a group, in LDIF.
    """
    classes = {
        "member": "groupOfNames",
        "uniqueMember": "groupOfUniqueNames",
        "memberUid": "posixGroup",
    }
    lines = [f"dn: cn={name},{GROUPS}", f"objectClass: {classes[kind]}", f"cn: {name}"]
    if kind == "memberUid":
        lines.append("gidNumber: 1")
    return "\n".join([*lines, *(f"{kind}: {member}" for member in members)]) + "\n"


def user(name: str) -> str:
    """
    Return the DN of a user.
    """
    return f"uid={name},{PEOPLE}"


def named(name: str) -> str:
    """
    Return the DN of a group.
    """
    return f"cn={name},{GROUPS}"


class GroupTestCase(DirectoryTestCase):
    """
    Base of the tests of groups.
    """

    def assertMembers(self, directory: Directory, **expected: bool) -> None:
        """
        Assert which users are accepted.
        """
        for name, isMember in expected.items():
            seen = self.look(directory, name)
            if isMember:
                self.assertAccepted(seen, name)
            else:
                self.assertDenied(seen, DenialReason.POLICY)


class MembershipTests(GroupTestCase):
    """
    Tests for groups.
    """

    entries = (
        *(person(name) for name in ("alice", "bob", "carol", "comma")),
        person("odd", "sesame", dn=rf"cn=odd\, one\+two,{PEOPLE}"),
        group("staff", user("alice"), rf"cn=odd\, one\+two,{PEOPLE}"),
        group("unique", user("alice"), kind="uniqueMember"),
        group("posix", "alice", kind="memberUid"),
        group("guests", user("bob")),
    )

    def test_kinds(self) -> None:
        """
        Members are listed by DN, or by uid.
        """
        for name in ("staff", "unique", "posix"):
            directory = self.directory(group=named(name))
            self.assertMembers(directory, alice=True, bob=False)

    def test_spelling(self) -> None:
        """
        A group may be written in another way.
        """
        directory = self.directory(group=r"CN=St\61ff, OU=groups,dc=EXAMPLE,dc=org")
        self.assertMembers(directory, alice=True, bob=False)

    def test_oddName(self) -> None:
        """
        So may a member.
        """
        directory = self.directory(group=named("staff"))
        self.assertMembers(directory, odd=True)

    def test_wrongPassword(self) -> None:
        """
        A client that doesn't know the password isn't told that the user isn't a member.
        """
        directory = self.directory(group=named("staff"))
        self.assertRefused(self.look(directory, "bob", "x"))

    def test_filter(self) -> None:
        """
        A filter stands for any group that matches.
        """
        for given in ({"groupbase": SUFFIX}, {"base": SUFFIX}):
            directory = self.directory(group="(cn=staf*)", **given)
            self.assertMembers(directory, alice=True, bob=False)
            why = self.look(directory, "bob").why
            below = given.get("groupbase", SUFFIX)
            self.assertEqual(why, f"not a member of group=(cn=staf*), below {below}")
            directory = self.directory(group="(|(cn=posix)(cn=guests))", **given)
            self.assertMembers(directory, alice=True, bob=True, carol=False)

    def test_elsewhere(self) -> None:
        """
        Groups elsewhere don't match: other users may be able to make them there.
        """
        rogue = f"cn=staff,ou=rogue,{SUFFIX}"
        self.server.add(
            f"dn: ou=rogue,{SUFFIX}\nobjectClass: organizationalUnit\nou: rogue\n",
            group("staff", user("bob")).replace(named("staff"), rogue),
        )
        for nested in ("yes", "no"):
            directory = self.directory(
                group="(cn=staff)", groupbase=GROUPS, nested=nested
            )
            self.assertMembers(directory, alice=True, bob=False)

    def test_unseen(self) -> None:
        """
        A group that can't be seen doesn't keep from another.
        """
        access = f"""
access to dn.exact="{named("staff")}" by * disclose
access to attrs=userPassword by anonymous auth by * none
access to attrs=member by * none
access to * by * read
"""
        self.serve(access=access)
        directory = self.directory(group="(cn=unique)", groupbase=GROUPS)
        self.assertMembers(directory, alice=True)
        directory = self.directory(group="(cn=guests)", groupbase=GROUPS)
        self.assertMembers(directory, bob=True, alice=False)

    def test_alike(self) -> None:
        """
        Names that only look alike are kept apart.
        """
        self.server.add(group("straße", user("bob")), group("strasse", user("alice")))
        directory = self.directory(group=named("strasse"))
        self.assertMembers(directory, alice=True, bob=False)

    def test_noGroup(self) -> None:
        """
        A group that doesn't exist is a temporary failure; a filter that matches no group
        denies all users.
        """
        seen = self.look(self.directory(group=named("stuff")), "alice")
        self.assertUnsure(seen, "noSuchObject", "cn=stuff")
        directory = self.directory(group="(cn=stuff)", groupbase=GROUPS)
        self.assertMembers(directory, alice=False)

    def test_byEntry(self) -> None:
        """
        What the user's own entry says counts, too, where the group's can't be seen.
        """
        access = f"""
access to dn.subtree="{GROUPS}" by * none
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""
        self.serve(access=access)
        directory = self.directory(group=named("staff"))
        self.assertAccepted(self.look(directory, "alice"), "alice")
        self.assertUnsure(self.look(directory, "bob"), "noSuchObject")

    def test_direct(self) -> None:
        """
        The entry of a user who binds without a search is read afterwards.
        """
        dn = f"uid={{username}},{PEOPLE}"
        directory = self.directory(dn=dn, group=named("staff"))
        self.assertMembers(directory, alice=True, bob=False)
        directory = self.directory(dn=dn, group="(cn=posix)", groupbase=GROUPS)
        self.assertMembers(directory, alice=True, bob=False)

    def test_service(self) -> None:
        """
        Groups are read by the service account, never by the user.
        """
        self.serve(access=ONLY_SERVICE)
        dn = f"uid={{username}},{PEOPLE}"
        for given in ({}, {"dn": dn}):
            directory = self.directory(group=named("staff"), **given, **self.account())
            self.assertMembers(directory, alice=True, bob=False)

    def test_require(self) -> None:
        """
        Both a filter and a group may be asked for.
        """
        directory = self.directory(group=named("staff"), require="(cn=alice)")
        self.assertMembers(directory, alice=True, odd=False, bob=False)


class NestedTests(GroupTestCase):
    """
    Tests for groups within groups.
    """

    entries = (
        *(person(name) for name in ("alice", "bob", "carol", "dave")),
        group("inner", user("alice"), named("circle")),
        group("middle", named("inner"), user("carol")),
        group("outer", named("middle")),
        group("circle", named("outer")),
        group("unique", named("posix"), kind="uniqueMember"),
        group("posix", "bob", kind="memberUid"),
        group("alone", user("dave"), named("alone")),
    )

    def test_nested(self) -> None:
        """
        Members of a group within count with C{nested=yes}.
        """
        for asked in ({"group": named("outer")}, {"group": "(cn=oute*)"}):
            for base in ({"groupbase": GROUPS}, {"base": SUFFIX}):
                directory = self.directory(nested="yes", **asked, **base)
                self.assertMembers(
                    directory, alice=True, carol=True, bob=False, dave=False
                )
        directory = self.directory(group=named("outer"))
        self.assertMembers(directory, alice=False)

    def test_kinds(self) -> None:
        """
        All kinds of lists count on the way.
        """
        directory = self.directory(group=named("unique"), groupbase=GROUPS, nested="yes")
        self.assertMembers(directory, bob=True, alice=False)

    def test_cycle(self) -> None:
        """
        Groups that are within themselves end the search.
        """
        for name in ("middle", "circle"):
            directory = self.directory(group=named(name), groupbase=GROUPS, nested="yes")
            self.assertMembers(directory, alice=True, dave=False)

    def test_deep(self) -> None:
        """
        How deep they are has an end, which isn't a refusal.
        """
        self.server.add(
            group("deep0", user("dave")),
            *(group(f"deep{n}", named(f"deep{n - 1}")) for n in range(1, 30)),
        )
        directory = self.directory(group=named("deep29"), groupbase=GROUPS, nested="yes")
        self.assertUnsure(self.look(directory, "dave"), "deep")
        directory = self.directory(group=named("deep15"), groupbase=GROUPS, nested="yes")
        self.assertMembers(directory, dave=True)

    def test_many(self) -> None:
        """
        How many they are has one, too.
        """
        self.server.add(*(group(f"many{n}", user("dave")) for n in range(8)))
        directory = self.directory(group=named("outer"), groupbase=GROUPS, nested="yes")
        self.assertMembers(directory, dave=False)
        self.patch(Membership, "mostGroups", 5)
        self.assertUnsure(self.look(directory, "dave"))

    def test_portions(self) -> None:
        """
        Many groups are asked about a few at a time.
        """
        self.server.add(
            *(group(f"many{n}", user("dave")) for n in range(8)),
            group("all", named("many7")),
        )
        self.patch(Membership, "mostPerSearch", 3)
        directory = self.directory(group=named("all"), groupbase=GROUPS, nested="yes")
        self.assertMembers(directory, dave=True, alice=False)

    def test_serverLimit(self) -> None:
        """
        Where the server gives away fewer groups than there are nothing is concluded.
        """
        self.serve(globals="sizelimit 3")
        self.server.add(*(group(f"many{n}", user("dave")) for n in range(8)))
        directory = self.directory(group=named("outer"), groupbase=GROUPS, nested="yes")
        self.assertUnsure(self.look(directory, "dave"), "sizeLimitExceeded")

    def test_chain(self) -> None:
        """
        Active Directory is asked once, by its own rule.
        """
        asked: list[bytes] = []

        def search(
            session: object,
            base: str,
            scope: int,
            where: bytes,
            *more: object,
            **_: object,
        ) -> list[object]:
            asked.append(where)
            if base:
                return [object()]
            capability = b"1.2.840.113556.1.4.800"
            return [SearchEntry("", {"supportedcapabilities": [capability]})]

        directory = self.directory(group=named("outer"), groupbase=GROUPS, nested="yes")
        membership = directory._membership
        assert membership is not None
        session = type("Session", (), {"search": search})()
        someone = User(user("alice"), "alice", SearchEntry("", {}))
        self.assertTrue(membership.includes(session, someone))
        self.assertTrue(membership.includes(session, someone))
        # What is able to do it is asked once.
        self.assertEqual(len(asked), 3)
        rule = element(0x81, b"1.2.840.113556.1.4.1941")
        self.assertIn(rule + element(0x82, b"member"), asked[1])
