"""
An auth plugin: C{--auth=special:/srv/users:case=no}.

The file goes into a folder C{mycred/plugins}, or C{twisted/plugins}, of one's own
distribution.
"""

from __future__ import annotations

from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.strcred import ICheckerFactory, nonEmpty, parseArgString, yesNo


@implementer(ICheckerFactory, IPlugin)
class SpecialCheckerFactory:
    """
    Makes checkers of a password file, which may ignore the case of names.
    """

    authType = "special"
    argStringFormat = "A file name, then case=yes or case=no."
    authHelp = """
    The users are in a file of name:password lines.

    case=no ignores the case of names; case=yes is the default.

    Example: --auth=special:/srv/users:case=no
    """

    def generateChecker(self, argstring=""):
        """
        Make a checker.
        """
        from mycred.checkers import FilePasswordDB

        options = parseArgString(
            argstring,
            keys={"path": nonEmpty, "case": yesNo},
            positional=["path"],
            required=["path"],
        )
        return FilePasswordDB(
            options["path"], caseSensitive=options.get("case", True), cache=True
        )


theSpecialCheckerFactory = SpecialCheckerFactory()
