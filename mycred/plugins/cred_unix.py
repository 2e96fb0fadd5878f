"""
The auth type C{unix}: the accounts of the machine.
"""

from __future__ import annotations

import os
import sys

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred._contracts import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    IUsernamePassword,
)

unixCheckerFactoryHelp = """
This checker lets in users who have an account on this machine, with the password that
is in /etc/shadow.  Locked and expired accounts are denied, and passwords that must be
changed, as shadow(5) says.

It needs root, a group that may read /etc/shadow (shadow, on Debian), or the
capability CAP_DAC_READ_SEARCH, which opens every file.  Started as root it goes on
working when twistd has become another user (--uid): the accounts are then looked up by
processes that stay root.

minuid=N
    denies accounts whose uid is below N, such as 1000 for those of the system.

groups=NAME,NAME
    denies accounts that are in none of these groups.

shells=yes
    denies accounts whose shell is not listed in /etc/shells.

nologin=yes
    denies all but root while there is /etc/nologin or /run/nologin.

Accounts whose passwords aren't on this machine (LDAP, Kerberos) need --auth=pam.

Example: --auth=unix:minuid=1000:groups=mail,staff
"""


@implementer(ICheckerFactory, IPlugin)
class UNIXCheckerFactory:
    """
    Makes L{UNIXChecker<mycred.checkers.UNIXChecker>}.

    @cvar errorOutput: the file that a warning is written to.
    """

    authType = "unix"
    authHelp = unixCheckerFactoryHelp
    argStringFormat = "[minuid=N][:groups=NAME,NAME][:shells=yes][:nologin=yes]"
    credentialInterfaces = (IUsernamePassword,)

    errorOutput = sys.stderr

    def generateChecker(self, argstring: str = "") -> ICredentialsChecker:
        """
        Make a checker for the machine's accounts.

        If hashes can't be read that is worth a warning and no more, as Twisted
        makes such checkers for anybody.

        @param argstring: the options.

        @raise InvalidAuthArgumentString: if an option is unknown or can't take
            effect, or the processes that look accounts up can't be started.
        """
        from mycred._accounts import SHADOW, SystemUsers
        from mycred._argstring import parseArgString
        from mycred._files import openRegular
        from mycred.checkers import UNIXChecker
        from mycred.checkers._unix import makeRules, ruleKeys

        given = parseArgString(argstring, ruleKeys)
        try:
            openRegular(SHADOW).close()
        except FileNotFoundError:
            pass
        except OSError as error:
            self.errorOutput.write(
                f"Warning: --auth=unix: {SHADOW} can't be read ({error.strerror}), so "
                "that nobody can log in whose password is there; start as root, or "
                "see --help-auth-type=unix\n"
            )
        try:
            rules = makeRules(given, SystemUsers().gidOf)
            return UNIXChecker(rules, separate=os.geteuid() == 0)
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(str(error)) from None


def verifyCryptedPassword(crypted: bytes | str, pw: bytes | str) -> bool:
    """
    Tell whether a password matches a hash of crypt(3)'s kind.

    @param crypted: the hash.  What is no hash matches nothing.
    @param pw: the password; text stands for its UTF-8.
    """
    from mycred.checkers._unix import verifyCryptedPassword

    return verifyCryptedPassword(crypted, pw)


def __getattr__(name: str) -> object:
    """
    Find the checker here, where Twisted has its own, once somebody asks for it.
    """
    if name != "UNIXChecker":
        raise AttributeError(name)
    from mycred.checkers import UNIXChecker

    return UNIXChecker


theUnixCheckerFactory = UNIXCheckerFactory()
