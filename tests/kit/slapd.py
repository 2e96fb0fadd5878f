"""
Real slapd servers, on this machine, with a directory of their own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ldap3 import NONE, Connection, Server

from twisted.trial.unittest import SkipTest

from .processes import freePort

SUFFIX = "dc=example,dc=org"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
SERVICE, SERVICE_PASSWORD = f"cn=service,{SUFFIX}", b"for the service"

_ADMIN, _ADMIN_PASSWORD = f"cn=admin,{SUFFIX}", "for the admin"

_SLAPD = "/usr/sbin/slapd"

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY
  MAY ( sshPublicKey $ uid ) )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {folder}/pid
loglevel none
{tls}
{globals}
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw "{adminPassword}"
directory {folder}/data
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

# Whoever isn't the service account learns nothing.
ONLY_SERVICE = f"""
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{SERVICE}" read by * none
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
    Write an entry for somebody.

    @param more: lines that are added.
    @param dn: his name in the directory, if not the usual one.
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


class Slapd:
    """
    A server.

    @ivar port: its port.
    @ivar tlsPort: its port for TLS from the first byte, if it has a certificate.
    @ivar socket: the name of its socket.
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
        @param certificate: the files with its certificate and key.
        @param ca: the authority by which clients must be certified.
        @param access: who may see what.
        @param globals: more lines of configuration.
        """
        if not os.access(_SLAPD, os.X_OK) or shutil.which("ldapadd") is None:
            raise SkipTest("install slapd and ldap-utils")
        # The name of a socket is short.
        self._folder = Path(tempfile.mkdtemp(prefix="mycred-slapd-"))
        (self._folder / "data").mkdir()
        self.socket = str(self._folder / "socket")
        self.port, self.tlsPort = freePort(), freePort()
        self._entries = entries
        self._hasTLS = certificate is not None
        self._process: Any = None
        tls = []
        if certificate:
            tls = [
                f"TLSCertificateFile {certificate[0].resolve()}",
                f"TLSCertificateKeyFile {certificate[1].resolve()}",
            ]
        if ca is not None:
            tls += [f"TLSCACertificateFile {ca.resolve()}", "TLSVerifyClient demand"]
        self._write(
            "slapd.conf",
            _CONFIGURATION.format(
                folder=self._folder,
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
            # Somebody else had the port first.
            self.port, self.tlsPort = freePort(), freePort()
            self.start()
        self.add(_BASE, *entries)

    @property
    def url(self) -> str:
        """
        Where it is, for the programs of OpenLDAP.
        """
        return f"ldapi://{quote(self.socket, safe='')}"

    def start(self) -> None:
        """
        Have it run.
        """
        urls = [self.url, f"ldap://127.0.0.1:{self.port}/"]
        if self._hasTLS:
            urls.append(f"ldaps://127.0.0.1:{self.tlsPort}/")
        configuration = str(self._folder / "slapd.conf")
        command = [_SLAPD, "-f", configuration, "-h", " ".join(urls), "-d", "0"]
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        while not self._listens():
            if self._process.poll() is not None:
                raise AssertionError(f"slapd doesn't start: {log.read_text()}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """
        Send it a signal; the usual one ends it without a word.
        """
        self._process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._process.wait()
        if number == signal.SIGSTOP:
            # Its threads stop one by one.
            os.waitpid(self._process.pid, os.WUNTRACED)

    def stop(self) -> None:
        """
        End it, and remove what it had.
        """
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)

    def add(self, *entries: str) -> None:
        """
        Add entries, in LDIF.
        """
        self._change("ldapadd", *entries)

    def modify(self, *changes: str) -> None:
        """
        Change entries, in LDIF.
        """
        self._change("ldapmodify", *changes)

    def _change(self, program: str, *changes: str) -> None:
        """
        Give a program what to change.
        """
        command = [program, "-x", "-H", self.url, "-D", _ADMIN, "-w", _ADMIN_PASSWORD]
        if program == "ldapmodify":
            # The administrator may do what is otherwise the server's own business.
            command += ["-e", "relax"]
        done = subprocess.run(
            command, input="\n".join(changes).encode(), capture_output=True, check=False
        )
        if done.returncode:
            raise AssertionError(f"{program} fails: {done.stderr.decode()}")

    def _write(self, name: str, text: str) -> None:
        """
        Write a file.
        """
        (self._folder / name).write_text(text)

    def _listens(self) -> bool:
        """
        Tell whether it answers.
        """
        server = Server(self.url, get_info=NONE)
        try:
            return bool(Connection(server, receive_timeout=5).bind())
        except Exception:
            return False
