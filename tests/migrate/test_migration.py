"""
Tests for what becomes of one module, L{mycred._migrate}: L{mycred._migrate._migration},
L{mycred._migrate._uses}, L{mycred._migrate._imports}, L{mycred._migrate._dotted},
L{mycred._migrate._names}, L{mycred._migrate._statements}, L{mycred._migrate._source} and
L{mycred._migrate._mentions}.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import types
from collections.abc import Callable
from textwrap import dedent

from hypothesis import given, settings, strategies as st

# All that a program in these tests may come upon is there.
import twisted.conch.checkers
import twisted.conch.interfaces
import twisted.cred.strcred
import twisted.internet.defer  # noqa: F401
from twisted.trial.unittest import SynchronousTestCase

import mycred.checkers.sshkeys
import mycred.strcred  # noqa: F401
from mycred.migrate import NoPython, migrate


class ImportTests(SynchronousTestCase):
    """
    Tests for imports, and what uses them.
    """

    def becomes(self, before: str, after: str) -> list[str]:
        """
        Hold a module against what it must become, and see that it stays so.

        @return: what is left to a person, each with its line.
        """
        migrated = migrate(before)
        self.assertEqual(migrated.text, after)
        again = migrate(after)
        self.assertEqual(again.text, after)
        return [f"{left.line}: {left.reason}" for left in migrated.left]

    def whole(self, before: str, after: str) -> None:
        """
        Hold a module against what it must become, with nothing left to a person.
        """
        self.assertEqual(self.becomes(before, after), [])

    def test_names(self) -> None:
        """
        Names are imported from the counterpart, whatever they are called then.
        """
        self.whole(
            "from twisted.cred.portal import IRealm, Portal as Entrance\n"
            "from twisted.cred import checkers, error as ecred\n"
            "from twisted.conch.checkers import SSHPublicKeyChecker\n",
            "from mycred.portal import IRealm, Portal as Entrance\n"
            "from mycred import checkers, error as ecred\n"
            "from mycred.checkers.sshkeys import SSHPublicKeyChecker\n",
        )

    def test_conchModule(self) -> None:
        """
        The checkers of conch keep the name that the program has for them.
        """
        self.whole(
            "from twisted.conch import checkers as x\n"
            "from twisted.conch import checkers, interfaces\n"
            "from twisted.conch import avatar, checkers\n"
            "from twisted.conch import (checkers)\n",
            "from mycred.checkers import sshkeys as x\n"
            "from mycred.checkers import sshkeys as checkers\n"
            "from twisted.conch import interfaces\n"
            "from mycred.checkers import sshkeys as checkers\n"
            "from twisted.conch import avatar\n"
            "from mycred.checkers import (sshkeys as checkers)\n",
        )

    def test_package(self) -> None:
        """
        C{from twisted import cred} brings mycred under that name, with the modules that
        are used, and what else it brought.
        """
        self.whole(
            "from twisted import cred, internet  # old\n"
            "cred.portal.Portal, cred.error.LoginFailed, internet\n",
            "import mycred.error\n"
            "import mycred.portal\n"
            "import mycred as cred\n"
            "from twisted import internet  # old\n"
            "cred.portal.Portal, cred.error.LoginFailed, internet\n",
        )
        self.whole(
            "import twisted.cred.portal\nfrom twisted import cred\ncred.portal\n",
            "import mycred.portal\nimport mycred as cred\ncred.portal\n",
        )
        self.whole(
            "import twisted.cred as c, os\nc.checkers.ANONYMOUS\n",
            "import mycred.checkers\nimport mycred as c, os\nc.checkers.ANONYMOUS\n",
        )
        for source, reason in (
            ("def f():\n    from twisted import cred\n", "inside a block"),
            ("from twisted import cred\nmycred = 1\n", "else is called mycred"),
            ("from twisted import cred\ncred._digest\n", "mycred has no twisted.cred._"),
            ("from twisted import (cred,  # why\n mail)\n", "comments"),
        ):
            [left] = self.becomes(source, source)
            self.assertIn(reason, left)

    def test_dotted(self) -> None:
        """
        Where the name C{twisted} is used for a module that follows, the use follows,
        and finds what it needs.
        """
        self.whole(
            "import twisted.cred.portal\n"
            "import twisted.conch.checkers, os\n"
            "p = twisted.cred.portal.Portal(twisted.conch.checkers.SSHPublicKeyChecker)\n"
            "def f(portal):\n"
            "    ä = 'é'; twisted.cred.portal.Portal.x = twisted.cred.portal\n",
            "import mycred.portal\n"
            "import mycred.checkers.sshkeys, os\n"
            "p = mycred.portal.Portal(mycred.checkers.sshkeys.SSHPublicKeyChecker)\n"
            "def f(portal):\n"
            "    ä = 'é'; mycred.portal.Portal.x = mycred.portal\n",
        )
        self.whole(
            "import twisted.internet\n"
            "import twisted.cred.portal  # cred\n"
            "twisted.internet, twisted.cred.error.LoginFailed\n",
            "import twisted.internet\n"
            "import mycred.error\n"
            "import mycred.portal  # cred\n"
            "twisted.internet, mycred.error.LoginFailed\n",
        )

    def test_dottedStays(self) -> None:
        """
        C{import twisted.cred.portal} and all that uses it stay if anything there can't
        follow.
        """
        start = "import twisted.cred.portal\n"
        for source, reason in (
            (f"{start}print(twisted.version)\n", "it brings twisted.version, too"),
            (f"{start}twisted.internet\nimport twisted.internet\n", "it brings"),
            (f"{start}twisted.cred._digest.calcHA1\n", "has no twisted.cred._digest"),
            (f"{start}getattr(twisted.cred, '_digest')\n", "has no twisted.cred._dig"),
            (f"{start}f'{{twisted.cred.portal}}'\n", "line 2 uses it in a way"),
            (f"{start}(twisted).cred.portal\n", "line 2 uses it in a way"),
            (f"{start}(twisted\n .cred.portal)\n", "line 2 uses it in a way"),
            (f"import twisted\ntwisted.cred.error\n{start}", "line 2 uses it in a way"),
            (f"{start}twisted = None\n", "something else is called twisted here"),
            (f"{start}def f(twisted): pass\n", "something else is called twisted"),
            (f"{start}def f():\n  global twisted\n", "something else is called twisted"),
            (f"{start}mycred = 1\n", "something else is called mycred here"),
            (f"{start}from program import mycred\n", "something else is called mycred"),
            (f"{start}class mycred: pass\n", "something else is called mycred here"),
            (f"try:\n  {start}finally: pass\n", "inside a block"),
            (f"def f():\n  {start}  twisted.cred.portal\n", "inside a block"),
        ):
            left, *_ = self.becomes(source, source)
            self.assertIn("twisted.cred.portal stays: ", left)
            self.assertIn(reason, left)

    def test_notImported(self) -> None:
        """
        What is used without an import of its own stays, and is told.
        """
        for source in (
            "import twisted.internet\ntwisted.conch.checkers.UNIXPasswordDatabase\n",
            "from twisted import conch\nconch.checkers.UNIXPasswordDatabase\n",
        ):
            self.assertEqual(
                self.becomes(source, source),
                [
                    "2: twisted.conch.checkers.UNIXPasswordDatabase stays: nothing here "
                    "imports it"
                ],
            )

    def test_places(self) -> None:
        """
        What is imported by its name follows wherever that stands.
        """
        self.whole(
            dedent(
                """\
                try:
                    from twisted.cred.portal import Portal
                except ImportError:
                    Portal = None
                if x: from twisted.conch import checkers, error; x = 1
                class A:
                    def f(self, portal):
                        portal.listAll()
                        y = 1; from twisted.conch import checkers, error
                        if y: \\
                          from twisted.conch import checkers, error
                        import twisted.cred.checkers as checkers
                """
            ),
            dedent(
                """\
                try:
                    from mycred.portal import Portal
                except ImportError:
                    Portal = None
                if x: from mycred.checkers import sshkeys as checkers; from twisted.conch import error; x = 1
                class A:
                    def f(self, portal):
                        portal.listAll()
                        y = 1; from mycred.checkers import sshkeys as checkers; from twisted.conch import error
                        if y: \\
                          from mycred.checkers import sshkeys as checkers; from twisted.conch import error
                        import mycred.checkers as checkers
                """  # noqa: E501
            ),
        )

    def test_layout(self) -> None:
        """
        Comments, blanks, continuation lines and the ends of lines stay.
        """
        for end in ("\n", "\r\n", "\r"):
            before = (
                "#!/usr/bin/python\n"
                "from twisted.cred.portal import (  # the portal\n"
                "\tIRealm,\t# realms\n"
                "\n"
                "  Portal)\n"
                "from twisted.cred \\\n"
                "   . error   import LoginFailed  ,\\\n"
                " Unauthorized ; x=1\n"
                "if 1:\n"
                "\tfrom twisted.conch import (\n"
                "\t  checkers,\n"
                "\t  error, unix\n"
                "\t)\n"
                "\tfrom twisted.cred import portal, \\\n"
                "\t  _digest as c\n"
                "\tfrom twisted.cred import portal, \\\n"
                "\t  _digest, \\\n"
                "\t error\n"
                "y = 1 \\\n"
                "  ;z=2"
            )
            after = (
                "#!/usr/bin/python\n"
                "from mycred.portal import (  # the portal\n"
                "\tIRealm,\t# realms\n"
                "\n"
                "  Portal)\n"
                "from mycred.error   import LoginFailed  ,\\\n"
                " Unauthorized ; x=1\n"
                "if 1:\n"
                "\tfrom mycred.checkers import sshkeys as checkers\n"
                "\tfrom twisted.conch import (\n"
                "\t  error, unix\n"
                "\t)\n"
                "\tfrom mycred import portal\n"
                "\tfrom twisted.cred import _digest as c\n"
                "\tfrom mycred import portal, error\n"
                "\tfrom twisted.cred import _digest\n"
                "y = 1 \\\n"
                "  ;z=2"
            )
            left = self.becomes(before.replace("\n", end), after.replace("\n", end))
            self.assertEqual(len(left), 2)

    def test_star(self) -> None:
        """
        C{import *} stays, since nobody can tell what it is for.
        """
        before = "from twisted.cred.portal import *\nPortal, IRealm\n"
        self.assertEqual(
            self.becomes(before, before),
            ["1: twisted.cred.portal.* stays: name what is used instead"],
        )

    def test_missing(self) -> None:
        """
        What mycred hasn't, or keeps to itself, stays Twisted's, by itself.
        """
        left = self.becomes(
            "from twisted.cred import portal, _digest, test\n"
            "from twisted.conch.checkers import SSHPublicKeyChecker, _keys, Nothing\n"
            "import twisted.cred.pamauth\n",
            "from mycred import portal\n"
            "from twisted.cred import _digest, test\n"
            "from mycred.checkers.sshkeys import SSHPublicKeyChecker\n"
            "from twisted.conch.checkers import _keys, Nothing\n"
            "import twisted.cred.pamauth\n",
        )
        self.assertEqual(
            left,
            [
                f"{line}: twisted.{name} stays: mycred has nothing of that name"
                for line, name in (
                    (1, "cred._digest"),
                    (1, "cred.test"),
                    (2, "conch.checkers.Nothing"),
                    (2, "conch.checkers._keys"),
                    (3, "cred.pamauth"),
                )
            ],
        )

    def test_plugins(self) -> None:
        """
        Twisted's plugins of cred become mycred's, and nobody else's do.
        """
        self.whole(
            "from twisted.plugins import cred_file, cred_mine\n"
            "from twisted.plugins.cred_file import theFileCheckerFactory\n",
            "from mycred.plugins import cred_file\n"
            "from twisted.plugins import cred_mine\n"
            "from mycred.plugins.cred_file import theFileCheckerFactory\n",
        )

    def test_missingAttribute(self) -> None:
        """
        A module that a program asks for what its counterpart hasn't, and Twisted has,
        stays, so that the program works as it did.
        """
        for use in ("x._log", 'getattr(x, "_log")', 'mock.patch.object(x, "_log", 1)'):
            for start in (
                "from twisted.conch import checkers as x\n",
                "import twisted.conch.checkers as x\n",
            ):
                before = f"{start}def f(): {use}\n"
                self.assertEqual(
                    self.becomes(before, before),
                    [
                        "1: twisted.conch.checkers stays: mycred has no "
                        "twisted.conch.checkers._log"
                    ],
                )
        # Something else is called so there.
        self.whole(
            "from twisted.cred import credentials\n"
            "def f(credentials): credentials.username, getattr(credentials, '_x')\n",
            "from mycred import credentials\n"
            "def f(credentials): credentials.username, getattr(credentials, '_x')\n",
        )

    def test_shadowed(self) -> None:
        """
        Names that only look so are left alone.
        """
        for before in (
            "from .twisted.cred import portal\n",
            "from . import cred\nimport cred.portal\n",
            "import twisted.credible, twisted.conch.checkersx\n",
            "twisted.cred.portal\n",
            "x.twisted.cred.portal\n",
        ):
            self.whole(before, before)


class MentionTests(SynchronousTestCase):
    """
    Tests for what is left to a person.
    """

    def left(self, source: str) -> str:
        """
        Return the only thing that a module, which must stay, leaves to a person.
        """
        migrated = migrate(source)
        self.assertEqual(migrated.text, source)
        [left] = migrated.left
        return left.reason

    def test_strings(self) -> None:
        """
        Each name in a string is listed, with what must become of it.
        """
        for source, reason in (
            (
                '@patch("twisted.cred.portal.Portal.login")\ndef f(): 0\n',
                "mycred.portal.P",
            ),
            ('namedAny(b"twisted.cred.portal")\n', "mycred.portal if it is loaded"),
            ('x: List["twisted.cred.portal.Portal"]\n', "mycred.portal.Portal if"),
            ('x = ["a",\n """\n twisted.cred.portal"""]\n', "mycred.portal if"),
            ('x = f"{a} twisted.conch.checkers.SSHPublicKeyChecker"\n', "sshkeys.SSHPub"),
            (
                'f(\n  # a\n  "No twisted.cred.credentials.IAnonymous"\n)\n',
                "stays in messages",
            ),
            ('x = "twisted.cred._digest"\n', "nothing of that name"),
            ('x = "twisted.plugins.cred_file"\n', "mycred.plugins.cred_file"),
        ):
            self.assertIn(reason, self.left(source), source)
        for source in ('x = "twisted.credible"\n', "x = 'twisted.plugins.cred_mine'\n"):
            self.assertEqual(migrate(source).left, [])

    def test_documentation(self) -> None:
        """
        Docstrings and comments are one entry, with the first few of their lines.
        """
        source = (
            '"""\n'
            "See L{twisted.cred}, L{twisted.cred.portal}.\n"
            ">>> import twisted.cred.portal\n"
            '"""\n'
            "# twisted.cred\n"
        )
        migrated = migrate(source)
        self.assertEqual(migrated.text, source)
        self.assertEqual(
            [(left.line, left.reason) for left in migrated.left],
            [(2, "documentation names twisted.cred, lines 2, 3, 5")],
        )
        [left] = migrate("\n# twisted.cred" * 8).left
        self.assertIn("lines 2, 3, 4, 5, 6 and 3 more", left.reason)


