"""
Accounts of this machine, which root makes and removes again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest

SHADOW = Path("/etc/shadow")

NAME = "mycred-tests"


def run(*command: str, **arguments: Any) -> subprocess.CompletedProcess[bytes]:
    """
    Run a program, whatever its status.
    """
    arguments = {"check": False, **arguments}
    return subprocess.run(command, capture_output=True, **arguments)


def needs(*programs: str) -> None:
    """
    Skip a test that isn't run by root, or lacks a program.
    """
    if os.geteuid():
        raise SkipTest("run the tests as root, on a machine that isn't anybody's")
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise SkipTest(f"install {' and '.join(missing)}")


@contextmanager
def account(*options: str, name: str = NAME) -> Iterator[str]:
    """
    Make an account, and remove it again.  Another run of the tests that wants one waits.

    @return: its name.
    """
    etc = os.open(SHADOW.parent, os.O_RDONLY)
    try:
        fcntl.flock(etc, fcntl.LOCK_EX)
        remove(name)
        made = run("useradd", "--no-create-home", *options, name)
        if made.returncode:
            raise AssertionError(f"useradd fails: {made.stderr!r}")
        yield name
    finally:
        remove(name)
        os.close(etc)


def remove(name: str) -> None:
    """
    Remove an account, however many lines it has.
    """
    run("userdel", name)
    if any(isOf(line, name) for line in SHADOW.read_bytes().splitlines()):
        setLine(name, None)


def setLine(name: str, fields: bytes | None) -> None:
    """
    Write an account's line of /etc/shadow, in place of those that are there.
    """
    lines = [line for line in SHADOW.read_bytes().splitlines() if not isOf(line, name)]
    if fields is not None:
        lines.append(name.encode() + b":" + fields)
    new = SHADOW.with_name("shadow.mycred-tests")
    new.touch(0o600)
    shutil.copystat(SHADOW, new)
    new.write_bytes(b"\n".join([*lines, b""]))
    status = SHADOW.stat()
    os.chown(new, status.st_uid, status.st_gid)
    new.replace(SHADOW)


def isOf(line: bytes, name: str) -> bool:
    """
    Return whether a line is an account's.
    """
    return line.split(b":")[0] == name.encode()


def getLine(name: str) -> bytes:
    """
    Return what follows the name in an account's line of /etc/shadow.
    """
    for line in SHADOW.read_bytes().splitlines():
        if isOf(line, name):
            return line.partition(b":")[2]
    raise KeyError(name)
