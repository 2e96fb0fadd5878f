"""
Tests for L{mycred._ldap.client._messages}.
"""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings, strategies as st
from ldap3 import DEREF_NEVER, SUBTREE as LDAP3_SUBTREE
from ldap3.operation.bind import bind_operation
from ldap3.operation.extended import extended_operation
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc4511 import (
    ExtendedResponse,
    LDAPMessage,
    MessageID,
    ProtocolOp,
)
from pyasn1.codec.ber.decoder import decode
from pyasn1.codec.ber.encoder import encode

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap.client._filters import encodeFilter
from mycred._ldap.client._messages import (
    PASSWORD_POLICY,
    SUBTREE,
    WHO_AM_I,
    Malformed,
    Reference,
    Result,
    SearchEntry,
    bindRequest,
    decodeInteger,
    decodeMessage,
    element,
    elements,
    encodeMessage,
    endOfElement,
    extendedRequest,
    integer,
    searchRequest,
    unbindRequest,
)

# A loaded machine may be slow.
patient = settings(deadline=None, database=None)


def theirs(kind: str, operation: Any, identity: int = 7) -> bytes:
    """
    Return a message as ldap3 encodes it.
    """
    whole = LDAPMessage()
    whole["messageID"] = MessageID(identity)
    whole["protocolOp"] = ProtocolOp().setComponentByName(kind, operation)
    encoded: bytes = encode(whole)
    return encoded


class EncodingTests(SynchronousTestCase):
    """
    What is asked is what ldap3 would ask.
    """

    def test_bind(self) -> None:
        """
        A bind, with a password of bytes that are no text.
        """
        operation = bind_operation(3, "SIMPLE", "uid=é,dc=x", b"\xff sesame")
        mine = encodeMessage(7, bindRequest("uid=é,dc=x".encode(), b"\xff sesame"))
        self.assertEqual(mine, theirs("bindRequest", operation))

    def test_search(self) -> None:
        """
        A search.
        """
        where = "(&(objectClass=person)(uid=alice))"
        operation = search_operation(
            "dc=x",
            where,
            LDAP3_SUBTREE,
            DEREF_NEVER,
            ["uid", "cn"],
            2,
            10,
            False,
            True,
            False,
        )
        request = searchRequest(
            b"dc=x", SUBTREE, encodeFilter(where), [b"uid", b"cn"], 2, 10
        )
        self.assertEqual(encodeMessage(7, request), theirs("searchRequest", operation))

    def test_extended(self) -> None:
        """
        An extended operation.
        """
        operation = extended_operation(WHO_AM_I.decode())
        mine = encodeMessage(7, extendedRequest(WHO_AM_I))
        self.assertEqual(mine, theirs("extendedReq", operation))

    def test_control(self) -> None:
        """
        A control is named after the operation, and isn't critical.
        """
        whole, rest = decode(
            encodeMessage(7, bindRequest(b"", b""), [PASSWORD_POLICY]),
            asn1Spec=LDAPMessage(),
        )
        self.assertEqual(rest, b"")
        [control] = whole["controls"]
        self.assertEqual(bytes(control["controlType"]), PASSWORD_POLICY)
        self.assertFalse(control["criticality"])

    def test_unbind(self) -> None:
        """
        The goodbye is one that others understand.
        """
        whole, _ = decode(unbindRequest(300), asn1Spec=LDAPMessage())
        self.assertEqual(int(whole["messageID"]), 300)
        self.assertEqual(whole["protocolOp"].getName(), "unbindRequest")

    @patient
    @given(st.integers(-(2**40), 2**40))
    def test_integers(self, value: int) -> None:
        """
        Any whole number is encoded as pyasn1 does it, and decoded again.
        """
        from pyasn1.type.univ import Integer

        self.assertEqual(integer(value), encode(Integer(value)))
        [(_, content)] = elements(integer(value))
        self.assertEqual(decodeInteger(content), value)


