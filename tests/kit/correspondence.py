"""
A real sshd and mycred's conch server that read the same files, for tests that hold their
verdicts against each other.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet import defer
from twisted.trial.unittest import TestCase

from mycred.checkers.sshkeys import SSHPublicKeyChecker, UNIXAuthorizedKeysFiles

from .openssh import SSHD, USER, ConchServer, certify, keygen, login, needSSH


class Case(NamedTuple):
    """
    A login.

    @ivar isLetIn: whether it must succeed.
    @ivar lines: the lines of the file of keys; in C{{}} stands the name of a file.
    @ivar key: what is offered.
    @ivar arguments: of ssh.
    @ivar command: what is run.
    @ivar output: what it must write.
    """

    isLetIn: bool
    lines: str
    key: str = "ed25519"
    arguments: tuple[str, ...] = ()
    command: str = "echo in"
    output: bytes | None = None


ED = "{ed25519}"

VALID = ("-V", "-1h:+1h")

MINE = ("-n", USER, *VALID)

# Keys, and how they are made.
KEYS: dict[str, tuple[str, ...]] = {
    "ed25519": ("-ted25519",),
    "other": ("-ted25519",),
    "ecdsa256": ("-tecdsa", "-b256"),
    "ecdsa384": ("-tecdsa", "-b384"),
    "ecdsa521": ("-tecdsa", "-b521"),
    "rsa": ("-trsa", "-b2048"),
    "ca": ("-ted25519",),
    "ecca": ("-tecdsa", "-b384"),
    "rsaca": ("-trsa", "-b2048"),
    "otherca": ("-ted25519",),
    "trusted": ("-ted25519",),
}

# Certificates: the authority, the key, and what it says.
CERTIFICATES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "good": ("ca", "ed25519", MINE),
    "goodecdsa": ("ca", "ecdsa256", MINE),
    "goodrsa": ("ca", "rsa", MINE),
    "byecdsa": ("ecca", "ed25519", MINE),
    "byrsa": ("rsaca", "ed25519", MINE),
    "bysha1": ("rsaca", "ed25519", (*MINE, "-tssh-rsa")),
    "sha256": ("rsaca", "ed25519", (*MINE, "-trsa-sha2-256")),
    "byother": ("otherca", "ed25519", MINE),
    "nobody": ("ca", "ed25519", ("-n", "nobody-else", *VALID)),
    "several": ("ca", "ed25519", ("-n", f"nobody-else,{USER}", *VALID)),
    "ops": ("ca", "ed25519", ("-n", "ops", *VALID)),
    "expired": ("ca", "ed25519", ("-n", USER, "-V", "-2h:-1h")),
    "future": ("ca", "ed25519", ("-n", USER, "-V", "+1h:+2h")),
    "always": ("ca", "ed25519", ("-n", USER)),
    "host": ("ca", "ed25519", ("-h", "-n", USER, *VALID)),
    "forced": ("ca", "ed25519", (*MINE, "-O", "force-command=echo forced")),
    "local": ("ca", "ed25519", (*MINE, "-O", "source-address=127.0.0.0/8")),
    "elsewhere": ("ca", "ed25519", (*MINE, "-O", "source-address=192.0.2.0/24,::1")),
    "unknown": ("ca", "ed25519", (*MINE, "-O", "critical:x@example.org=1")),
    "extended": ("ca", "ed25519", (*MINE, "-O", "extension:x@example.org=1")),
    "nopty": ("ca", "ed25519", (*MINE, "-O", "no-pty")),
    "clear": ("ca", "ed25519", (*MINE, "-O", "clear")),
    "verify": ("ca", "ed25519", (*MINE, "-O", "verify-required")),
    "serial5": ("ca", "ed25519", (*MINE, "-z5")),
    "serial77": ("ca", "ed25519", (*MINE, "-z77")),
    "serial1000": ("ca", "ed25519", (*MINE, "-z1000")),
    "trustedgood": ("trusted", "ed25519", MINE),
    "trustednobody": ("trusted", "ed25519", ("-n", "nobody-else", *VALID)),
    "trustedops": ("trusted", "ed25519", ("-n", "ops", *VALID)),
    "trusteddev": ("trusted", "ed25519", ("-n", "dev", *VALID)),
    "trustednone": ("trusted", "ed25519", VALID),
}


@cache
def serverOf(case: type[Correspondence]) -> tuple[Path, SSHD]:
    """
    Return the directory and the sshd of a class of tests: one for all that ask for the
    same, since to make keys and to start it takes longer than most tests.
    """
    # Below the home, since who may write to the directories above it decides.
    home = pwd.getpwuid(os.geteuid()).pw_dir
    folder = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
    atexit.register(shutil.rmtree, folder)
    for name, arguments in case.keys.items():
        keygen(folder / name, *arguments)
    for name, (authority, key, arguments) in case.certificates.items():
        certify(folder / authority, folder / key, name, *arguments)
    sshd = SSHD(
        folder,
        f"AuthorizedKeysFile {folder}/keys",
        f"TrustedUserCAKeys {folder}/authorities",
        f"RevokedKeys {folder}/revoked",
        "AcceptEnv VARIABLE",
        "Subsystem greeting greeting",
        *(line.format(folder=folder) for line in case.lines),
    )
    atexit.register(sshd.stop)
    return folder, sshd


class Correspondence(TestCase):
    """
    What the tests have in common: two servers that read the same files.

    @cvar server: the class whose sshd is used.
    """

    timeout = 120

    cases: dict[str, Case] = {}
    lines: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    keys = KEYS
    certificates = CERTIFICATES
    server: type[Correspondence]

    def __init_subclass__(cls) -> None:
        """
        Have a server of its own only where it has settings of its own.
        """
        own = {"lines", "keys", "certificates"}
        if not own.isdisjoint(vars(cls)) or not hasattr(cls, "server"):
            cls.server = cls

    @defer.inlineCallbacks
    def setUp(self) -> Any:
        needSSH()
        self.folder, sshd = serverOf(self.server)
        if os.geteuid() == 0:
            os.chown(self.folder, os.geteuid(), os.getegid())
        self.folder.chmod(0o700)
        self.file = self.folder / "keys"
        if self.file.is_dir():
            self.file.rmdir()
        else:
            self.file.unlink(missing_ok=True)
        self.authorities = self.folder / "authorities"
        self.authorities.write_text("")
        if "trusted" in self.keys:
            shutil.copy(self.folder / "trusted.pub", self.authorities)
        self.principals = self.folder / "principals"
        self.revoked = self.folder / "revoked"
        self.revoked.unlink(missing_ok=True)
        self.revoked.write_text("")
        settings = {
            name: value.format(folder=self.folder)
            for name, value in self.settings.items()
        }
        self.conch = ConchServer(
            self.folder,
            SSHPublicKeyChecker(
                UNIXAuthorizedKeysFiles(
                    files=[str(self.file)],
                    ca=f"{self.folder}/authorities",
                    revoked=str(self.revoked),
                    **settings,
                )
            ),
        )
        self.addCleanup(self.conch.stop)
        self.ports = sshd.port, self.conch.port
        yield sshd.started()

    def expand(self, lines: str) -> str:
        """
        Fill in keys.
        """
        for name in [
            *KEYS,
            *(f"{key}.{name}" for name, (_, key, _) in CERTIFICATES.items()),
        ]:
            path = self.folder / f"{name}-cert.pub"
            if not path.exists():
                path = self.folder / f"{name}.pub"
            text = path.read_text().strip()
            kind, blob = text.split()[:2]
            lines = lines.replace(f"{{{name}}}", text)
            lines = lines.replace(f"{{{name}:blob}}", blob)
            lines = lines.replace(f"{{{name}:-20}}", f"{kind} {blob[:-20]}")
        return lines

    @defer.inlineCallbacks
    def agree(self, name: str, case: Case) -> Any:
        """
        Insist that both servers say what they must.
        """
        asked = self.folder / case.key, case.command, *case.arguments
        if any(argument.startswith("-R") for argument in case.arguments):
            # Both would listen at the same port.
            ended = []
            for port in self.ports:
                ended.append((yield login(port, *asked)))
        else:
            ended = yield defer.gatherResults(login(port, *asked) for port in self.ports)
        outcomes = []
        for _, output, errors in ended:
            isLetIn = b"Permission denied" not in errors
            outcomes.append((isLetIn, output if isLetIn else b""))
        theirs, ours = outcomes
        expected = b"in\n" if case.output is None else case.output
        right = (case.isLetIn, expected if case.isLetIn else b"")
        self.assertEqual(theirs, right, f"{name}: sshd")
        self.assertEqual(ours, right, f"{name}: mycred")

    @defer.inlineCallbacks
    def agreeOnAll(self, cases: dict[str, Case], file: Path) -> Any:
        """
        Go through a table.
        """
        wrong = []
        for name, case in cases.items():
            if case.lines == "(no file)":
                file.unlink()
            else:
                file.write_text(self.expand(case.lines) + "\n", newline="")
            try:
                yield self.agree(name, case)
            except self.failureException as error:
                wrong.append(str(error))
        self.assertEqual(wrong, [])
