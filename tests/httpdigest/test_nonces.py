"""
Tests for L{mycred._httpdigest._nonces}.
"""

from __future__ import annotations

from itertools import count
from threading import Barrier, Thread

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from twisted.trial.unittest import SynchronousTestCase

from mycred._httpdigest._nonces import Answer, Claim, UsedNonces
from mycred._peers import networkOf

LIFETIME = 900


class Memory(UsedNonces):
    """
    A memory whose clock the test sets.
    """

    time = 1_000_000

    def __init__(self, most: int = 40) -> None:
        super().__init__(lambda: self.time, lambda: LIFETIME)
        self.most = most
        self._numbers = count()

    def answer(self, source: bytes, uses: int = 1) -> Answer:
        """
        Answer a new challenge.
        """
        nonce = b"%d" % next(self._numbers)
        return Answer(nonce, uses, b"", self.newest(source), source)

    def logIn(self, *sources: bytes) -> list[Answer]:
        """
        Let clients log in, one after the other.

        @return: their answers, all of which were taken.
        """
        answers = []
        for source in sources:
            answers.append(self.answer(source))
            assert self.claim(answers[-1])
        return answers


class SourceTests(SynchronousTestCase):
    """
    Tests for L{networkOf}.
    """

    def test_neighbors(self) -> None:
        """
        The addresses of one customer are one source, however they are written.
        """
        for neighbors in (
            ("192.0.2.7", b"192.0.2.8", "::ffff:192.0.2.9", "::ffff:c000:209"),
            ("2001:db8:1::1", "2001:DB8:1:ffff::2", "2001:db8:1:0:0:0:0:1"),
            ("fe80::1%eth0", "fe80::2"),
        ):
            self.assertEqual(len(set(map(networkOf, neighbors))), 1, neighbors)

    def test_others(self) -> None:
        """
        Other networks, and what is no address, are other sources.
        """
        addresses = ("192.0.2.7", "192.0.3.7", "2001:db8:1::1", "2001:db8:2::1", "/run/x")
        self.assertEqual(len({*map(networkOf, addresses), networkOf(None)}), 6)
        for odd in ("", b"\xff", "ü", "\udcff", "192.0.2.07", "1", "\0"):
            self.assertNotEqual(networkOf(odd), networkOf("192.0.2.7"))


class ForgettingTests(SynchronousTestCase):
    """
    What is forgotten is void, and only that.
    """

    def assertVoid(self, memory: Memory, answers: list[Answer]) -> None:
        """
        Assert that none of some answers is taken again.
        """
        for answer in answers:
            self.assertFalse(memory.isGood(answer))
            self.assertFalse(memory.claim(answer))

    def test_fullest(self) -> None:
        """
        The source with the most is forgotten, save for who comes just then, and the
        others go on.
        """
        memory = Memory()
        few = memory.logIn(*[b"a"] * 19)
        waiting = memory.answer(b"a")
        many = memory.logIn(*[b"b"] * 21)
        late = memory.answer(b"b")
        self.assertEqual(len(memory), 40)
        [last] = memory.logIn(b"b")
        self.assertEqual(len(memory), 20)
        for answer in (*few, last):
            self.assertTrue(memory.claim(answer._replace(nonceCount=2)))
        self.assertVoid(memory, [*few, *many, last])
        self.assertVoid(memory, [answer._replace(nonceCount=2) for answer in many])
        # It was given to the same source, before anything was forgotten.
        self.assertVoid(memory, [late])
        self.assertTrue(memory.claim(waiting))
        memory.logIn(b"b")

    def test_somebodyElseComes(self) -> None:
        """
        It isn't the source that comes last which is forgotten.
        """
        memory = Memory()
        many = memory.logIn(*[b"a"] * 40)
        [other] = memory.logIn(b"b")
        self.assertEqual(len(memory), 1)
        self.assertVoid(memory, many)
        self.assertTrue(memory.claim(other._replace(nonceCount=2)))

    def test_manySources(self) -> None:
        """
        With a few clients of very many sources everything is forgotten: what is
        remembered stays bounded, nobody's answer is taken twice, and all get in with new
        challenges.
        """
        memory = Memory()
        sources = [b"%d" % number for number in range(41)]
        answers = memory.logIn(*sources)
        waiting = memory.answer(b"0")
        self.assertEqual(len(memory), 1)
        self.assertVoid(memory, [*answers, memory.answer(b"x")._replace(issued=0)])
        self.assertTrue(memory.claim(waiting))
        memory.logIn(*sources)

    def test_bounded(self) -> None:
        """
        However clients come, and for how long, what is remembered is bounded.
        """
        memory = Memory()
        for number in range(2000):
            memory.logIn(*[b"%d" % (number % 97)] * (1 + number % 37))
            memory.time += number % 3
            remembered = len(memory._uses) + len(memory._floors)
            self.assertLessEqual(remembered, memory.most)
            shares = list(map(len, memory._ofSource.values()))
            self.assertTrue(all(shares))
            self.assertEqual(sum(shares), len(memory))

    def test_longAgo(self) -> None:
        """
        When challenges have expired, nothing of them is remembered.
        """
        memory = Memory()
        answers = memory.logIn(*[b"a"] * 100, *[b"b"] * 20)
        # New challenges were dated after those that were forgotten.
        memory.time += LIFETIME + 10
        memory.logIn(b"c")
        self.assertEqual((len(memory), len(memory._floors)), (1, 0))
        memory.time -= LIFETIME
        self.assertVoid(memory, answers)

    def test_lastMoment(self) -> None:
        """
        Nothing that is still good is void because of what has expired.
        """
        memory = Memory()
        [first] = memory.logIn(b"a")
        memory.time += 1
        waiting = memory.answer(b"a")
        memory.time += LIFETIME - 1
        memory.logIn(b"b")
        self.assertTrue(memory.claim(first._replace(nonceCount=2)))
        memory.time += 1
        memory.logIn(b"c")
        self.assertEqual(len(memory), 2)
        self.assertTrue(memory.claim(waiting))

    def test_usedLate(self) -> None:
        """
        A challenge that was used late, and so was remembered late, expires when it
        should.
        """
        memory = Memory()
        early = memory.answer(b"a")
        memory.time += LIFETIME
        [young] = memory.logIn(b"a")
        self.assertTrue(memory.claim(early))
        memory.time += 1
        self.assertVoid(memory, [early._replace(nonceCount=2)])
        self.assertTrue(memory.claim(young._replace(nonceCount=2)))

    def test_future(self) -> None:
        """
        A challenge that can't have been made yet is void.
        """
        memory = Memory()
        answer = memory.answer(b"a")
        self.assertVoid(memory, [answer._replace(issued=answer.issued + 1)])


