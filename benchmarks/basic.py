"""
Requests by HTTP Basic, each of which logs in: with bcrypt and a cache, against
C{twisted.web.guard} with bcrypt, and against the same site with passwords in plain text.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from ._sites import WAYS, requests, serving

# How many times the requests of Twisted's guard with bcrypt are to be reached, and which
# part of those with plain text.
GOAL, PART = 100, 1 / 2

ROUNDS, CLIENTS = 5, 10


def main() -> None:
    """
    Print requests a second, and ratios.
    """
    print(f"HTTP Basic, {CLIENTS} connections, median of {ROUNDS} rounds")
    rates: list[list[float]] = [[] for _ in WAYS]
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as ports:
        # The first login of each is verified.
        for port in ports:
            requests(port, CLIENTS, CLIENTS)
        for _ in range(ROUNDS):
            for measured, port, way in zip(rates, ports, WAYS):
                measured.append(requests(port, way.requests, CLIENTS))
    theirs, _, plain, cached = rates
    for measured, way in zip(rates, WAYS):
        print(f"{way.name:26} {median(measured):9.1f}/s")
    times = median(b / a for a, b in zip(theirs, cached))
    part = median(b / a for a, b in zip(plain, cached))
    for what, ratio, goal in (
        ("of twisted.cred with bcrypt", times, GOAL),
        ("of mycred with plain text", part, PART),
    ):
        missed = "" if ratio >= goal else "  MISSED"
        print(f"with the cache {ratio:8.2f} times those {what}, goal {goal}{missed}")
