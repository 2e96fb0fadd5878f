"""
Tests for L{mycred._sshkeys._options}; L{tests.conch.test_correspondence} holds them to
sshd.
"""

from __future__ import annotations

import calendar
import contextlib
import os
import time

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import (
    SERVER_OPTIONS,
    BadOption,
    Certificate,
    KeyEvidence,
    KeyOptions,
    merge,
    parseOptions,
    splitHost,
    string,
)
from mycred._sshkeys._options import fromCertificate

from ._keys import certificate, ed25519

FLAGS = {
    "pty": "pty",
    "port-forwarding": "portForwarding",
    "agent-forwarding": "agentForwarding",
    "X11-forwarding": "x11Forwarding",
    "user-rc": "userRC",
}


class ParseTests(SynchronousTestCase):
    """
    Tests for L{parseOptions}.
    """

    def test_none(self) -> None:
        """
        Without options all is permitted.
        """
        self.assertEqual(parseOptions(""), KeyOptions())
        self.assertEqual(KeyOptions().demands, frozenset())

    def test_flags(self) -> None:
        """
        A flag is turned off, and what comes later counts.
        """
        for name, field in FLAGS.items():
            off = parseOptions(f"no-{name}")
            self.assertEqual(off, KeyOptions()._replace(**{field: False}))
            self.assertEqual(off.demands, {f"no-{name}".lower()})
            self.assertEqual(parseOptions(f"no-{name},{name}"), KeyOptions())

    def test_restrict(self) -> None:
        """
        C{restrict} turns all of them off, and what follows some of them on.
        """
        restricted = parseOptions("restrict,pty")
        fields = dict.fromkeys(FLAGS.values(), False)
        expected = KeyOptions()._replace(isRestricted=True, **{**fields, "pty": True})
        self.assertEqual(restricted, expected)
        self.assertIn("restrict", restricted.demands)
        self.assertNotIn("no-pty", restricted.demands)

    def test_demands(self) -> None:
        """
        What only a server can see to is told by its name.
        """
        demanding = parseOptions(
            'command="a",environment="A=b",permitopen="a:1",permitlisten="1",tunnel="1",'
            "restrict"
        )
        self.assertEqual(demanding.demands, SERVER_OPTIONS)
        free = parseOptions('from="*",expiry-time="20380101",verify-required')
        self.assertEqual(free.demands, frozenset())

    def test_values(self) -> None:
        """
        Values are taken out of their quotes.
        """
        for text, value in (
            ('command="a \\"b\\" c"', 'a "b" c'),
            ('command="a\\\\b"', "a\\\\b"),
            ('command=""', ""),
            ('command="a,b=c"', "a,b=c"),
            ('COMMAND="\udcff"', "\udcff"),
        ):
            self.assertEqual(parseOptions(text).command, value)

    def test_bad(self) -> None:
        """
        What OpenSSH wouldn't take is refused.
        """
        for text in (
            "x",
            "command",
            "command=a",
            'command="a',
            'command="a\\"',
            'command="a"b',
            'pty="yes"',
            "pty pty",
            "no-restrict",
            "no-cert-authority",
            "no-command",
            'no-command="a"',
            'environment="=a"',
            'environment="A"',
            'tunnel="-1"',
            'tunnel="2147483647"',
            'permitopen="a"',
            'permitopen="a:0"',
            'permitopen="a:65536"',
            'permitopen="[a:1"',
            'permitopen="[a]1"',
            f'permitopen="{"a" * 1025}:1"',
            'permitlisten="x y"',
            'expiry-time="2030"',
            'expiry-time="20301301"',
            'expiry-time="19600101Z"',
            'expiry-time="Z"',
            'expiry-time="202\u0663\u0660101"',
        ):
            with self.assertRaises(BadOption, msg=text):
                parseOptions(text)

    def test_expiry(self) -> None:
        """
        A time is local, unless it says that it isn't; of several the earliest counts.
        """
        old = os.environ.get("TZ")
        os.environ["TZ"] = "EST5"
        time.tzset()
        try:
            local = parseOptions('expiry-time="20300102"').expires
        finally:
            if old is None:
                del os.environ["TZ"]
            else:
                os.environ["TZ"] = old
            time.tzset()
        utc = calendar.timegm((2030, 1, 2, 0, 0, 0))
        self.assertEqual(local, utc + 5 * 3600)
        for text in ("20300102Z", "203001020000z", "20300102000000UTC"):
            self.assertEqual(parseOptions(f'expiry-time="{text}"').expires, utc)
        both = 'expiry-time="20300102Z",expiry-time="20310102Z"'
        self.assertEqual(parseOptions(both).expires, utc)

    def test_limits(self) -> None:
        """
        There is an end to what a line may hold.
        """
        many = ",".join(f'environment="A{n}=b"' for n in range(1025))
        with self.assertRaises(BadOption):
            parseOptions(many)
        with self.assertRaises(BadOption):
            parseOptions(",".join(['permitopen="a:1"'] * 4097))

    def test_long(self) -> None:
        """
        A long value takes no longer than it is.
        """
        value = '\\"' * 500_000
        self.assertEqual(len(parseOptions(f'command="{value}"').command or ""), 500_000)

    @given(strategies.text(max_size=60))
    def test_anything(self, text: str) -> None:
        """
        Arbitrary text raises nothing but the error of this module.
        """
        for before in ("", "command=", 'expiry-time="', 'permitopen="', "no-pty,"):
            with contextlib.suppress(BadOption):
                parseOptions(before + text)


