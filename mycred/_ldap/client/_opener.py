"""
Opening connections to one server: connecting by ldap3, TLS, finding out whether the
server knows the password policy control, and the service account's bind.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import ldap3

from ._address import Address
from ._bindresult import COME_AGAIN, describeResult, judgeBind, orNoSuchEntry
from ._connection import Connection, Role
from ._errors import Elsewhere, Fault, Lost, Slow, Unsure
from ._filters import ANYTHING
from ._messages import BASE, PASSWORD_POLICY, SUPPORTED_CONTROL, Result, SearchEntry
from ._resolver import Resolver
from ._tls import Security, VerifiedTLS

# How long sent data may stay unacknowledged, in milliseconds (tcp(7), TCP_USER_TIMEOUT).
_LONGEST_UNACKNOWLEDGED = 3000


class ServiceAccount(NamedTuple):
    """
    The account that searches.

    @ivar dn: its name; empty for anonymous searches.
    @ivar password: its password.
    """

    dn: str = ""
    password: bytes = b""

    def __repr__(self) -> str:
        """
        Show its name, and not its password.
        """
        return f"<{self.dn or 'anonymous'}>"


ANONYMOUS = ServiceAccount()


@dataclass(frozen=True)
class OpeningSettings:
    """
    How connections are opened.

    @ivar security: what protects them.
    @ivar context: what verifies the servers.
    @ivar account: the service account.
    @ivar policy: whether binds send the password policy control; L{None} if each server
        is asked whether it knows that.
    """

    security: Security
    context: ssl.SSLContext
    account: ServiceAccount = ANONYMOUS
    policy: bool | None = None


class Opener:
    """
    Opens connections to one server.
    """

    def __init__(
        self, address: Address, settings: OpeningSettings, note: Callable[[str], None]
    ) -> None:
        """
        @param address: the address of the server.
        @param settings: how connections to it are opened.
        @param note: a function that is called, in any thread, with a line for the log.
        """
        self._address = address
        self._settings = settings
        self._note = note
        self._resolver = Resolver(address)
        self._asksPolicy = settings.policy
        self._isKnownClear = self._isSilent = False

    def forget(self) -> None:
        """
        Forget which controls the server knows: it may be another one now.
        """
        self._asksPolicy = self._settings.policy

    def expire(self) -> None:
        """
        Have the server's name resolved again: it may have moved.
        """
        self._resolver.expire()

    def open(
        self, role: Role, until: float, isHopeless: Callable[[], bool]
    ) -> Connection:
        """
        Open a connection to one of the server's addresses, the one that worked last
        before others.  A connection for searches is bound as the service account.

        @param role: what it is for.
        @param until: the deadline, by L{time.monotonic}.
        @param isHopeless: a function that returns whether to give up before, which is
            called now and then.

        @raise Fault: if that can't be done.
        """
        last: Fault = Slow(f"{self._address} can't be reached in time")
        places = self._resolver.resolve(until)
        for count, place in enumerate(places):
            now = time.monotonic()
            soon = now + (until - now) / (len(places) - count)
            try:
                connection = self._openAt(place, role, soon, isHopeless)
            except Fault as fault:
                last = fault
            else:
                self._resolver.prefer(place)
                return connection
        raise last

    def _openAt(
        self, place: str, role: Role, until: float, isHopeless: Callable[[], bool]
    ) -> Connection:
        """
        Open a connection to one address.
        """
        connection = self._connect(place, until, isHopeless)
        # Another thread may forget it meanwhile.
        asksPolicy = self._asksPolicy
        if asksPolicy is None:
            connection, asksPolicy = self._learnPolicy(
                connection, place, until, isHopeless
            )
        connection.asksPolicy = asksPolicy
        if role is Role.USER:
            return connection
        with closing(connection):
            if self._bindServiceAccount(connection, until):
                return connection
        connection.close()
        connection = self._connect(place, until, isHopeless)
        with closing(connection):
            # A connection without a bind is anonymous, too (RFC 4513, section 4).
            searchRootDSE(connection, until)
        return connection

    def _connect(
        self, place: str, until: float, isHopeless: Callable[[], bool]
    ) -> Connection:
        """
        Open a connection on which nothing was sent yet.
        """
        settings = self._settings
        connection = openConnection(
            self._address, place, settings.security, settings.context, until, isHopeless
        )
        if connection.isClear and not self._isKnownClear:
            self._isKnownClear = True
            self._note(f"Passwords are sent to {self._address} as they are, without TLS")
        return connection

    def _learnPolicy(
        self,
        connection: Connection,
        place: str,
        until: float,
        isHopeless: Callable[[], bool],
    ) -> tuple[Connection, bool]:
        """
        Find out whether the server knows the password policy control.

        @return: the connection, or another one if the server closes those on which it is
            asked; and whether it knows it.
        """
        try:
            with closing(connection):
                knows = knowsPolicy(connection, self._settings.account, until)
        except Slow:
            raise
        except Elsewhere as busy:
            # It can't answer for any user, rather than for this one.
            raise Fault(str(busy)) from None
        except (Fault, Unsure):
            # The next connection may tell: this one is used once.
            connection = self._connect(place, until, isHopeless)
            connection.spoil()
            return connection, False
        self._asksPolicy = bool(knows)
        if knows is None and not self._isSilent:
            self._isSilent = True
            self._note(
                f"{self._address} doesn't say whether it knows the password policy "
                "control; write policy=yes if it does, so that expired passwords are "
                "seen, and policy=no otherwise"
            )
        return connection, bool(knows)

    def _bindServiceAccount(self, connection: Connection, until: float) -> bool:
        """
        Bind as the service account.

        Without a service account an anonymous bind is sent all the same: a hung server
        shows itself only by not answering it.  What it answers doesn't count.

        @return: whether the connection is still open; otherwise the server closes those
            that bind anonymously.
        """
        address, (dn, password) = self._address, self._settings.account
        if not dn:
            return connection.bindUnknown(dn, password, until) is not None
        try:
            result = orNoSuchEntry(judgeBind(connection.bind(dn, password, until)))
        except (Fault, Unsure) as error:
            raise Fault(f"{address}: the service account {dn}: {error}") from None
        if not result.matched or result.denial is not None:
            raise Fault(f"{address} refuses the service account {dn}: {result.why}")
        if result.why:
            self._note(f"{address}: the service account {dn}: {result.why}")
        return True


def knowsPolicy(
    connection: Connection, account: ServiceAccount, until: float
) -> bool | None:
    """
    Return whether a server knows the password policy control, by its root DSE (RFC 4512,
    section 5.1).  Some servers end, or close the connection, if the control is sent to
    them, though it isn't critical.

    @param connection: a connection without a bind.
    @param account: the service account, which searches if an anonymous search finds
        nothing.
    @param until: the deadline, by L{time.monotonic}.

    @return: L{None} if the root DSE can't be seen.

    @raise Elsewhere: if the server can't tell now.
    @raise Fault: if its answer can't be understood.
    @raise Unsure: if its answer is too long.
    """
    controls = _supportedControls(connection, until)
    if not controls and account.dn:
        _refuseBusy(connection, connection.bind(*account, until))
        controls = _supportedControls(connection, until)
    return None if controls is None else PASSWORD_POLICY in controls


def searchRootDSE(
    connection: Connection, until: float
) -> tuple[list[SearchEntry], Result]:
    """
    Search for the controls that a server knows.  Any answer shows that it works.

    @return: the root DSE, if it can be seen, and the result of the search.
    """
    return connection.search("", BASE, ANYTHING, (SUPPORTED_CONTROL,), 1, until)


def _supportedControls(connection: Connection, until: float) -> list[bytes] | None:
    """
    Return the OIDs of the controls that a server knows; L{None} if its root DSE can't be
    seen.
    """
    entries, result = searchRootDSE(connection, until)
    _refuseBusy(connection, result)
    if not entries:
        return None
    return list(entries[0].attributes.get(SUPPORTED_CONTROL.lower(), ()))


def _refuseBusy(connection: Connection, result: Result) -> None:
    """
    Refuse a result that asks to come again: what is learned is kept for as long as the
    server works.

    @raise Elsewhere: if it is one.
    """
    if result.code in COME_AGAIN:
        raise Elsewhere(
            f"{connection.address} doesn't say yet what it knows: "
            f"{describeResult(result)}"
        )


def openConnection(
    address: Address,
    place: str,
    security: Security,
    context: ssl.SSLContext,
    until: float,
    isHopeless: Callable[[], bool],
) -> Connection:
    """
    Connect to a server, and begin TLS.

    @param address: the address of the server.
    @param place: one of its IP addresses, or a URL, in the form that ldap3 takes.
    @param security: what protects the connection.
    @param context: what verifies the server.
    @param until: the deadline, by L{time.monotonic}.
    @param isHopeless: a function that returns whether to give up before, which is called
        now and then.

    @raise Fault: if it can't be reached, or has the wrong certificate.
    """
    connected = _connectSocket(address, place, security, context, until)
    connection = Connection(address, connected, isHopeless)
    try:
        if security in (Security.STARTTLS, Security.OPPORTUNE) and not address.isSocket:
            mayFail = security is Security.OPPORTUNE and connection.isOnThisMachine()
            connection.isClear = not connection.startTLS(context, until, mayFail)
        else:
            connection.isClear = security is not Security.LDAPS and not address.isSocket
    except OSError as error:
        connection.close()
        raise Lost(f"{address}: the connection is lost: {error}") from None
    except BaseException:
        connection.close()
        raise
    return connection


class _Server(ldap3.Server):  # type: ignore[misc]
    """
    ldap3's server, which also takes IPv6 addresses with a zone, such as C{fe80::1%eth0}.
    """

    @staticmethod
    def _is_ipv6(host: str) -> bool:
        """
        Return whether a host is an IPv6 address.
        """
        return bool(ldap3.Server._is_ipv6(host.partition("%")[0]))


def _connectSocket(
    address: Address,
    place: str,
    security: Security,
    context: ssl.SSLContext,
    until: float,
) -> socket.socket:
    """
    Have ldap3 open a connection, and return its socket.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise Slow(f"{address} can't be reached in time")
    tls: VerifiedTLS | None = None
    if security is Security.LDAPS and not address.isSocket:
        tls = VerifiedTLS(context, address.certified, until)
    opened: Any = None
    try:
        # A Server that has failed once fails for seconds: each is used once.
        server = _Server(
            place,
            address.port or None,
            use_ssl=tls is not None,
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=left,
        )
        opened = ldap3.Connection(
            server, client_strategy=ldap3.SYNC, auto_referrals=False, check_names=False
        )
        opened.open(read_server_info=False)
    # ldap3 may raise anything, not only its own exceptions.
    except Exception as error:
        if opened is not None and opened.socket is not None:
            opened.socket.close()
        # A Unix socket's queue may be full, too.
        isLate = time.monotonic() >= until or isinstance(error, BlockingIOError)
        kind = Slow if isLate else Fault
        # ldap3's own message about a TLS error is hard to read.
        if tls is not None and tls.error is not None:
            raise kind(f"{address}: TLS can't begin: {tls.error}") from None
        raise kind(f"{address} can't be reached: {error}") from None
    connected: socket.socket = opened.socket
    if not address.isSocket:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # When that time is over the connection is lost (tcp(7)).
            connected.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LONGEST_UNACKNOWLEDGED
            )
    return connected


@contextmanager
def closing(connection: Connection) -> Iterator[None]:
    """
    Close a connection if something goes wrong with it.
    """
    try:
        yield
    except BaseException:
        connection.close()
        raise


__all__ = [
    "ANONYMOUS",
    "Opener",
    "OpeningSettings",
    "ServiceAccount",
    "closing",
    "knowsPolicy",
    "openConnection",
    "searchRootDSE",
]
