"""
Tests for L{mycred.strcred}, the plugins, and the pages that tell of their options.

They cover L{mycred._uidoption}, L{mycred._checking._files},
L{mycred.plugins.cred_anonymous}, L{mycred.plugins.cred_file},
L{mycred.plugins.cred_memory}, L{mycred.plugins.cred_htdigest} and
L{mycred.plugins.cred_htpasswd}, too.
"""

from __future__ import annotations

import importlib
import os
import pwd
import re
import subprocess
import sys
import zlib
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from zope.interface import implementer
from zope.interface.verify import verifyObject

from twisted.plugin import IPlugin
from twisted.python import usage
from twisted.scripts._twistd_unix import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred import _files, _uidoption, plugins, strcred
from mycred.checkers import (
    AllowAnonymousAccess,
    FilePasswordDB,
    HtpasswdChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from mycred.checkers.ldap import ldapOptions
from mycred.credentials import (
    IAnonymous,
    IScramCredentials,
    IUsernameHashedPassword,
    IUsernamePassword,
    UsernamePassword,
)
from mycred.error import UnauthorizedLogin
from mycred.plugins import (
    cred_anonymous,
    cred_cert,
    cred_file,
    cred_htdigest,
    cred_htpasswd,
    cred_memory,
    cred_pam,
    cred_passwd,
    cred_sshkeys,
    cred_token,
    cred_unix,
)

from .kit.files import BCRYPT


class Options(usage.Options, strcred.AuthOptionMixin):
    """
    The options of a program that takes everything.
    """


class AnonymousOptions(Options):
    """
    The options of a program without names.
    """

    supportedInterfaces = (IAnonymous,)


@implementer(strcred.ICheckerFactory, IPlugin)
class Factory:
    """
    A plugin like the how-to's: it doesn't say what its checkers check.
    """

    authType = "special"
    authHelp = "Some help."
    argStringFormat = "A colon-separated key=value list."
    error: Exception | None = None

    def generateChecker(self, argstring: str = "") -> Any:
        """
        Return a checker, or fail.
        """
        if self.error is not None:
            raise self.error
        return InMemoryUsernamePasswordDatabaseDontUse()


class WithFactories(SynchronousTestCase):
    """
    Base of the tests that bring plugins of their own.
    """

    def install(self, *factories: Any) -> None:
        """
        Put plugins before those that there are.
        """
        found = [*factories, *strcred.findCheckerFactories()]
        self.patch(strcred, "findCheckerFactories", lambda: iter(found))


class LaterUserTests(SynchronousTestCase):
    """
    Tests for programs of which twistd becomes another user.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).resolve()
        self.path.write_bytes(b"carol:" + BCRYPT + b"\n")
        self.tried: list[object] = []
        self.mayRead = True
        self.patch(os, "geteuid", lambda: 0)
        self.patch(_uidoption, "rightsOf", self.remember)
        self.patch(_uidoption, "_closedDirectory", lambda file: None)
        self.patch(_uidoption, "_canOpen", lambda file, flags: self.mayRead)

    def remember(self, *rights: object) -> Any:
        """
        Remember with whose rights something is tried.
        """
        self.tried.append(rights)
        return nullcontext()

    def parse(self, *words: str) -> Any:
        """
        Parse a command line as twistd does.
        """

        class Twistd(ServerOptions):
            """
            twistd's options.
            """

            subCommands = [["program", None, Options, ""]]

        return self.parseBy(Twistd(), *words)

    def parseBy(self, options: Any, *words: str) -> Any:
        """
        Parse a command line of a program with others within it.
        """
        options.parseOptions([*words, "program", f"--auth=htpasswd:{self.path}"])
        return options.subOptions

    def test_readable(self) -> None:
        """
        A file that can be read with the rights of the user is taken.
        """
        self.assertEqual(len(self.parse("--uid=nobody")["credCheckers"]), 1)
        user = pwd.getpwnam("nobody")
        groups = os.getgrouplist("nobody", user.pw_gid)
        self.assertEqual(self.tried, [(user.pw_uid, user.pw_gid, groups)])

    def test_unreadable(self) -> None:
        """
        One that can't is told.
        """
        self.mayRead = False
        error = self.assertRaises(usage.UsageError, self.parse, "--uid=nobody")
        self.assertIn(f"--auth=htpasswd: {self.path} can't be read by nobody", str(error))

    def test_unwritable(self) -> None:
        """
        Nor is a checker that couldn't write its files.
        """
        self.patch(HtpasswdChecker, "opensLater", ())
        for kind in ("writesLater", "databasesLater"):
            setattr(HtpasswdChecker, kind, (str(self.path),))
            self.mayRead = True
            self.assertEqual(len(self.parse("--uid=nobody")["credCheckers"]), 1)
            self.mayRead = False
            error = self.assertRaises(usage.UsageError, self.parse, "--uid=nobody")
            says = f"--auth=htpasswd: {self.path} can't be written by nobody"
            self.assertIn(says, str(error))
            delattr(HtpasswdChecker, kind)

    def test_sameUser(self) -> None:
        """
        Nothing is tried where the server stays who it is, or who it becomes is unknown:
        twistd tells that.
        """
        for words in ([], ["--gid=1"], ["--uid=0"], ["--uid=3999999"]):
            self.parse(*words)
        self.patch(os, "geteuid", lambda: 1000)
        self.parse("--uid=nobody")
        self.assertEqual(self.tried, [])

    def test_elsewhere(self) -> None:
        """
        Nor is it where the server goes to another root, in which the file is another one.
        """
        self.parse("--uid=nobody", "--chroot=/")
        self.assertEqual(self.tried, [])

    def test_others(self) -> None:
        """
        Options of another program, which may mean anything by a uid, don't count.
        """

        class Others(usage.Options):
            """
            A program's options.
            """

            optParameters = [["uid", "u", None, "whom to look up"]]
            subCommands = [["program", None, Options, ""]]

        for uid in ("nobody", "5", ""):
            self.parseBy(Others(), f"--uid={uid}")
        self.assertEqual(self.tried, [])


class FindTests(WithFactories):
    """
    Tests for looking plugins up.
    """

    def test_oursFirst(self) -> None:
        """
        All plugins of both packages are found, mycred's first, Twisted's own
        included; of a type, the first one counts.
        """
        # Those that Twisted's registry knows, too, come up once more.
        found = dict.fromkeys(strcred.findCheckerFactories())
        modules = [type(factory).__module__ for factory in found]
        ours = [m for m in modules if m.startswith("mycred.plugins.")]
        self.assertEqual(modules[: len(ours)], ours)
        self.assertIn("twisted.plugins.cred_file", modules)
        for factory in (
            cred_anonymous.theAnonymousCheckerFactory,
            cred_file.theFileCheckerFactory,
            cred_htdigest.theHtdigestCheckerFactory,
            cred_htpasswd.theHtpasswdCheckerFactory,
            cred_memory.theInMemoryCheckerFactory,
        ):
            self.assertIs(strcred.findCheckerFactory(factory.authType), factory)
            self.assertTrue(verifyObject(strcred.ICheckerFactory, factory))

    def test_makeChecker(self) -> None:
        """
        The plugin gets what follows the first colon.
        """
        given = []
        factory = Factory()
        self.patch(factory, "generateChecker", given.append)
        self.install(factory)
        for description in ("special", "special:", "special:a:b=c:"):
            strcred.makeChecker(description)
        self.assertEqual(given, ["", "", "a:b=c:"])

    def test_light(self) -> None:
        """
        Looking the plugins up imports no checker of mycred's, no LDAP, and installs
        no reactor.
        """
        program = (
            "import sys; from mycred.strcred import findCheckerFactories as find;"
            "list(find());"
            "print([m for m in ('mycred.checkers', 'ldap3',"
            " 'twisted.internet.reactor') if m in sys.modules])"
        )
        printed = subprocess.run(
            [sys.executable, "-W", "error::SyntaxWarning", "-c", program],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(mycred.__file__).parents[1],
        )
        self.assertEqual(printed.stdout.strip(), "[]")

    def test_otherDistributions(self) -> None:
        """
        A file in a directory C{mycred/plugins}, or C{twisted/plugins}, of another
        distribution is all that it takes to add an auth type.
        """
        plugin = (
            "from zope.interface import implementer\n"
            "from twisted.plugin import IPlugin\n"
            "from {package}.strcred import ICheckerFactory\n"
            "from {package}.checkers import AllowAnonymousAccess\n"
            "@implementer(ICheckerFactory, IPlugin)\n"
            "class Factory:\n"
            "    authType = '{name}'\n"
            "    authHelp = argStringFormat = 'None.'\n"
            "    def generateChecker(self, argstring=''):\n"
            "        return AllowAnonymousAccess()\n"
            "factory = Factory()\n"
        )
        paths = [str(Path(mycred.__file__).parents[1])]
        for directory, package, name in (
            ("mycred", "mycred", "one"),
            ("twisted", "twisted.cred", "two"),
        ):
            distribution = Path(self.mktemp()).resolve()
            plugins = distribution / directory / "plugins"
            plugins.mkdir(parents=True)
            source = plugin.format(package=package, name=name)
            (plugins / f"third_party_{name}.py").write_text(source)
            paths.append(str(distribution))
        program = (
            f"import sys; sys.path[:0] = {paths!r}\n"
            "from twisted.python import usage\n"
            "from mycred.strcred import AuthOptionMixin\n"
            "class Options(usage.Options, AuthOptionMixin): pass\n"
            "options = Options()\n"
            "options.parseOptions(['--auth=one', '--auth=two:x'])\n"
            "print(len(options['credCheckers']))\n"
            "options.parseOptions(['--help-auth'])\n"
        )
        printed = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        )
        self.assertTrue(printed.stdout.startswith("2\n"), printed.stdout)
        self.assertIn("  one ", printed.stdout)
        self.assertIn("  two ", printed.stdout)


class NeedingTests(SynchronousTestCase):
    """
    Tests for L{strcred.needing}.
    """

    def test_missing(self) -> None:
        """
        A library that is missing is told, with what to install.
        """
        with (
            self.assertRaises(strcred.InvalidAuthArgumentString) as caught,
            strcred.needing("pip install nothing"),
        ):
            importlib.import_module("no_such_library")
        self.assertEqual(
            str(caught.exception),
            "it takes a library that isn't installed (No module named "
            "'no_such_library'); do pip install nothing",
        )
        self.assertTrue(caught.exception.__suppress_context__)

    def test_others(self) -> None:
        """
        Other errors, and success, are left alone.
        """
        with self.assertRaises(ZeroDivisionError), strcred.needing("nothing"):
            1 / 0  # noqa: B018
        with strcred.needing("nothing"):
            importlib.import_module("mycred")


class AuthOptionTests(WithFactories):
    """
    Tests for L{strcred.AuthOptionMixin}.
    """

    def parse(self, *arguments: str, options: Any = None) -> Any:
        """
        Parse a command line.
        """
        options = Options() if options is None else options
        options.parseOptions(arguments)
        return options

    def wrong(self, *arguments: str, options: Any = None) -> str:
        """
        Parse a command line that is wrong, and return what the user is told.
        """
        error = self.assertRaises(
            usage.UsageError, self.parse, *arguments, options=options
        )
        text = str(error)
        self.assertNotIn("\n", text)
        self.assertNotIn("Unexpected", text)
        return text

    def help(self, *arguments: str, options: Any = None) -> str:
        """
        Parse a command line that asks for help, and return what is printed.
        """
        options = Options() if options is None else options
        options.authOutput = output = StringIO()
        ended = self.assertRaises(SystemExit, options.parseOptions, arguments)
        self.assertEqual(ended.code, 0)
        return output.getvalue()

    def test_collects(self) -> None:
        """
        Each C{--auth} adds a checker, to the list and to those of the interfaces
        that it checks, in the order of the command line.
        """
        options = self.parse("--auth=memory:a:b", "--auth=anonymous", "--auth", "memory")
        first, anonymous, second = options["credCheckers"]
        self.assertIsInstance(first, InMemoryUsernamePasswordDatabaseDontUse)
        self.assertIsInstance(anonymous, AllowAnonymousAccess)
        self.assertEqual(
            options["credInterfaces"],
            {
                IUsernamePassword: [first, second],
                IUsernameHashedPassword: [first, second],
                IScramCredentials: [first, second],
                IAnonymous: [anonymous],
            },
        )

    def test_addCheckerOverridden(self) -> None:
        """
        Each checker goes through C{addChecker}, which programs override.
        """

        class Own(Options):
            """
            Options that begin with a checker of their own.
            """

            def addChecker(self, checker: Any) -> None:
                self["credCheckers"] = []
                super().addChecker(checker)

        options = Own()
        options.addChecker(AllowAnonymousAccess())
        self.parse("--auth=memory", options=options)
        self.assertEqual(len(options["credCheckers"]), 1)

    def test_unknownType(self) -> None:
        """
        An unknown type is told, with the types that the program can use.
        """
        text = self.wrong("--auth=nosuchtype:secret")
        self.assertIn("--auth=nosuchtype:", text)
        self.assertIn("anonymous, cert, file, htdigest, htpasswd, ldap, memory", text)
        self.assertNotIn("secret", text)
        text = self.wrong("--auth=nosuchtype", options=AnonymousOptions())
        self.assertIn("anonymous", text)
        self.assertNotIn("memory", text)
        self.assertIn("--help-auth-type=x:", self.wrong("--help-auth-type=x"))

    def test_otherSign(self) -> None:
        """
        What stands after another sign than a colon isn't repeated, either, nor what
        follows a type of which help is wanted.
        """
        for sign in (
            "=",
            " ",
            "/",
            ",",
            ";",
            "|",
            "@",
            "\t",
            "=a:",
            "\N{FULLWIDTH COLON}",
        ):
            text = self.wrong(f"--auth=memory{sign}alice{sign}secret")
            self.assertIn("--auth=memory...: there is no such auth type, did you", text)
            self.assertNotIn("secret", text)
        for name in ("memory:alice:secret", "memory=alice=secret", "memory alice secret"):
            text = self.wrong(f"--help-auth-type={name}")
            self.assertIn("memory...: there is no such auth type, did you", text)
            self.assertNotIn("secret", text)

    def test_misspelledType(self) -> None:
        """
        An unknown type is told with the one that may have been meant.
        """
        for typed, meant in [
            ("htpaswd:/f", "htpasswd"),
            ("Htpasswd:/f", "htpasswd"),
            ("htpasswd=/f", "htpasswd"),
            ("htpasswd /f", "htpasswd"),
            ("ht-digest", "htdigest"),
            ("files:/f", "file"),
            ("ldaps:host=x", "ldap"),
            ("annonymous", "anonymous"),
        ]:
            text = self.wrong(f"--auth={typed}")
            self.assertIn(f"did you mean {meant}? There are anonymous, cert", text)
        for typed in ("", ":x", "=x", "qqq"):
            self.assertNotIn("did you mean", self.wrong(f"--auth={typed}"))

    def test_unsupported(self) -> None:
        """
        A type of which the program has no use is told, with what it has use for.
        """
        text = self.wrong("--auth=memory:alice:secret", options=AnonymousOptions())
        self.assertIn("--auth=memory:", text)
        self.assertIn("IUsernamePassword", text)
        self.assertIn("IAnonymous", text)
        self.assertNotIn("secret", text)

    def test_fileWithoutName(self) -> None:
        """
        A file without a name is told, with what would be right.
        """
        for argument in ("--auth=file", "--auth=file:", "--auth=file: "):
            text = self.wrong(argument)
            self.assertIn("--auth=file: 'file' requires a filename", text)
            self.assertIn("Location of a FilePasswordDB-formatted file", text)
            self.assertIn("--help-auth-type=file", text)

    def test_memoryOdd(self) -> None:
        """
        What can't be a list of names and passwords is told without repeating it.
        """
        for argstring in ("secret", "secret:b:c", "secret:", ":secret", "a:secret:a:x"):
            text = self.wrong(f"--auth=memory:{argstring}")
            self.assertIn("--auth=memory: a name", text)
            self.assertIn("name:password:...", text)
            self.assertNotIn("secret", text)

    def test_anonymousArguments(self) -> None:
        """
        An option that has no effect is an error.
        """
        self.assertIn("nothing may follow", self.wrong("--auth=anonymous:x"))

    def test_pluginFails(self) -> None:
        """
        Whatever goes wrong in a plugin is told with the type and the format.
        """
        factory = Factory()
        self.install(factory)
        for error, words in (
            (strcred.InvalidAuthArgumentString("there is no key x"), "no key x"),
            (ValueError("a number is missing"), "a number is missing"),
            (KeyError("colour"), "KeyError: 'colour'"),
            (ImportError("No module named 'ldap3'"), "needs something that is not"),
        ):
            factory.error = error
            text = self.wrong("--auth=special:x")
            self.assertIn("--auth=special", text)
            self.assertIn(words, text)

    def test_withoutInterfaces(self) -> None:
        """
        A plugin that doesn't say what its checkers check can be used all the
        same, and is listed.
        """
        self.install(Factory())
        options = self.parse("--auth=special")
        self.assertEqual(len(options["credCheckers"]), 1)
        self.assertIn("special", self.help("--help-auth"))
        self.assertIn("Some help.", self.help("--help-auth-type=special"))
        self.wrong("--auth=special", options=AnonymousOptions())

    def test_bareInterface(self) -> None:
        """
        A forgotten comma in a checker is told when the program starts.
        """
        checker: Any = InMemoryUsernamePasswordDatabaseDontUse()
        checker.credentialInterfaces = IUsernamePassword
        factory = Factory()
        self.patch(factory, "generateChecker", lambda argstring: checker)
        self.install(factory)
        self.assertIn("(IUsernamePassword,)", self.wrong("--auth=special"))

    def test_helpAuth(self) -> None:
        """
        C{--help-auth} lists each type once, and those only of which the program
        has a use.
        """
        text = self.help("--help-auth")
        self.assertIn("Usage: --auth AuthType[:ArgString]", text)
        types = [line.split()[0] for line in text.splitlines()[5:] if line.strip()]
        self.assertEqual(len(types), len(set(types)))
        ours = {"anonymous", "cert", "file", "htdigest", "htpasswd", "ldap", "memory"}
        self.assertEqual(set(types[: len(ours)]), ours)
        text = self.help("--help-auth", options=AnonymousOptions())
        self.assertIn("anonymous", text)
        self.assertNotIn("memory", text)

    def test_helpAuthType(self) -> None:
        """
        C{--help-auth-type} explains a type with an example, and warns if the
        program has no use for it.
        """
        for authType in ("anonymous", "file", "htdigest", "htpasswd", "memory"):
            text = self.help("--help-auth-type", authType)
            self.assertIn(f"Example: --auth={authType}", text)
            self.assertNotIn("WARNING", text)
        text = self.help("--help-auth-type=file", options=AnonymousOptions())
        self.assertIn(strcred.notSupportedWarning, text)


class PluginTests(SynchronousTestCase):
    """
    Tests for what the plugins make.
    """

    def test_memory(self) -> None:
        """
        C{memory} serves protocols that speak bytes and protocols that speak text.
        """
        checker = strcred.makeChecker("memory:alice:sesame:jürgen:schlüssel")
        for name, password in (
            (b"alice", b"sesame"),
            ("alice", "sesame"),
            ("jürgen", "schlüssel"),
            ("jürgen".encode(), "schlüssel".encode()),
        ):
            asking = checker.requestAvatarId(UsernamePassword(name, password))  # type: ignore[arg-type]
            self.assertEqual(self.successResultOf(asking), name)
        wrong = checker.requestAvatarId(UsernamePassword(b"alice", b"x"))
        self.failureResultOf(wrong, UnauthorizedLogin)

    def test_fileWarns(self) -> None:
        """
        As in Twisted: C{file} warns of a file that isn't there, or is none, and
        makes a checker.
        """
        for path in (self.mktemp(), "."):
            output = StringIO()
            self.patch(cred_file.theFileCheckerFactory, "errorOutput", output)
            checker = strcred.makeChecker(f"file:{path}")
            self.assertIsInstance(checker, FilePasswordDB)
            warning = f"{cred_file.invalidFileWarning}: {path}\n"
            self.assertEqual(output.getvalue(), warning)
            self.assertEqual(checker.filename, os.path.abspath(path))

    def test_fileWithHashes(self) -> None:
        """
        A file with a hash in it doesn't claim logins that it can't serve.
        """
        path = Path(self.mktemp())
        path.write_bytes(b"alice:sesame\n")
        plain = strcred.makeChecker(f"file:{path}")
        self.assertIn(IUsernameHashedPassword, plain.credentialInterfaces)
        path.write_bytes(b"alice:sesame\ncarol:" + BCRYPT)
        hashed = strcred.makeChecker(f"file:{path}")
        self.assertNotIn(IUsernameHashedPassword, hashed.credentialInterfaces)

    def test_fileWithLocked(self) -> None:
        """
        A line with which no user can log in in any way keeps no other from being asked
        for logins that a hash couldn't serve.
        """
        path = Path(self.mktemp())
        useless = [b"!", b"*", b"x", b"!!", b"*LK*", b"", b"!" + BCRYPT, b"*" + BCRYPT]
        useless += [
            BCRYPT[:-1],
            BCRYPT.replace(b"$04$", b"$31$"),
            b"$zz$abc",
            b"{FOO}abc",
        ]
        useless += [b"pbkdf2_sha256$1$a$b", b"{PLAIN}rose"]
        for secret in useless:
            path.write_bytes(b"alice:sesame\n\n# a\n#b:" + BCRYPT + b"\nbob:" + secret)
            checker = strcred.makeChecker(f"file:{path}")
            self.assertIn(IUsernameHashedPassword, checker.credentialInterfaces, secret)
        path.write_bytes(b"alice:sesame\nalice:" + BCRYPT + b"\n")
        checker = strcred.makeChecker(f"file:{path}")
        self.assertIn(IUsernameHashedPassword, checker.credentialInterfaces)
        for secret in (BCRYPT, b"{BLF-CRYPT}" + BCRYPT, b"{SHA}" + b"A" * 27 + b"="):
            path.write_bytes(b"locked:!\nalice:sesame\nbob:" + secret + b"\nbob:!\n")
            checker = strcred.makeChecker(f"file:{path}")
            offered = checker.credentialInterfaces
            self.assertNotIn(IUsernameHashedPassword, offered, secret)


class FileArgumentTests(SynchronousTestCase):
    """
    Tests for C{htpasswd} and C{htdigest}.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).resolve()
        self.path.write_bytes(
            b"carol:" + BCRYPT + b"\nalice:Members:d4c1bd79570a77a56389c354ecc4860c\n"
        )

    def assertTold(self, description: str, says: str) -> None:
        """
        Assert that an C{--auth} is refused at the start, in words.
        """
        error = self.assertRaises(
            usage.UsageError, Options().parseOptions, ["--auth", description]
        )
        self.assertRegex(str(error), says)
        self.assertNotIn("$2y$", str(error))

    def ask(self, description: str, name: bytes, password: bytes) -> Any:
        """
        Log in with what a deployer writes.
        """
        checker = strcred.makeChecker(description)
        return checker.requestAvatarId(UsernamePassword(name, password))

    def test_htpasswd(self) -> None:
        """
        The path of a file is enough; a colon in it is escaped.
        """
        odd = self.path.with_name("a:b")
        self.path.rename(odd)
        where = str(odd).replace(":", "\\:")
        for options in ("", ":weak=no", ":plaintext=yes", ":weak=yes:plaintext=no"):
            asking = self.ask(f"htpasswd:{where}{options}", b"carol", b"hashed")
            self.assertEqual(self.successResultOf(asking), b"carol")

    def test_options(self) -> None:
        """
        The options do what they say.
        """
        self.path.write_bytes(b"alice:sesame\nbob:{PLAIN}tulip\n")
        where = f"htpasswd:{self.path}"
        for options, name, password, entered in [
            ("", b"alice", b"sesame", False),
            (":plaintext=yes", b"alice", b"sesame", True),
            ("", b"bob", b"tulip", True),
            (":weak=no", b"bob", b"tulip", False),
        ]:
            asking = self.ask(where + options, name, password)
            if entered:
                self.successResultOf(asking)
            else:
                self.failureResultOf(asking, UnauthorizedLogin)

    def test_nobodyInHtpasswd(self) -> None:
        """
        A file by which no user could log in, and one that is no text, are told.
        """
        for content, says in [
            (b"", "no user is in .*mycred passwd"),
            (b"\n# carol:%s\n\n" % BCRYPT, "no user is in "),
            (b"\xef\xbb\xbf# carol\n", "no user is in "),
            (b"carol\n:%s\n" % BCRYPT, "no user is in "),
            (b"carol:\n", "no user can log in by .*no hash"),
            (b"carol:hashed\n", "no user can log in by .*no hash"),
            (
                b"carol:!%s\ndave:*\n" % BCRYPT,
                "no user can log in by .*: a locked account",
            ),
            (b"carol:$9$x\n", "a hash of an unknown kind, for one"),
            (b"-----BEGIN PRIVATE KEY-----\nTUlH\n", "no user is in "),
            (f"carol:{BCRYPT.decode()}".encode("utf-16"), "isn.t text"),
            (f"carol:{BCRYPT.decode()}".encode("utf-32"), "isn.t text"),
            (Path(sys.executable).read_bytes()[: 2**20], "isn.t text"),
            (zlib.compress(b"carol:" + BCRYPT), "no user is in |isn.t text"),
            (b"etc/htpasswd" + bytes(500) + b"\ncarol:%s\n" % BCRYPT, "isn.t text"),
        ]:
            self.path.write_bytes(content)
            self.assertTold(f"htpasswd:{self.path}", f"--auth=htpasswd: file: .*{says}")
        for content in (b"", b"carol:\n", b"carol:$9$x\n", b"\0\na:b\n"):
            self.path.write_bytes(content)
            self.assertTold(f"htpasswd:{self.path}:plaintext=yes", "file: ")
        for content in (b"# a\n\ndave:!\ncarol:%s\n", b"dave:x\n carol:%s\r\n"):
            self.path.write_bytes(content % BCRYPT)
            asking = self.ask(f"htpasswd:{self.path}", b"carol", b"hashed")
            self.assertEqual(self.successResultOf(asking), b"carol")

    def test_relative(self) -> None:
        """
        A relative path starts at the directory in which the program was started.
        """
        checker = strcred.makeChecker(f"htpasswd:{os.path.relpath(self.path)}")
        directory = os.getcwd()
        self.addCleanup(os.chdir, directory)
        os.chdir("/")
        asking = checker.requestAvatarId(UsernamePassword(b"carol", b"hashed"))
        self.successResultOf(asking)

    def test_wrongHtpasswd(self) -> None:
        """
        What can't take effect is told at the start, with what would be right.
        """
        where = f"htpasswd:{self.path}"
        for description, says in [
            ("htpasswd", "file must be given.*/path/to/htpasswd"),
            ("htpasswd:", "file must be given"),
            ("htpasswd:/no/such/file", "/no/such/file can't be read .No such file"),
            (f"htpasswd:{self.path.parent}", "can't be read .Is a directory"),
            (f"{where}:weak=maybe", "weak: write yes or no"),
            (f"{where}:weka=no", "no weka=, did you mean weak=?"),
            (f"{where}:weak=no:weak=no", "weak is given twice"),
            (f"{where}:weak=no:plaintext=yes", "weak=no refuses what plaintext=yes"),
            (f"{where}:no", "a value has no key"),
            (f"{where}:weak", "write weak=no or weak=yes[.] What follows"),
        ]:
            self.assertTold(description, says)
        fifo = self.path.with_name("fifo")
        os.mkfifo(fifo)
        self.assertTold(f"htpasswd:{fifo}", "not a regular file")
        self.patch(_files, "LARGEST", 10)
        self.assertTold(where, "larger than 10 bytes")

    def test_htdigest(self) -> None:
        """
        C{htdigest} makes a checker for a realm.
        """
        checker = strcred.makeChecker(f"htdigest:{self.path}:realm=Members")
        self.assertEqual(checker.realm, b"Members")  # type: ignore[attr-defined]

    def test_wrongHtdigest(self) -> None:
        """
        A realm is needed, and the file must know it; what stands in a file of
        another kind isn't shown.
        """
        where = f"htdigest:{self.path}"
        for description, says in [
            ("htdigest", "file and realm must be given"),
            (where, "realm must be given"),
            (f"{where}:realm=", "realm: a value is missing"),
            (f"{where}:realm=members", "only for Members"),
            (f"{where}:realm=a\\:b", "can't hold a colon"),
            ("htdigest:/no/such/file:realm=x", "can't be read"),
        ]:
            self.assertTold(description, says)
        self.path.write_bytes(b"carol:" + BCRYPT + b":1000:1000\n")
        self.assertTold(f"{where}:realm=Members", "no line name:realm:hash")


