"""
The table of figures in the README, taken from what the benchmarks print.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).resolve().parents[1] / "README.rst"
BEGIN, END = ".. figures begin\n", ".. figures end\n"

_NUMBER = r"(?:[\d.]+|inf)"


class Figure(NamedTuple):
    """
    A row of the table.

    @ivar title: what is measured.
    @ivar benchmark: the benchmark that prints it.
    @ivar theirs: finds the figure of C{twisted.cred}, or of what the title names, in
        what the benchmark prints.
    @ivar ours: finds mycred's.
    @ivar unit: what follows both figures.
    """

    title: str
    benchmark: str
    theirs: str
    ours: str
    unit: str

    def taken(self, said: Mapping[str, str]) -> tuple[str, str]:
        """
        Return both figures, as they stand in the table.

        @param said: what each benchmark has printed.
        """
        theirs, ours = (
            re.search(pattern, said[self.benchmark], re.MULTILINE)
            for pattern in (self.theirs, self.ours)
        )
        if theirs is None or ours is None:
            sys.exit(f"the benchmark {self.benchmark} prints no {self.title!r}")
        return (
            f"{rounded(float(theirs[1]))} {self.unit}".strip(),
            f"{rounded(float(ours[1]))} {self.unit}".strip(),
        )


FIGURES = (
    Figure(
        "``Portal.login``, users in memory",
        "login",
        rf"^ +1 +({_NUMBER}) us",
        rf"^ +1 +{_NUMBER} us +({_NUMBER}) us",
        "us",
    ),
    Figure(
        "bcrypt of cost 10, 50 clients: logins a second",
        "hashes",
        rf"^\(twisted\.cred\) +50 +({_NUMBER})/s",
        rf"^bcrypt 10 +50 +({_NUMBER})/s",
        "",
    ),
    Figure(
        "the same: how late other connections are served (99 %)",
        "hashes",
        rf"^\(twisted\.cred\) .* ({_NUMBER}) ms +{_NUMBER} ms",
        rf"^bcrypt 10 +50 .* ({_NUMBER}) ms +{_NUMBER} ms",
        "ms",
    ),
    Figure(
        "a file of 1,000,000 users is read again: the reactor stops for",
        "userfile",
        rf"^reload +{_NUMBER} ms +{_NUMBER} \(({_NUMBER})\)",
        rf"^reload .*\(({_NUMBER})\) ms(?: MISSED)?$",
        "ms",
    ),
    Figure(
        "the same file: memory for each user",
        "userfile",
        rf"^memory a user: twisted\.cred ({_NUMBER}) bytes",
        rf"^memory a user: .*, mycred ({_NUMBER})",
        "bytes",
    ),
    Figure(
        "a file of 100,000 users, nothing kept: look-up",
        "userfile",
        rf"^ +100000 hit +({_NUMBER}) ms",
        rf"^ +100000 hit +{_NUMBER} ms +({_NUMBER}) ms",
        "ms",
    ),
    *(
        Figure(
            f"SSH, {keys} in the user's file: logins a second",
            "sshkeys",
            rf"^ +{count} +({_NUMBER})/s",
            rf"^ +{count} +{_NUMBER}/s +({_NUMBER})/s",
            "",
        )
        for count, keys in ((1, "1 key"), (100, "100 keys"), (10_000, "10,000 keys"))
    ),
    Figure(
        "IMAP4 by SCRAM-SHA-256: logins a second (left: PLAIN, bcrypt)",
        "sasl",
        rf"^PLAIN +bcrypt 10 +({_NUMBER})/s",
        rf"^SCRAM-SHA-256 +keys +({_NUMBER})/s",
        "",
    ),
    Figure(
        "LDAP, 50 clients: logins a second (left: ``ldap3`` by itself)",
        "ldap",
        rf"^ +50 +ldap3 +({_NUMBER})/s",
        rf"^ +50 +mycred +({_NUMBER})/s",
        "",
    ),
)


def printed() -> dict[str, str]:
    """
    Run the benchmarks that have figures.

    @return: what each has printed, which is shown meanwhile, too.
    """
    said: dict[str, str] = {}
    for benchmark in dict.fromkeys(figure.benchmark for figure in FIGURES):
        command = [sys.executable, "-u", "-m", __package__, benchmark]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode:
            sys.exit(f"the benchmark {benchmark} failed")
        said[benchmark] = "".join(lines)
    return said


def table(said: Mapping[str, str]) -> str:
    """
    Return the table, and where it was measured, as text for the README.

    @param said: what each benchmark has printed.
    """
    rows = [("Measured", "``twisted.cred``", "mycred")]
    rows += [(figure.title, *figure.taken(said)) for figure in FIGURES]
    return f"{simpleTable(rows)}\nThis is from {where()}.\n"


def simpleTable(rows: Sequence[Sequence[str]]) -> str:
    """
    Return rows, of which the first is the head, as reStructuredText.
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    edge = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)) for row in rows]
    lines[1:1] = [edge]
    return "\n".join([edge, *(line.rstrip() for line in lines), edge, ""])


def rounded(value: float) -> str:
    """
    Return a figure with two significant digits at least, and none after the point from
    ten on.
    """
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}"


def where() -> str:
    """
    Return the machine, the versions and the day.
    """
    model = re.search(
        r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
    )
    processor = " ".join(model[1].split()) if model else platform.machine()
    return (
        f"a machine with {os.cpu_count()} processors ({processor}), Python "
        f"{platform.python_version()} and Twisted {version('twisted')}, on {date.today()}"
    )


def update() -> None:
    """
    Measure, and write the figures into the README.
    """
    figures = table(printed())
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}", "utf-8")
    print(figures, end="")
