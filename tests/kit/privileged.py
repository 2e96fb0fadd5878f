"""
What the tests of privileged processes have in common.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest

import mycred
from mycred._accounts import AccountFiles, AccountRules, AccountSettings
from mycred._privileged import (
    PrivilegedClient,
)
from mycred._verdict import Kind

from .machines import PASSWORD, MachineTestCase

ROOT = Path(mycred.__file__).parents[1]

# How long anything may take before the test gives up, in seconds.
PATIENCE = 20.0

_library = re.compile(r"/lib[^/]*\.so[.0-9]*( \(deleted\))?$")


def children(pid: int) -> list[int]:
    """
    List the processes that a process has started.
    """
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.parent.exists():
        return []
    if not path.exists():
        raise SkipTest("run Linux with CONFIG_PROC_CHILDREN")
    return [int(word) for word in path.read_text("ascii").split()]


def held(pid: int | str) -> dict[int, str]:
    """
    Return what a process has open, by its descriptors: all but shared libraries, of which
    libffi keeps its own open since 3.5.
    """
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        # What has been listed is gone, in this process.
        with contextlib.suppress(FileNotFoundError):
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return {n: what for n, what in found.items() if not _library.search(what)}


def until(condition: Callable[[], Any]) -> Any:
    """
    Wait for something that other processes do.
    """
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError("it doesn't happen")
        time.sleep(0.005)
    return result


def soon(seconds: float) -> float:
    """
    Tell when so many seconds are over.
    """
    return time.monotonic() + seconds


class ClientTestCase(MachineTestCase):
    """
    Base of the tests that start processes.
    """

    def client(self, processes: int = 1, rules: Any = None) -> PrivilegedClient:
        """
        Start processes for the accounts of the machine.
        """
        before = set(children(os.getpid()))
        files = AccountFiles(self.passwd, self.shadow, self.group)
        settings = AccountSettings(files, rules or AccountRules())
        client = PrivilegedClient("unix", settings, processes)
        self.addCleanup(client.close)
        [self.broker] = set(children(os.getpid())) - before
        for pid in children(self.broker):
            # It closes what it has inherited when it begins.
            until(lambda pid=pid: len(held(pid)) <= 4)
        return client

    def python(self, program: str) -> subprocess.Popen[str]:
        """
        Run a program until the end of the test.
        """
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.addCleanup(process.stdout.close)
        return process

    def ask(
        self, client: PrivilegedClient, name: bytes, password: bytes = PASSWORD
    ) -> Kind:
        """
        Send a request, and keep the reply.
        """
        self.answer = client.ask(name, password, None, soon(PATIENCE))
        return self.answer.verdict.kind


def isGone(pid: int) -> bool:
    """
    Tell whether a process has ended, and perhaps nobody has taken note yet.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii")
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] in "ZX"
