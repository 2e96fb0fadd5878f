"""
Tests for L{mycred._peers}.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given, strategies as st

from twisted.internet.address import IPv4Address as Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from mycred._peers import hostOf, sourceOf
from mycred.credentials import UsernamePassword, peerOf


def presented(peer: object, session: object = None) -> UsernamePassword:
    """
    Make credentials that come from somewhere.
    """
    credentials: object = UsernamePassword(b"alice", b"sesame")
    vars(credentials).update(peer=peer, session=session)
    assert isinstance(credentials, UsernamePassword)
    return credentials


class HostTests(SynchronousTestCase):
    """
    Tests for L{hostOf}.
    """

    def test_spellings(self) -> None:
        """
        One address has one spelling: an IPv4 address is one however it came.
        """
        for address, host in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:C000:0201", "192.0.2.1"),
            ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
            (Address("TCP", "::ffff:192.0.2.1", 25), "192.0.2.1"),
            (b"::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:DB8::0001", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("::192.0.2.1", "::c000:201"),
            ("a.example.org", "a.example.org"),
            (UNIXAddress(b"/run/socket"), None),
            (None, None),
            (5, None),
        ]:
            self.assertEqual(hostOf(address), host)
            self.assertEqual(peerOf(presented(address)), host)

    @given(st.ip_addresses(v=4))
    def test_mapped(self, address: IPv4Address) -> None:
        """
        That holds for each address.
        """
        number = int(address)
        mapped = IPv6Address(0xFFFF_0000_0000 + number)
        self.assertEqual(hostOf(str(mapped)), str(address))
        self.assertEqual(hostOf(mapped.exploded), str(address))

    @given(st.text() | st.binary())
    def test_anything(self, address: object) -> None:
        """
        Whatever a transport tells, this is text.
        """
        self.assertIsInstance(hostOf(address), str)


class SourceTests(SynchronousTestCase):
    """
    Tests for L{sourceOf}.
    """

    def test_networks(self) -> None:
        """
        Neighbours share a network, and nothing narrower.
        """
        for one, neighbour, other in [
            ("192.0.2.1", "192.0.2.77", "192.0.3.1"),
            ("2001:db8:1:2::3", "2001:db8:1:3::3", "2001:db8:2:2::3"),
            ("::ffff:192.0.2.1", "192.0.2.77", "::192.0.2.1"),
        ]:
            first, second, third = (
                sourceOf(presented(peer)) for peer in (one, neighbour, other)
            )
            self.assertEqual(first[:2], second[:2])
            self.assertNotEqual(first[2], second[2])
            self.assertNotEqual(first[1], third[1])

    def test_host(self) -> None:
        """
        Whoever has a network of IPv6 at home is one address.
        """
        first, second = map(presented, ("2001:db8::1", "2001:db8::ffff:2"))
        self.assertEqual(sourceOf(first), sourceOf(second))

    def test_connections(self) -> None:
        """
        Connections from one address are told apart.
        """
        session = object()
        first = sourceOf(presented("192.0.2.1", session))
        self.assertIs(first[-1], session)
        self.assertEqual(first[:-1], sourceOf(presented("192.0.2.1"))[:-1])

    def test_known(self) -> None:
        """
        All sources that are known for the account they log in to have turns of their own.
        """
        known, other = presented("192.0.2.1"), presented("192.0.2.1")
        vars(known)["isFromKnownSource"] = True
        self.assertNotEqual(sourceOf(known)[0], sourceOf(other)[0])
        self.assertEqual(sourceOf(known)[1:], sourceOf(other)[1:])

    def test_unknown(self) -> None:
        """
        Those of whom nothing is known are one source; so are those of a name.
        """
        self.assertEqual(sourceOf(object()), sourceOf(presented(None)))
        self.assertEqual(sourceOf(presented("proxy")), sourceOf(presented("proxy")))
        self.assertNotEqual(sourceOf(presented("proxy")), sourceOf(object()))
