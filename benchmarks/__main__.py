"""
Run all benchmarks, or those that are named on the command line.
"""

from __future__ import annotations

import sys

from . import login, registry

BENCHMARKS = {"login": login.main, "registry": registry.main}


def main(names: list[str]) -> None:
    """
    Run the benchmarks of these names; all of them if there are none.
    """
    for name in names or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"there is no benchmark {name!r}, only {', '.join(BENCHMARKS)}")
        BENCHMARKS[name]()


main(sys.argv[1:])
