"""
A real 389 Directory Server.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from twisted.trial.unittest import SkipTest

from .processes import Process, freePort, run
from .slapd import GROUPS, PEOPLE, SERVICE, SERVICE_PASSWORD, SUFFIX

_DIRSRV = "/usr/sbin/ns-slapd"
_TEMPLATE = Path("/usr/share/dirsrv/data/template-dse.ldif")
_SETTINGS = Path("/etc/dirsrv")

_ADMIN, _ADMIN_PASSWORD = "cn=Directory Manager", "for the admin"

_DIRECTORIES = ("bak", "cert", "config", "db", "db_home", "inst", "ldif", "lock", "log")

_BACKEND = f"""
dn: cn=userRoot,cn=ldbm database,cn=plugins,cn=config
changetype: add
objectClass: extensibleObject
objectClass: nsBackendInstance
nsslapd-suffix: {SUFFIX}

dn: cn="{SUFFIX}",cn=mapping tree,cn=config
changetype: add
objectClass: extensibleObject
objectClass: nsMappingTree
nsslapd-state: backend
nsslapd-backend: userRoot

dn: {SUFFIX}
changetype: add
objectClass: domain
dc: example
aci: (targetattr != "userPassword") (version 3.0; acl "read"; allow (read, search,
  compare) userdn = "ldap:///anyone";)

dn: {PEOPLE}
changetype: add
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
changetype: add
objectClass: organizationalUnit
ou: groups

dn: {SERVICE}
changetype: add
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: service
userPassword: {SERVICE_PASSWORD.decode()}
"""

_POLICY = """
dn: cn=config
changetype: modify
replace: passwordLockout
passwordLockout: on
-
replace: passwordMaxFailure
passwordMaxFailure: 3
-
replace: passwordUnlock
passwordUnlock: off
-
replace: passwordExp
passwordExp: on
-
replace: passwordMustChange
passwordMustChange: on
"""


class DirectoryServer(Process):
    """
    A server.

    @ivar port: its port.
    """

    def __init__(self, *entries: str, changes: tuple[str, ...] = ()) -> None:
        """
        @param entries: the entries in LDIF, beside those that are always there.
        @param changes: changes that are made once there is a password policy, in LDIF.
        """
        if not os.access(_DIRSRV, os.X_OK) or shutil.which("ldapmodify") is None:
            raise SkipTest("install 389-ds-base and ldap-utils")
        if os.geteuid():
            raise SkipTest("389 Directory Server's own files are for root")
        super().__init__("dirsrv")
        try:
            try:
                self._begin()
            except AssertionError:
                # Another program had the port first, say: now and then one of several
                # that start at the same time ends without a word.
                self.stop()
                self.home.mkdir()
                self._begin()
            self.modify(_BACKEND)
            self.modify(
                *("\n" + e.replace("\n", "\nchangetype: add\n", 1) for e in entries)
            )
            self.modify(_POLICY)
            self.modify(*changes)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """
        End it, and remove its files and its semaphore.
        """
        super().stop()
        Path(f"/dev/shm/sem.config-{self.home.name}.stats").unlink(missing_ok=True)

    def modify(self, *changes: str) -> None:
        """
        Change entries, in LDIF.
        """
        command = ["ldapmodify", "-x", "-H", self.url]
        command += ["-D", _ADMIN, "-w", _ADMIN_PASSWORD]
        if changes:
            run(*command, given="\n".join(changes))

    def _begin(self) -> None:
        """
        Make its files, and start it, as dscreate(8) would without systemd.
        """
        self.port = freePort()
        self.socket = str(self.home / "socket")
        said = {f"{name}_dir": str(self.home / name) for name in _DIRECTORIES}
        # Its semaphore has the name of this directory, and is shared by servers of the
        # same name.
        said["config_dir"] += f"-{self.home.name}"
        for path in said.values():
            os.mkdir(path)
        configuration = Path(said["config_dir"])
        shutil.copytree(_SETTINGS / "schema", configuration / "schema")
        for name in ("certmap.conf", "slapd-collations.conf"):
            shutil.copy(_SETTINGS / "config" / name, configuration)
        said |= {
            "db_lib": "mdb",
            "ds_passwd": f"{{CLEAR}}{_ADMIN_PASSWORD}",
            "ds_port": str(self.port),
            "ds_suffix": SUFFIX,
            "ds_user": "root",
            "fqdn": "localhost",
            "ldapi": self.socket,
            "ldapi_autobind": "off",
            "ldapi_enabled": "on",
            "rootdn": _ADMIN,
            "run_dir": str(self.home),
            "schema_dir": str(configuration / "schema"),
            "tmp_dir": str(self.home),
        }
        text = re.sub("%([a-z_]+)%", lambda found: said[found[1]], _TEMPLATE.read_text())
        (configuration / "dse.ldif").write_text(text)
        pid = str(self.home / "pid")
        self.launch(_DIRSRV, "-D", str(configuration), "-i", pid, "-d", "0")
