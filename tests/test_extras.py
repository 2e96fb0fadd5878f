"""
Tests for what works without the libraries of the extras, and what says which extra it
takes (L{mycred._extras}).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

import mycred

from .kit.certificates import Authority

ROOT = Path(mycred.__file__).parents[1]

#: The libraries of the extras, each with a pattern of the extras that have it.
LIBRARIES = {
    "OpenSSL": "tls",
    "argon2": "argon2",
    "cryptography": "ssh|tls",
    "joserfc": "jwt",
    "prometheus_client": "metrics",
    "psycopg": "postgresql",
    "pymysql": "mysql",
    "service_identity": "tls",
    "sqlalchemy": "mysql|postgresql|sql",
    "txredisapi": "redis",
}


def bare(program: str, lacking: Iterable[str] = LIBRARIES) -> list[str]:
    """
    Run a program that has none of the libraries, or lacks some.

    @return: the lines that it prints.
    """
    hiding = f"import sys; sys.modules.update(dict.fromkeys({[*lacking]}))\n"
    done = subprocess.run(
        [sys.executable, "-c", hiding + dedent(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode or done.stderr:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()


def stackOf(folder: Path, *lines: str) -> str:
    """
    Write the file of a stack around one checker.

    @param lines: what comes after that checker.

    @return: the stack's auth string.
    """
    path = folder / f"{len([*folder.iterdir()])}.ini"
    path.write_text("\n".join(["[stack]", "checkers = memory:alice:sesame", *lines]))
    path.chmod(0o600)
    return f"stack:{path}"


class BareTests(SynchronousTestCase):
    """
    Tests in processes that have none of the libraries.
    """

    def test_modules(self) -> None:
        """
        Each public module can be imported, or says in its docstring what to install.
        """
        lines = bare(
            """
            import importlib, pkgutil, mycred

            def nothing(name):
                pass

            for module in pkgutil.walk_packages(mycred.__path__, "mycred.", nothing):
                if "._" not in module.name:
                    try:
                        importlib.import_module(module.name)
                    except ModuleNotFoundError as error:
                        print(module.name, error.name.partition(".")[0])
            """
        )
        for name, library in map(str.split, lines):
            path = ROOT.joinpath(*name.split("."))
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            self.assertRegex(
                ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "",
                rf"C\{{pip install '\.\[({LIBRARIES[library]})\]'\}} in a checkout",
                name,
            )

    def test_messages(self) -> None:
        """
        An auth type and an endpoint that can't be had say what to install; others can.
        """
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        certificate, key = Authority(folder).certify("localhost", "localhost")
        client, keys = folder / "client", folder / "keys"
        query = folder / "query.sql"
        query.write_text("select name, password from users where name = :username")
        client.write_text("mail\nsesame\n")
        client.chmod(0o600)
        keys.write_text('{"keys": []}')
        extras = {
            "anonymous": "",
            f"cert:ca={certificate}": "tls",
            "memory:alice:sesame": "",
            f"sql:url=postgresql\\://a@localhost/d:query={query}": "postgresql",
            f"sql:url=mysql\\://a@localhost/d:query={query}": "mysql",
            f"sql:url=oracle\\://a@localhost/d:query={query}": "sql",
            "sshkey": "ssh",
            stackOf(folder, "state = mysql://a@localhost/d", "[throttle]"): "mysql",
            stackOf(folder, "state = postgresql://a@localhost/d", "[throttle]"): (
                "postgresql"
            ),
            stackOf(folder, "state = redis://127.0.0.1", "[throttle]"): "redis",
            stackOf(folder, "state = rediss://127.0.0.1", "[throttle]"): "redis,tls",
            stackOf(folder, f"state = sqlite:///{folder}/s", "[throttle]"): "",
            stackOf(folder, "[cache]", "seconds = 60", "[audit]", "syslog = auth"): "",
            stackOf(folder, "[metrics]", "listen = tcp:0"): "metrics",
            f"token:introspect=http\\://127.0.0.1/:client={client}": "",
            f"token:introspect=https\\://a.example/:client={client}": "tls",
            f"token:keys={keys}:issuer=i:audience=a": "jwt",
            "token:keys=http\\://127.0.0.1/:issuer=i:audience=a": "jwt",
            f"mtls:0:privateKey={key}:certKey={certificate}": "tls",
        }
        lines = bare(
            f"""
            from twisted.internet.endpoints import serverFromString
            from twisted.internet.task import Clock
            from mycred.strcred import makeChecker

            for text in {[*extras]}:
                try:
                    if text.startswith("mtls:"):
                        serverFromString(Clock(), text)
                    else:
                        makeChecker(text)
                except Exception as error:
                    print(str(error) or repr(error))
                else:
                    print()
            """
        )
        self.assertEqual(len(lines), len(extras))
        for (text, extra), line in zip(extras.items(), lines):
            if extra:
                self.assertIn(f"pip install '.[{extra}]' in a checkout", line, text)
            else:
                self.assertEqual(line, "", text)

    def test_redisTLS(self) -> None:
        """
        Shared state in a Redis server with TLS says at once what TLS takes, and isn't
        found to be out of reach at each login.
        """
        lines = bare(
            """
            from mycred.sharedstate import openState

            try:
                openState("rediss://127.0.0.1:1")
            except ValueError as error:
                print(error)
            """,
            ["OpenSSL"],
        )
        self.assertEqual(len(lines), 1)
        self.assertIn("pip install '.[tls]' in a checkout", lines[0])
