"""
Tests for the commands in C{bin}, in a checkout of their own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
from pathlib import Path
from threading import Timer

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import mycred
from bin._suite import MOST, SLOWEST, processors

from .kit.files import BCRYPT

ROOT = Path(mycred.__file__).parents[1]

# How long anything may take before the test gives up, in seconds.
PATIENCE = 300

# What builds a wheel without a network: one that finds what the tests run with.
_BACKEND = """
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "mycred-1-py3-none-any.whl"
    info = "mycred-1.dist-info/"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("rest.pth", {paths!r})
        wheel.writestr(info + "METADATA", {metadata!r})
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: tests\\n"
            "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt",
            "[console_scripts]\\ntwistd = twisted.scripts.twistd:run\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""

_METADATA = "Metadata-Version: 2.1\nName: mycred\nVersion: 1\n" + "".join(
    f"Provides-Extra: {extra}\n" for extra in ("all", "tests")
)

_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

# A Python whose environments take pip, too, from where the tests run: to install it takes
# longer than all else.
_PYTHON = """\
#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec {python} "$@"
{python} -m venv --without-pip "$3" || exit
for site in "$3"/lib/python*/site-packages; do echo {paths} >"$site/pip.pth"; done
"""

_TESTS = """
    from twisted.trial.unittest import TestCase

    class Tests(TestCase):
        def test_right(self):
            pass

        def test_wrong(self):
            self.assertEqual(1, 2)

        def test_wrongToo(self):
            self.assertEqual(1, 2)

        def test_broken(self):
            raise ValueError("of its own")

        def test_skipped(self):
            pass
        test_skipped.skip = "tests.no.test: 1 != 2"

        def test_better(self):
            pass
        test_better.todo = "tests.no.other"
"""


# The C{.venv} that tests share, once one of them has made it.
_shared: list[Path] = []


