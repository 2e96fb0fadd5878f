"""
One server of a directory: connections for each role, and how it is found out whether it
answers on them.
"""

from __future__ import annotations

from secrets import token_hex

from ..._failover import Failover, Server as AnyServer, Terms
from ._address import Address
from ._connection import Connection, Role
from ._opener import Opener, OpeningSettings, closing, searchRootDSE


def _never() -> bool:
    """
    Return False: a probe waits until its deadline.
    """
    return False


class Server(AnyServer[Role, Connection]):
    """
    A server.

    @ivar address: its address.
    """

    def __init__(self, address: Address, settings: OpeningSettings, terms: Terms) -> None:
        """
        @param address: its address.
        @param settings: how connections to it are opened.
        @param terms: how it is used.
        """
        super().__init__(str(address), tuple(Role), terms)
        self.address = address
        self._opener = Opener(address, settings, terms.note)

    def open(self, role: Role, until: float) -> Connection:
        """
        Open a connection for a login.
        """
        return self._opener.open(role, until, self.isHopeless)

    def openAnswered(self, role: Role, until: float) -> Connection:
        """
        Open a connection for a role, and have it answered.
        """
        connection = self._opener.open(role, until, _never)
        # One for searches has been answered when it was bound.
        if role is Role.USER and not self._answersUnknown(connection, until):
            connection.close()
            connection = self._opener.open(role, until, _never)
            with closing(connection):
                # It doesn't answer unknown names: it may answer something else.
                searchRootDSE(connection, until)
        # From now on it is for logins.
        connection.isHopeless = self.isHopeless
        return connection

    def forget(self) -> None:
        """
        Forget which controls the server knows.
        """
        self._opener.forget()

    def expire(self) -> None:
        """
        Have the server's name resolved again.
        """
        self._opener.expire()

    def _answersUnknown(self, connection: Connection, until: float) -> bool:
        """
        Return whether the bind of an unknown name is answered, rather than the connection
        closed.  Which answer that is doesn't count: each server has its own.
        """
        name, password = f"cn={token_hex(8)}", token_hex(8).encode("ascii")
        with closing(connection):
            return connection.bindUnknown(name, password, until) is not None


#: The servers of a directory.
Servers = Failover[Role, Connection]


__all__ = ["Server", "Servers"]
