"""
What the tests of accounts have in common: files of a machine that doesn't exist.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mycred._accounts import AccountRules, Accounts, FileUsers
from mycred._verdict import Kind, Verdict

from .files import BCRYPT, FileTestCase

#: The password of all users here.
PASSWORD = b"hashed"

PASSWD = b"""\
root:x:0:0:root:/root:/bin/bash
carol:x:1000:100:Carol,,,:/home/carol:/bin/bash
dave:x:1001:100::/home/dave:
erin:x:1002:1002::/home/erin:/usr/sbin/nologin
frank:x:1003:1003::/home/frank:/bin/sh
locked:x:1004:1004::/home/locked:/bin/sh
expired:x:1005:1005::/home/expired:/bin/sh
empty:x:1006:1006::/home/empty:/bin/sh
starred:*:1007:1007::/home/starred:/bin/sh
own:%(hash)s:1008:1008::/home/own:/bin/sh
hidden:##hidden:1009:1009::/home/hidden:/bin/sh
lineless:x:1010:1010::/home/lineless:/bin/sh
"""

SHADOW = b"""\
root:*:19000:0:99999:7:::
carol:%(hash)s:19000:0:99999:7:::
dave:%(hash)s:19000:0:99999:7:::
erin:%(hash)s:19000:0:99999:7:::
frank:%(other)s:19000:0:99999:7:::
locked:!%(hash)s:19000:0:99999:7:::
expired:%(hash)s:19000:0:99999:7::19500:
empty::19000:0:99999:7:::
starred:%(hash)s:19000:0:99999:7:::
hidden:%(hash)s:19000:0:99999:7:::
orphan:%(hash)s:19000:0:99999:7:::
"""

GROUP = b"""\
root:x:0:
users:x:100:erin
mail:x:8:carol,erin
staff:x:50:dave,carol
carol:x:1000:
broken:x:many:carol
"""

# htpasswd -nb -B -C 5 user password
OTHER = b"$2y$05$ni.I10aVbOp0X1c8J.8sa.KKwvKHYPF0NGvC5KO0mEYr5E.Spta4i"

#: The day that it is, in seconds since 1970: day 20000.
NOW = 20_000 * 86_400 + 43_200


class MachineTestCase(FileTestCase):
    """
    Base of the tests that have such a machine.
    """

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        hashes = {b"hash": BCRYPT, b"other": OTHER}
        self.passwd = self.write("passwd", PASSWD % hashes)
        self.shadow = self.write("shadow", SHADOW % hashes)
        self.group = self.write("group", GROUP)

    def write(self, name: str, content: bytes) -> str:
        """
        Write a file.

        @return: its name.
        """
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def accounts(self, rules: AccountRules = AccountRules(), **changes: Any) -> Accounts:  # noqa: B008
        """
        Make the accounts of this machine.
        """
        users = FileUsers(self.passwd, self.group)
        arguments = {"shadow": self.shadow, "now": lambda: NOW, **changes}
        return Accounts(users, rules=rules, **arguments)

    def assertKind(self, kind: Kind, verdict: Verdict, why: str = "") -> Verdict:
        """
        Insist on an end, and a reason that says this.
        """
        self.assertIs(verdict.kind, kind, verdict)
        self.assertIn(why, verdict.why)
        return verdict
