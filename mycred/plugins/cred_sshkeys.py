"""
The auth type C{sshkey}: the users who hold a key by which sshd would let them in.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import ISSHPrivateKey
from mycred.plugins.cred_unix import ruleOptions
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    Option,
    Options,
    integerBetween,
    namesLike,
    needing,
    nonEmpty,
    readableFile,
    yesNo,
)

if TYPE_CHECKING:
    from mycred.checkers.ldapkeys import LDAPAuthorizedKeys
    from mycred.checkers.sshkeys import KeyPolicy, UNIXAuthorizedKeysFiles


def keyFile(text: str) -> str:
    """
    Return the path of a file, in which C{%h}, C{%u} and C{%U} stand for a user's home,
    name and uid.

    @raise ValueError: if it isn't one.
    """
    from mycred.checkers.sshkeys import checkPattern

    return checkPattern(text)


def keyFiles(text: str) -> tuple[str, ...]:
    """
    Return such paths, separated by commas.

    @raise ValueError: if one isn't such a path.
    """
    return tuple(map(keyFile, namesLike("/etc/keys/%u")(text)))


options = Options(
    Option(
        "file",
        keyFiles,
        "NAME,NAME",
        "The files with keys, .ssh/authorized_keys and .ssh/authorized_keys2 if not "
        "given; in their paths %h is the user's home, %u their name, %U their uid, %% a "
        "percent sign, and a path without / at its beginning is in their home.",
    ),
    Option(
        "ca",
        readableFile,
        "FILE",
        "Keys of authorities whose certificates are accepted, for the user's name.",
    ),
    Option(
        "principals",
        keyFile,
        "NAME",
        "A file, its path written as for file=, with a list of principals; a certificate "
        "by an authority of ca= must name one of them.",
    ),
    Option(
        "revoked",
        readableFile,
        "FILE",
        "Keys that don't count: a list, or a KRL made by ssh-keygen -k; while it can't "
        "be read no user is let in.",
    ),
    Option(
        "strict",
        yesNo,
        "no",
        "Takes files even if others may write to them.",
    ),
    Option(
        "account",
        yesNo,
        "yes",
        "Denies accounts that are locked by ! or have expired, as shadow(5) has it, and "
        "lets minuid=, groups=, shells= and nologin= work.",
    ),
    *ruleOptions,
    Option(
        "command",
        nonEmpty,
        "PROGRAM",
        "A program that is asked for more keys, as sshd's AuthorizedKeysCommand: its "
        "full path and arguments, with %u, %h, %U, %t, %f and %k.",
    ),
    Option(
        "commanduser",
        nonEmpty,
        "NAME",
        "The account that runs the program, if not the user who runs the server.",
    ),
    Option(
        "ldap",
        nonEmpty,
        "FILE",
        "Takes keys from a directory, and from nowhere else: those in the attribute "
        "sshPublicKey of users' entries, each a line as in a file; the FILE has settings "
        "as for --auth=ldap:config=FILE.",
    ),
    Option(
        "minrsa",
        integerBetween(1024, 16384, "a number of bits from 1024 to 16384, such as 3072"),
        "N",
        "The least size of RSA keys, in bits; 1024 if not given.",
    ),
    Option(
        "algorithms",
        namesLike("ssh-ed25519,rsa-sha2-512"),
        "NAME,NAME",
        "The only algorithms of signatures, such as ssh-ed25519,rsa-sha2-512.",
    ),
    format="[file=NAME,NAME][:ca=FILE][:principals=NAME][:revoked=FILE][:strict=no]"
    "[:account=yes][:command=PROGRAM]... or ldap=FILE",
)

sshKeyCheckerFactoryHelp = options.help(
    """
    This checker lets in users who hold an SSH key that is authorized for an account of
    this machine, by the files and the rules of sshd: lines with options, certificates,
    revoked keys, and no file to which others could have written.

    Started as root it reads users' files with their rights, in processes that stay root
    when twistd becomes another user (--uid).  Otherwise it reads what the server may
    read.
    """,
    r"""
    A colon in a value is written \:.  Options in a line that only a server can enforce,
    such as command= and restrict, count where it does: in the example server's --ssh,
    for one.

    Example: --auth=sshkey:ca=/etc/myapp/user_ca.pub:revoked=/etc/myapp/revoked.krl
    """,
)


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
        Return a checker of keys.

        @param argstring: the options.

        @raise InvalidAuthArgumentString: if an option is unknown or can't take effect,
            a file can't be read, or conch's libraries aren't there.
        """
        with needing("pip install '.[ssh]' in a checkout of mycred"):
            from mycred.checkers.sshkeys import SSHPublicKeyChecker

        given = options.parse(argstring)
        if os.geteuid() and not {"file", "ldap"} & set(given):
            self.errorOutput.write(
                "Warning: --auth=sshkey: without root the server reads keys only where "
                "the user who runs it may read\n"
            )
        try:
            keydb = _keysInDirectory(given) if "ldap" in given else _keysInFiles(given)
            return SSHPublicKeyChecker(keydb, policy=_policy(given))
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(str(error)) from None