class ClaimTests(SynchronousTestCase):
    """
    Tests for L{Claim}.
    """

    def test_once(self) -> None:
        """
        What is taken can't be taken by another answer, and stays taken.
        """
        memory = Memory()
        answer = memory.answer(b"a")
        first, second = Claim(memory, answer), Claim(memory, answer)
        self.assertTrue(first.take())
        self.assertFalse(second.take())
        self.assertTrue(first.take())
        self.assertFalse(second.take())

    def test_threads(self) -> None:
        """
        Of many threads that take the same answer, one gets it.
        """
        memory = Memory()
        for _ in range(20):
            answer, barrier, taken = memory.answer(b"a"), Barrier(4), []

            def take(answer: Answer, barrier: Barrier, taken: list[bool]) -> None:
                barrier.wait()
                taken.append(memory.claim(answer))

            arguments = answer, barrier, taken
            threads = [Thread(target=take, args=arguments) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(taken), [False, False, False, True])


class Replaying(RuleBasedStateMachine):
    """
    Clients that log in and repeat what they have sent, while clocks are set and whoever
    has too much is forgotten.
    """

    sources = st.sampled_from([b"a", b"b", b"c", *(b"%d" % n for n in range(20))])

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.made: list[Answer] = []
        self.taken: set[tuple[bytes, int]] = set()

    def claim(self, answer: Answer) -> bool:
        """
        Take an answer, and see that it never was.
        """
        good = self.memory.isGood(answer)
        taken = self.memory.claim(answer)
        assert good == taken
        if taken:
            assert (answer.nonce, answer.nonceCount) not in self.taken, "replayed"
            self.taken.add((answer.nonce, answer.nonceCount))
        return taken

    @rule(source=sources, times=st.integers(1, 50))
    def logIn(self, source: bytes, times: int) -> None:
        """
        New challenges are good at once.
        """
        for _ in range(times):
            self.made.append(self.memory.answer(source))
            assert self.claim(self.made[-1])

    @rule(source=sources)
    def ask(self, source: bytes) -> None:
        """
        Some are answered later.
        """
        self.made.append(self.memory.answer(source))

    @rule(which=st.integers(0, 10_000), count=st.integers(0, 300))
    def goOn(self, which: int, count: int) -> None:
        """
        Some are answered again.
        """
        if self.made:
            self.claim(self.made[which % len(self.made)]._replace(nonceCount=count))

    @rule()
    def replay(self) -> None:
        """
        Everything is tried once more.
        """
        for answer in self.made:
            self.claim(answer)

    @rule(by=st.sampled_from([-5000, -901, -900, -1, 1, 450, 899, 900, 901, 5000]))
    def setClock(self, by: int) -> None:
        """
        The clock goes where it likes.
        """
        self.memory.time += by


class ReplayTests(SynchronousTestCase):
    """
    No answer is taken twice.
    """

    def test_anyOrder(self) -> None:
        """
        Whatever happens in whatever order.
        """
        run_state_machine_as_test(
            Replaying, settings=settings(deadline=None, database=None, max_examples=60)
        )
