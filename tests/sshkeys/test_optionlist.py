"""
Tests for L{mycred._sshkeys._optionlist}; L{tests.conch.test_correspondence} holds it to
sshd.
"""

from __future__ import annotations

import calendar
import contextlib
import os
import time
from unittest import mock

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import (
    SERVER_OPTIONS,
    BadOption,
    Certificate,
    KeyOptions,
    _optionlist,
    parseOptions,
    string,
)
from mycred._sshkeys._budget import Budget, Limit, TooMuch
from mycred._sshkeys._optionlist import fromCertificate

from ..kit.keys import certificate, ed25519

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

    def test_nameless(self) -> None:
        """
        A value belongs to an option that has a name, and a name ends where it should;
        only between commas there may be nothing.
        """
        for text in (
            '="x"',
            ',="x"',
            'no-pty,="x"',
            '="x",no-pty',
            "=",
            '"x"',
            '""',
            "-",
            "no-",
            ' ="x"',
            'pty ="x"',
            'command ="x"',
            'command= "x"',
            "pty;",
            "p\u0442y",
            "pty\n",
            "\n",
            'command="x"\n',
            "pty\x0b",
            "_pty",
            "no_pty",
            "pty=",
        ):
            with self.assertRaises(BadOption, msg=repr(text)):
                parseOptions(text)
        for text in ("", ",", ",,", ",no-pty", "no-pty,", ",,no-pty,,"):
            self.assertEqual(parseOptions(text).pty, "pty" not in text, text)

    def test_digits(self) -> None:
        """
        Numbers are made of the digits of ASCII.
        """
        for text in ("\u0661", "1_0", " 1", "1 ", "+1", "1\n"):
            for option in ("tunnel", "permitlisten", "expiry-time"):
                with self.assertRaises(BadOption, msg=repr((option, text))):
                    parseOptions(f'{option}="{text}"')

    def test_work(self) -> None:
        """
        There is an end to how many options are read in one look, however few there are
        in a line.
        """
        budget, most = Budget(), Limit.OPTIONS.value[0]
        parseOptions("," * (most - 1), budget)
        self.assertEqual(budget.left(Limit.OPTIONS), 1)
        parseOptions("pty", budget)
        for text in ("pty", ",", "no-such-thing"):
            with self.assertRaises(TooMuch):
                parseOptions(text, budget)

    def test_portNames(self) -> None:
        """
        The name service is asked for a few ports, not for all that a user makes up; and
        those that obey an option have nobody to ask.
        """
        ask = mock.Mock(return_value=22)
        self.patch(_optionlist, "portNamed", ask)
        options = parseOptions('permitopen="a:ssh",permitlisten="[::1]/ssh"')
        self.assertEqual(options.permitOpen, ("a:22",))
        self.assertEqual(options.permitListen, ("[::1]/22",))
        budget = Budget()
        many = ",".join(f'permitopen="a:x{n}"' for n in range(1000))
        with self.assertRaises(TooMuch):
            parseOptions(many, budget)
        self.assertEqual(ask.call_count, 2 + Limit.PORT_NAMES.value[0])

    def test_times(self) -> None:
        """
        Local times, which take long to read, are few.
        """
        with self.assertRaises(TooMuch):
            parseOptions(",".join(['expiry-time="20380101"'] * 101))

    def test_sameVariable(self) -> None:
        """
        Variables are counted by their names.
        """
        options = parseOptions(",".join(['environment="A=b"'] * 2000))
        self.assertEqual(options.environment, (("A", "b"),))


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

    def test_work(self) -> None:
        """
        A list of networks is as long as others may be.
        """
        budget, most = Budget(), Limit.PATTERNS.value[0]
        parsed = Certificate.parse(
            certificate(
                ed25519(),
                ed25519(),
                critical=((b"source-address", string(b",".join([b"1"] * 30_000))),),
            )
        )
        with self.assertRaises(TooMuch):
            fromCertificate(parsed, budget)
        self.assertEqual(budget.left(Limit.PATTERNS), most - 30_000)
