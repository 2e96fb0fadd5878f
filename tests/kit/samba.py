"""
A real domain controller of Active Directory, which is Samba.
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

#: The password of all users: it has three kinds of characters.
PASSWORD = "Open-sesame-1"

# Run by Samba's own Python, before the server starts.
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

# Without the variables of the Python that runs the tests.  Nothing is kept over a
# crash, so that nothing need be waited for (tdb).
_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "TDB_NO_FSYNC": "1"}


class Samba(Process):
    """
    A domain controller, which is asked through its socket.
    """

    def __init__(self, *names: str, changes: str = "") -> None:
        """
        @param names: the names of its users.
        @param changes: changes to entries, in LDIF.
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
        Make its data, and start it.
        """
        home = self.home
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
            f"--targetdir={home}",
            "--host-ip=127.0.0.1",
            "--host-name=dc",
            env=_ENVIRONMENT,
        )
        configuration = str(home / "etc" / "smb.conf")
        python = "/usr/bin/python3"
        command = [python, "-c", _CHANGE, configuration, PASSWORD, *names]
        run(*command, given=changes, env=_ENVIRONMENT)
        self.socket = str(home / "private" / "ldapi")
        (home / "run").mkdir()
        options = {
            "server services": "ldap",
            "interfaces": "lo",
            "bind interfaces only": "yes",
            "ldap server require strong auth": "no",
            "pid directory": home / "run",
            "ncalrpc dir": home / "run" / "ncalrpc",
            "log file": home / "log",
        }
        self.launch(
            *("unshare", "-n", "sh", "-c", _SERVE, "sh"),
            *(_SAMBA, "-F", "--no-process-group", "-M", "single", "-s", configuration),
            *(f"--option={key}={value}" for key, value in options.items()),
            env=_ENVIRONMENT,
        )
