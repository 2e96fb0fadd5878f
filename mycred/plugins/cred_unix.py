"""
The auth type C{unix}: the accounts of the machine.
"""

from __future__ import annotations

import os
import sys

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IUsernamePassword
from mycred.strcred import (
    ICheckerFactory,
    ICredentialsChecker,
    InvalidAuthArgumentString,
    Option,
    Options,
    integerBetween,
    namesLike,
    yesNo,
)

#: The options that deny accounts, for L{mycred.checkers.accountRules}.
ruleOptions = (
    Option(
        "minuid",
        integerBetween(0, 2**32 - 2, "a uid, such as 1000"),
        "N",
        "Denies accounts whose uid is below N, such as 1000 for those of the system.",
    ),
    Option(
        "groups",
        namesLike("mail,staff"),
        "NAME,NAME",
        "Denies accounts that are in none of these groups.",
    ),
    Option(
        "shells",
        yesNo,
        "yes",
        "Denies accounts whose shell is not listed in /etc/shells.",
    ),
    Option(
        "nologin",
        yesNo,
        "yes",
        "Denies all accounts but root while there is /etc/nologin or /run/nologin.",
    ),
)

options = Options(*ruleOptions)

unixCheckerFactoryHelp = options.help(
    """
    This checker lets in users who have an account on this machine, with the password
    that is in /etc/shadow.  Locked and expired accounts are denied, and passwords that
    must be changed, as shadow(5) says.

    It needs root, a group that may read /etc/shadow (shadow, on Debian), or the
    capability CAP_DAC_READ_SEARCH, which opens every file.  Started as root it goes on
    working when twistd has become another user (--uid): the accounts are then looked up
    by processes that stay root.
    """,
    """
    Accounts whose passwords aren't on this machine (LDAP, Kerberos) need --auth=pam.

    Example: --auth=unix:minuid=1000:groups=mail,staff
    """,
)


@implementer(ICheckerFactory, IPlugin)
class UNIXCheckerFactory:
    """
    Makes L{UNIXChecker<mycred.checkers.UNIXChecker>}.

    @cvar errorOutput: the file that a warning is written to.
    @cvar shadow: the path of the file with the hashes, for that warning.
    """

    authType = "unix"
    authHelp = unixCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (IUsernamePassword,)

    errorOutput = sys.stderr
    shadow = "/etc/shadow"

    def generateChecker(self, argstring: str = "") -> ICredentialsChecker:
        """
        Return a checker for the machine's accounts.

        If hashes can't be read that is worth a warning and no more, as Twisted
        makes such checkers for any user.

        @param argstring: the options.

        @raise InvalidAuthArgumentString: if an option is unknown or can't take
            effect, or the processes that look accounts up can't be started.
        """
        given = options.parse(argstring)
        from mycred.checkers import UNIXChecker, accountRules

        try:
            open(self.shadow, "rb").close()
        except FileNotFoundError:
            # Then the hashes are in the name service.
            pass
        except OSError as error:
            self.errorOutput.write(
                f"Warning: --auth=unix: {self.shadow} can't be read ({error.strerror}): "
                "users whose passwords are there can't log in; start as root, or see "
                "--help-auth-type=unix\n"
            )
        try:
            return UNIXChecker(accountRules(**given), separate=os.geteuid() == 0)
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(str(error)) from None


def verifyCryptedPassword(crypted: bytes | str, pw: bytes | str) -> bool:
    """
    Return whether a password matches a hash of crypt(3)'s kind.

    @param crypted: the hash.  What is no hash matches nothing.
    @param pw: the password; text stands for its UTF-8.
    """
    from mycred.checkers import verifyCryptedPassword

    return verifyCryptedPassword(crypted, pw)


def __getattr__(name: str) -> object:
    """
    Return the checker, which Twisted has here, when a program asks for it.
    """
    if name != "UNIXChecker":
        raise AttributeError(name)
    from mycred.checkers import UNIXChecker

    return UNIXChecker


theUnixCheckerFactory = UNIXCheckerFactory()
