"""
A server made with ldaptor: it prints its port, and serves until it is killed.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

from ldaptor.inmemory import fromLDIFFile
from ldaptor.interfaces import IConnectedLDAPEntry
from ldaptor.protocols.ldap.ldapserver import LDAPServer

from twisted.internet import reactor
from twisted.internet.protocol import ServerFactory
from twisted.python.components import registerAdapter


class Factory(ServerFactory):
    """
    Builds the protocol of a connection.

    @ivar root: the entries.
    """

    protocol = LDAPServer
    noisy = False
    root: Any = None


def serve(root: Any) -> None:
    """
    Listen on a free port, and print it.
    """
    made = Factory()
    made.root = root
    port = reactor.listenTCP(0, made, interface="127.0.0.1")  # type: ignore[attr-defined]
    sys.stdout.write(f"{port.getHost().port}\n")
    sys.stdout.flush()


registerAdapter(lambda factory: factory.root, Factory, IConnectedLDAPEntry)
fromLDIFFile(BytesIO(sys.stdin.buffer.read())).addCallback(serve)
reactor.run()  # type: ignore[attr-defined]
