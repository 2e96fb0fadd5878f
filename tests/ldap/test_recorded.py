"""
Tests for L{mycred._ldap} and L{mycred._ldap.client} with answers that real servers have
given, for where these can't run: 389 Directory Server 2.3.1, and Samba 4.17.12 as a
domain controller.

Each was sent by a server as the tests in C{test_accounts} have it, to a request with the
id 1, or 2 after a bind.
"""

from __future__ import annotations

import time
from typing import Any

from mycred._ldap.client._messages import endOfElement
from mycred._verdict import Kind
from mycred.error import DenialReason

from ..kit.fakeldap import BIND, SEARCH, Conversation, FakeTestCase

_AD = (
    "3063020101615e0a01310400045738303039303330383a204c6461704572723a20445349442d30433039"
    "303341392c20636f6d6d656e743a204163636570745365637572697479436f6e74657874206572726f72"
    "2c206461746120{code}2c207631646231"
)

SAMBA = {
    "": _AD.format(code="353265"),
    "must": _AD.format(code="373733"),
    "off": _AD.format(code="353333"),
    "alice": "300c02010161070a010004000400",
    "who": (
        "305e02010278590a010204000439457874656e646564204f7065726174696f6e28312e332e36"
        "2e312e342e312e343230332e312e31312e3329206e6f7420737570706f727465648a17312e33"
        "2e362e312e342e312e343230332e312e31312e33"
    ),
    "own": (
        "3041020102643c0429434e3d416c6963652c434e3d55736572732c44433d61642c44433d6578"
        "616d706c652c44433d6f7267300f300d0402636e31070405416c696365300c02010265070a01"
        "0004000400"
    ),
}

DIRECTORY_SERVER = {
    "": "300c02010161070a013104000400",
    "must": (
        "305f02010161070a010004000400a05130310419312e332e362e312e342e312e34322e322e32"
        "372e382e352e31041430840000000ea084000000058003015180810102301c0417322e31362e"
        "3834302e312e3131333733302e332e342e34040130"
    ),
    "old": (
        "306502010161180a01310400041170617373776f7264206578706972656421a0463026041931"
        "2e332e362e312e342e312e34322e322e32372e382e352e310409308400000003810100301c04"
        "17322e31362e3834302e312e3131333733302e332e342e34040130"
    ),
    "off": (
        "306802010161390a0135040004324163636f756e7420696e6163746976617465642e20436f6e"
        "746163742073797374656d2061646d696e6973747261746f722ea02830260419312e332e362e"
        "312e342e312e34322e322e32372e382e352e310409308400000003810101"
    ),
    "lock": (
        "3079020101614a0a0113040004434578636565642070617373776f7264207265747279206c69"
        "6d69742e20436f6e746163742073797374656d2061646d696e6973747261746f7220746f2072"
        "657365742ea02830260419312e332e362e312e342e312e34322e322e32372e382e352e310409"
        "308400000003810101"
    ),
    "alice": "300c02010161070a010004000400",
    "who": (
        "303702010278320a0100040004008b29646e3a207569643d616c6963652c6f753d70656f706c"
        "652c64633d6578616d706c652c64633d6f7267"
    ),
    "own": (
        "303e020102643904257569643d416c6963652c6f753d70656f706c652c64633d6578616d706c"
        "652c64633d6f72673010300e040375696431070405416c696365300c02010265070a01000400"
        "0400"
    ),
}


def answers(recorded: str, identity: int) -> bytes:
    """
    Decode what was recorded, as an answer to another request.
    """
    rest, told = bytearray.fromhex(recorded), b""
    while rest:
        length = endOfElement(bytes(rest))
        assert length is not None
        # The id stands behind two tags and two lengths of a byte each.
        rest[4] = identity
        told += rest[:length]
        del rest[:length]
    return told


class RecordedTests(FakeTestCase):
    """
    Tests for answers that were recorded.
    """

    def replay(self, recorded: dict[str, str], mayRead: bool = True) -> Any:
        """
        Return what a server does that answers so.

        @param mayRead: whether users see their own entries.
        """

        def talk(conversation: Conversation) -> None:
            for identity, kind, body in conversation.requests():
                if kind == BIND:
                    names = [n for n in recorded if n and f"={n},".encode() in body]
                    name = names[0] if names and body.endswith(b"sesame") else ""
                    conversation.say(answers(recorded[name], identity))
                elif kind == SEARCH and not mayRead:
                    conversation.reply(identity, kind)
                elif kind == SEARCH:
                    conversation.say(answers(recorded["own"], identity))
                else:
                    conversation.say(answers(recorded["who"], identity))

        return talk

    def verdicts(self, talk: Any, *names: str, **given: str) -> list[object]:
        """
        Log in, and tell how that ends.
        """
        server = self.serve(talk)
        if "cn" in given["dn"]:
            server.controls = ()
        directory = self.directory(server, **given)
        found: list[object] = []
        for name in names:
            for password in (b"sesame", b"x"):
                until = time.monotonic() + 20
                verdict = directory.lookUp(name.encode(), password, until)
                if password == b"x":
                    self.assertIs(verdict.kind, Kind.REFUSED, verdict)
                elif verdict.kind is Kind.ACCEPTED:
                    found.append(verdict.name)
                else:
                    found.append(verdict.denial or verdict.kind)
        return found

    def test_samba(self) -> None:
        """
        Samba's answers are understood, also that it doesn't know "Who am I?".
        """
        dn = "cn={username},cn=Users,dc=ad,dc=example,dc=org"
        names = ("alice", "must", "off", "nobody")
        rest = [DenialReason.PASSWORD_EXPIRED, DenialReason.DISABLED, Kind.REFUSED]
        found = self.verdicts(self.replay(SAMBA), *names, dn=dn)
        self.assertEqual(found, [b"Alice", *rest])
        found = self.verdicts(self.replay(SAMBA, mayRead=False), *names, dn=dn)
        self.assertEqual(found, [b"alice", *rest])

    def test_directoryServer(self) -> None:
        """
        So are those of 389 Directory Server, which calls users in lower case.
        """
        dn = "uid={username},ou=people,dc=example,dc=org"
        names = ("alice", "must", "old", "off", "lock", "nobody")
        expired = [DenialReason.PASSWORD_EXPIRED] * 2
        rest = [*expired, *[Kind.REFUSED] * 3]
        found = self.verdicts(self.replay(DIRECTORY_SERVER), *names, dn=dn)
        self.assertEqual(found, [b"Alice", *rest])
        talk = self.replay(DIRECTORY_SERVER, mayRead=False)
        found = self.verdicts(talk, *names, dn=dn)
        self.assertEqual(found, [b"alice", *rest])
