"""
Whether the time of a refusal shows that a user name exists: wrong passwords for known
names and unknown ones, in turn.

What is measured is the answer of a checker.  What a client sees besides, of the protocol
and the network, is the same for both.  The auth types to measure may be named::

    python -m benchmarks.timing htpasswd ldap

First those are measured that do without a reactor what threads do otherwise, so that
less hides a difference.  The directory is a slapd on this machine, without TLS.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any
from unittest import SkipTest

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock, deferLater
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from mycred.error import UnauthorizedLogin
from mycred.workers import Workers

from ._lag import underReactor
from ._pairs import Comparison, compare
from ._subjects import SUBJECTS, Place, Subject

# How far apart the medians may be, as a part of the known names'.
GOAL = 0.05

# For so many seconds each is measured; how many refusals of either kind that are at
# least, and at most.
SECONDS, LEAST, MOST = 4.0, 400, 4000

MISSED, UNSURE = "MISSED", "UNSURE"


async def refuse(checker: Any, credentials: Any) -> float:
    """
    Have credentials refused.

    @return: how long it took, in seconds.
    """
    ends: list[float] = []

    def end(failure: Any) -> None:
        ends.append(perf_counter())
        assert isinstance(failure, Failure) and failure.check(UnauthorizedLogin)

    began = perf_counter()
    await checker.requestAvatarId(credentials).addBoth(end)
    return ends[0] - began


async def prepare(subject: Subject) -> None:
    """
    Present each name once, so that what is measured isn't the first time.
    """
    if subject.accepted is not None:
        for checker, name in subject.known:
            await checker.requestAvatarId(subject.accepted(name))
    for checker, name in (*subject.known, *subject.unknown):
        await refuse(checker, subject.present(name))


async def measure(subject: Subject) -> tuple[list[float], list[float]]:
    """
    Measure refusals, of known names and of unknown ones in turn.

    @return: how long they took, in seconds.
    """
    turns = cycle(subject.known), cycle(subject.unknown)
    measured: tuple[list[float], list[float]] = ([], [])
    until = monotonic() + SECONDS

    def isOver() -> bool:
        count = len(measured[1])
        return count >= MOST or (count >= LEAST and monotonic() >= until)

    async def client() -> None:
        while not isOver():
            # Whichever comes first finds what the other has left.
            for which in random.sample((0, 1), 2):
                checker, name = next(turns[which])
                took = await refuse(checker, subject.present(name))
                measured[which].append(took)

    clients = [Deferred.fromCoroutine(client()) for _ in range(subject.clients)]
    await gatherResults(clients)
    return measured


def judge(found: Comparison) -> str:
    """
    Return whether the goal is met; where the interval reaches beyond it, only a less busy
    machine can show.
    """
    if found.most < 1 - GOAL or found.least > 1 + GOAL:
        return MISSED
    return UNSURE if found.least < 1 - GOAL or found.most > 1 + GOAL else ""


def report(title: str, known: list[float], unknown: list[float]) -> str:
    """
    Print what came of it.

    @return: whether the goal is met.
    """
    found = compare(known, unknown)
    verdict = judge(found)
    columns = "".join(
        f"{middle * 1e3:9.3f} ({low * 1e3:.3f} - {high * 1e3:.3f})".ljust(30)
        for low, middle, high in (found.one, found.other)
    )
    print(
        f"{title:34}{len(known):5} {columns}{found.ratio:6.3f} "
        f"({found.least:.3f} - {found.most:.3f}) {verdict}",
        flush=True,
    )
    return verdict


async def measureAll(
    workers: Workers, chosen: Sequence[str], how: str
) -> list[tuple[str, str]]:
    """
    Measure all that were chosen.

    @param how: what to add to the titles.

    @return: for each whether the goal is met, and what it is.
    """
    verdicts = []
    for name in chosen:
        with ExitStack() as cleanUp:
            directory = cleanUp.enter_context(tempfile.TemporaryDirectory())
            try:
                subjects = SUBJECTS[name](Place(Path(directory), workers, cleanUp))
            except SkipTest as missing:
                print(f"({name}: {missing})")
                continue
            for subject in subjects:
                await prepare(subject)
                title = subject.title + how
                verdicts.append((report(title, *await measure(subject)), title))
    return verdicts


async def run(reactor: Any, chosen: Sequence[str]) -> None:
    """
    Measure without threads, and with them.
    """
    still: Any = Clock()
    still.running = False
    verdicts = await measureAll(Workers(still), chosen, ", inline")
    # From here on the reactor runs.
    await deferLater(reactor, 0)
    verdicts += await measureAll(Workers(reactor), chosen, "")
    for kind in (MISSED, UNSURE):
        titles = [title for verdict, title in verdicts if verdict == kind]
        print(f"{kind}: {'; '.join(titles) or 'none'}")


def main(chosen: Sequence[str] = ()) -> None:
    """
    Print medians and quartiles in milliseconds, and the ratio of the medians with the
    interval in which it lies with a probability of 95 %.
    """
    for name in chosen:
        if name not in SUBJECTS:
            sys.exit(f"there is no {name!r} here, only {', '.join(SUBJECTS)}")
    # As in a server: what is logged isn't kept for observers that come later.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    print(f"Refusals, in ms: median (quartiles); goal: medians within {GOAL:.0%}")
    print(f"{'':39}{'known name':30}{'unknown name':29}ratio (95 % interval)")

    def measuring(reactor: Any) -> Deferred[None]:
        running = Deferred.fromCoroutine(run(reactor, chosen or [*SUBJECTS]))
        # Nothing is logged here, so that it is printed.
        return running.addErrback(lambda failure: sys.exit(failure.getTraceback()))

    underReactor(measuring)


if __name__ == "__main__":
    main(sys.argv[1:])