MODULES = ["portal", "checkers", "error", "strcred"]
IMPORTS = st.sampled_from(
    [
        "import twisted.cred.portal",
        "import twisted.cred.portal, twisted.internet",
        "import twisted.conch.checkers",
        "import twisted.cred",
        "import twisted.internet.defer",
        "import twisted.cred.portal as portal",
        "import twisted.cred as cred",
        "import twisted",
        "import twisted.conch.checkers as checkers",
        "from twisted import cred",
        "from twisted import cred, internet",
        "from twisted import (internet,\n cred)",
        "from twisted import (cred, # twisted.cred\n cred as other,\n internet # all\n)",
        "from twisted import conch, \\\n cred",
        "from twisted import conch",
        "from twisted.cred import portal, checkers",
        "from twisted.cred import (_digest, portal)",
        "from twisted.conch import checkers",
        "from twisted.conch import checkers, interfaces",
        "from twisted.conch import interfaces, checkers as portal",
        "from twisted.cred.portal import *",
        "from twisted.cred.portal import Portal as twisted",
        "from twisted.cred.portal import Portal",
        "from twisted.conch.checkers import SSHPublicKeyChecker, _log",
    ]
)
USES = st.sampled_from(
    [
        "use(lambda: twisted.cred.portal.Portal)",
        "use(lambda: twisted.cred.error.LoginFailed); 'twisted.cred.portal'",
        "use(lambda: twisted . cred.checkers)  # twisted.cred",
        "use(lambda: twisted.conch.checkers.SSHPublicKeyChecker)",
        "use(lambda: twisted.conch.checkers._log)",
        "use(lambda: twisted.internet.defer)",
        "use(lambda: twisted)",
        "use(lambda: (twisted.\n  cred.portal))",
        "use(lambda: f'{twisted.cred.portal.__name__[-6:]}')",
        "use(lambda: [twisted.cred.portal for twisted in [0]])",
        "use(lambda: [twisted.cred.error for _ in twisted.cred.error.__name__[:1]][0])",
        "use(lambda: (lambda portal=portal: portal.Portal)())",
        "use(lambda: portal.Portal)",
        "use(lambda: Portal)",
        "use(lambda: cred.portal.Portal)",
        "use(lambda: cred._digest)",
        "use(lambda: other.strcred)",
        "use(lambda: checkers.UNIXAuthorizedKeysFiles)",
        "use(lambda: conch.checkers.UNIXAuthorizedKeysFiles)",
        "use(lambda: getattr(checkers, '_log'))",
        "twisted = 1",
        "mycred = 2",
        "del twisted",
        "global twisted",
        "portal = 'twisted.cred.portal'",
    ]
)
BLOCKS = [
    ("if True:", ""),
    ("def f():", "call(f)"),
    ("class A:", ""),
    ("try:", "except ZeroDivisionError:\n pass"),
    ("def f(x=lambda: twisted.cred.portal):", "call(f)"),
    ("for portal in [1]:", ""),
]


