"""
Run the tests that are named, all if none are, for C{bin/test}.

There are as many processes of trial as processors, at most four.  They take turns at the
modules, each of which stays whole: what its tests share, such as a server, is started
once.  (C{trial --jobs} hands out single tests.)
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock, Thread

# How many processes there are at most: each may start servers besides.
MOST = 4

# The modules that take longest, which are begun first so that none of them is left over
# for one process alone at the end.
SLOWEST = (
    "tests.test_upstream",
    "tests.test_bin",
    "tests.conch.test_correspondence",
    "tests.ldap.test_others",
    "tests.ldap.test_directory",
    "tests.cli.test_check",
    "tests.demo.test_logins",
    "tests.demo.test_commandline",
    "tests.demo.test_webpage",
    "tests.demo.test_limits",
    "tests.demo.test_ssh",
    "tests.demo.test_startedtls",
    "tests.sasl.test_hostile",
    "tests.certificates.test_protocols",
    "tests.mail.test_clients",
    "tests.mail.test_hostile",
    "tests.test_hashes",
    "tests.test_packaging",
    "tests.test_readme",
    "tests.conch.test_clients",
    "tests.conch.test_spelled",
)

# What stands before the name of a module in the output of a process, at its begin; no
# name is behind it at the end of the last.
MARK = b"\x1e"

# An option of trial's may take the next argument, and what it does may concern the whole
# run: such arguments are for one process.
_ONE_PROCESS = "-"


def modulesOf(name: str) -> list[str]:
    """
    Return the names of the test modules in a package, or the name itself if it isn't a
    package's.
    """
    package = Path(*name.split("."))
    if not package.is_dir():
        return [name]
    paths = package.rglob("test_*.py")
    return sorted(".".join(path.with_suffix("").parts) for path in paths)


def ordered(names: list[str]) -> list[str]:
    """
    Return names without repetition, those of L{SLOWEST} first.
    """
    once = dict.fromkeys(names)
    return sorted(once, key=lambda name: name not in SLOWEST)


def processors() -> int:
    """
    Return how many processors this process may use.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Trial:
    """
    A process of trial.

    @ivar module: the module whose tests it runs, of those that it has taken.
    @ivar report: what it has written since its last test.
    @ivar status: its exit status, once it has ended.
    """

    # One writes at a time.
    _lock = Lock()

    def __init__(self, arguments: list[str], isAlone: bool, **environment: str) -> None:
        """
        @param isAlone: whether output is shown as it comes, and not module by module.
        """
        self.module = b""
        self.report = b""
        self.status: int | None = None
        self._isAlone = isAlone
        self._process = subprocess.Popen(
            [sys.executable, "-m", "twisted.trial", *arguments],
            env={**os.environ, **environment},
            # A program that a test starts may ask for a password.
            stdin=None if isAlone else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )

    def follow(self) -> None:
        """
        Show what it writes, until it ends.
        """
        assert self._process.stdout is not None
        while output := self._process.stdout.read(65536):
            if self._isAlone:
                self._show(output)
            self.report += output
            while (found := re.search(MARK + b"(.*)\n", self.report)) is not None:
                self.module = found[1]
                self._show(self.report[: found.start()])
                self.report = self.report[found.end() :]
        self.status = self._process.wait()
        if not self._isAlone:
            self._show(self.report)

    def _show(self, output: bytes) -> None:
        """
        Write to the standard output.
        """
        with self._lock:
            sys.stdout.buffer.write(output)
            sys.stdout.buffer.flush()

    def count(self, *keys: str) -> int:
        """
        Return the sum of some of the numbers in the last line of its report.
        """
        counts = re.findall(rf"\b(?:{'|'.join(keys)})=(\d+)", self._lastLine())
        return sum(map(int, counts))

    def failed(self) -> int:
        """
        Return how many tests have failed; one if it has ended without saying so.
        """
        count = self.count("failures", "errors", "unexpectedSuccesses")
        return count or int(bool(self.status) or not self._lastLine())

    def _lastLine(self) -> str:
        """
        Return the last line of its report, which is "PASSED (skips=1, successes=2)" or
        "FAILED (failures=1, ...)", or nothing if there is none.
        """
        lines = re.findall(rb"(?m)^(?:PASSED|FAILED)(?: \(.*\))?$", self.report)
        return lines[-1].decode() if lines else ""

    def failures(self) -> Iterator[str]:
        """
        Return the names of what has failed.  The report has a block for what failed
        alike, which ends with the names.
        """
        inBlock = begins = False
        for line in self.report.decode("utf-8", "replace").splitlines():
            if re.fullmatch("={12,}", line):
                begins = True
            elif begins:
                inBlock = re.fullmatch(r"\[(FAIL|ERROR|SUCCESS!\?!)\]", line) is not None
                begins = False
            elif re.fullmatch("-{12,}", line):
                inBlock = False
            elif inBlock and re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", line):
                yield line
        if not self._lastLine():
            yield self.module.decode() or "trial itself"


def start(arguments: list[str], queue: str) -> list[Trial]:
    """
    Start the processes.

    @param queue: an empty directory, which gets a file for each module that is waiting.
    """
    names = ordered([module for name in arguments for module in modulesOf(name)])
    isOptioned = any(one.startswith(_ONE_PROCESS) for one in arguments)
    if isOptioned or len(names) < 2 or processors() < 2:
        return [Trial(arguments, isAlone=True)]
    for number, name in enumerate(names):
        Path(queue, f"{number:04} {name}").touch()
    return [
        Trial(
            [f"--temp-directory=_trial_temp-{number}", "bin._queue"],
            isAlone=False,
            MYCRED_TEST_QUEUE=queue,
        )
        for number in range(1, min(processors(), len(names), MOST) + 1)
    ]


def main(arguments: list[str]) -> int:
    """
    Run tests, name what has failed, and count.

    @return: the exit status.
    """
    # A Ctrl-C goes to each process, and trial says itself what it has interrupted.
    signal.signal(signal.SIGINT, lambda *_: None)
    with tempfile.TemporaryDirectory() as queue:
        trials = start(arguments or ["tests"], queue)
        threads = [Thread(target=trial.follow) for trial in trials]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    passed = sum(trial.count("successes", "expectedFailures") for trial in trials)
    skipped = sum(trial.count("skips") for trial in trials)
    failed = sum(trial.failed() for trial in trials)
    if not passed and not failed:
        failed = 1
    for name in sorted({name for trial in trials for name in trial.failures()}):
        print(f"failed: {name}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