class DecodingTests(SynchronousTestCase):
    """
    Tests for what a server says.
    """

    def test_entry(self) -> None:
        """
        An entry has its name and its attributes, whatever their case; what is for
        another language, say, is another attribute.
        """
        pairs = [
            element(0x30, element(4, name), element(0x31, element(4, value)))
            for name, value in (
                (b"UID", b"alice"),
                (b"uid;lang-de", b"Alice"),
                (b"memberOf;Range=0-1", b"cn=a"),
                (b"memberOf;x-former", b"cn=b"),
                (b"sshPublicKey;binary", b"key"),
            )
        ]
        body = element(0x64, element(4, b"uid=alice"), element(0x30, *pairs))
        self.assertEqual(
            decodeMessage(element(0x30, integer(3), body)),
            (
                3,
                0x64,
                SearchEntry(
                    "uid=alice",
                    {"uid": [b"alice"], "memberof": [b"cn=a"], "sshpublickey": [b"key"]},
                ),
            ),
        )

    def test_many(self) -> None:
        """
        More elements than any answer has are malformed, and not kept.
        """
        self.assertEqual(len(elements(b"\x04\x00" * 50_000)), 50_000)
        self.assertRaises(Malformed, elements, b"\x04\x00" * 1_000_000)

    def test_longNumbers(self) -> None:
        """
        Numbers that are longer than any are malformed.
        """
        self.assertEqual(decodeInteger(b"\x00\x80"), 128)
        for content in (b"", b"\x01" * 9, b"\x01" * 3000):
            self.assertRaises(Malformed, decodeInteger, content)

    def test_longLengths(self) -> None:
        """
        Lengths in four bytes, as Active Directory writes them, count.
        """
        body = b"\x61\x84\x00\x00\x00\x07\x0a\x01\x31\x04\x00\x04\x00"
        data = b"\x30\x84\x00\x00\x00\x10\x02\x01\x05" + body
        self.assertEqual(endOfElement(data), len(data))
        self.assertEqual(decodeMessage(data), (5, 0x61, Result(49, "")))

    def test_result(self) -> None:
        """
        A result has its code, its text, its controls and its value.
        """
        response = ExtendedResponse()
        response["resultCode"] = 49
        response["matchedDN"] = b""
        response["diagnosticMessage"] = "no, «never»".encode()
        response["responseValue"] = b"dn:uid=alice"
        data = theirs("extendedResp", response)
        self.assertEqual(
            decodeMessage(data), (7, 0x78, Result(49, "no, «never»", {}, b"dn:uid=alice"))
        )

    def test_controls(self) -> None:
        """
        Controls are told by their names, with criticality or without, with a value or
        without.
        """
        result = element(0x61, b"\x0a\x01\x00\x04\x00\x04\x00")
        controls = element(
            0xA0,
            element(0x30, element(4, b"1.2"), element(1, b"\xff"), element(4, b"v")),
            element(0x30, element(4, b"1.3")),
        )
        _, _, answer = decodeMessage(element(0x30, integer(1), result, controls))
        self.assertEqual(answer, Result(0, "", {b"1.2": b"v", b"1.3": b""}))

    def test_reference(self) -> None:
        """
        A reference is no more than that.
        """
        body = element(0x73, element(4, b"ldap://elsewhere.example.org/"))
        data = element(0x30, integer(1), body)
        self.assertEqual(decodeMessage(data), (1, 0x73, Reference()))

    @patient
    @given(st.binary(max_size=60))
    def test_garbage(self, data: bytes) -> None:
        """
        What is no message is malformed, and nothing else.
        """
        for garbage in (data, element(0x30, integer(1), element(0x64, data))):
            try:
                endOfElement(garbage)
                decodeMessage(garbage)
            except Malformed:
                pass

    @patient
    @given(st.data())
    def test_damaged(self, data: Any) -> None:
        """
        So is a message in which a byte is another, if it can't be read.
        """
        result = element(0x61, b"\x0a\x01\x00\x04\x00\x04\x00")
        control = element(0x30, element(4, b"1.2"), element(4, b"v"))
        good = element(0x30, integer(1), result, element(0xA0, control))
        bad = bytearray(good)
        bad[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
        with contextlib.suppress(Malformed):
            decodeMessage(bytes(bad))