def _indented(head: str, body: list[str], tail: str, blank: str) -> str:
    """
    Write a block.
    """
    lines = [head]
    lines += [blank + line.replace("\n", f"\n{blank}") for line in body]
    return "\n".join([*lines, tail]).rstrip("\n")


statements = st.recursive(
    st.one_of(IMPORTS, USES),
    lambda inner: st.one_of(
        st.builds(
            lambda block, body, blank: _indented(block[0], body, block[1], blank),
            st.sampled_from(BLOCKS),
            st.lists(inner, min_size=1, max_size=4),
            st.sampled_from(["\t", "  "]),
        ),
    ),
    max_leaves=8,
)
simple = st.lists(
    st.one_of(IMPORTS, USES).filter(lambda line: "#" not in line), min_size=2, max_size=3
).map("; ".join)
modules = st.lists(st.one_of(IMPORTS, statements, simple), max_size=7).map(
    lambda lines: "\n".join([*lines, ""])
)
patient = settings(deadline=None, database=None, max_examples=300)


def outcome(source: str) -> list[object]:
    """
    Run a module.

    @return: what it came upon, or which error, in its order.
    """
    seen: list[object] = []

    def attempt(function: Callable[[], object]) -> object:
        try:
            return function()
        except Exception as error:
            return type(error)

    def call(function: Callable[[], object]) -> None:
        seen.append(attempt(function))

    namespace = {"use": call, "call": call, "__name__": "program"}
    seen.append(attempt(lambda: exec(source, namespace)))  # type: ignore[func-returns-value]
    return seen