class HostTests(SynchronousTestCase):
    """
    Tests for L{splitHost}.
    """

    def test_split(self) -> None:
        """
        Host and port are told apart.
        """
        for text, parts in (
            ("a:1", ("a", 1)),
            ("a:*", ("a", None)),
            ("*:80", ("*", 80)),
            ("[::1]:80", ("::1", 80)),
            ("a/1", ("a", 1)),
            ("a:ssh", ("a", 22)),
            ("a", None),
            ("::1:80", None),
            ("a:-1", None),
            ("a:", None),
        ):
            self.assertEqual(splitHost(text), parts, text)


def optionsOf(**fields: object) -> KeyOptions:
    """
    Make a certificate, and read its options.
    """
    return fromCertificate(Certificate.parse(certificate(ed25519(), ed25519(), **fields)))  # type: ignore[arg-type]


class CertificateTests(SynchronousTestCase):
    """
    Tests for L{fromCertificate}.
    """

    def test_nothing(self) -> None:
        """
        What a certificate doesn't permit is forbidden.
        """
        options = optionsOf(extensions=())
        self.assertEqual(
            options.demands,
            {
                "no-pty",
                "no-port-forwarding",
                "no-agent-forwarding",
                "no-x11-forwarding",
                "no-user-rc",
            },
        )
        self.assertTrue(options.touchRequired)

    def test_extensions(self) -> None:
        """
        Each extension permits one thing; names are spelled as they should be, and
        others are passed over.
        """
        names = {
            "permit-pty": "pty",
            "permit-port-forwarding": "portForwarding",
            "permit-agent-forwarding": "agentForwarding",
            "permit-X11-forwarding": "x11Forwarding",
            "permit-user-rc": "userRC",
        }
        for name, field in names.items():
            options = optionsOf(extensions=((name.encode(), b""), (b"x@y", b"z")))
            self.assertTrue(getattr(options, field))
            self.assertEqual(len(options.demands), 4)
            self.assertEqual(
                len(optionsOf(extensions=((name.swapcase().encode(), b""),)).demands), 5
            )
        touch = optionsOf(extensions=((b"no-touch-required", b""),))
        self.assertFalse(touch.touchRequired)

    def test_critical(self) -> None:
        """
        Critical options are obeyed.
        """
        options = optionsOf(
            critical=(
                (b"force-command", string(b"a")),
                (b"source-address", string(b"192.0.2.0/24,::1")),
                (b"verify-required", b""),
            )
        )
        self.assertEqual(
            (options.command, options.networks, options.verifyRequired),
            ("a", "192.0.2.0/24,::1", True),
        )

    def test_bad(self) -> None:
        """
        Unknown critical options refuse, and so do those that aren't what they should
        be.
        """
        for critical in (
            ((b"x", b""),),
            ((b"permit-pty", b""),),
            ((b"Force-Command", string(b"a")),),
            ((b"force-command", b"a"),),
            ((b"force-command", string(b"a") + b"b"),),
            ((b"force-command", string(b"a\0b")),),
            ((b"force-command", string(b"a")), (b"force-command", string(b"a"))),
            ((b"source-address", string(b"")),),
            ((b"source-address", string(b"192.0.2.1/24")),),
            ((b"source-address", string(b"192.0.2.*")),),
            ((b"source-address", string(b"!192.0.2.1")),),
            ((b"source-address", string(b"192.0.2.1,")),),
            ((b"verify-required", b"x"),),
        ):
            with self.assertRaises(BadOption, msg=repr(critical)):
                optionsOf(critical=critical)
        for name in (b"permit-pty", b"no-touch-required"):
            with self.assertRaises(BadOption):
                optionsOf(extensions=((name, b"x"),))


