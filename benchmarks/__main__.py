"""
Run all benchmarks, or those that are named on the command line.

C{python -m benchmarks --readme} runs those whose figures are in the README, and writes
them there.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

from . import _readme

BENCHMARKS = (
    "login",
    "stack",
    "registry",
    "userfile",
    "hashes",
    "basic",
    "flood",
    "accounts",
    "sshkeys",
    "ldap",
    "sql",
    "sasl",
    "sharedstate",
    "processes",
    "timing",
    "trace",
    "hostile",
)


def main(names: list[str]) -> None:
    """
    Run the benchmarks of these names; all of them if there are none.
    """
    if names == ["--readme"]:
        _readme.update()
        return
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"there is no benchmark {name!r}, only {', '.join(BENCHMARKS)}")
    if len(names) == 1:
        try:
            benchmark = import_module(f"{__package__}.{names[0]}")
        except ModuleNotFoundError as error:
            sys.exit(f"{error}; do pip install '.[tests]' in a checkout of mycred")
        benchmark.main()
        return
    # Each in a process of its own, since a reactor runs only once.
    for name in names or BENCHMARKS:
        subprocess.run([sys.executable, "-m", __package__, name], check=True)


main(sys.argv[1:])
