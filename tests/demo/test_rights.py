"""
Tests for the example server as another user than the one who starts it: what it couldn't
open later is told when it starts, with what to do.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from stat import S_IMODE

from twisted.trial.unittest import SkipTest, TestCase

from ..kit.files import BCRYPT
from ..kit.server import ServerTests, refusal
from ..kit.wire import Wire

NOBODY = pwd.getpwnam("nobody").pw_uid
GROUP = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name


class RightsTests(ServerTests, TestCase):
    """
    Tests for C{--uid}.
    """

    def setUp(self) -> None:
        super().setUp()
        if os.geteuid():
            raise SkipTest("run it as root")
        for folder in (*self.folder.parents, self.folder):
            folder.chmod(folder.stat().st_mode | 0o011)
        self.mine = self.folder / "mine"
        self.mine.mkdir()
        os.chown(self.mine, NOBODY, -1)
        self.store = self.mine / "store.sqlite"

    def write(self, content: bytes, folder: str = ".") -> Path:
        """
        Write a file that only root can read.
        """
        path = self.folder / folder / "secrets"
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        path.write_bytes(content)
        path.chmod(0o600)
        os.chown(path, 0, 0)
        return path

    def told(self, *options: str, twistd: str = "--uid=nobody") -> str:
        """
        Return the one line with which the server ends.
        """
        done = refusal(f"--store={self.store}", *options, twistd=twistd)
        self.assertNotEqual(done.returncode, 0)
        [line] = done.stderr.splitlines()
        self.assertNotIn("Traceback", line)
        return line

    def serves(self, auth: str) -> None:
        """
        Assert that a server lets a user in.
        """
        os.chown(self.folder, NOBODY, -1)
        server = self.start(auth, offered="pop3", twistd="--uid=nobody")
        server.pop3("carol", "hashed").quit()
        server.stop()
        self.assertNotIn("Traceback", server.log)
        os.chown(self.folder, 0, -1)

    def test_file(self) -> None:
        """
        A file of any type that the user can't read is told, with the command after which
        they can.
        """
        digest = b"carol:mycred:d4c1bd79570a77a56389c354ecc4860c\n"
        for auth, content in [
            ("htpasswd:{}", b"carol:" + BCRYPT + b"\n"),
            ("file:{}", b"carol:hashed\n"),
            ("htdigest:{}:realm=mycred", digest),
        ]:
            path = self.write(content)
            option = "--auth=" + auth.format(path)
            line = self.told("--auth=memory:a:b", option)
            advice = f"chgrp {GROUP} {path} && chmod g+r {path}"
            self.assertEqual(
                line,
                f"twistd myapp: --auth={auth.split(':')[0]}: {path} can't be read by "
                f"nobody (--uid), as whom the server reads it at each login; do {advice}",
            )
            subprocess.run(advice, shell=True, check=True)
            if "htdigest" not in auth:
                self.serves(option)

    def test_folder(self) -> None:
        """
        A folder that keeps the user from a file is told, also where a link leads into it.
        """
        path = self.write(b"carol:" + BCRYPT + b"\n", "closed")
        path.chmod(0o644)
        path.parent.chmod(0o700)
        within = path.parent / "within"
        within.mkdir(0o755)
        (within / "file").write_bytes(path.read_bytes())
        link, folder = self.folder / "link", self.folder / "folder"
        link.symlink_to(path)
        folder.symlink_to(within)
        for name in (path, link, folder / "file"):
            line = self.told(f"--auth=htpasswd:{name}")
            advice = f"chmod o+x {path.parent}"
            self.assertIn(
                f"{name} can't be read by nobody", line.replace(str(path), str(name))
            )
            self.assertIn(
                f"since they can't pass through {path.parent}; do {advice}", line
            )
        subprocess.run(advice, shell=True, check=True)
        self.serves(f"--auth=htpasswd:{link}")
        self.serves(f"--auth=htpasswd:{folder / 'file'}")

    def test_loop(self) -> None:
        """
        A link that leads nowhere is no file that can't be read: what there will be is
        opened later.
        """
        link = self.folder / "link"
        link.symlink_to(link)
        os.chown(self.folder, NOBODY, -1)
        server = self.start(f"--auth=file:{link}", offered="pop3", twistd="--uid=nobody")
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_siteSecret(self) -> None:
        """
        A user who doesn't exist is asked with the same salt by each server on the same
        store, also by one that becomes another user; others can't read the secret.
        """
        os.chown(self.folder, NOBODY, -1)
        first = b64encode(b"n,,n=mallory,r=abcdefgh")
        salts = []
        for twistd in ("--uid=nobody", "--uid=nobody", ""):
            server = self.start("--auth=memory:a:b", offered="imap", twistd=twistd)
            wire = Wire(server.ports["imap"])
            challenge = wire.ask(b"1 AUTHENTICATE SCRAM-SHA-256 " + first)
            salts.append(b64decode(challenge[2:]).split(b",")[1])
            wire.close()
            server.stop()
        self.assertEqual(len(set(salts)), 1, salts)
        self.assertRegex(salts[0], b"^s=.{20}")
        secret = self.folder / "store.sqlite.secret"
        self.assertEqual(S_IMODE(secret.stat().st_mode), 0o600)

    def test_numbers(self) -> None:
        """
        The rights that count are those of C{--uid}, C{--gid}, C{--euid} and of the user's
        groups.
        """
        path = self.write(b"carol:" + BCRYPT + b"\n")
        auth = f"--auth=htpasswd:{path}"
        for twistd, group in [
            (f"--uid={NOBODY}", GROUP),
            (f"--uid={NOBODY} --gid=daemon", "daemon"),
            ("--uid=daemon", "daemon"),
            ("--uid=nobody --gid=47114", "47114"),
            ("--uid=nobody --euid", GROUP),
        ]:
            self.assertIn(f"chgrp {group} ", self.told(auth, twistd=twistd))
        path.chmod(0o640)
        os.chown(path, 0, grp.getgrnam("daemon").gr_gid)
        self.assertIn("can't be read by nobody", self.told(auth))
        os.chown(self.mine, 0, -1)
        line = self.told(auth, twistd="--uid=nobody --gid=daemon")
        self.assertIn("--store: ", line)

    def test_store(self) -> None:
        """
        A store that the user can't write or make is told.
        """
        auth = "--auth=memory:carol:hashed"
        self.store.touch(0o600)
        self.assertIn(
            f"twistd myapp: --store: {self.store} can't be written by nobody (--uid), as "
            f"whom the server runs; do chown nobody {self.store}, or",
            self.told(auth),
        )
        mine, self.store = self.store, self.folder / "store.sqlite"
        line = self.told(auth)
        self.assertIn(f"--store: {self.folder} can't be written by nobody", line)
        [advice] = re.findall("install .*", line)
        subprocess.run(advice, shell=True, check=True)
        made = self.folder / "nobody"
        self.store.symlink_to(made / "store.sqlite")
        self.start(auth, offered="pop3", twistd="--uid=nobody").stop()
        self.store = mine
        self.mine.chmod(0o700)
        os.chown(self.mine, 0, 0)
        self.assertIn(f"since they can't pass through {self.mine}", self.told(auth))

    def test_linkedStore(self) -> None:
        """
        A link may lead to a store, whoever may write where the link stands.
        """
        (self.folder / "store.sqlite").symlink_to(self.store)
        server = self.start(
            "--auth=memory:carol:hashed", offered="pop3", twistd="--uid=nobody"
        )
        server.pop3("carol", "hashed").quit()
        server.stop()
        self.assertEqual(self.store.stat().st_uid, NOBODY)

    def test_stays(self) -> None:
        """
        A server that stays root's reads what root does, and so does one whose files can
        be read.
        """
        path = self.write(b"carol:" + BCRYPT + b"\n")
        server = self.start(f"--auth=htpasswd:{path}", offered="pop3")
        server.pop3("carol", "hashed").quit()
