"""
Tests for L{mycred._metrics._counts}.
"""

from __future__ import annotations

from typing import Any

from zope.interface import directlyProvides

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._metrics._counts import BOUNDS, OUTCOMES, LoginCounts
from mycred.credentials import (
    CramMD5Credentials,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred.error import (
    AccountDenied,
    DenialReason,
    TemporaryFailure,
    Throttled,
    UnauthorizedLogin,
)

from ..kit.metrics import ended, valuesOf

_DURATION = "mycred_login_duration_seconds"


class Shy:
    """
    A checker of a program's that fails when it is looked at.
    """

    @property
    def authType(self) -> str:
        raise ZeroDivisionError


class CountsTests(SynchronousTestCase):
    """
    Tests for the counts.
    """

    def setUp(self) -> None:
        self.counts = LoginCounts()

    def values(self, label: str) -> dict[str, float]:
        """
        Return how many logins there were by the values of a label.
        """
        found: dict[str, float] = {}
        values = valuesOf(self.counts.samples(), "mycred_logins", "_total")
        for labels, value in values.items():
            name = dict(labels)[label]
            found[name] = found.get(name, 0) + value
        return found

    def assertKnown(self, label: str, *words: str) -> None:
        """
        Assert that a label has these values, each for one login.
        """
        self.assertEqual(self.values(label), dict.fromkeys(words, 1))

    def test_outcomes(self) -> None:
        """
        Logins are told apart by how they end.
        """
        errors = [
            None,
            UnauthorizedLogin(),
            AccountDenied(DenialReason.DISABLED),
            Throttled(3),
            TemporaryFailure(),
            ZeroDivisionError(),
        ]
        for error in errors:
            self.counts(ended(error))
        self.assertKnown("outcome", *OUTCOMES[:-1])

    def test_labels(self) -> None:
        """
        They are told apart by the auth type, the service, and the mechanism.
        """
        self.counts(ended(authType="ldap", service="pop3"))
        cram: Any = CramMD5Credentials()
        self.counts(ended(authType="sql", service=None, credentials=cram))
        self.assertKnown("auth_type", "ldap", "sql")
        self.assertKnown("protocol", "pop3", "unknown")
        self.assertKnown("mechanism", "password", "CRAM-MD5")

    def test_fromTheStart(self) -> None:
        """
        Each outcome has a value before the first login, and all outcomes of an auth type,
        a service and a mechanism have one after their first: else the first failure would
        be no increase.
        """
        for logins in (1, 2):
            totals = [s for s in self.counts.samples() if s.family == "mycred_logins"]
            outcomes = [dict(sample.labels)["outcome"] for sample in totals]
            self.assertEqual(sorted(outcomes), sorted(OUTCOMES * logins))
            self.counts(ended())

    def test_nobody(self) -> None:
        """
        No user's name is in any label, whatever they are called.
        """
        self.counts(ended(UnauthorizedLogin("alice")))
        self.assertNotIn("alice", str(list(self.counts.samples())))

    def test_durations(self) -> None:
        """
        How long logins took is a histogram, whose buckets hold all that are below them.
        """
        for seconds in (0.0005, BOUNDS[0], 0.3, 40):
            self.counts(ended(seconds=seconds))
        samples = list(self.counts.samples())
        buckets = valuesOf(samples, _DURATION, "_bucket")
        counts = {dict(labels)["le"]: value for labels, value in buckets.items()}
        self.assertEqual(counts["0.001"], 2)
        self.assertEqual([counts["0.25"], counts["0.5"], counts["30.0"]], [2, 3, 3])
        self.assertEqual(counts["+Inf"], 4)
        [total] = valuesOf(samples, _DURATION, "_sum").values()
        self.assertAlmostEqual(total, 40.3015)
        self.assertEqual(list(valuesOf(samples, _DURATION, "_count").values()), [4])

    def test_cache(self) -> None:
        """
        What the cache knew is counted, and what it didn't know.
        """
        for cached in (True, True, False, None):
            self.counts(ended(cached=cached))
        found = valuesOf(self.counts.samples(), "mycred_login_cache_lookups", "_total")
        self.assertEqual(found, {(("result", "hit"),): 2, (("result", "miss"),): 1})

    def test_many(self) -> None:
        """
        Labels have a limited number of values: what comes after them is "other", and all
        is counted.
        """
        for number in range(300):
            self.counts(ended(authType=f"a{number}", service=f"s{number % 37}"))
        for label in ("auth_type", "protocol"):
            values = self.values(label)
            self.assertLessEqual(len(values), 20)
            self.assertGreater(values["other"], 150)
            self.assertEqual(sum(values.values()), 300)
        self.assertLess(len(list(self.counts.samples())), 3000)

    def test_forgets(self) -> None:
        """
        Services that are made up take no memory.
        """
        for number in range(5000):
            self.counts(ended(service="x" * 50 + str(number)))
        self.assertEqual(self.values("protocol"), {"other": 5000})
        self.assertLess(len(self.counts._found), 5)

    def test_programs(self) -> None:
        """
        Whatever a program's objects do, the login is counted.
        """
        event = ended()
        event.checker = Shy()
        self.counts(event)
        self.counts(ended(service=["imap"], authType={}))
        self.counts(ended(service="bad\nname"))
        self.assertEqual(sum(self.values("outcome").values()), 3)

    def test_oneByOne(self) -> None:
        """
        Credentials that say for themselves what they are, unlike others of their class,
        aren't taken for those.
        """

        class Presented:
            pass

        for interface in (IUsernamePassword, IUsernameHashedPassword):
            for _ in range(2):
                credentials = Presented()
                directlyProvides(credentials, interface)
                self.counts(ended(credentials=credentials))
        self.assertEqual(self.values("mechanism"), {"password": 2, "hash": 2})

    @given(
        st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.lists(st.text()))
    )
    def test_anything(self, value: object) -> None:
        """
        Nothing that a service or an auth type may be raises an error, or gets on a page
        as it is, unless it is a short name.
        """
        counts = LoginCounts()
        for _ in range(2):
            counts(ended(service=value, authType=value))
        for sample in counts.samples():
            for _, text in sample.labels:
                self.assertRegex(text, r"\A[A-Za-z0-9_.+-]{1,64}\Z")
