from zope.interface import implementer

from twisted.plugin import IPlugin

from mycred.credentials import IUsernamePassword
from mycred.strcred import ICheckerFactory, Option, Options, readableFile

options = Options(
    Option("file", readableFile, "FILE", "The file.", required=True, positional=True)
)


@implementer(ICheckerFactory, IPlugin)
class JSONCheckerFactory:
    authType = "json"
    argStringFormat = options.format
    authHelp = options.help("The users in a JSON file, each with a hash.")
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring):
        given = options.parse(argstring)
        from json_auth import JSONChecker

        return JSONChecker(given["file"])


theJSONCheckerFactory = JSONCheckerFactory()
