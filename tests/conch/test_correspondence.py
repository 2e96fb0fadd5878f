"""
The same files, keys and certificates, held against a real sshd and against mycred's
conch server: the verdicts must agree.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet import defer, protocol, reactor
from twisted.trial.unittest import TestCase

from mycred.checkers.sshkeys import SSHPublicKeyChecker, UNIXAuthorizedKeysFiles

from ._ssh import (
    PATIENCE,
    SSHD,
    USER,
    ConchServer,
    certify,
    freePort,
    keygen,
    login,
    needSSH,
)

NOW = time.time()


def stamp(seconds: float, zone: str = "Z") -> str:
    """
    Write a time as sshd(8) takes it.
    """
    parts = time.gmtime(NOW + seconds) if zone else time.localtime(NOW + seconds)
    return time.strftime("%Y%m%d%H%M%S", parts) + zone


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

CA = "cert-authority {ca}"

#: Options and lines.
OPTIONS: dict[str, Case] = {
    "plain": Case(True, ED),
    "ecdsa256": Case(True, "{ecdsa256}", "ecdsa256"),
    "ecdsa384": Case(True, "{ecdsa384}", "ecdsa384"),
    "ecdsa521": Case(True, "{ecdsa521}", "ecdsa521"),
    "rsa": Case(True, "{rsa}", "rsa"),
    "rsa256": Case(True, "{rsa}", "rsa", ("-oPubkeyAcceptedAlgorithms=rsa-sha2-256",)),
    "rsaSHA1": Case(False, "{rsa}", "rsa", ("-oPubkeyAcceptedAlgorithms=ssh-rsa",)),
    "nobody": Case(False, ""),
    "another": Case(False, "{other}"),
    "second": Case(True, "{other}\n# a comment\n\n{ed25519}"),
    "commented": Case(False, "# {ed25519}"),
    "indented": Case(True, " \t {ed25519}"),
    "carriageReturn": Case(True, "{ed25519}\r"),
    "cut": Case(False, "{ed25519:-20}"),
    "wrongType": Case(False, "ecdsa-sha2-nistp256 {ed25519:blob}"),
    "noType": Case(False, "{ed25519:blob}"),
    "inQuotes": Case(False, 'command="{ed25519}" {other}'),
    "unknownOption": Case(False, f"no-such-option {ED}"),
    "unknownThenGood": Case(True, f"no-such-option {ED}\n{ED}"),
    "misspelled": Case(False, f"no-ptyy {ED}"),
    "emptyOptions": Case(True, f"no-pty,,no-user-rc, {ED}"),
    "noQuotes": Case(False, f"command=true {ED}"),
    "openQuotes": Case(False, f'command="true {ED}'),
    "negatedRestrict": Case(False, f"no-restrict {ED}"),
    "upperCase": Case(True, f"NO-PTY,No-User-RC {ED}"),
    "command": Case(True, f'command="echo forced" {ED}', output=b"forced\n"),
    "commandQuoted": Case(True, f'COMMAND="echo \\"a  b\\"" {ED}', output=b"a  b\n"),
    "commandKnows": Case(
        True, f'command="echo $SSH_ORIGINAL_COMMAND" {ED}', output=b"echo in\n"
    ),
    "commandForShell": Case(
        True, f'command="echo forced" {ED}', command="", output=b"forced\n"
    ),
    "commandForSubsystem": Case(
        True,
        f'command="echo forced $SSH_ORIGINAL_COMMAND" {ED}',
        arguments=("-s",),
        command="greeting",
        output=b"forced greeting\n",
    ),
    "commandTwice": Case(False, f'command="true",command="true" {ED}'),
    "environment": Case(
        True, f'environment="A=b c" {ED}', command="echo $A", output=b"b c\n"
    ),
    "environmentTwice": Case(
        True,
        f'environment="A=1",environment="A=2" {ED}',
        command="echo $A",
        output=b"1\n",
    ),
    "environmentWins": Case(
        True,
        f'environment="VARIABLE=key" {ED}',
        arguments=("-oSendEnv=VARIABLE",),
        command="echo $VARIABLE",
        output=b"key\n",
    ),
    "environmentBad": Case(False, f'environment="A b=c" {ED}'),
    "environmentNoValue": Case(False, f'environment="A" {ED}'),
    "expired": Case(False, f'expiry-time="{stamp(-60)}" {ED}'),
    "notExpired": Case(True, f'expiry-time="{stamp(60)}" {ED}'),
    "expiryLocal": Case(True, f'expiry-time="{stamp(7200, "")}" {ED}'),
    "expiryLocalPast": Case(False, f'expiry-time="{stamp(-7200, "")}" {ED}'),
    "expiryEarliest": Case(
        False, f'expiry-time="{stamp(60)}",expiry-time="{stamp(-60)}" {ED}'
    ),
    "expiryDay": Case(True, f'expiry-time="20380101" {ED}'),
    "expiryBad": Case(False, f'expiry-time="tomorrow" {ED}'),
    "fromAddress": Case(True, f'from="127.0.0.1" {ED}'),
    "fromNetwork": Case(True, f'from="192.0.2.0/24,127.0.0.0/8" {ED}'),
    "fromPattern": Case(True, f'from="127.0.0.?" {ED}'),
    "fromElsewhere": Case(False, f'from="192.0.2.*" {ED}'),
    "fromNegated": Case(False, f'from="!127.0.0.1,*" {ED}'),
    "fromOthersNegated": Case(True, f'from="!127.0.0.2,*" {ED}'),
    "fromNegatedNetwork": Case(False, f'from="*,!127.0.0.0/8" {ED}'),
    "fromOnlyNegated": Case(False, f'from="!192.0.2.1" {ED}'),
    "fromBadMask": Case(False, f'from="127.0.0.1/8,*" {ED}'),
    "fromEmpty": Case(False, f'from="*," {ED}'),
    "fromShort": Case(True, f'from="127.1" {ED}'),
    "fromName": Case(False, f'from="localhost" {ED}'),
    "fromTwice": Case(False, f'from="*",from="*" {ED}'),
    "principalsForKey": Case(False, f'principals="{USER}" {ED}'),
    "authorityForKey": Case(False, f"cert-authority {ED}"),
    "touchAndVerify": Case(True, f"no-touch-required,verify-required {ED}"),
    "pty": Case(
        True, ED, arguments=("-tt",), command="test -t 0 && echo tty", output=b"tty\r\n"
    ),
    "noPty": Case(
        True,
        f"no-pty {ED}",
        arguments=("-tt",),
        command="echo none",
        output=b"",
    ),
    "restrictNoPty": Case(
        True,
        f"restrict {ED}",
        arguments=("-tt",),
        command="echo none",
        output=b"",
    ),
    "restrictPty": Case(
        True,
        f"restrict,pty {ED}",
        arguments=("-tt",),
        command="test -t 0 && echo tty",
        output=b"tty\r\n",
    ),
    "tunnel": Case(True, f'tunnel="0" {ED}'),
    "tunnelBad": Case(False, f'tunnel="x" {ED}'),
    "permitopenBad": Case(False, f'permitopen="localhost" {ED}'),
    "permitlistenPort": Case(True, f'permitlisten="8080" {ED}'),
}

#: Certificates, by authorities in the file of keys.
CERTIFIED: dict[str, Case] = {
    "good": Case(True, CA, "ed25519.good"),
    "ecdsa": Case(True, CA, "ecdsa256.goodecdsa"),
    "rsa": Case(True, CA, "rsa.goodrsa"),
    "byECDSA": Case(True, "cert-authority {ecca}", "ed25519.byecdsa"),
    "byRSA": Case(True, "cert-authority {rsaca}", "ed25519.byrsa"),
    "byRSA256": Case(True, "cert-authority {rsaca}", "ed25519.sha256"),
    "bySHA1": Case(False, "cert-authority {rsaca}", "ed25519.bysha1"),
    "byAnother": Case(False, CA, "ed25519.byother"),
    "noAuthority": Case(False, "{ca}", "ed25519.good"),
    "otherPrincipal": Case(False, CA, "ed25519.nobody"),
    "severalPrincipals": Case(True, CA, "ed25519.several"),
    "principalsOption": Case(
        True, 'cert-authority,principals="dev,ops" {ca}', "ed25519.ops"
    ),
    "principalsOptionOther": Case(
        False, 'cert-authority,principals="dev" {ca}', "ed25519.ops"
    ),
    "principalsOptionName": Case(
        False, 'cert-authority,principals="dev" {ca}', "ed25519.good"
    ),
    "expired": Case(False, CA, "ed25519.expired"),
    "future": Case(False, CA, "ed25519.future"),
    "always": Case(True, CA, "ed25519.always"),
    "forHost": Case(False, CA, "ed25519.host"),
    "forced": Case(True, CA, "ed25519.forced", output=b"forced\n"),
    "forcedTheSame": Case(
        True,
        'cert-authority,command="echo forced" {ca}',
        "ed25519.forced",
        output=b"forced\n",
    ),
    "forcedOtherwise": Case(
        False, 'cert-authority,command="echo other" {ca}', "ed25519.forced"
    ),
    "sourceAddress": Case(True, CA, "ed25519.local"),
    "sourceElsewhere": Case(False, CA, "ed25519.elsewhere"),
    "criticalUnknown": Case(False, CA, "ed25519.unknown"),
    "extensionUnknown": Case(True, CA, "ed25519.extended"),
    "noPty": Case(True, CA, "ed25519.nopty", ("-tt",), "echo none", b""),
    "ptyOfBoth": Case(
        True,
        "cert-authority,no-pty {ca}",
        "ed25519.good",
        ("-tt",),
        "echo none",
        b"",
    ),
    "clear": Case(True, CA, "ed25519.clear", ("-tt",), "echo none", b""),
    "verifyRequired": Case(True, CA, "ed25519.verify"),
    "authorityExpired": Case(
        False, f'cert-authority,expiry-time="{stamp(-60)}" {{ca}}', "ed25519.good"
    ),
    "authorityFrom": Case(False, 'cert-authority,from="192.0.2.1" {ca}', "ed25519.good"),
    "plainKeyOfAuthority": Case(False, CA, "ca"),
    "certificateAsLine": Case(False, "{ed25519.good}", "ed25519.good"),
    "trusted": Case(True, "", "ed25519.trustedgood"),
    "trustedOther": Case(False, "", "ed25519.trustednobody"),
    "trustedNone": Case(False, "", "ed25519.trustednone"),
    "trustedKey": Case(False, "", "trusted"),
}

#: With a file of principals.
PRINCIPALS: dict[str, Case] = {
    "named": Case(True, "ops", "ed25519.trustedops"),
    "notNamed": Case(False, "ops", "ed25519.trusteddev"),
    "nameIsNotEnough": Case(False, "ops", "ed25519.trustedgood"),
    "second": Case(True, "# people\n\ndev # them\nops", "ed25519.trustedops"),
    "options": Case(
        True, 'command="echo forced" ops', "ed25519.trustedops", output=b"forced\n"
    ),
    "optionsElsewhere": Case(False, 'from="192.0.2.1" ops', "ed25519.trustedops"),
    "optionsUnknown": Case(False, "no-such-option ops", "ed25519.trustedops"),
    "authority": Case(False, "cert-authority ops", "ed25519.trustedops"),
    "nobody": Case(False, "", "ed25519.trustedops"),
    "noFile": Case(False, "(no file)", "ed25519.trustedops"),
}


class Correspondence(TestCase):
    """
    What the tests have in common: two servers that read the same files.
    """

    timeout = 120

    cases: dict[str, Case] = {}
    lines: tuple[str, ...] = ()
    settings: dict[str, Any] = {}

    @defer.inlineCallbacks
    def setUp(self) -> Any:
        needSSH()
        # Below the home, since who may write to the folders above it decides.
        home = pwd.getpwuid(os.geteuid()).pw_dir
        self.folder = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "keys"
        for name, arguments in KEYS.items():
            keygen(self.folder / name, *arguments)
        for name, (authority, key, arguments) in CERTIFICATES.items():
            certify(self.folder / authority, self.folder / key, name, *arguments)
        shutil.copy(self.folder / "trusted.pub", self.folder / "authorities")
        self.principals = self.folder / "principals"
        self.revoked = self.folder / "revoked"
        self.revoked.write_text("")
        self.sshd = SSHD(
            self.folder,
            f"AuthorizedKeysFile {self.file}",
            f"TrustedUserCAKeys {self.folder}/authorities",
            f"RevokedKeys {self.revoked}",
            "AcceptEnv VARIABLE",
            "Subsystem greeting greeting",
            *(line.format(folder=self.folder) for line in self.lines),
        )
        self.addCleanup(self.sshd.stop)
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
        yield self.sshd.started()

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
            lines = lines.replace("{%s}" % name, text)
            lines = lines.replace("{%s:blob}" % name, text.split()[1])
            lines = lines.replace("{%s:-20}" % name, " ".join(text.split()[:2])[:-20])
        return lines

    @defer.inlineCallbacks
    def agree(self, name: str, case: Case) -> Any:
        """
        Insist that both servers say what they must.
        """
        outcomes = []
        for port in (self.sshd.port, self.conch.port):
            status, output, errors = yield login(
                port, self.folder / case.key, case.command, *case.arguments
            )
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


class LineTests(Correspondence):
    """
    Lines of authorized_keys.
    """

    def test_options(self) -> Any:
        """
        Lines and options are taken as sshd takes them.
        """
        return self.agreeOnAll(OPTIONS, self.file)

    def test_certificates(self) -> Any:
        """
        So are certificates.
        """
        return self.agreeOnAll(CERTIFIED, self.file)


class PrincipalTests(Correspondence):
    """
    A file of principals.
    """

    lines = ("AuthorizedPrincipalsFile {folder}/principals",)
    settings = {"principals": "{folder}/principals"}

    def test_principals(self) -> Any:
        """
        Certificates by a trusted authority must be for one of its principals.
        """
        return self.agreeOnAll(PRINCIPALS, self.principals)
