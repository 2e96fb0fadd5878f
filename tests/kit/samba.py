"""
A real domain controller of Samba's, which is an Active Directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from twisted.trial.unittest import SkipTest

from .processes import Process, run

REALM = "ad.example.org"
DOMAIN = "AD"
SUFFIX = "dc=ad,dc=example,dc=org"
USERS = f"cn=Users,{SUFFIX}"

_SAMBA, _TOOL = "/usr/sbin/samba", "/usr/bin/samba-tool"

#: The password of all whom L{Samba} makes: it has three kinds of characters.
PASSWORD = "Open-sesame-1"

# Samba's own Python reads and writes the data while nobody serves them.
_CHANGE = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
loaded = LoadParm()
loaded.load(sys.argv[1])
data = SamDB(lp=loaded, session_info=system_session())
for name in sys.argv[3:]:
    data.newuser(name, sys.argv[2])
data.modify_ldif(sys.stdin.read())
"""

# All its ports are fixed: it has a network of its own, where it comes up.
_SERVE = 'ip link set lo up && exec "$@"'


class Samba(Process):
    """
    A domain controller, that is asked by its socket.
    """

    def __init__(self, *names: str, changes: str = "") -> None:
        """
        @param names: the users that it has.
        @param changes: what is changed of them, in LDIF.
        """
        tools = (_SAMBA, _TOOL, "/usr/share/samba/setup/ad-schema")
        if not all(map(os.path.exists, tools)) or shutil.which("ip") is None:
            raise SkipTest("install samba-ad-dc, samba-ad-provision and iproute2")
        if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
            raise SkipTest("a network of its own (unshare -n) is for root")
        super().__init__("samba")
        try:
            self._begin(names, changes)
        except BaseException:
            self.stop()
            raise

    def _begin(self, names: tuple[str, ...], changes: str) -> None:
        """
        Make its data, and have it run.
        """
        folder = self.folder
        run(
            _TOOL,
            "domain",
            "provision",
            f"--realm={REALM}",
            f"--domain={DOMAIN}",
            "--server-role=dc",
            "--dns-backend=NONE",
            "--use-rfc2307",
            f"--adminpass={PASSWORD}",
            f"--targetdir={folder}",
            "--host-ip=127.0.0.1",
            "--host-name=dc",
        )
        configuration = str(folder / "etc" / "smb.conf")
        python = "/usr/bin/python3"
        command = [python, "-c", _CHANGE, configuration, PASSWORD, *names]
        # Nothing of this program's own Python.
        run(*command, given=changes, env={"PATH": os.defpath})
        self.socket = str(folder / "private" / "ldapi")
        (folder / "run").mkdir()
        options = {
            "server services": "ldap",
            "interfaces": "lo",
            "bind interfaces only": "yes",
            "ldap server require strong auth": "no",
            "pid directory": folder / "run",
            "ncalrpc dir": folder / "run" / "ncalrpc",
            "log file": folder / "log",
        }
        self.launch(
            *("unshare", "-n", "sh", "-c", _SERVE, "sh"),
            *(_SAMBA, "-F", "--no-process-group", "-M", "single", "-s", configuration),
            *(f"--option={key}={value}" for key, value in options.items()),
        )
