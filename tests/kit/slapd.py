"""
Real slapd servers.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

from ldap3 import MODIFY_REPLACE, NONE, SUBTREE, Connection, Server

from twisted.trial.unittest import SkipTest

from .processes import Process, freePort, run

SUFFIX = "dc=example,dc=org"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
SERVICE, SERVICE_PASSWORD = f"cn=service,{SUFFIX}", b"for the service"

_ADMIN, _ADMIN_PASSWORD = f"cn=admin,{SUFFIX}", "for the admin"

_SLAPD = "/usr/sbin/slapd"

# What the password policy writes into an entry when a bind fails; and the control that
# lets the administrator change that (ldapmodify -e relax).
_STATE = ("pwdFailureTime", "pwdAccountLockedTime")
_RELAX = ("1.3.6.1.4.1.4203.666.5.12", True, None)

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY
  MAY ( sshPublicKey $ uid ) )
attributetype ( 1.3.6.1.4.1.4203.1.3.4 NAME 'authPassword'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.4203.1.4.7 NAME 'authPasswordObject' SUP top AUXILIARY
  MAY authPassword )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {home}/pid
loglevel none
{tls}
{globals}
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw "{adminPassword}"
directory {home}/data
dbnosync
maxsize 134217728
index objectClass,uid,member,memberUid eq
{access}
overlay memberof
memberof-dn "{admin}"
overlay ppolicy
ppolicy_default "cn=policy,{suffix}"
ppolicy_use_lockout
"""

_ACCESS = """
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""

# Only the service account can read entries.
ONLY_SERVICE = f"""
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{SERVICE}" read by * none
"""

# Only the service account can read SCRAM keys.
KEYS_FOR_SERVICE = f"""
access to attrs=userPassword,authPassword by dn.exact="{SERVICE}" read
  by anonymous auth by * none
access to * by * read
"""

_BASE = f"""
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: cn=policy,{SUFFIX}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
pwdMustChange: TRUE

dn: {SERVICE}
objectClass: device
objectClass: simpleSecurityObject
cn: service
userPassword: {SERVICE_PASSWORD.decode()}
"""


def person(name: str, password: str = "sesame", *more: str, dn: str = "") -> str:
    """
    Return the entry of a user, in LDIF.

    @param more: lines that are added.
    @param dn: its DN, if not the usual one.
    """
    lines = [
        f"dn: {dn or f'uid={name},{PEOPLE}'}",
        "objectClass: inetOrgPerson",
        f"uid: {name}",
        f"cn: {name}",
        "sn: Doe",
        *([f"userPassword: {password}"] if password else []),
        *more,
    ]
    return "\n".join(lines) + "\n"


class Slapd(Process):
    """
    A server.

    @ivar port: its port.
    @ivar tlsPort: its port for TLS from the first byte, if it has a certificate.
    """

    def __init__(
        self,
        *entries: str,
        certificate: tuple[Path, Path] | None = None,
        ca: Path | None = None,
        access: str = _ACCESS,
        globals: str = "",
    ) -> None:
        """
        @param entries: the entries in LDIF, beside those that are always there.
        @param certificate: the paths of its certificate and key.
        @param ca: the authority by which clients must be certified.
        @param access: who may see what.
        @param globals: more lines of configuration.
        """
        if not os.access(_SLAPD, os.X_OK) or shutil.which("ldapadd") is None:
            raise SkipTest("install slapd and ldap-utils")
        super().__init__("slapd")
        (self.home / "data").mkdir()
        self.socket = str(self.home / "socket")
        self.port, self.tlsPort = freePort(), freePort()
        self._hasTLS = certificate is not None
        self._added: list[str] = []
        self._isChanged = False
        tls = []
        if certificate:
            tls = [
                f"TLSCertificateFile {certificate[0].resolve()}",
                f"TLSCertificateKeyFile {certificate[1].resolve()}",
            ]
        if ca is not None:
            tls += [f"TLSCACertificateFile {ca.resolve()}", "TLSVerifyClient demand"]
        (self.home / "slapd.conf").write_text(
            _CONFIGURATION.format(
                home=self.home,
                tls="\n".join(tls),
                globals=globals,
                suffix=SUFFIX,
                admin=_ADMIN,
                adminPassword=_ADMIN_PASSWORD,
                access=access,
            ),
        )
        try:
            self.start()
        except AssertionError:
            # Another program had the port first.
            self.port, self.tlsPort = freePort(), freePort()
            self.start()
        self.add(_BASE, *entries)
        self.settle()

    def start(self) -> None:
        """
        Start it.
        """
        urls = [self.url, f"ldap://127.0.0.1:{self.port}/"]
        if self._hasTLS:
            urls.append(f"ldaps://127.0.0.1:{self.tlsPort}/")
        configuration = str(self.home / "slapd.conf")
        self.launch(_SLAPD, "-f", configuration, "-h", " ".join(urls), "-d", "0")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """
        Send it a signal; the usual one ends it without a word.
        """
        assert self._process is not None
        self._process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._process.wait()
        if number == signal.SIGSTOP:
            # Its threads stop one by one.
            os.waitpid(self._process.pid, os.WUNTRACED)

    def add(self, *entries: str) -> None:
        """
        Add entries, in LDIF.
        """
        self._change("ldapadd", *entries)
        self._added += re.findall("^dn: (.*)$", "\n".join(entries), re.MULTILINE)

    def modify(self, *changes: str) -> None:
        """
        Change entries, in LDIF.
        """
        # The administrator may also change operational attributes.
        self._change("ldapmodify", *changes, options=("-e", "relax"))
        self._isChanged = True

    def settle(self) -> None:
        """
        Take the entries as they are now for those that L{restore} leaves.
        """
        self._added, self._isChanged = [], False

    def restore(self) -> bool:
        """
        Have it run, remove the entries that were added, and forget failed binds.

        @return: whether it is as it was: otherwise entries were changed.
        """
        if self._isChanged:
            return False
        assert self._process is not None
        if self._process.poll() is not None:
            self.start()
        self._process.send_signal(signal.SIGCONT)
        server = Server(self.url, get_info=NONE)
        with Connection(server, _ADMIN, _ADMIN_PASSWORD, check_names=False) as admin:
            while self._added:
                admin.delete(self._added.pop())
            anyState = "".join(f"({name}=*)" for name in _STATE)
            admin.search(SUFFIX, f"(|{anyState})", SUBTREE, attributes=["1.1"])
            entries = [each["dn"] for each in admin.response if "dn" in each]
            for dn in entries:
                nothing = {name: [(MODIFY_REPLACE, [])] for name in _STATE}
                if not admin.modify(dn, nothing, controls=[_RELAX]):
                    raise AssertionError(f"slapd can't be restored: {admin.result}")
        return True

    def _change(self, program: str, *changes: str, options: tuple[str, ...] = ()) -> None:
        """
        Give changes to a program, as the administrator.
        """
        command = [program, "-x", "-H", self.url, "-D", _ADMIN, "-w", _ADMIN_PASSWORD]
        run(*command, *options, given="\n".join(changes))
