"""
Tests for the example server with the accounts of a directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mycred._argstring import parseArgString
from mycred.checkers.ldap import ldapOptions

from ..kit.certificates import Authority
from ..kit.directory import DirectoryTestCase
from ..kit.openssh import client, keygen, needSSH
from ..kit.protocols import Refused
from ..kit.server import ServerTests
from ..kit.slapd import ONLY_SERVICE, PEOPLE, SERVICE, SERVICE_PASSWORD, person
from ..kit.unixaccounts import run

PROTOCOLS = ("pop3", "imap", "http")


class LDAPTests(ServerTests, DirectoryTestCase):
    """
    Logins by each protocol, from slapd, over TLS, with a service account.
    """

    entries = (person("alice"), person("bob"))

    def setUp(self) -> None:
        ServerTests.setUp(self)
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        authority = Authority(folder)
        certificate = authority.certify("server", "localhost")
        self.serve(certificate=certificate, access=ONLY_SERVICE)
        password = folder / "password"
        password.touch(0o600)
        password.write_bytes(SERVICE_PASSWORD)
        self.auth = (
            f"--auth=ldap:host=localhost:port={self.server.port}:base={PEOPLE}"
            f":cafile={authority.file}:binddn={SERVICE}:bindpwfile={password}"
        )
        self.local = folder / "local"
        # Hashed: a challenge can't be answered from the directory.
        self.local.write_text(f"admin:{self.hashed('local')}\n")

    def clients(self, server: Any) -> dict[str, Any]:
        """
        List what logs in: Python's clients, and curl's.
        """
        return {
            "poplib": server.pop3,
            "imaplib": server.imap,
            "http": server.http,
            "curl pop3": server.curl("pop3", ""),
            "curl imap": server.curl("imap", "INBOX"),
            "curl http": server.curl("http", ""),
        }

    def test_logins(self) -> None:
        """
        Who is in the directory is let in by each protocol, and nobody else; while the
        directory is down whoever is in a local file is, and the others are again as
        soon as it is back.
        """
        server = self.start(
            self.auth, f"--auth=htpasswd:{self.local}", offered=" ".join(PROTOCOLS)
        )
        clients = self.clients(server)
        for name, logIn in clients.items():
            logIn("alice", "sesame")
            logIn("ALICE", "sesame")
            logIn("admin", "local")
            for user, password in (
                ("alice", "hunter2"),
                ("alice", ""),
                ("*", "sesame"),
                ("eve", "hunter2"),
            ):
                with self.assertRaises(Refused, msg=(name, user)):
                    logIn(user, password)
        self.server.kill()
        said = {}
        for name, logIn in clients.items():
            logIn("admin", "local")
            said[name] = self.assertRaises(Refused, logIn, "alice", "sesame").answer
        server.stop()
        self.assertIn("[SYS/TEMP]", said["poplib"])
        self.assertIn("[UNAVAILABLE]", said["imaplib"])
        self.assertIn("503", said["http"])
        self.assertNotIn("hunter2", server.log)
        self.assertNotIn(SERVICE_PASSWORD.decode(), server.log)
        self.assertIn("A server of the directory fails", server.log)
        self.assertIn("wrong password", server.log)
        self.assertNotIn("Traceback", server.log)

    def test_keys(self) -> None:
        """
        Keys that are in the directory let in by the real ssh, also with a command; and
        so does a password from the same directory, for other protocols.
        """
        needSSH()
        keys = Path(self.mktemp()).resolve()
        keys.mkdir()
        lines = {}
        for name in ("alice", "carol", "other"):
            keygen(keys / name)
            lines[name] = (keys / f"{name}.pub").read_text().strip()
        self.server.add(
            person("carol", "sesame", "objectClass: ldapPublicKey").rstrip()
            + f'\nsshPublicKey: command="list" {lines["carol"]}\n'
        )
        self.server.modify(
            f"dn: uid=alice,{PEOPLE}\nchangetype: modify\nadd: objectClass\n"
            "objectClass: ldapPublicKey\n-\nadd: sshPublicKey\n"
            f"sshPublicKey: {lines['alice']}\n-\n"
        )
        settings = keys / "ldap.ini"
        parsers = {option.key: str for option in ldapOptions}
        given = parseArgString(self.auth.partition(":")[2], parsers)
        settings.write_text(
            "\n".join(["[ldap]", *(f"{key} = {text}" for key, text in given.items())])
        )
        server = self.start(
            f"--auth=sshkey:ldap={settings}",
            f"--auth=ldap:config={settings}",
            offered="ssh pop3",
        )

        def ssh(key: str, user: str, *command: str) -> Any:
            words = [*client, "-p", str(server.ports["ssh"]), "-i", str(keys / key)]
            return run(*words, f"{user}@127.0.0.1", *command, timeout=30)

        self.assertIn(b"To: <alice@localhost>", ssh("alice", "alice", "read 1").stdout)
        self.assertEqual(ssh("alice", "ALICE", "list").returncode, 0)
        # Whatever she asks for.
        listed = ssh("carol", "carol", "read 1")
        self.assertEqual(listed.returncode, 0)
        self.assertNotIn(b"To:", listed.stdout)
        for key, user in (("other", "alice"), ("alice", "carol"), ("alice", "*")):
            self.assertEqual(ssh(key, user, "list").returncode, 255, (key, user))
        server.pop3("alice", "sesame")
        self.server.kill()
        self.assertEqual(ssh("alice", "alice", "list").returncode, 255)
        server.stop()
        self.assertIn("can't be reached", server.log)
