"""
A million hostile lines of SASL: none may break anything, or let anybody in.
"""

from __future__ import annotations

import sys
from time import perf_counter

from tests.kit.hostile import Attack

LINES = 1_000_000


def main() -> None:
    """
    Print what has come of them.
    """
    began = perf_counter()
    report = Attack(2026).run(LINES)
    seconds = perf_counter() - began
    print(f"{report.lines:,} hostile lines of SASL in {seconds:.0f} s")
    for name, count in report.outcomes.most_common():
        print(f"{name:24} {count:10,}")
    print(f"{'let in':24} {len(report.accepted):10,}")
    print(f"{'broken':24} {len(report.broken):10,}")
    for failure, said in report.broken[:3]:
        print(failure.getBriefTraceback(), said)
    if report.accepted or report.broken:
        sys.exit(1)
