"""
The auth type C{pam}: the users whom a PAM service accepts.
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
    nonEmpty,
)

options = Options(
    Option(
        "service",
        nonEmpty,
        "NAME",
        "The service, which a file of this name in /etc/pam.d describes, in lower case.",
        required=True,
        positional=True,
    ),
    format="service=NAME",
)

pamCheckerFactoryHelp = options.help(
    """
    This checker lets in everyone whom a PAM service accepts: a file /etc/pam.d/NAME
    with auth and account lines, as pam.d(5) has it.  It asks for the password and
    nothing else, and opens no session.

    PAM runs in processes of its own, which keep the privileges that the server is
    started with.  Most modules, such as pam_unix, need root for any account but that of
    the user who runs the server; twistd may become another user (--uid).
    """,
    """
    Example: --auth=pam:service=myapp
    """,
)


@implementer(ICheckerFactory, IPlugin)
class PAMCheckerFactory:
    """
    Makes L{PAMChecker<mycred.checkers.PAMChecker>}.

    @cvar errorOutput: the file that a warning is written to.
    """

    authType = "pam"
    authHelp = pamCheckerFactoryHelp
    argStringFormat = options.format
    credentialInterfaces = (IUsernamePassword,)

    errorOutput = sys.stderr

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Return a checker for a service.

        @param argstring: the name of the service.

        @raise InvalidAuthArgumentString: if an option is unknown or missing, there
            is no such service, or PAM can't be used here.
        """
        given = options.parse(argstring)
        from mycred.checkers import PAMChecker

        if os.geteuid():
            self.errorOutput.write(
                "Warning: --auth=pam: most modules need root for all accounts but that "
                "of the user who runs the server\n"
            )
        try:
            return PAMChecker(given["service"])
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(f"service: {error}") from None


thePAMCheckerFactory = PAMCheckerFactory()
