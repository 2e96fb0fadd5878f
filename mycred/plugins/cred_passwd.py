"""
The auth type C{passwd}: accounts in files like /etc/passwd and /etc/shadow.
"""

from __future__ import annotations

import os

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IUsernamePassword
from mycred.plugins.cred_unix import ruleOptions
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    Option,
    Options,
    readableFile,
)

options = Options(
    Option(
        "passwd",
        readableFile,
        "/path/to/passwd",
        "A file of accounts, as passwd(5) has it.",
        required=True,
        positional=True,
    ),
    Option(
        "shadow",
        readableFile,
        "FILE",
        "A file with the hashes of the accounts that have an x in the first one, as "
        "shadow(5) has it.",
    ),
    Option(
        "group",
        readableFile,
        "FILE",
        "A file of groups, as group(5) has it, which groups= needs.",
    ),
    *ruleOptions,
)

passwdCheckerFactoryHelp = options.help(
    """
    This checker lets in users who have an account in files like /etc/passwd and
    /etc/shadow, such as those of a chroot.  The rules are those of --auth=unix.  The
    files are read again when they differ.
    """,
    r"""
    A colon in the path of a file is written \:.

    Example: --auth=passwd:/srv/jail/etc/passwd:shadow=/srv/jail/etc/shadow
    """,
)


@implementer(ICheckerFactory, IPlugin)
class PasswdCheckerFactory:
    """
    Makes L{PasswdChecker<mycred.checkers.PasswdChecker>}.
    """

    authType = "passwd"
    authHelp = passwdCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker for files.

        @param argstring: the paths of the files, and the options.

        @raise InvalidAuthArgumentString: if an option is unknown or can't take
            effect, a file can't be read, or no user could log in by these files.
        """
        given = options.parse(argstring)
        group = given.get("group")
        if "groups" in given and group is None:
            raise InvalidAuthArgumentString(
                "groups: write group=FILE too, a file that tells who is in them"
            )
        rules = {o.key: given[o.key] for o in ruleOptions if o.key in given}
        from mycred.checkers import PasswdChecker, accountRules

        try:
            return PasswdChecker(
                given["passwd"],
                given.get("shadow"),
                group,
                accountRules(**rules, group=group),
                separate=os.geteuid() == 0,
                mustWork=True,
            )
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(str(error)) from None


thePasswdCheckerFactory = PasswdCheckerFactory()