class MergeTests(SynchronousTestCase):
    """
    Tests for L{merge}.
    """

    def test_permissions(self) -> None:
        """
        What either forbids is forbidden.
        """
        for first, second in (("no-pty", ""), ("", "no-pty"), ("no-pty", "no-pty")):
            merged = merge(parseOptions(first), parseOptions(second))
            self.assertFalse(merged.pty)
        self.assertTrue(merge(KeyOptions(), KeyOptions()).pty)

    def test_requirements(self) -> None:
        """
        What either requires is required.
        """
        free = parseOptions("no-touch-required")
        strict = parseOptions("verify-required")
        for one, other in ((free, strict), (strict, free)):
            merged = merge(one, other)
            self.assertTrue(merged.touchRequired and merged.verifyRequired)
        self.assertFalse(merge(free, free).touchRequired)

    def test_command(self) -> None:
        """
        A command of either counts, and two that differ refuse.
        """
        a, b = parseOptions('command="a"'), parseOptions('command="b"')
        for one, other in ((a, KeyOptions()), (KeyOptions(), a), (a, a)):
            self.assertEqual(merge(one, other).command, "a")
        with self.assertRaises(BadOption):
            merge(a, b)

    def test_expiry(self) -> None:
        """
        The earlier time counts.
        """
        first = KeyOptions(expires=1)
        for one, other in ((first, KeyOptions(expires=2)), (KeyOptions(), first)):
            self.assertEqual(merge(one, other).expires, 1)
            self.assertEqual(merge(other, one).expires, 1)

    def test_lists(self) -> None:
        """
        The lists of either count; where both have some that differ, they refuse.
        """
        for text in (
            'permitopen="a:1"',
            'environment="A=1"',
            'tunnel="1"',
            'permitlisten="1"',
        ):
            one, other = parseOptions(text), parseOptions(text.replace("1", "2"))
            self.assertEqual(merge(one, KeyOptions()), one)
            self.assertEqual(merge(KeyOptions(), one), one)
            self.assertEqual(merge(one, one), one)
            with self.assertRaises(BadOption):
                merge(one, other)

    def test_authority(self) -> None:
        """
        What says who may sign isn't what the user may do.
        """
        merged = merge(parseOptions('cert-authority,principals="a"'), KeyOptions())
        self.assertEqual(merged, KeyOptions())


class EvidenceTests(SynchronousTestCase):
    """
    Tests for L{KeyEvidence}.
    """

    def test_restore(self) -> None:
        """
        It is the same after it has crossed to another process.
        """
        options = parseOptions('environment="A=b",permitopen="a:1",permitlisten="1"')
        evidence = KeyEvidence(
            "ssh-rsa", "SHA256:x", options, "/f", 3, "id", 7, "SHA256:y"
        )
        packed = [list(one) if isinstance(one, tuple) else one for one in evidence]
        packed[2] = [
            [list(o) if isinstance(o, tuple) else o for o in one]
            if isinstance(one, tuple)
            else one
            for one in options
        ]
        self.assertEqual(KeyEvidence.restore(packed), evidence)
        self.assertEqual(KeyEvidence.restore(evidence), evidence)
