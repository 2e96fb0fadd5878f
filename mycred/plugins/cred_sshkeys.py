"""
The auth type C{sshkey}: whoever holds a key by which sshd would let him in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    ISSHPrivateKey,
)

sshKeyCheckerFactoryHelp = """
This checker lets in users who hold an SSH key that is authorized for an account of this
machine, by the files and the rules of sshd: lines with options, certificates, revoked
keys, and nothing to which others could have written.

Started as root it reads users' files with their rights, in processes that stay root
when twistd becomes another user (--uid).  Otherwise it reads what the server may read.

file=NAME,NAME
    the files with keys, .ssh/authorized_keys and .ssh/authorized_keys2 if this isn't
    given.  %h is the user's home, %u their name, %U their uid, %% a percent sign; a path
    without / at its beginning is in their home.

ca=FILE
    keys of authorities whose certificates are accepted, for the user's name.

principals=NAME
    a file, named as for file=, with the principals of which a certificate by one of
    these authorities must name one.

revoked=FILE
    keys that don't count: a list, or a KRL made by ssh-keygen -k.  While it can't be
    read nobody is let in.

strict=no
    takes files even if others may write to them.

account=yes
    denies accounts that are locked by ! or have expired, as shadow(5) has it.  Then
    minuid=, groups=, shells= and nologin= work as for --auth=unix.

command=PROGRAM
    a program that is asked for more keys, as sshd's AuthorizedKeysCommand; its full
    name and arguments, with %u, %h, %U, %t, %f and %k.

commanduser=NAME
    the account that runs the program, if not who runs the server.

ldap=FILE
    in place of all of these, keys that are in a directory, in the attribute sshPublicKey
    of users' entries, each a line as in a file; FILE has settings as for
    --auth=ldap:config=FILE.

minrsa=N
    the least size of RSA keys, in bits; 1024 if this isn't given.

algorithms=NAME,NAME
    the only algorithms of signatures, such as ssh-ed25519,rsa-sha2-512.

A colon in a value is written \\:.  Options that only a server can see to, such as
command= and restrict, count where it does: in the example server's --ssh, for one.