def _keysInFiles(given: dict[str, Any]) -> UNIXAuthorizedKeysFiles:
    """
    Return the database of keys in users' files.

    @raise ValueError: if an option can't take effect.
    @raise OSError: if a file can't be read.
    """
    from mycred.checkers import accountRules
    from mycred.checkers.sshkeys import (
        KeysCommand,
        UNIXAuthorizedKeysFiles,
        checkKeyFiles,
    )

    if "principals" in given and "ca" not in given:
        raise ValueError(
            "principals: write ca=FILE too, the authorities to whose certificates it "
            "applies"
        )
    if "commanduser" in given and "command" not in given:
        raise ValueError("commanduser: write command=PROGRAM too")
    hasRules = given.get("account", False)
    rules = {o.key: given[o.key] for o in ruleOptions if o.key in given}
    if rules and not hasRules:
        raise ValueError(f"{next(iter(rules))}: write account=yes too")
    policy = _policy(given)
    checkKeyFiles(given.get("ca"), given.get("revoked"), policy)
    command = None
    if "command" in given:
        try:
            command = KeysCommand(given["command"], given.get("commanduser"))
        except (OSError, ValueError) as error:
            raise ValueError(f"command: {error}") from None
    return UNIXAuthorizedKeysFiles(
        **({"files": given["file"]} if "file" in given else {}),
        ca=given.get("ca"),
        revoked=given.get("revoked"),
        principals=given.get("principals"),
        strict=given.get("strict", True),
        accountRules=accountRules(**rules) if hasRules else None,
        command=command,
        policy=policy,
        separate=os.geteuid() == 0,
    )


def _keysInDirectory(given: dict[str, Any]) -> LDAPAuthorizedKeys:
    """
    Return the database of keys in a directory.

    @raise ValueError: if the settings are wrong, or another option can't take effect.
    """
    for key in given:
        if key not in ("ldap", "minrsa", "algorithms"):
            raise ValueError(f"{key}: with ldap= keys are in the directory alone")
    policy = _policy(given)
    try:
        with needing("pip install ldap3"):
            from mycred.checkers.ldap import ldapSettings
            from mycred.checkers.ldapkeys import LDAPAuthorizedKeys

        settings = ldapSettings(config=given["ldap"])
        for address in settings.exposed:
            theSSHKeyCheckerFactory.errorOutput.write(
                f"Warning: --auth=sshkey: keys come from {address} without TLS; "
                "anyone on the network between can replace them\n"
            )
        return LDAPAuthorizedKeys(settings, policy=policy)
    except (InvalidAuthArgumentString, ValueError) as error:
        told = str(error).removeprefix("config: ")
        raise ValueError(f"ldap: {told}") from None


def _policy(given: dict[str, Any]) -> KeyPolicy:
    """
    Return the policy that says which signatures count.

    @raise ValueError: if an algorithm isn't known.
    """
    from mycred.checkers.sshkeys import KeyPolicy, checkPolicy

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
