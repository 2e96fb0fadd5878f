"""
Tests for one mailbox that several processes serve.

They cover L{mycred.demo._store}, too.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..kit.mailledger import Ledger
from ..kit.mailload import Correspondent, atOnce, checkMailbox
from ..kit.server import ServerTests


class LoadTests(ServerTests, SynchronousTestCase):
    def test_load(self) -> None:
        auth = self.passwords(alice="sesame", bob="sesame")
        server = self.start(auth, offered="imap pop3 smtp")
        ledger = Ledger()
        clients = []
        for number in range(8):
            users = ["alice", "bob"] if number < 5 else ["bob", "alice"]
            client = Correspondent(server.ports, users, ledger, number)
            self.addCleanup(client.close)
            clients.append(client)
        atOnce(lambda c=client: c.work(63) for client in clients)
        for user in ("alice", "bob"):
            view = checkMailbox(server.ports["imap"], user, ledger)
            self.addCleanup(view.close)
