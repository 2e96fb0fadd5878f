"""
The auth type C{pam}: whoever a PAM service lets in.
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

pamCheckerFactoryHelp = """
This checker lets in everyone whom a PAM service accepts: a file /etc/pam.d/NAME
with auth and account lines, as pam.d(5) has it.  It asks for the password and nothing
else, and opens no session.

PAM runs in processes of its own, which keep the privileges that the server is
started with.  Most modules, such as pam_unix, need root for anybody but the user
who runs the server; twistd may become another user (--uid).

service=NAME
    the name of the file, in lower case.

Example: --auth=pam:service=myapp
"""


@implementer(ICheckerFactory, IPlugin)
class PAMCheckerFactory:
    """
    Makes L{PAMChecker<mycred.checkers.PAMChecker>}.

    @cvar errorOutput: the file that a warning is written to.
    """

    authType = "pam"
    authHelp = pamCheckerFactoryHelp
    argStringFormat = "service=NAME"
    credentialInterfaces = (IUsernamePassword,)

    errorOutput = sys.stderr

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """
        Make a checker for a service.

        @param argstring: the name of the service.

        @raise InvalidAuthArgumentString: if an option is unknown or missing, there
            is no such service, or PAM can't be used here.
        """
        from mycred._argstring import nonEmpty, parseArgString
        from mycred.checkers import PAMChecker

        given = parseArgString(
            argstring, {"service": nonEmpty}, ("service",), ("service",)
        )
        if os.geteuid():
            self.errorOutput.write(
                "Warning: --auth=pam: most modules need root for anybody but the user "
                "who runs the server\n"
            )
        try:
            return PAMChecker(given["service"])
        except (OSError, ValueError) as error:
            raise InvalidAuthArgumentString(f"service: {error}") from None


thePAMCheckerFactory = PAMCheckerFactory()
