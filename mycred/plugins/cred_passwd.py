"""
The auth type C{passwd}: accounts in files like /etc/passwd and /etc/shadow.
"""

from __future__ import annotations

import os

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    IUsernamePassword,
)

passwdCheckerFactoryHelp = """
This checker lets in users who have an account in files like /etc/passwd and /etc/shadow,
such as those of a chroot.  The rules are those of --auth=unix.  The files are read
again when they differ.

It expects the path of a file as passwd(5) has it.

shadow=FILE
    a file as shadow(5) has it, with the hashes of those who have an x in the first
    one.

group=FILE
    a file as group(5) has it.  It is needed for groups=.

minuid=N
    denies accounts whose uid is below N.

groups=NAME,NAME
    denies accounts that are in none of these groups.

shells=yes
    denies accounts whose shell is not listed in /etc/shells.

nologin=yes
    denies all but root while there is /etc/nologin or /run/nologin.

A colon in the name of a file is written \\:.

Example: --auth=passwd:/srv/jail/etc/passwd:shadow=/srv/jail/etc/shadow
"""


@implementer(ICheckerFactory, IPlugin)
class PasswdCheckerFactory:
    """
    Makes L{PasswdChecker<mycred.checkers.PasswdChecker>}.
    """

    authType = "passwd"
    authHelp = passwdCheckerFactoryHelp
    argStringFormat = "/path/to/passwd[:shadow=/path/to/shadow][:group=...][:minuid=...]"
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Make a checker for files.

        @param argstring: the names of the files, and the options.

        @raise InvalidAuthArgumentString: if an option is unknown or can't take
            effect, a file can't be read, or nobody could log in by these files.
        """
        from mycred._accounts import FileUsers
        from mycred._argstring import parseArgString
        from mycred._checking._files import readable
        from mycred.checkers import PasswdChecker
        from mycred.checkers._unix import makeRules, ruleKeys

        files = {"passwd": readable, "shadow": readable, "group": readable}
        given = parseArgString(argstring, {**files, **ruleKeys}, ("passwd",), ("passwd",))
        passwd, shadow, group = given["passwd"], given.get("shadow"), given.get("group")
        if "groups" in given and group is None:
            raise InvalidAuthArgumentString(
                "groups: write group=FILE too, a file that tells who is in them"
            )
        try:
            rules = makeRules(given, FileUsers(passwd, group).gidOf)
            return PasswdChecker(
                passwd,
                shadow,
                group,
                rules,
                separate=os.geteuid() == 0,
                mustWork=True,
            )
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(str(error)) from None


thePasswdCheckerFactory = PasswdCheckerFactory()