DOC = Path(mycred.__file__).parents[1] / "doc"

#: The options of each auth type, and the pages that have a row for each: a term of a
#: definition list, as str() of the option has it, and below it first the sentence of
#: help.
DOCUMENTED: dict[str, tuple[strcred.Options, tuple[str, ...]]] = {
    "cert": (cred_cert.options, ("client-certificates",)),
    "htpasswd": (cred_htpasswd.options, ("choosing-auth",)),
    "htdigest": (cred_htdigest.options, ("choosing-auth",)),
    "unix": (cred_unix.options, ("unix-accounts",)),
    "passwd": (cred_passwd.options, ("unix-accounts",)),
    "pam": (cred_pam.options, ("unix-accounts",)),
    "sshkey": (cred_sshkeys.options, ("ssh-keys", "unix-accounts")),
    "ldap": (ldapOptions, ("ldap",)),
    "token": (cred_token.options, ("tokens",)),
}


def rowsOf(page: str) -> dict[str, str]:
    """
    Return the sentences of a page that tell what options mean, by how the options are
    written.
    """
    text = (DOC / f"{page}.rst").read_text("utf-8")
    rows = re.findall(r"^``(\[?[a-z]+=.*)``\n    (.+)$", text, re.MULTILINE)
    return {term: sentence.replace("``", "") for term, sentence in rows}