def renamed(value: object) -> object:
    """
    Tell what must be the same before and after.
    """
    if isinstance(value, types.ModuleType):
        name = re.sub(
            r"^twisted\.conch\.checkers$", "mycred.checkers.sshkeys", value.__name__
        )
        return re.sub(r"^twisted\.cred\b", "mycred", name)
    if isinstance(value, type):
        return value.__name__
    return type(value) if callable(value) else str(value)


def comments(source: str) -> list[str]:
    """
    Return the comments of a module.
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


class _Plain(ast.NodeTransformer):
    """
    Take out what may change: imports, and dotted names.
    """

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        for old, new in (
            ("twisted.conch.checkers", "mycred.checkers.sshkeys"),
            ("conch.checkers", "mycred.checkers.sshkeys"),
            ("twisted.cred", "mycred"),
        ):
            if ast.unparse(node) == old:
                return ast.parse(new, mode="eval").body
        self.generic_visit(node)
        return node


def plain(source: str) -> str:
    """
    Return what may not change.
    """
    return ast.dump(_Plain().visit(ast.parse(source)))


def isValid(source: str) -> bool:
    """
    Whether a program is one: not all that is put together is.
    """
    try:
        compile(source, "program", "exec")
    except SyntaxError:
        return False
    return True


class AnyModuleTests(SynchronousTestCase):
    """
    Tests with programs that were put together at random.
    """

    @patient
    @given(modules.filter(isValid))
    def test_works(self, source: str) -> None:
        """
        A migrated program comes upon the counterparts of what it came upon before, and
        a second migration has nothing to do.
        """
        migrated = migrate(source).text
        self.assertTrue(isValid(migrated), migrated)
        self.assertEqual(migrate(migrated).text, migrated)
        before, after = outcome(source), outcome(migrated)
        self.assertEqual(len(before), len(after))
        for old, new in zip(before, after):
            # A name that wasn't bound yet may be bound now.
            if old not in (NameError, UnboundLocalError):
                self.assertEqual(renamed(new), renamed(old), migrated)

    @patient
    @given(modules.filter(isValid), st.sampled_from(["\n", "\r\n", "\r"]))
    def test_rest(self, source: str, end: str) -> None:
        """
        Comments, the ends of lines, and all that is no import and no dotted name stay.
        """
        migrated = migrate(source.replace("\n", end)).text
        self.assertEqual(set(re.findall("\r\n|\r|\n", migrated)) - {end}, set())
        migrated = migrated.replace(end, "\n")
        self.assertEqual(plain(migrated), plain(source))
        self.assertEqual(comments(migrated), comments(source))

    @patient
    @given(
        st.one_of(
            st.text(),
            st.lists(st.sampled_from(["twisted.cred", "import ", "from ", "(", ")", "\\\n"
                     "\n", "#", "'", "portal", " as ", ",", ";", "*", "\f", "é", "\0", "."
            ])).map("".join),
        )
    )  # fmt: skip
    def test_hostile(self, text: str) -> None:
        """
        Any text is migrated, or refused with the one error.
        """
        try:
            migrate(text)
        except NoPython as error:
            self.assertTrue(str(error))

    def test_deep(self) -> None:
        """
        A program that nests deeply is migrated or refused.
        """
        start = "import twisted.cred.portal\n"
        long = start + "x = " + " + ".join(["twisted.cred.portal.Portal"] * 700) + "\n"
        self.assertEqual(migrate(long).text, long.replace("twisted.cred", "mycred"))
        for deep in ("(" * 500 + ")" * 500, "a" + ".b" * 100_000, "-" * 100_000 + "1"):
            with self.assertRaises(NoPython):
                migrate(f"{start}{deep}\n")
                raise NoPython("it is as well if Python can read it")