Example: --auth=sshkey:ca=/etc/myapp/user_ca.pub:revoked=/etc/myapp/revoked.krl
"""


@implementer(ICheckerFactory, IPlugin)
class SSHKeyCheckerFactory:
    """
    Makes L{SSHPublicKeyChecker<mycred.checkers.sshkeys.SSHPublicKeyChecker>}.

    @cvar errorOutput: the file that a warning is written to.
    """

    authType = "sshkey"
    authHelp = sshKeyCheckerFactoryHelp
    argStringFormat = (
        "[file=NAME,NAME][:ca=FILE][:principals=NAME][:revoked=FILE][:strict=no]"
        "[:account=yes][:command=PROGRAM]... or ldap=FILE"
    )
    credentialInterfaces = (ISSHPrivateKey,)

    errorOutput = sys.stderr

    def generateChecker(self, argstring: str = "") -> ICredentialsChecker:
        """
        Make a checker of keys.

        @param argstring: the options.

        @raise InvalidAuthArgumentString: if an option is unknown or can't take effect,
            a file can't be read, or conch's libraries aren't there.
        """
        from mycred._extras import installing

        try:
            from mycred.checkers import sshkeys
        except ImportError as error:
            raise InvalidAuthArgumentString(
                f"it takes libraries that aren't installed ({error}); do "
                f"{installing('ssh')}"
            ) from None
        from mycred._argstring import parseArgString
        from mycred.checkers._unix import ruleKeys

        given = parseArgString(argstring, {**_keys(), **ruleKeys})
        if os.geteuid() and not {"file", "ldap"} & set(given):
            self.errorOutput.write(
                "Warning: --auth=sshkey: without root the server reads keys only where "
                "the user who runs it may read\n"
            )
        make = _directory if "ldap" in given else _keydb
        try:
            return sshkeys.SSHPublicKeyChecker(make(given), policy=_policy(given))
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(str(error)) from None


def _keys() -> dict[str, Callable[[str], Any]]:
    """
    List the options, with what reads their values.
    """
    from mycred._argstring import nonEmpty, yesNo
    from mycred._checking._files import readable
    from mycred._sshkeys import checkPattern

    return {
        "file": lambda text: tuple(map(checkPattern, _list(text, "/etc/keys/%u"))),
        "ca": readable,
        "principals": checkPattern,
        "revoked": readable,
        "strict": yesNo,
        "account": yesNo,
        "command": nonEmpty,
        "commanduser": nonEmpty,
        "ldap": nonEmpty,
        "minrsa": _readBits,
        "algorithms": lambda text: _list(text, "ssh-ed25519,rsa-sha2-512"),
    }


def _list(text: str, example: str) -> tuple[str, ...]:
    """
    Read names separated by commas.

    @raise ValueError: if one is empty.
    """
    names = tuple(text.split(","))
    if "" in names:
        raise ValueError(f"write names separated by commas, such as {example}")
    return names


def _readBits(text: str) -> int:
    """
    Read the size of an RSA key.

    @raise ValueError: if none has it.
    """
    if not (text.isascii() and text.isdigit() and 1024 <= int(text[:9]) <= 16384):
        raise ValueError("write a number of bits from 1024 to 16384, such as 3072")
    return int(text)


def _keydb(given: dict[str, Any]) -> Any:
    """
    Make what knows the keys.

    @raise ValueError: if an option can't take effect.
    @raise OSError: if a file can't be read.
    """
    from mycred._accounts import SystemUsers
    from mycred._sshkeys import FILES, checkKeyFiles
    from mycred.checkers._unix import makeRules, ruleKeys
    from mycred.checkers.sshkeys import KeysCommand, UNIXAuthorizedKeysFiles

    if "principals" in given and "ca" not in given:
        raise ValueError(
            "principals: write ca=FILE too, the authorities to whose certificates it "
            "applies"
        )
    if "commanduser" in given and "command" not in given:
        raise ValueError("commanduser: write command=PROGRAM too")
    rules = None
    if given.get("account"):
        rules = makeRules(given, SystemUsers().gidOf)
    else:
        for key in ruleKeys:
            if key in given:
                raise ValueError(f"{key}: write account=yes too")
    ca, revoked = given.get("ca"), given.get("revoked")
    checkKeyFiles(ca, revoked, _policy(given))
    command = None
    if "command" in given:
        program, user = given["command"], given.get("commanduser")
        try:
            command = KeysCommand(program, user)
        except (OSError, ValueError) as error:
            raise ValueError(f"command: {error}") from None
    return UNIXAuthorizedKeysFiles(
        files=given.get("file", FILES),
        ca=ca,
        revoked=revoked,
        principals=given.get("principals"),
        strict=given.get("strict", True),
        accountRules=rules,
        command=command,
        policy=_policy(given),
        separate=os.geteuid() == 0,
    )


def _directory(given: dict[str, Any]) -> Any:
    """
    Make what knows the keys in a directory.

    @raise ValueError: if the settings are wrong, or another option can't take effect.
    """
    try:
        from mycred.checkers.ldap import readSettings
        from mycred.checkers.sshkeys._directory import LDAPAuthorizedKeys
    except ImportError as error:
        raise ValueError(
            f"ldap: it takes a library that isn't installed ({error}); do pip install "
            "ldap3"
        ) from None
    for key in given:
        if key not in ("ldap", "minrsa", "algorithms"):
            raise ValueError(f"{key}: with ldap= keys are in the directory alone")
    policy = _policy(given)
    escaped = given["ldap"].replace("\\", "\\\\").replace(":", "\\:")
    try:
        settings = readSettings(f"config={escaped}")
        for address in settings.exposed:
            theSSHKeyCheckerFactory.errorOutput.write(
                f"Warning: --auth=sshkey: keys come from {address} without TLS; who is "
                "on their way can put others in their place\n"
            )
        return LDAPAuthorizedKeys(settings, policy=policy)
    except (InvalidAuthArgumentString, ValueError) as error:
        raise ValueError(f"ldap: {error}") from None


def _policy(given: dict[str, Any]) -> Any:
    """
    Make what tells which signatures count.

    @raise ValueError: if an algorithm isn't known.
    """
    from mycred._sshkeys import checkPolicy
    from mycred.checkers.sshkeys import KeyPolicy

    policy = KeyPolicy()
    if "algorithms" in given:
        policy = policy._replace(algorithms=given["algorithms"])
    if "minrsa" in given:
        policy = policy._replace(minimumRSA=given["minrsa"])
        if not any(name.startswith("rsa-") for name in policy.algorithms):
            raise ValueError("minrsa: algorithms= leaves none for RSA keys")
    try:
        return checkPolicy(policy)
    except ValueError as error:
        raise ValueError(f"algorithms: {error}") from None


theSSHKeyCheckerFactory = SSHKeyCheckerFactory()
