"""
Tests for what becomes of one module.
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
            "import mycred as cred, mycred.error, mycred.portal\n"
            "from twisted import internet  # old\n"
            "cred.portal.Portal, cred.error.LoginFailed, internet\n",
        )
        self.whole(
            "import twisted.cred.portal\nfrom twisted import cred\ncred.portal\n",
            "import mycred.portal\nimport mycred as cred\ncred.portal\n",
        )
        self.whole(
            "import twisted.cred as c, os\nc.checkers.ANONYMOUS\n",
            "import mycred as c, os, mycred.checkers\nc.checkers.ANONYMOUS\n",
        )

    def test_dotted(self) -> None:
        """
        Where the name C{twisted} is used for a module that follows, the use follows.
        """
        self.whole(
            "import twisted.cred.portal\n"
            "import twisted . conch . checkers, os\n"
            "p = twisted.cred.portal.Portal(twisted.conch.checkers.SSHPublicKeyChecker)\n"
            "twisted.cred.portal.Portal.x = ä = twisted  . cred.portal\n",
            "import mycred.portal\n"
            "import mycred.checkers.sshkeys, os\n"
            "p = mycred.portal.Portal(mycred.checkers.sshkeys.SSHPublicKeyChecker)\n"
            "mycred.portal.Portal.x = ä = mycred.portal\n",
        )

    def test_dottedElse(self) -> None:
        """
        Where C{twisted} is used for something else, too, it is still imported.
        """
        self.whole(
            "import twisted.cred.portal\nprint(twisted.version)\n",
            "import mycred.portal, twisted\nprint(twisted.version)\n",
        )
        self.whole(
            "import twisted.cred.portal\n"
            "import twisted.internet\n"
            "twisted.internet, twisted.cred.error.LoginFailed\n",
            "import mycred.portal, mycred.error\n"
            "import twisted.internet\n"
            "twisted.internet, mycred.error.LoginFailed\n",
        )
        self.whole(
            "import twisted.internet\n"
            "from twisted import conch\n"
            "twisted.cred.portal, conch.checkers.UNIXPasswordDatabase, conch.avatar\n",
            "import twisted.internet, mycred.portal\n"
            "import mycred.checkers.sshkeys\n"
            "from twisted import conch\n"
            "mycred.portal, mycred.checkers.sshkeys.UNIXPasswordDatabase, conch.avatar\n",
        )

    def test_scopes(self) -> None:
        """
        A name is what the innermost function makes it.
        """
        self.whole(
            dedent(
                """\
                import twisted.internet
                from twisted.cred import portal
                def serve(portal, twisted):
                    portal.listAll(), twisted.cred.portal
                def make():
                    import twisted.cred.error
                    return [twisted.cred.error.LoginFailed for portal in ()]
                def other():
                    return twisted.internet
                """
            ),
            dedent(
                """\
                import twisted.internet
                from mycred import portal
                def serve(portal, twisted):
                    portal.listAll(), twisted.cred.portal
                def make():
                    import mycred.error
                    return [mycred.error.LoginFailed for portal in ()]
                def other():
                    return twisted.internet
                """
            ),
        )

    def test_places(self) -> None:
        """
        Imports follow wherever they stand.
        """
        self.whole(
            dedent(
                """\
                try:
                    from twisted.cred.portal import Portal
                except ImportError:
                    Portal = None
                if TYPE_CHECKING: from twisted import cred, mail; x = 1
                class A:
                    def f(self):
                        y = 1; from twisted import cred, mail
                        if y: \\
                          from twisted import cred, mail
                """
            ),
            dedent(
                """\
                try:
                    from mycred.portal import Portal
                except ImportError:
                    Portal = None
                if TYPE_CHECKING: import mycred as cred; from twisted import mail; x = 1
                class A:
                    def f(self):
                        y = 1; import mycred as cred; from twisted import mail
                        if y: \\
                          import mycred as cred; from twisted import mail
                """
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
                "\tfrom twisted import (\n"
                "\t  cred,  # cred\n"
                "\t  mail,  # mail\n"
                "\t)\n"
                "\tfrom twisted import mail, \\\n"
                "\t  cred as c\n"
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
                "\timport mycred as cred\n"
                "\tfrom twisted import (\n"
                "\t  # cred\n"
                "\t  mail,  # mail\n"
                "\t)\n"
                "\timport mycred as c\n"
                "\tfrom twisted import mail\n"
                "y = 1 \\\n"
                "  ;z=2"
            )
            self.whole(before.replace("\n", end), after.replace("\n", end))

    def test_star(self) -> None:
        """
        C{import *} follows if all names that the program uses come from there, too.
        """
        self.whole(
            "from twisted.cred.portal import *\nPortal, IRealm\n",
            "from mycred.portal import *\nPortal, IRealm\n",
        )
        before = "from twisted.cred.portal import *\nmaybeDeferred\n"
        self.assertEqual(
            self.becomes(before, before),
            [
                "1: import * of twisted.cred.portal stays: the counterpart differs in "
                "maybeDeferred"
            ],
        )
        before = "HtpasswdChecker = 1\nfrom twisted.cred.checkers import *\n"
        [left] = self.becomes(before, before)
        self.assertIn("HtpasswdChecker", left)
        [left] = self.becomes(*["from twisted.cred import *\n"] * 2)
        self.assertIn("twisted.cred stays", left)

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

    def test_missingAttribute(self) -> None:
        """
        A module that a program asks for what its counterpart hasn't stays Twisted's, so
        that the program works as it did.
        """
        for use in ("x._secret", 'getattr(x, "_secret")', 'self.patch(x, "_secret", 1)'):
            for start in (
                "from twisted.cred import checkers as x\n",
                "import twisted.cred.checkers as x\n",
            ):
                before = f"{start}def f(): {use}\n"
                self.assertEqual(
                    self.becomes(before, before),
                    [
                        "1: twisted.cred.checkers stays: mycred has no "
                        "twisted.cred.checkers._secret"
                    ],
                )
        self.whole(
            'from twisted.cred import checkers\nx(checkers, "_secret")\n',
            'from mycred import checkers\nx(checkers, "_secret")\n',
        )

    def test_missingDotted(self) -> None:
        """
        A use that can't follow stays, and what it needs is still there.
        """
        for use in (
            "twisted.cred._digest.calcHA1",
            '(f"{twisted.cred.portal.Portal}")',
            "((twisted).cred.portal)",
            "(twisted\n  .cred.portal)",
        ):
            left = self.becomes(
                f"import twisted.cred.portal\nx = {use}, twisted.cred.portal\n",
                f"import mycred.portal, twisted\nx = {use}, mycred.portal\n",
            )
            self.assertEqual(len(left), 1)

    def test_ambiguous(self) -> None:
        """
        Where a name may be something else, too, nothing follows.
        """
        for more in (
            "twisted = None",
            "mycred = 1",
            "def f(mycred): pass",
            "from program import mycred",
        ):
            before = f"import twisted.cred.portal\n{more}\ntwisted.cred.portal\n"
            self.assertEqual(len(self.becomes(before, before)), 2)
        before = "def f():\n  global twisted\n  import twisted.cred.portal\n"
        self.assertEqual(len(self.becomes(before, before)), 1)
        before = "from twisted import (cred  # why\n)\n"
        [left] = self.becomes(before, before)
        self.assertIn("comment", left)

    def test_hidden(self) -> None:
        """
        A use doesn't follow where another import would hide C{mycred} from it.
        """
        left = self.becomes(
            "from twisted import conch\n"
            "def f():\n"
            "    conch.checkers.UNIXAuthorizedKeysFiles\n"
            "    import twisted.cred.portal\n",
            "from twisted import conch\n"
            "def f():\n"
            "    conch.checkers.UNIXAuthorizedKeysFiles\n"
            "    import mycred.portal\n",
        )
        self.assertEqual(len(left), 1)

    def test_before(self) -> None:
        """
        What is used before a later import brings it is imported in time.
        """
        self.whole(
            "if x:\n"
            "    import twisted.cred.portal\n"
            "    twisted.conch\n"
            "import twisted.conch.interfaces\n"
            "twisted.cred.error\n",
            "if x:\n"
            "    import mycred.portal, mycred.error, twisted\n"
            "    twisted.conch\n"
            "import twisted.conch.interfaces, mycred.error\n"
            "mycred.error\n",
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
                '@mock.patch("twisted.cred.portal.Portal.login")\ndef f(): 0\n',
                "must become",
            ),
            ('monkeypatch.setattr("twisted.cred.portal.IRealm", 1)\n', "must become"),
            ('namedAny("twisted.cred.portal.Portal")\n', "to load: must become mycred"),
            (
                'importlib.import_module("twisted.cred.portal")\n',
                "must become mycred.portal",
            ),
            (
                'x: "twisted.cred.portal.Portal" = 1\n',
                "annotation in quotes: must become",
            ),
            ('def f(*, x: List["twisted.cred.portal.Portal"]): 0\n', "must become"),
            ('self.assertIn("twisted.cred.credentials.IAnonymous", x)\n', "very object"),
            ('assert x == "twisted.cred.credentials.Anonymous"\n', "in an assertion"),
            (
                'x = ["a", """\n twisted.cred.portal"""]\n',
                "mycred.portal if it is loaded",
            ),
            (
                'x = f"{a} twisted.conch.checkers.SSHPublicKeyChecker"\n',
                "sshkeys.SSHPublic",
            ),
            ('x = b"twisted.cred._digest"\n', "nothing of that name"),
            ('x = "twisted.plugins.cred_file"\n', "mycred.plugins.cred_file"),
            ("from twisted.plugins import cred_file\n", "mycred.plugins.cred_file"),
            ("import twisted.plugins.cred_file as x\n", "mycred.plugins.cred_file"),
            ("x = 1  # type: twisted.cred.portal.Portal\n", "a type: it must follow"),
        ):
            self.assertIn(reason, self.left(source), source)

    def test_documentation(self) -> None:
        """
        Docstrings and comments are one entry, examples in docstrings one each.
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
            [
                (2, "documentation that speaks of twisted.cred, lines 2, 5"),
                (3, "twisted.cred.portal in an example in a docstring: it must follow"),
            ],
        )

    def test_quotedAnnotationKeepsName(self) -> None:
        """
        What an annotation in quotes names is still there at run time.
        """
        migrated = migrate(
            "import twisted.cred.portal\ndef f(p: 'twisted.cred.portal.Portal'): 0\n"
        )
        self.assertTrue(migrated.text.startswith("import mycred.portal, twisted\n"))
        self.assertEqual(len(migrated.left), 1)


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
