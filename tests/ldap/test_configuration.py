"""
Tests for L{mycred._ldap._configuration}, L{mycred._ldap._options} and
L{mycred._ldap._settings}.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from pathlib import Path
from typing import Any

from hypothesis import given, settings as limits, strategies as st

from twisted.cred.strcred import InvalidAuthArgumentString
from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap import ldapSettings, readSettings
from mycred._ldap._settings import RequiredGroups, Settings
from mycred._ldap.client._address import Address
from mycred._ldap.client._filters import ANYTHING, encodeFilter
from mycred._ldap.client._tls import Security

from ..kit.certificates import Authority

BASE = "host=ldap.example.org:base=ou=people,dc=example,dc=org"
DIRECT = "host=ldap.example.org:dn=uid={username},dc=example,dc=org"
UPN = "host=ldap.example.org:upn=example.org"
GROUP = "cn=staff,dc=example,dc=org"


class SettingsTestCase(SynchronousTestCase):
    """
    Base of the tests that have files.
    """

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).resolve()
        self.home.mkdir()

    def file(self, content: str | bytes = "sesame\n", mode: int = 0o600) -> Path:
        """
        Write a file.
        """
        path = self.home / f"file{len(list(self.home.iterdir()))}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def assertWrong(self, argstring: str, *words: str) -> None:
        """
        Assert that it is refused, with a message that has these words.
        """
        error = self.assertRaises(InvalidAuthArgumentString, readSettings, argstring)
        for word in words:
            self.assertIn(word, str(error))


class ReadTests(SettingsTestCase):
    """
    Tests for what a deployer writes.
    """

    def test_usual(self) -> None:
        """
        Little must be said.
        """
        settings = readSettings(BASE)
        self.assertEqual(settings.addresses, (Address("ldap.example.org", 389),))
        self.assertIs(settings.security, Security.OPPORTUNE)
        self.assertEqual(settings.account, ("", b""))
        self.assertEqual(settings.timeout, 10)
        assert settings.search is not None
        self.assertEqual(settings.search.base, "ou=people,dc=example,dc=org")
        self.assertEqual(settings.search.filter.text, "(uid={username})")
        self.assertIs(settings.context.verify_mode, ssl.CERT_REQUIRED)
        self.assertTrue(settings.context.check_hostname)

    def test_hosts(self) -> None:
        """
        Hosts keep their order; each may have a port, be a number, or a socket.
        """
        hosts = r"a,b\:1389,c,[2001\:db8\:\:1]\:4,[2001\:db8\:\:2],/run/ldapi"
        settings = readSettings(f"host={hosts}:port=2389:base=dc=org")
        self.assertEqual(
            settings.addresses,
            (
                Address("a", 2389),
                Address("b", 1389),
                Address("c", 2389),
                Address("2001:db8::1", 4),
                Address("2001:db8::2", 2389),
                Address("/run/ldapi", 0),
            ),
        )
        shown = [str(address) for address in settings.addresses[1::2]]
        self.assertEqual(shown, ["b:1389", "[2001:db8::1]:4", "/run/ldapi"])

    def test_ldaps(self) -> None:
        """
        TLS from the first byte has another port.
        """
        settings = readSettings(f"{BASE}:tls=ldaps")
        self.assertEqual(settings.addresses, (Address("ldap.example.org", 636),))
        self.assertIs(settings.security, Security.LDAPS)

    def test_startTLS(self) -> None:
        """
        With C{tls=starttls}, or certificates, StartTLS is required.
        """
        ca = Authority(self.home).file
        for more in ("tls=starttls", f"cafile={ca}"):
            settings = readSettings(f"{BASE}:{more}")
            self.assertIs(settings.security, Security.STARTTLS)

    def test_exposed(self) -> None:
        """
        Servers that get passwords as they are, over a network, are known.
        """
        hosts = "host=localhost,127.0.0.2,far.example.org,/run/ldapi"
        settings = readSettings(f"{hosts}:base=dc=org:tls=none")
        self.assertEqual(settings.exposed, (Address("far.example.org", 389),))
        self.assertEqual(readSettings(BASE).exposed, ())

    def test_direct(self) -> None:
        """
        The attribute in the name names the user.
        """
        settings = readSettings(DIRECT)
        self.assertIsNone(settings.search)
        self.assertEqual(settings.attribute, "uid")
        assert settings.dn is not None
        self.assertEqual(settings.dn.fill("a,b"), r"uid=a\,b,dc=example,dc=org")

    def test_upn(self) -> None:
        """
        So it is with a principal's name.
        """
        self.assertEqual(readSettings(UPN).upn, "example.org")

    def test_filter(self) -> None:
        """
        A filter finds users, and an attribute names them.
        """
        settings = readSettings(
            f"{BASE}:attribute=cn:scope=one:filter=(|(uid={{username}})(mail={{username}}))"
        )
        assert settings.search is not None
        self.assertEqual(settings.attribute, "cn")
        self.assertEqual(settings.search.scope, 1)
        self.assertEqual(
            settings.search.filter.fill("a"), encodeFilter("(|(uid=a)(mail=a))")
        )

    def test_attribute(self) -> None:
        """
        Without a filter the attribute finds users, too.
        """
        settings = readSettings(f"{BASE}:attribute=sAMAccountName")
        assert settings.search is not None
        self.assertEqual(settings.search.filter.text, "(sAMAccountName={username})")

    def test_groups(self) -> None:
        """
        A group is one, or one of those that match; groups are where users are, or
        elsewhere.
        """
        settings = readSettings(f"{BASE}:group={GROUP}:nested=yes")
        above = RequiredGroups(GROUP, GROUP, ANYTHING, "dc=example,dc=org", True)
        self.assertEqual(settings.groups, above)
        settings = readSettings(f"{BASE}:group=(cn=a*)")
        assert settings.groups is not None
        self.assertEqual(settings.groups.base, "ou=people,dc=example,dc=org")
        settings = readSettings(f"{BASE}:group=(cn=a*):groupbase=dc=org:nested=yes")
        self.assertEqual(
            settings.groups,
            RequiredGroups("(cn=a*)", None, encodeFilter("(cn=a*)"), "dc=org", True),
        )

    def test_account(self) -> None:
        """
        The password of the service account is a file's only line; its end doesn't
        count.
        """
        for content in ("ses ame", "ses ame\n", "ses ame\r\n"):
            argstring = f"{BASE}:binddn=cn=x,dc=org:bindpwfile={self.file(content)}"
            settings = readSettings(argstring)
            self.assertEqual(settings.account, ("cn=x,dc=org", b"ses ame"))

    def test_timeout(self) -> None:
        """
        A login takes as long as is said.
        """
        self.assertEqual(readSettings(f"{BASE}:timeout=2.5").timeout, 2.5)

    def test_certificates(self) -> None:
        """
        A certificate and its key are in one file, or in two.
        """
        authority = Authority(self.home)
        certificate, key = authority.certify("client")
        both = self.file(certificate.read_text() + key.read_text())
        for more in (f"certfile={certificate}:keyfile={key}", f"certfile={both}"):
            self.assertIs(readSettings(f"{BASE}:{more}").security, Security.STARTTLS)


class WrongTests(SettingsTestCase):
    """
    What is wrong is refused, and what would be right is said.
    """

    def test_keys(self) -> None:
        """
        Keys must be known, and one way chosen.
        """
        self.assertWrong("", "host", "host=NAME")
        self.assertWrong("base=dc=org", "host", "host=NAME")
        self.assertWrong(f"{BASE}:grup={GROUP}", "grup", "group=")
        self.assertWrong(f"{BASE}:base=dc=org", "base", "twice")
        self.assertWrong("host=a", "base=", "dn=", "upn=")
        self.assertWrong(f"{BASE}:dn=uid={{username}},dc=org", "base, dn", "one of")
        self.assertWrong(f"{BASE}:upn=example.org", "base, upn", "one of")
        self.assertWrong(f"{DIRECT}:upn=example.org", "dn, upn", "one of")
        self.assertWrong("ldap.example.org", "has no key", "host=")

    def test_url(self) -> None:
        """
        Where others take a URL it is said what to write.
        """
        for url in ("//a/dc=org", "ldaps://a:636", "LDAP://a:dn=b", "ldapi://%2frun"):
            self.assertWrong(url, "no URL", "host=NAME", "tls=ldaps")

    def test_hosts(self) -> None:
        """
        Hosts are names, not URLs; ports are ports.
        """
        for host, *words in (
            ("", "names of hosts"),
            ("a,,b", "names of hosts"),
            ("a b", "names of hosts"),
            (r"ldaps\://a", "tls=ldaps"),
            (r"ldapi\:///", "socket"),
            (r"a\:x", "port"),
            (r"a\:0", "port"),
            (r"a\:65536", "port"),
            (r"a\:000000389999", "port"),
            ("a,A", "twice"),
            ("run/ldapi", "names of hosts"),
            ("*", "names of hosts"),
            ("a\\\\", "names of hosts"),
            (r"a\:1\:2", "2001"),
            (r"fe80\:\:1%eth0", "2001"),
            (r"a\:", "port"),
            (r"[a]\:1", "2001"),
            (r"[2001\:db8\:\:1", "2001"),
            (r"2001\:db8\:\:1", "2001"),
            (r"\:\:1\:389", "2001"),
            (str(self.home), "no socket"),
            ("/" + "x" * 107, "107 bytes"),
            ("...", "names of hosts"),
            ("-", "names of hosts"),
            ("a.example.org-", "names of hosts"),
            (str(self.file()), "no socket"),
            ("a,a", "twice"),
            (r"a,a\:389", "twice"),
        ):
            self.assertWrong(f"host={host}:base=dc=org", "host", *words)
        self.assertWrong(f"{BASE}:port=x", "port")
        self.assertWrong(r"host=a\:1,/run/ldapi:port=2:base=dc=org", "port", "no host")

    def test_tls(self) -> None:
        """
        What protects connections must make sense.
        """
        ca = Authority(self.home).file
        self.assertWrong(f"{BASE}:tls=yes", "tls", "starttls, ldaps, none")
        self.assertWrong(f"{BASE}:tls=none:cafile={ca}", "tls", "no certificate")
        for more in (f"cafile={ca}", "tls=ldaps", "tls=starttls"):
            self.assertWrong(f"host=/run/ldapi:base=dc=org:{more}", "tls", "socket")

    def test_certificates(self) -> None:
        """
        Files with certificates must hold some, and keys be private.
        """
        certificate, key = Authority(self.home).certify("client")
        empty = self.file("")
        self.assertWrong(f"{BASE}:cafile={empty}", "cafile", "no certificates")
        self.assertWrong(f"{BASE}:cafile=/nonexistent", "cafile", "can't be read")
        self.assertWrong(f"{BASE}:cafile={self.home}", "cafile", "can't be read")
        self.assertWrong(f"{BASE}:keyfile={key}", "keyfile", "certfile=")
        self.assertWrong(f"{BASE}:certfile={certificate}", "certfile", "keyfile=")
        self.assertWrong(f"{BASE}:certfile={key}", "certfile", "PEM")
        other = Authority(self.home, "other").certify("another")[1]
        self.assertWrong(f"{BASE}:certfile={certificate}:keyfile={other}", "certfile")
        key.chmod(0o644)
        self.assertWrong(
            f"{BASE}:certfile={certificate}:keyfile={key}", "keyfile", "chmod"
        )

    def test_names(self) -> None:
        """
        Names, filters and attributes must be what they should be.
        """
        for more, *words in (
            ("group=staff", "group", "DN"),
            ("group=", "group", "DN"),
            ("group=(cn=staff", "group", "a ) is missing"),
            ("require=(cn=a))", "require", "a ( is missing"),
            ("filter=(uid={{username}})", "filter", "braces"),
            ("require=(memberOf:1.2.840.113556.1.4.1941:=cn=x)", "colon", r"\:"),
            ("filter=(uid:caseExactMatch:={username})", "colon", r"\:"),
            ("require=x", "require", "parentheses"),
            ("require=(!(a=b)(|(c=d)))", "require", "one filter"),
            ("require=(a>=b*)", "require", "2a"),
            ("require=(a= b)", "require", "20"),
            ("filter=(!(uid={username}))", "filter", "matches all other users"),
            (r"require=(description=\28x)", "backslash"),
            ("attribute=1.1", "attribute", "uid"),
            ("attribute=dn", "attribute", "uid"),
            ("filter=(uid=x)", "filter", "{username}"),
            ("filter=(uid={user})", "filter", "{username}"),
            ("scope=all", "scope", "base, one, sub"),
            ("attribute=a b", "attribute", "uid"),
            ("attribute=", "attribute", "uid"),
            ("nested=perhaps", "nested", "yes or no"),
            ("timeout=0", "timeout", "seconds"),
            ("timeout=nan", "timeout", "seconds"),
            ("timeout=1e9", "timeout", "seconds"),
            ("timeout=1e1", "timeout", "seconds"),
            ("timeout=1_0", "timeout", "seconds"),
            ("timeout= 10", "timeout", "seconds"),
            ("timeout=\u0661\u0660", "timeout", "seconds"),
            ("port=3_8", "port", "65535"),
            ("port=\u0663", "port", "65535"),
        ):
            self.assertWrong(f"{BASE}:{more}", *words)
        self.assertWrong("host=a:base=example.org", "base", "DN")
        self.assertWrong("host=a:base=", "base", "DN")
        self.assertWrong("host=a:dn=ou=people,dc=org", "dn", "{username}")
        self.assertWrong("host=a:upn=@example.org", "upn", "example.org")
        self.assertWrong("host=a:dn={username}@example.org", "dn", "upn=")
        self.assertWrong("host=a:dn={username},ou=people", "dn", "uid={username}")

    def test_placeholder(self) -> None:
        """
        A name is put in where it has a meaning, and nowhere else.
        """
        for more in (
            "group=cn={username},dc=org",
            "group=(cn={username})",
            "require=(cn={username})",
            "groupbase=ou={username}",
            "binddn=cn={username},dc=org",
        ):
            key = more.partition("=")[0]
            self.assertWrong(f"{BASE}:{more}", key, "filter= and dn= only")
            other = more.replace("username", "user")
            self.assertWrong(f"{BASE}:{other}", key, "braces", "7b")
        self.assertWrong("host=a:dn=uid={username},ou={user},dc=org", "dn", "braces")
        self.assertWrong("host=a:dn=uid={{username}},dc=org", "dn", "braces")
        readSettings(f"{BASE}:group=cn=\\\\7b1\\\\7d,dc=org")
        self.assertWrong("host=a:base=ou={username}", "base", "filter= and dn= only")

    def test_account(self) -> None:
        """
        A service account has a password, in a file that not all users can read.
        """
        good = self.file()
        account = f"{BASE}:binddn=cn=x,dc=org"
        self.assertWrong(account, "binddn", "bindpwfile=")
        self.assertWrong(f"{BASE}:bindpwfile={good}", "bindpwfile", "binddn=")
        self.assertWrong(f"{account}:bindpwfile=/nonexistent", "bindpwfile", "read")
        self.assertWrong(f"{account}:bindpwfile={self.home}", "bindpwfile", "read")
        for content, told in (
            ("\ufeffa", "byte order mark"),
            (" a", "a space"),
            ("a ", "a space"),
        ):
            path = self.file(content)
            self.assertWrong(f"{account}:bindpwfile={path}", "bindpwfile", told)
        for content in ("", "\n", "a\nb\n", "a\0b", "a" * 1025):
            path = self.file(content)
            self.assertWrong(f"{account}:bindpwfile={path}", "bindpwfile", "one line")
        for mode in (0o644, 0o602):
            good.chmod(mode)
            self.assertWrong(f"{account}:bindpwfile={good}", "bindpwfile", "chmod")

    def test_accountNames(self) -> None:
        """
        It has a name in the directory, or one that Active Directory has besides.
        """
        rest = f"bindpwfile={self.file()}"
        for name in (
            "svc@ad.example.org",
            "svc@ad",
            "first.last@ad-2.example.org",
            r"AD\svc",
            r"ad.example.org\svc",
            r"AD\mail service",
            "cn=svc@x,dc=org",
        ):
            written = name.replace("\\", "\\\\")
            settings = readSettings(f"{BASE}:binddn={written}:{rest}")
            self.assertEqual(settings.account[0], name)
            path = self.file(
                f"[ldap]\nhost=a\nbase=dc=org\nbinddn = {name}\n"
                + rest.replace("=", " = ")
            )
            self.assertEqual(readSettings(f"config={path}").account[0], name)
        for name in (
            "svc",
            "@ad",
            "svc@",
            "a@b@c",
            r"AD\\",
            r"\\svc",
            r"A\\B\\c",
            r"AD\\a@b",
            " svc@ad",
            "{username}@ad",
            "svc@ad.example.org,dc=org",
        ):
            self.assertWrong(
                f"{BASE}:binddn={name}:{rest}", "binddn", "svc@ad.example.org"
            )

    def test_zone(self) -> None:
        """
        A number that means something on one interface only is taken, for which no
        certificate is: it is for the number.
        """
        settings = readSettings(r"host=[fe80\:\:1%lo],[fe80\:\:1%2]\:1389:base=dc=org")
        self.assertEqual(
            settings.addresses, (Address("fe80::1%lo", 389), Address("fe80::1%2", 1389))
        )
        self.assertEqual([a.certified for a in settings.addresses], ["fe80::1"] * 2)
        self.assertEqual(str(settings.addresses[0]), "[fe80::1%lo]:389")
        for host in (r"[fe80\:\:1%]", r"[%lo]", "127.0.0.1%lo", "[127.0.0.1%lo]"):
            self.assertWrong(f"host={host}:base=dc=org", "host")

    def test_policy(self) -> None:
        """
        Whether the password policy is asked for is said by yes or no, or by servers.
        """
        for more, expected in (("", None), (":policy=yes", True), (":policy=no", False)):
            self.assertIs(readSettings(f"{BASE}{more}").policy, expected)
        self.assertWrong(f"{BASE}:policy=maybe", "policy", "yes or no")

    def test_scram(self) -> None:
        """
        The attribute that holds keys is named, and only a service account reads it.
        """
        self.assertIsNone(readSettings(BASE).scram)
        account = f"binddn=cn=x,dc=org:bindpwfile={self.file()}"
        settings = readSettings(f"{BASE}:{account}:scram=authPassword")
        self.assertEqual(settings.scram, "authPassword")
        self.assertWrong(f"{BASE}:scram=authPassword", "scram", "binddn=")
        self.assertWrong(f"{BASE}:{account}:scram=a b", "scram", "attribute")
        direct = f"{DIRECT}:require=(cn=x):{account}"
        self.assertWrong(f"{direct}:scram=authPassword", "scram", "base=")
        self.assertWrong(f"{UPN}:scram=authPassword", "scram", "base=")

    def test_pipe(self) -> None:
        """
        A pipe that no program writes to isn't waited for.
        """
        pipe = self.home / "pipe"
        os.mkfifo(pipe, 0o600)
        account = f"{BASE}:binddn=cn=x,dc=org"
        self.assertWrong(f"{account}:bindpwfile={pipe}", "bindpwfile")
        self.assertWrong(f"{BASE}:cafile={pipe}", "cafile")
        self.assertWrong(f"config={pipe}", "config")

    def test_withoutEffect(self) -> None:
        """
        What couldn't take effect is an error.
        """
        account = f"binddn=cn=x,dc=org:bindpwfile={self.file()}"
        for more, key in (
            ("scope=one", "scope"),
            ("attribute=cn", "attribute"),
            ("filter=(uid={username})", "filter"),
            (account, "binddn"),
            ("nested=yes", "nested"),
            ("groupbase=dc=org", "groupbase"),
            ("group=(cn=x)", "groupbase"),
            (f"group={GROUP}:nested=yes", "groupbase"),
            (f"group={GROUP}:groupbase=dc=org", "groupbase"),
        ):
            self.assertWrong(f"{DIRECT}:{more}", key)
        for more, key in (
            (f"group={GROUP}", "group"),
            ("require=(cn=x)", "require"),
            (account, "binddn"),
            ("attribute=cn", "attribute"),
        ):
            self.assertWrong(f"{UPN}:{more}", key)
        self.assertWrong(f"{BASE}:nested=yes", "nested", "group=")
        elsewhere = "group=cn=x,dc=net:nested=yes"
        self.assertWrong(f"{BASE}:{elsewhere}", "groupbase", "groupbase=DN")
        self.assertWrong(f"{BASE}:groupbase=dc=org", "groupbase", "group=")
        self.assertWrong(f"{BASE}:group={GROUP}:groupbase=dc=org", "groupbase")

    @limits(deadline=None)
    @given(st.text("host=a:bsdcn\\{}()%,gruptlx1\n[] "))
    def test_anything(self, text: str) -> None:
        """
        Whatever is written, it is settings or is refused.
        """
        with contextlib.suppress(InvalidAuthArgumentString):
            readSettings(text)


class FileTests(SettingsTestCase):
    """
    Tests for settings in a file.
    """

    def read(self, content: str | bytes) -> Settings:
        """
        Return the settings of a file that holds this.
        """
        return readSettings(f"config={self.file(content)}")

    def assertFileWrong(self, content: str | bytes, *words: str) -> None:
        """
        Assert that a file is refused that holds this.
        """
        path = self.file(content)
        self.assertWrong(f"config={path}", "config", str(path), *words)

    def test_same(self) -> None:
        """
        A file has the same keys, and needs no escapes.
        """
        settings = self.read(
            "# The directory.\n[ldap]\nhost = a,b:1389\nbase = dc=example,dc=org\n"
            "filter = (cn=%s\\5c{username}:x)\n"
        )
        self.assertEqual(settings.addresses, (Address("a", 389), Address("b", 1389)))
        assert settings.search is not None
        self.assertEqual(settings.search.filter.text, "(cn=%s\\5c{username}:x)")

    def test_signs(self) -> None:
        """
        Nothing in a line begins a comment: a # or a ; belongs to the value.
        """
        for group in (
            "cn=Team #1,dc=example,dc=org",
            "cn=C#,dc=example,dc=org",
            r"cn=\#1,dc=example,dc=org",
            "(cn=Team #1)",
            "(cn=a;b)",
            r"(cn=Team \23 1)",
        ):
            path = self.file(
                f"[ldap]\nhost = a\nbase = dc=example,dc=org\ngroup = {group}\n"
            )
            groups = readSettings(f"config={path}").groups
            assert groups is not None
            self.assertEqual(groups.text, group)

    def test_wrong(self) -> None:
        """
        What is wrong in it is told as on the command line.
        """
        self.assertFileWrong("[ldap]\nhost=a\nbase=dc=org\ngrup=x\n", "grup", "group=")
        self.assertFileWrong("[ldap]\nhost=a\nhost=b\n", "line 3", "a key", "twice")
        self.assertFileWrong("[ldap]\nhost\nhost=a\nhost=b\n", "line 2", "line 4")
        self.assertFileWrong("[ldap]\nhost=a\nbase=dc=org\nnested=x\n", "yes or no")
        self.assertFileWrong("[ldap]\nhost=a\nconfig=/etc/x\n", "config")
        self.assertFileWrong("host=a\n", "line 1", "[section] above")
        self.assertFileWrong("[LDAP]\nhost=a\n", "[ldap]")
        self.assertFileWrong("[ldap]\nhost=a\n[more]\n", "[ldap]")
        self.assertFileWrong("[DEFAULT]\nhost=a\n[ldap]\nbase=dc=org\n", "[ldap]")
        self.assertFileWrong("", "[ldap]")
        self.assertFileWrong(
            "[ldap]\nhost=a\nbase=dc=org\n  scope=one\n", "base", "space"
        )
        self.assertFileWrong('[ldap]\nhost=a\nbase="dc=org"\n', "base", "quoted")
        path = self.file("[ldap]\nhost=a\nbase=dc=org\n", 0o602)
        self.assertWrong(f"config={path}", "config", "everybody")
        self.assertWrong("config=\0", "config")
        self.assertFileWrong(b"[ldap]\nhost=\xff\n", "UTF-8")
        self.assertFileWrong("[ldap]\nhost=a\nbase=dc=org\t# x\n", "no comment")
        for value in ("dc=org ;", "dc=org ; x", "dc=org #"):
            self.assertFileWrong(f"[ldap]\nhost=a\nbase={value}\n", "no comment", "23")
        self.assertFileWrong("[ldap]\nhost=a\n" + "# x\n" * 20_000, "too large")
        self.assertFileWrong("[ldap]\nhost=a\n[ldap]\n", "line 3", "a section", "twice")
        self.assertFileWrong("[ldap]\nhost=a\\:1389\nbase=dc=org\n", "host", "as it is")

    def test_together(self) -> None:
        """
        What doesn't go together is told, too.
        """
        self.assertFileWrong(
            "[ldap]\nhost=a\nbase=dc=org\ndn=uid={username}\n", "base, dn"
        )

    def test_alone(self) -> None:
        """
        Beside a file nothing is said.
        """
        path = self.file("[ldap]\nhost=a\nbase=dc=org\n")
        self.assertWrong(f"config={path}:timeout=5", "timeout", "in the file")

    def test_unreadable(self) -> None:
        """
        The file must be there.
        """
        self.assertWrong("config=/nonexistent.ini", "config", "can't be read")
        self.assertWrong(f"config={self.home}", "config", "can't be read")


class SecretTests(SettingsTestCase):
    """
    No password is shown.
    """

    def test_repr(self) -> None:
        """
        Not where settings are.
        """
        path = self.file("hunter2\n")
        settings = readSettings(f"{BASE}:binddn=cn=x,dc=org:bindpwfile={path}")
        self.assertEqual(settings.account[1], b"hunter2")
        self.assertNotIn("hunter2", f"{settings!r} {settings}")
        self.assertNotIn("hunter2", f"{settings.account!r} {settings.account}")

    def test_withoutTLS(self) -> None:
        """
        A directory that is asked without TLS has a context that trusts no authority.
        """
        for argstring in (f"{BASE}:tls=none", "host=/run/slapd/ldapi:base=dc=org"):
            context = readSettings(argstring).context
            self.assertEqual(context.get_ca_certs(), [])
            self.assertEqual(context.verify_mode, ssl.CERT_REQUIRED)
            self.assertTrue(context.check_hostname)

    def test_wrongFile(self) -> None:
        """
        Not where a file with a password is taken for one with settings.
        """
        for content in ("hunter2\n", "[ldap]\nhost=a\nbindpw: hunter2\n"):
            path = self.file(content)
            error = self.assertRaises(
                InvalidAuthArgumentString, readSettings, f"config={path}"
            )
            self.assertNotIn("hunter2", str(error))


class KeywordTests(SettingsTestCase):
    """
    Tests for settings that a program makes.
    """

    def test_same(self) -> None:
        """
        A program says the same, with nothing escaped.
        """
        settings = ldapSettings(
            host="a:1389", base="dc=org", filter="(cn=\\5c{username})"
        )
        self.assertEqual(settings.addresses, (Address("a", 1389),))

    def test_wrong(self) -> None:
        """
        It is told what is wrong, too.
        """
        for wrong in ({"host": ["a"]}, {"nested": True}, {"cafile": None}):
            more: Any = {"host": "a", "base": "dc=org", **wrong}
            error = self.assertRaises(ValueError, ldapSettings, **more)
            self.assertIn("write text", str(error))
        wrong: Any = {"host": "a", "base": "dc=org", "grup": GROUP}
        error = self.assertRaises(ValueError, ldapSettings, **wrong)
        self.assertIn("group=", str(error))
