"""
The same files, keys and certificates, held against a real sshd and against mycred's
conch server: the verdicts must agree.
"""

from __future__ import annotations

import os
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.conch.ssh import keys
from twisted.conch.ssh.common import NS
from twisted.internet import defer, protocol, reactor

from ..kit.correspondence import ED, Case, Correspondence
from ..kit.keys import SecurityKey, lineOf
from ..kit.openssh import (
    USER,
    freePort,
    isListening,
)
from ..kit.sshclient import SUCCESS, Channel, Client, spellings

NOW = time.time()


def stamp(seconds: float, zone: str = "Z") -> str:
    """
    Write a time as sshd(8) takes it.
    """
    parts = time.gmtime(NOW + seconds) if zone else time.localtime(NOW + seconds)
    return time.strftime("%Y%m%d%H%M%S", parts) + zone


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
    "notExpired": Case(True, f'expiry-time="{stamp(3600)}" {ED}'),
    "expiryLocal": Case(True, f'expiry-time="{stamp(7200, "")}" {ED}'),
    "expiryLocalPast": Case(False, f'expiry-time="{stamp(-7200, "")}" {ED}'),
    "expiryEarliest": Case(
        False, f'expiry-time="{stamp(3600)}",expiry-time="{stamp(-60)}" {ED}'
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

#: What is nearly an option, and what is one though it doesn't look so.
ODD: dict[str, Case] = {
    "nameless": Case(False, f'="x" {ED}'),
    "namelessAfterComma": Case(False, f',="x" {ED}'),
    "namelessLater": Case(False, f'no-pty,="x" {ED}'),
    "sign": Case(False, f"= {ED}"),
    "quoted": Case(False, f'"x" {ED}'),
    "quotedTwice": Case(False, f'command="true""x" {ED}'),
    "dash": Case(False, f"- {ED}"),
    "comma": Case(True, f", {ED}"),
    "underscore": Case(False, f"no_pty {ED}"),
    "accented": Case(False, f"no-p\xf4ty {ED}"),
    "verticalTab": Case(False, f"no-pty\x0b {ED}"),
    "flagWithValue": Case(False, f'pty="yes" {ED}'),
    "blankBeforeSign": Case(False, f'command ="true" {ED}'),
    "singleQuotes": Case(False, f"command='true' {ED}"),
    "numberWithUnderscore": Case(False, f'tunnel="1_0" {ED}'),
    "numberInArabic": Case(False, f'tunnel="\u0661" {ED}'),
    "portByName": Case(True, f'permitopen="a:ssh" {ED}'),
    "dayInArabic": Case(False, f'expiry-time="2038010\u0661" {ED}'),
    "zoneInLowerCase": Case(True, f'expiry-time="20380101utc" {ED}'),
}

#: Where a client may come from: addresses in all the ways to write one.
SOURCES: dict[str, Case] = {
    name: Case(isLetIn, f'from="{patterns}" {ED}')
    for name, patterns, isLetIn in (
        ("hexadecimal", "0x7f.1", True),
        ("octal", "0177.0.0.01", True),
        ("dot", "127.0.0.1.", False),
        ("all", "0.0.0.0/0", True),
        ("mask with zeros", "127.0.0.0/008", True),
        ("mask too long", "127.0.0.0/33,*", False),
        ("short and excluded", "!127.1,*", False),
        ("excluded before something bad", "!127.0.0.1,", False),
        ("many stars", "*" * 500 + "1", True),
        ("a thousand", "192.0.2.1," * 1000 + "127.0.0.1", True),
    )
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
    "nameless": Case(False, '="x" ops', "ed25519.trustedops"),
    "nobody": Case(False, "", "ed25519.trustedops"),
    "noFile": Case(False, "(no file)", "ed25519.trustedops"),
}


class LineTests(Correspondence):
    """
    Lines of authorized_keys.
    """

    def test_options(self) -> Any:
        """
        Lines and options are taken as sshd takes them.
        """
        return self.agreeOnAll(OPTIONS, self.file)

    def test_odd(self) -> Any:
        """
        So are those that are nearly options.
        """
        return self.agreeOnAll(ODD, self.file)

    def test_sources(self) -> Any:
        """
        So are addresses.
        """
        return self.agreeOnAll(SOURCES, self.file)

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


def krl(folder: Path, specification: str, *arguments: str) -> None:
    """
    Have ssh-keygen revoke what a specification says.
    """
    (folder / "specification").write_text(specification)
    command = ["ssh-keygen", "-q", "-k", "-f", folder / "revoked", *arguments]
    subprocess.run([*command, folder / "specification"], check=True)


def revokeText(*names: str) -> Callable[[Path], None]:
    """
    Make what writes a list of keys.
    """

    def write(folder: Path) -> None:
        texts = [(folder / f"{name}.pub").read_text() for name in names]
        (folder / "revoked").write_text("# gone\n" + "".join(texts))

    return write


def revoke(specification: str, *arguments: str) -> Callable[[Path], None]:
    """
    Make what writes a KRL.
    """
    return lambda folder: krl(
        folder,
        specification.replace("{}", str(folder)),
        *(one.replace("{}", str(folder)) for one in arguments),
    )


def revokeKeys(*names: str) -> Callable[[Path], None]:
    """
    Make what writes a KRL of keys.
    """

    def write(folder: Path) -> None:
        keys = [folder / f"{name}.pub" for name in names]
        subprocess.run(
            ["ssh-keygen", "-q", "-k", "-f", folder / "revoked", *keys], check=True
        )

    return write


def digested(kind: str, name: str) -> Callable[[Path], None]:
    """
    Make what writes a KRL of digests.
    """

    def write(folder: Path) -> None:
        krl(folder, f"{kind}: {(folder / f'{name}.pub').read_text()}")

    return write


def cutShort(folder: Path) -> None:
    """
    Leave half a KRL.
    """
    revokeKeys("other")(folder)
    path = folder / "revoked"
    path.write_bytes(path.read_bytes()[:-7])


def garbage(folder: Path) -> None:
    """
    Leave something else.
    """
    (folder / "revoked").write_text("this is no key\n")


def missing(folder: Path) -> None:
    """
    Leave nothing.
    """
    (folder / "revoked").unlink(missing_ok=True)


GOOD = "ed25519.good"
BYCA = ("-s", "{}/ca.pub")
SCATTERED = "".join(f"serial: {number}\n" for number in range(71, 300, 2))

#: What revokes, what is offered, and whether it is let in.
REVOKED: dict[str, tuple[Callable[[Path], None], str, bool]] = {
    "list": (revokeText("other", "ed25519"), "ed25519", False),
    "listOfOthers": (revokeText("other", "rsa"), "ed25519", True),
    "listCertified": (revokeText("ed25519"), GOOD, False),
    "listAuthority": (revokeText("ca"), GOOD, False),
    "listOfCertificate": (revokeText("ed25519.serial5-cert"), "ed25519", False),
    "garbage": (garbage, "ed25519", False),
    "missing": (missing, "ed25519", False),
    "krl": (revokeKeys("ed25519"), "ed25519", False),
    "krlOfOthers": (revokeKeys("other", "rsa"), "ed25519", True),
    "krlRSA": (revokeKeys("other", "rsa"), "rsa", False),
    "krlCertified": (revokeKeys("ed25519"), GOOD, False),
    "krlAuthority": (revokeKeys("ca"), GOOD, False),
    "krlKey": (digested("key", "ed25519"), "ed25519", False),
    "krlSHA1": (digested("sha1", "ed25519"), "ed25519", False),
    "krlSHA256": (digested("sha256", "ed25519"), GOOD, False),
    "krlSHA256OfOther": (digested("sha256", "other"), GOOD, True),
    "krlCut": (cutShort, "ed25519", False),
    "serial": (revoke("serial: 5", *BYCA), "ed25519.serial5", False),
    "serialOther": (revoke("serial: 6", *BYCA), "ed25519.serial5", True),
    "serialOfOther": (
        revoke("serial: 5", "-s", "{}/otherca.pub"),
        "ed25519.serial5",
        True,
    ),
    "serialOfAny": (revoke("serial: 5", "-s", "none"), "ed25519.serial5", False),
    "serialRange": (revoke("serial: 900-1100", *BYCA), "ed25519.serial1000", False),
    "serialBitmap": (revoke(SCATTERED, *BYCA), "ed25519.serial77", False),
    "serialBitmapOther": (revoke(SCATTERED, *BYCA), "ed25519.serial5", True),
    "id": (revoke("id: serial5", *BYCA), "ed25519.serial5", False),
    "idOther": (revoke("id: serial6", *BYCA), "ed25519.serial5", True),
    "plainKeyOfSerial": (revoke("serial: 5", *BYCA), "ed25519", True),
}


def chmod(name: str, mode: int) -> Callable[[Path], None]:
    """
    Make what changes a mode.
    """

    def change(folder: Path) -> None:
        os.chmod(folder / name, mode)
        if os.geteuid() == 0:
            # Debian lets members of the user's own group write, if there are no others.
            os.chown(folder / name, -1, 12345)

    return change


def link(folder: Path) -> None:
    """
    Put a link in place of the file.
    """
    os.rename(folder / "keys", folder / "real")
    os.symlink(folder / "real", folder / "keys")


def linkOutside(folder: Path) -> None:
    """
    Put a link to where everybody may write.
    """
    os.mkdir(folder / "open")
    os.chmod(folder / "open", 0o777)
    os.rename(folder / "keys", folder / "open" / "real")
    os.symlink(folder / "open" / "real", folder / "keys")


def folderInstead(folder: Path) -> None:
    """
    Put a folder in place of the file.
    """
    os.unlink(folder / "keys")
    os.mkdir(folder / "keys")


def pipeInstead(folder: Path) -> None:
    """
    Put a pipe in place of the file, to which nobody writes.
    """
    os.unlink(folder / "keys")
    os.mkfifo(folder / "keys")


def stranger(name: str) -> Callable[[Path], None]:
    """
    Make what gives something to somebody else.
    """
    return lambda folder: os.chown(folder / name, 12345, -1)


#: What is done to the file of keys, and whether it counts.
MODES: dict[str, tuple[Callable[[Path], None], bool]] = {
    "0600": (chmod("keys", 0o600), True),
    "0644": (chmod("keys", 0o644), True),
    "0664": (chmod("keys", 0o664), False),
    "0602": (chmod("keys", 0o602), False),
    "folder0755": (chmod(".", 0o755), True),
    "folder0775": (chmod(".", 0o775), False),
    "folder0777": (chmod(".", 0o777), False),
    "link": (link, True),
    "linkOutside": (linkOutside, False),
    "folderInstead": (folderInstead, False),
    "pipeInstead": (pipeInstead, False),
}
if os.geteuid() == 0:
    MODES["owner"] = (stranger("keys"), False)
    MODES["folderOwner"] = (stranger("."), False)


class RevokedTests(Correspondence):
    """
    Revoked keys.
    """

    @defer.inlineCallbacks
    def test_revoked(self) -> Any:
        """
        Lists and KRLs revoke what they do for sshd.
        """
        wrong = []
        for name, (prepare, key, isLetIn) in REVOKED.items():
            self.revoked.unlink(missing_ok=True)
            prepare(self.folder)
            # With a certificate, ssh offers the key in it too.
            lines = CA if "." in key else "{ed25519}\n{rsa}"
            self.file.write_text(self.expand(lines))
            try:
                yield self.agree(name, Case(isLetIn, "", key))
            except self.failureException as error:
                wrong.append(str(error))
        self.assertEqual(wrong, [])


class ModeTests(Correspondence):
    """
    Who may write to files.
    """

    @defer.inlineCallbacks
    def test_modes(self) -> Any:
        """
        Files count as they do for sshd with C{StrictModes}.
        """
        wrong = []
        for name, (prepare, isLetIn) in MODES.items():
            if self.file.is_dir():
                self.file.rmdir()
            else:
                self.file.unlink(missing_ok=True)
            if os.geteuid() == 0:
                os.chown(self.folder, os.geteuid(), os.getegid())
            os.chmod(self.folder, 0o700)
            self.file.write_text(self.expand(ED))
            prepare(self.folder)
            try:
                yield self.agree(name, Case(isLetIn, ""))
            except self.failureException as error:
                wrong.append(str(error))
        self.assertEqual(wrong, [])


class Hello(protocol.Protocol):
    """
    What is to be reached through a tunnel.
    """

    def connectionMade(self) -> None:
        """
        Greet, and leave.
        """
        self.transport.write(b"hello\n")
        self.transport.loseConnection()


class ForwardingTests(Correspondence):
    """
    Forwarded connections.
    """

    @defer.inlineCallbacks
    def test_forwarding(self) -> Any:
        """
        Connections lead where they do with sshd, and nowhere else.
        """
        listening = reactor.listenTCP(
            0, protocol.Factory.forProtocol(Hello), interface="127.0.0.1"
        )
        self.addCleanup(listening.stopListening)
        port, listen = listening.getHost().port, freePort()
        out = ("-W", f"127.0.0.1:{port}")
        back = (
            f"-R127.0.0.1:{listen}:127.0.0.1:{port}",
            "-oExitOnForwardFailure=yes",
        )
        yes, no = b"hello\n", b""
        cases = {
            "open": Case(True, ED, "ed25519", out, "", yes),
            "openForbidden": Case(
                True, f"no-port-forwarding {ED}", "ed25519", out, "", no
            ),
            "openRestrict": Case(True, f"restrict {ED}", "ed25519", out, "", no),
            "openRestrictBut": Case(
                True, f"restrict,port-forwarding {ED}", "ed25519", out, "", yes
            ),
            "permitopen": Case(
                True, f'permitopen="127.0.0.1:{port}" {ED}', "ed25519", out, "", yes
            ),
            "permitopenSecond": Case(
                True,
                f'permitopen="a:1",permitopen="127.0.0.1:{port}" {ED}',
                "ed25519",
                out,
                "",
                yes,
            ),
            "permitopenPort": Case(
                True, f'permitopen="127.0.0.1:{port + 1}" {ED}', "ed25519", out, "", no
            ),
            "permitopenName": Case(
                True, f'permitopen="localhost:{port}" {ED}', "ed25519", out, "", no
            ),
            "permitopenAnyPort": Case(
                True, f'permitopen="127.0.0.1:*" {ED}', "ed25519", out, "", yes
            ),
            "permitopenAnyHost": Case(
                True, f'permitopen="*:{port}" {ED}', "ed25519", out, "", yes
            ),
            "certificate": Case(True, CA, "ed25519.good", out, "", yes),
            "certificateClear": Case(True, CA, "ed25519.clear", out, "", no),
            "listen": Case(True, ED, "ed25519", back),
            "listenForbidden": Case(
                True, f"no-port-forwarding {ED}", "ed25519", back, "echo in", no
            ),
            "permitlisten": Case(
                True, f'permitlisten="127.0.0.1:{listen}" {ED}', "ed25519", back
            ),
            "permitlistenPort": Case(
                True, f'permitlisten="{listen}" {ED}', "ed25519", back
            ),
            "permitlistenPattern": Case(
                True, f'permitlisten="127.*:{listen}" {ED}', "ed25519", back
            ),
            "permitlistenOther": Case(
                True, f'permitlisten="{listen + 1}" {ED}', "ed25519", back, "echo in", no
            ),
            "permitlistenElsewhere": Case(
                True,
                f'permitlisten="192.0.2.1:{listen}" {ED}',
                "ed25519",
                back,
                "echo in",
                no,
            ),
            "permitopenStillListens": Case(
                True, f'permitopen="127.0.0.1:{port}" {ED}', "ed25519", back
            ),
        }
        yield self.agreeOnAll(cases, self.file)
        self.flushLoggedErrors()


#: What is asked of a session, and with what.
ASKED = {
    b"pty-req": NS(b"xterm") + b"\0" * 16 + NS(b"\0"),
    b"auth-agent-req@openssh.com": b"",
    b"x11-req": b"\0" + NS(b"MIT-MAGIC-COOKIE-1") + NS(b"00" * 16) + b"\0" * 4,
}


class SpellingTests(Correspondence):
    """
    What is asked for by names that aren't quite right.
    """

    @defer.inlineCallbacks
    def granted(self, port: int, key: str, listen: int) -> Any:
        """
        Log in, and ask for all that there is, in every spelling.

        @return: what was granted, and whether something listens then.
        """
        client = yield protocol.ClientCreator(reactor, Client).connectTCP(
            "127.0.0.1", port
        )
        client.user = USER.encode()
        yield client.ready
        private = keys.Key.fromFile(str(self.folder / "ed25519"))
        kind, text = (self.folder / f"{key}-cert.pub").read_bytes().split()[:2]
        code, _ = yield client.prove(private, b64decode(text), kind)
        self.assertEqual(code, SUCCESS)
        one = Channel()
        client.service.openChannel(one)
        yield one.opened
        granted = set()
        for name, data in ASKED.items():
            for spelled in (name, *sorted(spellings(name))):
                if (yield one.ask(spelled, data)):
                    granted.add(spelled)
        place = NS(b"127.0.0.1") + listen.to_bytes(4, "big")
        for spelled in (*sorted(spellings(b"tcpip-forward")), b"tcpip-forward"):
            asking = client.service.sendGlobalRequest(spelled, place, wantReply=1)
            if (yield asking.addCallbacks(lambda _: True, lambda _: False)):
                granted.add(spelled)
        hasPort = isListening(listen)
        client.transport.abortConnection()
        yield client.gone
        return granted, hasPort

    @defer.inlineCallbacks
    def test_spellings(self) -> Any:
        """
        Only the right names count, and only where the certificate and the line permit
        it.
        """
        # This server's users have no more.
        offered = {b"pty-req", b"tcpip-forward"}
        for key, lines, expected in (
            ("ed25519.good", CA, offered),
            ("ed25519.clear", CA, set()),
            ("ed25519.nopty", CA, {b"tcpip-forward"}),
            ("ed25519.good", "cert-authority,no-pty {ca}", {b"tcpip-forward"}),
            ("ed25519.good", "cert-authority,no-port-forwarding {ca}", {b"pty-req"}),
            ("ed25519.good", "cert-authority,restrict {ca}", set()),
        ):
            self.file.write_text(self.expand(lines))
            for port in self.ports:
                granted, hasPort = yield self.granted(port, key, freePort())
                self.assertEqual(offered & granted, expected, (key, lines, port))
                self.assertLessEqual(granted, {*ASKED, b"tcpip-forward"})
                self.assertEqual(hasPort, b"tcpip-forward" in expected)
        self.assertEqual(self.flushLoggedErrors(), [])


class SecurityKeyTests(Correspondence):
    """
    Security keys, made of software.
    """

    @defer.inlineCallbacks
    def test_securityKeys(self) -> Any:
        """
        The flags that a security key signs are demanded as by sshd.
        """
        token = SecurityKey()
        name = b"sk-ssh-ed25519@openssh.com"
        wrong = []
        for options in (
            "",
            "no-touch-required",
            "touch-required",
            "verify-required",
            "no-touch-required,verify-required",
            "no-touch-required,touch-required",
        ):
            self.file.write_bytes(options.encode() + b" " + lineOf(token.blob))
            for flags in (0, 1, 4, 5):
                codes = []
                for port in self.ports:
                    client = yield protocol.ClientCreator(reactor, Client).connectTCP(
                        "127.0.0.1", port
                    )
                    client.user = USER.encode()
                    yield client.ready
                    code, _ = yield client.prove(None, token.blob, name, token, flags)
                    codes.append(code)
                    client.transport.abortConnection()
                    yield client.gone
                if codes[0] != codes[1]:
                    wrong.append((options, flags, codes))
        self.assertEqual(wrong, [])
