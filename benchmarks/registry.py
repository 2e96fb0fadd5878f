"""
C{--help-auth} with mycred's registry against Twisted's, as whole processes.
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

from ._rounds import alternate

GOAL = 15
ROUNDS = 15

PROGRAM = """
from twisted.python import usage
from {cred}.strcred import AuthOptionMixin

class Options(usage.Options, AuthOptionMixin):
    pass

Options().parseOptions(["--help-auth"])
"""


def run(cred: str) -> float:
    """
    Time one process.
    """
    command = [sys.executable, "-c", PROGRAM.format(cred=cred)]
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began


def main() -> None:
    """
    Print milliseconds, and what mycred adds.
    """
    times = alternate(
        {"theirs": lambda: run("twisted.cred"), "ours": lambda: run("mycred")}, ROUNDS
    )
    theirs, ours = (t * 1e3 for t in times.values())
    print(f"--help-auth, whole process, median of {ROUNDS} alternating rounds")
    print(
        f"twisted.cred {theirs:.0f} ms, mycred {ours:.0f} ms: {ours - theirs:+.1f} ms"
        f" (goal: at most +{GOAL}){'' if ours - theirs <= GOAL else ' MISSED'}"
    )
