"""
A real PostgreSQL, which computes what it stores of passwords.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from glob import glob
from pathlib import Path

from twisted.trial.unittest import SkipTest

# How long it may take, in seconds.
_PATIENCE = 180


def storedPasswords(*passwords: str) -> list[bytes]:
    """
    Return what PostgreSQL stores of passwords (C{pg_authid}).

    It runs without a port and without a second process.
    """
    programs = sorted(glob("/usr/lib/postgresql/*/bin/postgres"))
    if not programs:
        raise SkipTest("install postgresql")
    home = Path(tempfile.mkdtemp(prefix="mycred-postgres-"))
    try:
        more = _asAnother(home)
        folder, data = Path(programs[-1]).parent, str(home / "data")
        made = ["-D", data, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"]
        _run([str(folder / "initdb"), *made], b"", **more)
        lines = [
            f"create role r{number} login password '{password}'\n"
            for number, password in enumerate(passwords)
        ]
        lines.append("select rolpassword from pg_authid where rolcanlogin order by oid\n")
        command = [programs[-1], "--single", "-D", data]
        command += ["-c", "password_encryption=scram-sha-256", "postgres"]
        said = _run(command, "".join(lines).encode(), **more)
    finally:
        shutil.rmtree(home)
    return re.findall(rb'rolpassword = "(SCRAM[^"]*)"', said)


def _asAnother(home: Path) -> dict[str, object]:
    """
    Return how to run it as another user, since it refuses to be root.
    """
    if os.geteuid():
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(command: list[str], said: bytes, **more: object) -> bytes:
    """
    Run a command, and return its output.
    """
    done = subprocess.run(  # type: ignore[call-overload]
        command, input=said, capture_output=True, timeout=_PATIENCE, cwd="/", **more
    )
    if done.returncode:
        raise AssertionError(f"{command}: {done.stderr.decode(errors='replace')}")
    output: bytes = done.stdout
    return output


__all__ = ["storedPasswords"]
