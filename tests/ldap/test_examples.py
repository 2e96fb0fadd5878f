"""
Tests for the examples in the documentation of directories.
"""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import mycred
from mycred._ldap import OPTIONS, readSettings
from mycred._ldap._scramkeys import keysAmong
from mycred._ldap.client._tls import Security
from mycred.checkers import IUsernamePassword
from mycred.credentials import UsernamePassword

from ..kit.certificates import Authority
from ..kit.directory import DirectoryTestCase
from ..kit.files import BCRYPT
from ..kit.slapd import PEOPLE, person

DOC = Path(mycred.__file__).resolve().parents[1] / "doc"


class ExampleTests(DirectoryTestCase):
    """
    Tests for the examples.
    """

    entries = (person("alice"),)

    def settings(self, name: str) -> Any:
        """
        Return the settings of an example, with files that exist.
        """
        home = Path(self.mktemp()).resolve()
        home.mkdir()
        password = home / "password"
        password.touch(0o600)
        password.write_text("sesame\n")
        text = (DOC / "examples" / name).read_text()
        lines = []
        for line in text.splitlines():
            key = line.partition(" = ")[0]
            files = {"cafile": Authority(home).file, "bindpwfile": password}
            lines.append(f"{key} = {files[key]}" if key in files else line)
        path = home / name
        path.write_text("\n".join(lines))
        return readSettings(f"config={path}")

    def test_files(self) -> None:
        """
        What they say is right.
        """
        settings = self.settings("ldap-openldap.ini")
        self.assertEqual([a.port for a in settings.addresses], [389, 389])
        self.assertIs(settings.security, Security.STARTTLS)
        self.assertIsNotNone(self.settings("ldap-freeipa.ini").require)
        self.assertIsNotNone(self.settings("ldap-389.ini").groups)
        settings = self.settings("ldap-ad.ini")
        self.assertEqual([a.port for a in settings.addresses], [636, 636])
        self.assertTrue(settings.groups.isNested)
        self.assertEqual(self.settings("ldap-scram.ini").scram, "authPassword")

    def test_keys(self) -> None:
        """
        The values with SCRAM keys are good, and those of one password.
        """
        text = (DOC / "ldap.rst").read_text("utf-8")
        values = re.findall(r"^ +(?:auth|user)Password: (\S+)$", text, re.MULTILINE)
        both = [keysAmong([value.encode()])[0]["sha256"] for value in values]
        self.assertEqual(len(both), 2)
        self.assertEqual(*both)
        self.assertTrue(both[0].matches(b"pencil"))

    def test_portal(self) -> None:
        """
        The portal lets in who is in the directory, and who is in the file.
        """
        spec: Any = spec_from_file_location("example", DOC / "examples/ldap_portal.py")
        example = module_from_spec(spec)
        spec.loader.exec_module(example)
        path = Path(self.mktemp())
        path.write_bytes(b"carol:" + BCRYPT + b"\n")

        class Realm:
            """
            A realm in which the avatar ID is all.
            """

            def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
                """
                Answer with the avatar ID.
                """
                return interfaces[0], avatarId, lambda: None

        host, base = self.server.socket, PEOPLE
        portal = example.makePortal(Realm(), host, base, str(path))
        for name, password in ((b"alice", b"sesame"), (b"carol", b"hashed")):
            login = portal.login(
                UsernamePassword(name, password), None, IUsernamePassword
            )
            self.assertEqual(self.successResultOf(login)[1], name)

    def test_page(self) -> None:
        """
        The page tells of every key.
        """
        page = (DOC / "ldap.rst").read_text()
        for option in OPTIONS:
            self.assertIn(f"``{option.key}=", page)
