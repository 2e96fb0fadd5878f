"""
A real Dovecot that knows a file of users, and is asked whether a password is right.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest

from .processes import Process

_CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols =
listen = 127.0.0.1
auth_failure_delay = 0
ssl = no
default_internal_user = root
default_internal_group = root
default_login_user = nobody
first_valid_uid = 0
passdb {{
  driver = passwd-file
  args = {users}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={home}
}}
service auth {{
  chroot =
  user = root
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def doveadm(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """
    Run Dovecot's command.
    """
    program = shutil.which("doveadm")
    if program is None:
        raise SkipTest("install dovecot-core")
    return subprocess.run(
        [program, *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=60
    )


class Dovecot(Process):
    """
    A server that listens to no port.
    """

    def __init__(self, users: Path) -> None:
        """
        @param users: a file with a line C{name:hash} for each user.
        """
        program = shutil.which("dovecot") or "/usr/sbin/dovecot"
        if not os.path.exists(program):
            raise SkipTest("install dovecot-core")
        if os.geteuid():
            raise SkipTest("only root can start a Dovecot")
        super().__init__("dovecot")
        self.socket = str(self.home / "run" / "auth-client")
        self._configuration = self.home / "dovecot.conf"
        text = _CONFIGURATION.format(home=self.home, users=users)
        self._configuration.write_text(text)
        self.launch(program, "-F", "-c", str(self._configuration))

    def accepts(self, name: str, password: str) -> bool:
        """
        Return whether it lets a user in.
        """
        configuration = str(self._configuration)
        done = doveadm("-c", configuration, "auth", "test", name, password)
        return done.returncode == 0

    def _answers(self) -> bool:
        """
        Return whether it can be asked.
        """
        return os.path.exists(self.socket)


__all__ = ["Dovecot", "doveadm"]
