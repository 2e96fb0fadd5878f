"""
Tests for what stays in the memory of a server that root has started and that has become
another user: no hash.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bcrypt

from twisted.trial.unittest import SynchronousTestCase

from ..kit.privileged import children, until
from ..kit.protocols import Refused
from ..kit.server import ROOT, ServerTests
from ..kit.unixaccounts import account, getLine, needs, run

PASSWORD = "ses ame"

# How many accounts the files have.
_MANY = 58


def memoryOf(pid: int) -> Iterable[bytes]:
    """
    Read all that a process may have written.
    """
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            where, modes = line.split()[:2]
            begin, end = (int(place, 16) for place in where.split("-"))
            if not modes.startswith("rw"):
                continue
            with contextlib.suppress(OSError):
                memory.seek(begin)
                yield memory.read(end - begin)


def hashesIn(pid: int, hashes: list[bytes]) -> int:
    """
    Count the hashes of which a process holds a copy, or one that was freed.
    """
    regions = list(memoryOf(pid))
    # A part that a parser may have cut off doesn't matter.
    return sum(any(one[7:] in region for region in regions) for one in hashes)


class MemoryTests(ServerTests, SynchronousTestCase):
    """
    Tests with real servers, of which root looks through the memory.
    """

    def setUp(self) -> None:
        needs()
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        # Where the server keeps its mail, too.
        self.folder.chmod(0o777)
        self.hashes = [
            bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)) for _ in range(_MANY)
        ]

    def write(self, name: str, line: bytes, *first: bytes) -> str:
        """
        Write a file that only root can read.

        @param line: a line for each hash.
        """
        lines = [line % (n, one) for n, one in enumerate(self.hashes)]
        path = self.folder / name
        path.write_bytes(b"\n".join([*first, *lines, b""]))
        path.chmod(0o600)
        return str(path)

    def assertNone(self, pid: int, hashes: list[bytes] | None = None) -> None:
        """
        Assert that a process runs as nobody, and holds no hash.
        """
        wanted = self.hashes if hashes is None else hashes
        status = Path(f"/proc/{pid}/status")
        until(lambda: "\nUid:\t65534\t65534\t65534\t65534\n" in status.read_text("ascii"))
        self.assertEqual(hashesIn(pid, wanted), 0)

    def assertOthers(self, pid: int, hashes: list[bytes] | None = None) -> None:
        """
        Assert that the processes that have looked accounts up for it hold hashes.
        """
        wanted = self.hashes if hashes is None else hashes
        workers = [worker for broker in children(pid) for worker in children(broker)]
        self.assertTrue(any(hashesIn(worker, wanted) for worker in workers))

    def logIn(self, server: Any, name: str) -> None:
        """
        Log in, rightly and wrongly.
        """
        for _ in range(3):
            server.pop3(name, PASSWORD).quit()
            for who in (name, "no-such-user"):
                self.assertRaises(Refused, server.pop3, who, "tulip")

    def test_passwd(self) -> None:
        """
        C{passwd}, which looks at its files when the program starts, has that done by
        the processes that stay root; with hashes in either file.
        """
        plain = b"user%d:x:1000:100:%.0s::/bin/sh"
        own = b"user%d:%s:1000:100:::/bin/sh"
        shadow = self.write("shadow", b"user%d:%s:19000:0:99999:7:::")
        group = self.folder / "group"
        group.write_text("users:x:100:\n")
        for path, options in [
            (self.write("plain", plain), f":shadow={shadow}:group={group}:groups=users"),
            (self.write("own", own), ""),
        ]:
            server = self.start(
                f"--auth=passwd:{path}{options}",
                offered="pop3",
                twistd="--uid=65534 --gid=65534",
            )
            self.assertNone(server._process.pid)
            self.logIn(server, "user7")
            self.assertNone(server._process.pid)
            self.assertOthers(server._process.pid)
            server.stop()

    def test_unix(self) -> None:
        """
        So it is with C{unix}.
        """
        with account("-s", "/bin/sh") as name:
            line = f"{name}:{PASSWORD}\n".encode()
            run("chpasswd", "-c", "SHA512", input=line, check=True)
            hashes = [getLine(name).split(b":")[0]]
            server = self.start(
                "--auth=unix", offered="pop3", twistd="--uid=65534 --gid=65534"
            )
            self.logIn(server, name)
            self.assertNone(server._process.pid, hashes)
            self.assertOthers(server._process.pid, hashes)

    def test_early(self) -> None:
        """
        A program may try logins before the reactor runs, and before it becomes somebody
        else: by password, and by a key for an account that may be locked.
        """
        from ..kit.keys import blobOf, ed25519, line

        key = ed25519()
        keys = self.folder / "keys"
        keys.write_bytes(line(key))
        shadow = self.write(
            "shadow", b"user%d:%s:19000:0:99999:7:::", b"daemon:*:19000:0:99999:7:::"
        )
        program = f"""
            import os, sys
            from twisted.python.util import switchUID
            from mycred._accounts import AccountRules
            from mycred.checkers import UNIXChecker, sshkeys
            from mycred.credentials import UsernamePassword
            from twisted.cred.credentials import SSHPrivateKey
            sshkeys.UNIXAuthorizedKeysFiles._shadow = {shadow!r}
            checker = UNIXChecker(shadow={shadow!r}, separate=True)
            keydb = sshkeys.UNIXAuthorizedKeysFiles(
                files=[{str(keys)!r}],
                strict=False,
                accountRules=AccountRules(),
                separate=True,
            )
            offer = SSHPrivateKey(b"daemon", None, {blobOf(key)!r}, None, None)
            ended = []
            typed = UsernamePassword(b"daemon", b"x")
            checker.requestAvatarId(typed).addErrback(ended.append)
            checker = sshkeys.SSHPublicKeyChecker(keydb)
            checker.requestAvatarId(offer).addErrback(ended.append)
            print(*[one.type.__name__ for one in ended], flush=True)
            switchUID(65534, 65534)
            print("become", flush=True)
            sys.stdin.read()
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout is not None and process.stdin is not None
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline(), "UnauthorizedLogin ValidPublicKey\n")
        self.assertEqual(process.stdout.readline(), "become\n")
        self.assertNone(process.pid)
        self.assertOthers(process.pid)
