"""
Tests for the page on client certificates: its script, its commands, and
L{mycred.plugins.cred_cert}; C{curl} logs in.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import serverFromString
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase
from twisted.web.server import Site

from mycred import strcred
from mycred.mail import POP3, IMAP4Server
from mycred.portal import Portal
from mycred.web import HTTPAuthSessionWrapper

from .kit.clientcertificates import World, pem
from .kit.examples import EXAMPLES, ROOT
from .kit.mailandpages import MailAndPages
from .kit.mailservers import MailFactory

PAGE = ROOT / "doc" / "client-certificates.rst"
SCRIPT = EXAMPLES / "user-ca.sh"


class PluginTests(SynchronousTestCase):
    """
    Tests for L{mycred.plugins.cred_cert}.
    """

    world = World()

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.ca = self.directory / "ca.pem"
        self.ca.write_bytes(pem(self.world.root.certificate))

    def assertWrong(self, argstring: str, why: str) -> None:
        """
        Insist on what a wrong argument string is answered with.
        """
        error = self.assertRaises(
            strcred.InvalidAuthArgumentString, strcred.makeChecker, f"cert:{argstring}"
        )
        self.assertIn(why, str(error))

    def test_options(self) -> None:
        """
        Options become a checker that opens their files.
        """
        crl, map = self.directory / "ca.crl", self.directory / "map"
        crl.write_bytes(pem(self.world.root.revoking()))
        map.write_bytes(b"alice alice\n")
        checker: Any = strcred.makeChecker(
            rf"cert:ca={self.ca}:crl={crl}:map={map}:name=cn:match=(?\:[a-z]+)"
        )
        paths = {str(path.absolute()) for path in (self.ca, crl, map)}
        self.assertEqual(set(checker.opensLater), paths)

    def test_wrong(self) -> None:
        """
        What can't take effect is told, with what would be right.
        """
        none, user = self.directory / "none", self.directory / "user"
        user.write_bytes(pem(self.world.root.issue().certificate))
        for argstring, why in (
            ("", "ca must be given"),
            (str(self.ca), "a value has no key, write one of ca=, crl=, name="),
            (f"ca={none}", "ca: "),
            (f"ca={user}", "CN=alice is no authority (CA:TRUE is missing)"),
            (f"ca={self.ca}:crl={self.ca}", "crl: "),
            (f"ca={self.ca}:crl={none}", "can't be read"),
            (f"ca={self.ca}:map={self.ca}", "line 2: write a name"),
            (f"ca={self.ca}:name=mail", "name: write one of email, cn, uri, dns,"),
            (f"ca={self.ca}:match=(", "match: it is no regular expression"),
            (f"ca={self.ca}:name=uri:domain=x", "domain: name=uri has none"),
            (f"ca={self.ca}:domain=a b", "domain: write a domain, such as example.org"),
            (f"ca={self.ca}:regex=x", "there is no regex=, write one of ca="),
        ):
            self.assertWrong(argstring, why)

    def test_warning(self) -> None:
        """
        A list that is missing is no error: it may come.
        """
        crl = self.directory / "ca.crl"
        crl.write_bytes(pem(self.world.other.revoking()))
        factory: Any = strcred.findCheckerFactory("cert")
        written: list[str] = []

        class Output:
            write = staticmethod(written.append)

        self.patch(factory, "errorOutput", Output)
        factory.generateChecker(f"ca={self.ca}:crl={crl}")
        self.assertEqual(
            written, ["Warning: --auth=cert: crl: there is no list by CN=root\n"]
        )


class PageTests(TestCase):
    """
    Tests for what the page shows, with real programs.
    """

    # A busy machine takes its time to start a dozen programs.
    timeout = 120

    def setUp(self) -> None:
        for program in ("openssl", "curl"):
            if shutil.which(program) is None:
                raise SkipTest(f"install {program}")
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.page = PAGE.read_text("utf-8")
        self.realm = MailAndPages()
        [server] = re.findall("^    (openssl req .*)$", self.page, re.MULTILINE)
        self.command(server)
        self.command("sh user-ca.sh authority")
        self.command("sh user-ca.sh user alice alice@example.org")

    def command(self, command: str) -> None:
        """
        Run a command of the page.
        """
        self.assertIn(f"    {command}\n", self.page)
        done = subprocess.run(
            shlex.split(command.replace("user-ca.sh", str(SCRIPT))),
            cwd=self.directory,
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    @inlineCallbacks
    def listen(self, factory: Any) -> Any:
        """
        Listen with TLS as on the page.

        @return: the port.
        """
        [tls] = set(re.findall(r"--imap=mtls:1993:(\S+)", self.page))
        tls = re.sub(r"=(?=\w+\.)", f"={self.directory}/", tls)
        endpoint = serverFromString(reactor, f"mtls:0:interface=127.0.0.1:{tls}")
        port = yield endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        return port.getHost().port

    @inlineCallbacks
    def curl(self, scheme: str, port: int, *more: str, **replacing: str) -> Any:
        """
        Run the page's commands for a protocol.

        @param more: other arguments.
        @param replacing: what to write in place of something else.

        @return: for each whether it has succeeded.
        """
        commands = re.findall(rf"^    (curl .*{scheme}://.*)$", self.page, re.MULTILINE)
        self.assertTrue(commands)
        isGood = []
        for command in commands:
            for old, new in replacing.items():
                command = command.replace(old, new)
            command = re.sub(r"localhost:\d+", f"localhost:{port}", command)
            [program, *arguments] = shlex.split(command)
            _, _, status = yield getProcessOutputAndValue(
                shutil.which(program),
                ["-sS", "-f", "--noproxy", "*", *more, *arguments],
                path=str(self.directory),
            )
            isGood.append(status == 0)
        return isGood

    @inlineCallbacks
    def test_page(self) -> Any:
        """
        Who has a certificate logs in by the page's commands, as nobody else, and no more
        once it is revoked.
        """
        [auth] = set(re.findall(r"--auth=(cert:\S+domain\S+)", self.page))
        auth = re.sub(r"=(?=ca\.)", f"={self.directory}/", auth)
        portal = Portal(self.realm, [strcred.makeChecker(auth)])
        imap = yield self.listen(MailFactory(IMAP4Server, portal))
        site = Site(HTTPAuthSessionWrapper(portal, []))
        https = yield self.listen(site)
        self.assertEqual((yield self.curl("imaps", imap)), [True, True])
        for version in ("--http1.1", "--http2"):
            self.assertEqual((yield self.curl("https", https, version)), [True])
        self.assertEqual(self.realm.names, [b"alice"] * 4)
        bad = yield self.curl("imaps", imap, **{"alice;": "bob;", "alice:": "bob:"})
        self.assertEqual(bad, [False, False])
        self.command("sh user-ca.sh revoke alice")
        self.assertEqual((yield self.curl("imaps", imap)), [False, False])
        self.assertEqual((yield self.curl("https", https)), [False])
        self.assertEqual(self.realm.names, [b"alice"] * 4)

    @inlineCallbacks
    def test_pop3(self) -> Any:
        """
        The same certificate is good for POP3.
        """
        auth = f"cert:ca={self.directory}/ca.pem:domain=example.org"
        portal = Portal(self.realm, [strcred.makeChecker(auth)])
        port = yield self.listen(MailFactory(POP3, portal))
        self.assertEqual((yield self.curl("imaps", port, imaps="pop3s")), [True, True])