class CheckoutTestCase(SynchronousTestCase):
    """
    Base of the tests with a checkout: the commands are the real ones; what they install
    is small, and takes everything else from where the tests run.
    """

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).resolve()
        shutil.copytree(ROOT / "bin", self.home / "bin")
        shutil.copytree(ROOT / "doc" / "examples", self.home / "doc" / "examples")
        paths = f"{ROOT}\n{sysconfig.get_path('purelib')}\n"
        self.write("backend.py", _BACKEND.format(paths=paths, metadata=_METADATA))
        self.write("pyproject.toml", _PYPROJECT)
        for name in ("setup.py", "setup.cfg", "README.rst"):
            self.write(name, "")
        for name in ("mycred", "twisted"):
            self.write(f"{name}/file.py", "")
            # Python would take these for packages.
            (self.home / name / "file.py").rename(self.home / name / "file")
        self.write("tests/__init__.py", "")
        self.write("tests/test_some.py", textwrap.dedent(_TESTS))
        text = _PYTHON.format(python=sys.executable, paths=sysconfig.get_path("purelib"))
        self.write("python", text).chmod(0o755)

    def install(self) -> None:
        """
        Use a C{.venv} that is made once: the test isn't about how it is made.
        """
        if not _shared:
            status, out, err = self.run_("bin/test", "tests.test_some.Tests.test_right")
            self.assertEqual(status, 0, out + err)
            _shared.append((self.home / ".venv").rename(self.home / "shared"))
        (self.home / ".venv").symlink_to(_shared[0])
        for extra in ("all", "tests"):
            # Newer than the sources of this checkout.
            (_shared[0] / f"installed-{extra}").touch()

    def write(self, name: str, text: str) -> Path:
        """
        Write a file of the checkout.
        """
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """
        Start a command of the checkout.
        """
        given = {
            "PYTHON": str(self.home / "python"),
            "PIP_NO_INDEX": "1",
            **environment,
        }
        inherited = {
            k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        return subprocess.Popen(
            command,
            cwd=self.home,
            env={k: v for k, v in {**inherited, **given}.items() if v},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_(self, *command: str, **environment: str) -> tuple[int, str, str]:
        """
        Run a command of the checkout.

        @return: its status, and what it wrote to either stream.
        """
        process = self.start(*command, **environment)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def python(self, name: str, version: str) -> Path:
        """
        Make something that says it is a Python.
        """
        old = "0" if tuple(map(int, version.split("."))) >= (3, 10) else "1"
        path = self.write(
            f"path/{name}",
            f'#!/bin/sh\ncase "$2" in *platform*) echo {version}; exit ;; esac\n'
            f"exit {old}\n",
        )
        path.chmod(0o755)
        return path

    def venv(self, python: str) -> None:
        """
        Make a C{.venv} with a Python.
        """
        folder = self.home / ".venv" / "bin"
        folder.mkdir(parents=True)
        (folder / "python").symlink_to(python)
        (self.home / ".venv" / "left").touch()
        (self.home / ".venv" / "installed-tests").touch()

    def path(self) -> str:
        """
        Return a C{PATH} with the tools that the commands use, and no Python that isn't
        made by the test.
        """
        tools = self.home / "path"
        tools.mkdir(exist_ok=True)
        for name in [
            "awk",
            "basename",
            "bash",
            "cat",
            "cut",
            "dirname",
            "env",
            "find",
            "flock",
            "grep",
            "id",
            "mkdir",
            "mktemp",
            "rm",
            "sed",
            "sort",
            "tail",
            "tee",
            "touch",
        ]:
            found = shutil.which(name)
            if found and not (tools / name).exists():
                (tools / name).symlink_to(found)
        return str(tools)


def needProcessors() -> int:
    """
    Skip a test unless C{bin/test} starts several processes.

    @return: how many it does.
    """
    if processors() < 2:
        raise SkipTest("needs two processors")
    return min(processors(), MOST)


class TestTests(CheckoutTestCase):
    """
    Tests for C{bin/test}, and for how C{.venv} is made.
    """

    def assertFailures(self, out: str, last: str) -> None:
        """
        Assert that the output ends with the names of those of C{_TESTS} that fail, and
        with a line.
        """
        names = ("better", "broken", "wrong", "wrongToo")
        named = [f"failed: tests.test_some.Tests.test_{name}" for name in names]
        self.assertEqual(out.splitlines()[-5:], [*named, last])

    def test_failed(self) -> None:
        """
        What has failed is named above the last line, whatever the report says.
        """
        status, out, err = self.run_("bin/test")
        self.assertEqual(status, 1, out + err)
        self.assertFailures(out, "1 passed, 4 failed, 1 skipped")
        self.assertEqual("make accounts" in err, os.geteuid() == 0)
        # What is installed stays.
        before = (self.home / ".venv" / "installed-tests").stat().st_mtime_ns
        status, out, err = self.run_("bin/test", "tests.test_some.Tests.test_right")
        self.assertEqual(
            (status, out.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped")
        )
        self.assertNotIn("Installing", err)
        status, out, err = self.run_("bin/test", "tests.nosuch")
        self.assertEqual(status, 1)
        self.assertIn("failed: tests.nosuch\n0 passed, 1 failed", out)
        after = (self.home / ".venv" / "installed-tests").stat().st_mtime_ns
        self.assertEqual(before, after)

    def test_atOnce(self) -> None:
        """
        Of two that begin at once one makes C{.venv}, and the other waits for it.
        """
        if shutil.which("flock") is None:
            raise SkipTest("install util-linux")
        runs = [self.start("bin/test", "tests.test_some.Tests.test_right") for _ in "ab"]
        said = [run.communicate(timeout=PATIENCE) for run in runs]
        for out, _ in said:
            self.assertEqual(
                out.splitlines()[-1:], ["1 passed, 0 failed, 0 skipped"], said
            )
        errors = "".join(err for _, err in said)
        self.assertEqual(errors.count("Making .venv"), 1, errors)
        self.assertEqual(errors.count("Installing"), 1, errors)

    def test_help(self) -> None:
        """
        C{-h} and C{--help} show help, and nothing is installed for it.
        """
        for option in ("-h", "--help"):
            status, out, err = self.run_("bin/test", option)
            self.assertEqual((status, err), (0, ""))
            self.assertIn("bin/test runs the suite", out)
        self.assertFalse((self.home / ".venv").exists())

    def test_madeAgain(self) -> None:
        """
        A C{.venv} whose Python is too old, has gone, or isn't the one that C{PYTHON} is,
        is made again; so is one that was left half made.
        """
        for python, says in (
            (
                str(self.python("old", "3.9.18")),
                ".venv has Python 3.9.18, which is too old",
            ),
            ("/no/such/python", ".venv doesn't work"),
            (sys.executable, ".venv was left half made"),
            (str(self.python("other", "3.10.1")), ".venv has Python 3.10.1, PYTHON is"),
        ):
            self.venv(python)
            if says.endswith("half made"):
                link = self.home / ".venv" / "bin" / "python"
                link.unlink()
                link.write_text(f'#!/bin/sh\nexec {python} -S "$@"\n')
                link.chmod(0o755)
            status, out, err = self.run_("bin/test", "tests.test_some.Tests.test_right")
            self.assertEqual(
                (status, out[-30:]), (0, "1 passed, 0 failed, 0 skipped\n"), err
            )
            self.assertIn(says, err)
            self.assertFalse((self.home / ".venv" / "left").exists())
            shutil.rmtree(self.home / ".venv")

    def test_tooOld(self) -> None:
        """
        If no Python is new enough the one that was tried is named, and what is needed;
        what there is stays.
        """
        self.venv(str(self.python("old", "3.9.18")))
        old = str(self.python("python3", "3.8.18"))
        for python, says in (
            ("", "found python3, which is Python 3.8.18."),
            (old, f"found {old}, which is Python 3.8.18."),
            ("/no/python", "found PYTHON=/no/python, which doesn't run."),
        ):
            status, _, err = self.run_("bin/test", PATH=self.path(), PYTHON=python)
            self.assertEqual(status, 1)
            self.assertIn("bin/test needs Python 3.10 or later", err)
            self.assertIn(says, err)
            self.assertIn("PYTHON=/path/to/python3.12 bin/test", err)
            self.assertTrue((self.home / ".venv" / "left").exists())

    def test_newer(self) -> None:
        """
        Where C{python3} is too old, a newer one on C{PATH} is taken.
        """
        self.python("python3", "3.8.18")
        tools = self.path()
        (Path(tools) / "python3.12").symlink_to(sys.executable)
        status, _, err = self.run_(
            "bin/test", "tests.test_some.Tests.test_right", PATH=tools, PYTHON=""
        )
        self.assertEqual(status, 0, err)
        self.assertIn("Making .venv with python3.12", err)

    def test_noNetwork(self) -> None:
        """
        If nothing can be installed that is told, and the next run tries again.
        """
        self.write(
            "pyproject.toml", _PYPROJECT.replace("[]", '["no-such-thing-at-all"]', 1)
        )
        status, out, err = self.run_("bin/test")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("no-such-thing-at-all", err)
        self.assertIn("bin/test: pip couldn't install mycred", err.splitlines()[-1])
        self.write("pyproject.toml", _PYPROJECT)
        status, out, err = self.run_("bin/test", "tests.test_some.Tests.test_right")
        self.assertEqual(status, 0, err)

    def test_interrupted(self) -> None:
        """
        After a Ctrl-C it says how far it came, and ends.
        """
        self.assertInterrupted("tests.test_slow0", 1)

    def test_allInterrupted(self) -> None:
        """
        A Ctrl-C ends each process, and no further module begins.
        """
        self.assertInterrupted("tests", needProcessors())

    def assertInterrupted(self, name: str, processes: int) -> None:
        """
        Interrupt tests, as soon as each process runs one.
        """
        self.install()
        (self.home / "tests" / "test_some.py").unlink()
        begun = self.home / "begun"
        os.mkfifo(begun)
        for number in range(processes + 1):
            self.write(
                f"tests/test_slow{number}.py",
                "import os, time\n"
                "from twisted.trial.unittest import TestCase\n"
                "class Tests(TestCase):\n"
                "    def test_slow(self):\n"
                f"        begun = os.open({str(begun)!r}, os.O_WRONLY)\n"
                "        os.write(begun, b'.')\n"
                "        time.sleep(60)\n",
            )
        process = subprocess.Popen(
            ["bin/test", name],
            cwd=self.home,
            env={**os.environ, "PYTHON": sys.executable, "PIP_NO_INDEX": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        reading = os.open(begun, os.O_RDWR)
        self.addCleanup(os.close, reading)
        watchdog = Timer(PATIENCE, os.write, [reading, b"!" * processes])
        watchdog.start()
        self.addCleanup(watchdog.cancel)
        heard = b"".join(os.read(reading, 1) for _ in range(processes))
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(heard, b"." * processes, out)
        self.assertEqual(out.splitlines()[-1], f"0 passed, {processes} failed, 0 skipped")
        self.assertEqual(process.returncode, 1)

    def test_inTurns(self) -> None:
        """
        As many processes as processors take turns at the modules, of which each stays
        whole; the output of one isn't mixed with that of another; all is counted.
        """
        processes = needProcessors()
        self.install()
        for number in range(6):
            self.write(
                f"tests/part/test_{number}.py",
                "import os\n"
                "from twisted.trial.unittest import TestCase\n"
                "class Tests(TestCase):\n"
                "    def test_one(self):\n"
                f"        print('ran {number}', os.getpid(), flush=True)\n"
                "    def test_other(self):\n"
                f"        print('ran {number}', os.getpid(), flush=True)\n",
            )
        self.write("tests/part/__init__.py", "")
        status, out, err = self.run_("bin/test")
        self.assertEqual(status, 1, out + err)
        self.assertFailures(out, "13 passed, 4 failed, 1 skipped")
        ran = re.findall(r"ran (\d) (\d+)", out)
        self.assertEqual([one for one, _ in ran[::2]], [one for one, _ in ran[1::2]])
        self.assertEqual(ran[::2], ran[1::2])
        self.assertEqual({one for one, _ in ran}, set("012345"))
        self.assertLessEqual(len({process for _, process in ran}), processes)
        status, out, err = self.run_("bin/test", "tests.part")
        self.assertEqual(out.splitlines()[-1], "12 passed, 0 failed, 0 skipped")
        self.assertEqual(status, 0)

    def test_died(self) -> None:
        """
        The module at which a process dies is named; the other processes go on.
        """
        needProcessors()
        self.install()
        self.write("tests/test_dies.py", "import os\nos._exit(0)\n")
        status, out, err = self.run_("bin/test")
        self.assertEqual(status, 1, err)
        self.assertEqual(
            out.splitlines()[-2:],
            [
                "failed: tests.test_some.Tests.test_wrongToo",
                "1 passed, 5 failed, 1 skipped",
            ],
        )
        self.assertIn("failed: tests.test_dies\n", out)

    def test_slowest(self) -> None:
        """
        The modules that are begun first are there.
        """
        for name in SLOWEST:
            path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            self.assertTrue(path.exists(), name)


class DemoTests(CheckoutTestCase):
    """
    Tests for C{bin/demo}.
    """

    def demo(self, *options: str) -> tuple[subprocess.Popen[str], str]:
        """
        Start it, until the end of the test.

        @return: it, and what it has written up to the end of its banner.
        """
        self.install()
        process = self.start("bin/demo", *options)
        assert process.stdout is not None
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        watchdog = Timer(PATIENCE, process.kill)
        watchdog.start()
        self.addCleanup(watchdog.cancel)
        said = ""
        while "Ctrl-C ends the server" not in said:
            line = process.stdout.readline()
            self.assertTrue(line, said)
            said += line
        return process, said

    def test_commands(self) -> None:
        """
        Each command that it prints logs in, also where other checkers can't serve what
        its own can, and the last ones put in a message; for SSH it shows the command,
        and the fingerprint of the host key.
        """
        for name in ("curl", "ssh-keyscan", "ssh-keygen"):
            if shutil.which(name) is None:
                raise SkipTest(f"install {name}")
        hashes = self.write("hashes", f"alice:{BCRYPT.decode()}\n")
        free = ":interface=127.0.0.1"
        # A socket's path must be short, wherever the suite runs.
        sockets = tempfile.mkdtemp(prefix="mycred-")
        self.addCleanup(shutil.rmtree, sockets)
        _, said = self.demo(
            f"--auth=htpasswd:{hashes}",
            "--auth=sshkey",
            *(f"--{name}=tcp:0{free}" for name in ("pop3", "imap", "smtp", "pb", "ssh")),
            f"--http=unix:{sockets}/http",
        )
        log, _, banner = said.partition("The example server listens.")
        self.assertEqual(log.count(" starting on "), 6)
        commands = [line for line in banner.splitlines() if line.startswith("  ")]
        for command in commands[:4]:
            status, out, err = self.run_("bash", "-c", command)
            self.assertEqual(status, 0, command + err)
            self.assertIn("Welcome", out, command)
        for command in commands[-3:]:
            status, _, err = self.run_("bash", "-c", command)
            self.assertEqual(status, 0, command + err)
        self.assertIn("At five?", self.run_("bash", "-c", commands[2])[1])
        [port] = re.findall(r"^  ssh -p (\d+) \w+@127\.0\.0\.1$", banner, re.M)
        scanned = self.write(
            "known", self.run_("ssh-keyscan", "-p", port, "127.0.0.1")[1]
        )
        shown = self.run_("ssh-keygen", "-lf", str(scanned))[1].split()[1]
        self.assertIn(f"(the SSH host key is {shown} (Ed25519))", banner)
        self.assertEqual(len(commands), 9)

    def test_portInUse(self) -> None:
        """
        If it can't listen there is a line that says so, and no banner.
        """
        _, said = self.demo(
            *("--pop3=tcp:0:interface=127.0.0.1", "--imap=", "--smtp="),
            *("--http=", "--pb="),
        )
        self.assertNotIn("message.eml", said)
        [port] = re.findall(r"pop3://127\.0\.0\.1:(\d+)/1", said)
        status, out, err = self.run_("bin/demo", f"--pop3=tcp:{port}:interface=127.0.0.1")
        self.assertEqual(status, 1)
        self.assertNotIn("The example server listens", out)
        self.assertNotIn("Traceback", out + err)
        told = [line for line in (out + err).splitlines() if "--pop3=" in line]
        self.assertEqual(len(told), 1)
        self.assertIn("that is in use", told[0])

    def test_help(self) -> None:
        """
        C{--help} and C{-h} show help alone.
        """
        for option in ("--help", "-h"):
            status, out, _ = self.run_("bin/demo", option)
            self.assertEqual(status, 0)
            self.assertTrue(out.startswith("bin/demo starts the example server"))
            self.assertIn("--pop3=", out)
            self.assertNotIn("curl", out)
            self.assertFalse((self.home / ".demo").exists())