class OptionTableTests(SynchronousTestCase):
    """
    Tests for what is said of the options of mycred's auth types.
    """

    def test_documented(self) -> None:
        """
        Every option has its row, which begins with the sentence that help has.
        """
        for authType, (options, pages) in DOCUMENTED.items():
            rows = {}
            for page in pages:
                rows.update(rowsOf(page))
            for option in options:
                with self.subTest(authType, key=option.key):
                    self.assertEqual(rows.get(str(option)), option.help)

    def test_noOtherRows(self) -> None:
        """
        No row tells of an option that doesn't exist.
        """
        known: dict[str, set[str]] = {}
        for options, pages in DOCUMENTED.values():
            for page in pages:
                known.setdefault(page, set()).update(map(str, options))
        for page, terms in known.items():
            self.assertEqual(set(rowsOf(page)) - terms, set(), page)

    def test_help(self) -> None:
        """
        Help has each option, with its sentence.
        """
        for authType, (options, _) in DOCUMENTED.items():
            text = strcred.findCheckerFactory(authType).authHelp
            words = " ".join(text.split())
            for option in options:
                self.assertIn(f"{option} {option.help}", words)

    def test_helpWithoutLibrary(self) -> None:
        """
        Where the library is missing that a table needs, help says what to install.
        """
        with mock.patch.dict(sys.modules, {"mycred.checkers.ldap": None}):
            text = strcred.findCheckerFactory("ldap").authHelp
        self.assertIn("do pip install ldap3.", text)

    def test_sentences(self) -> None:
        """
        An option's help is one sentence.
        """
        for options, _ in DOCUMENTED.values():
            for option in options:
                self.assertRegex(option.help, r"^[A-Z].*[^.]\.$")
                self.assertNotIn(". ", option.help)

    def test_format(self) -> None:
        """
        The format line writes options as the table has them.
        """
        for authType, (options, _) in DOCUMENTED.items():
            line = strcred.findCheckerFactory(authType).argStringFormat
            values = {option.key: option.value for option in options}
            for key, value in re.findall(r"(\w+)=([^]:\[ ]+)", line):
                alternatives = values.get(key, "").split("|")
                self.assertIn(value.rstrip("."), alternatives, authType)

    def test_everyType(self) -> None:
        """
        Each auth type has a row in the table of types, and those that take options are
        in this test's table.
        """
        page = (DOC / "choosing-auth.rst").read_text("utf-8")
        types = set()
        for path in Path(plugins.__path__[0]).glob("cred_*.py"):
            module = importlib.import_module(f"mycred.plugins.{path.stem}")
            for factory in vars(module).values():
                if strcred.ICheckerFactory.providedBy(factory):
                    types.add(factory.authType)
                    if hasattr(module, "options") and factory.authType != "anonymous":
                        self.assertIn(factory.authType, DOCUMENTED)
        rows = re.findall(r"^``([a-z]+)(?::\S+)?`` +\S", page, re.MULTILINE)
        self.assertEqual(types - set(rows), set())
