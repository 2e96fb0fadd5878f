"""
A browser for tests: Chromium without a window, over its DevTools protocol.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import tempfile
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Timer
from typing import Any

from twisted.trial.unittest import SkipTest

# How long a page may take, in seconds.
PATIENCE = 120


@dataclass
class Seen:
    """
    What a browser shows.

    @ivar title: the title of the page.
    @ivar text: its text.
    @ivar html: its elements, as the browser has understood them.
    @ivar isTooWide: whether one has to scroll to the side.
    @ivar background: the colour behind everything.
    @ivar picture: how it looks, as PNG.
    """

    title: str
    text: str
    html: str
    isTooWide: bool
    background: str
    picture: bytes


class Browser:
    """
    A running browser, with a profile of its own.
    """

    def __init__(self, folder: Path) -> None:
        """
        @param folder: where it keeps what it likes to.
        """
        program = shutil.which("chromium")
        if program is None:
            raise SkipTest("install chromium")
        theirIn, self._out = os.pipe()
        self._in, theirOut = os.pipe()
        # It reads from descriptor 3 and writes to 4.
        shell = f'exec "$@" 3<&{theirIn} 4>&{theirOut}'
        command = [program, "--headless", "--no-sandbox", "--disable-gpu"]
        command += ["--no-first-run", "--no-proxy-server", f"--user-data-dir={folder}"]
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command, "--remote-debugging-pipe"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder)},
            pass_fds=(theirIn, theirOut),
            start_new_session=True,
        )
        os.close(theirIn)
        os.close(theirOut)
        self._received = b""
        self._number = 0
        self._session: str | None = None
        self._login: tuple[str, str] | None = None
        self._isLoaded = False

    def _kill(self) -> None:
        """
        End all of its processes.
        """
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """
        End it.
        """
        self._kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def open(
        self,
        url: str,
        login: tuple[str, str] | None = None,
        width: int = 1100,
        scheme: str = "light",
    ) -> Seen:
        """
        Open a page, in a window of which other windows know nothing.

        @param login: what the user types who is asked for a name and a password; L{None}
            if they press cancel.
        @param width: the width of the window, in pixels.
        @param scheme: which colours the user prefers.
        """
        # What hangs is killed, so that reading comes to an end.
        watchdog = Timer(PATIENCE, self._kill)
        watchdog.start()
        try:
            return self._open(url, login, width, scheme)
        finally:
            watchdog.cancel()

    def _open(
        self, url: str, login: tuple[str, str] | None, width: int, scheme: str
    ) -> Seen:
        """
        Open a page; see L{open}.
        """
        self._login, self._session, self._isLoaded = login, None, False
        context = self._call("Target.createBrowserContext")["browserContextId"]
        made = self._call(
            "Target.createTarget", url="about:blank", browserContextId=context
        )
        attached = self._call(
            "Target.attachToTarget", targetId=made["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", features=preferred)
        self._call("Fetch.enable", handleAuthRequests=True)
        self._call("Page.enable")
        self._call("Page.navigate", url=url)
        while not self._isLoaded:
            self._hear()
        seen = self._look()
        self._session = None
        self._call("Target.disposeBrowserContext", browserContextId=context)
        return seen

    def _look(self) -> Seen:
        """
        Return what the page is.
        """
        facts = self._call(
            "Runtime.evaluate",
            returnByValue=True,
            expression="""[
                document.title, document.body.innerText,
                document.documentElement.outerHTML,
                document.documentElement.scrollWidth > window.innerWidth,
                getComputedStyle(document.body).backgroundColor
            ]""",
        )
        picture = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        return Seen(*facts["result"]["value"], b64decode(picture["data"]))

    def _call(self, method: str, **params: Any) -> Any:
        """
        Have it do something.

        @return: what that brings.
        """
        number = self._send(method, params)
        while True:
            message = self._hear()
            if message.get("id") == number:
                return message["result"]

    def _send(self, method: str, params: dict[str, Any]) -> int:
        """
        Tell it to do something.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method}
        message["params"] = params
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._number

    def _hear(self) -> Any:
        """
        Read what it says, and answer.
        """
        while b"\0" not in self._received:
            read = os.read(self._in, 65536)
            if not read:
                raise AssertionError("The browser has ended")
            self._received += read
        line, _, self._received = self._received.partition(b"\0")
        message = json.loads(line)
        self._answer(message.get("method"), message.get("params", {}))
        return message

    def _answer(self, event: str | None, params: dict[str, Any]) -> None:
        """
        Be the user who is asked for a name and a password.
        """
        asked = {"requestId": params.get("requestId")}
        if event == "Page.loadEventFired":
            self._isLoaded = True
        elif event == "Fetch.requestPaused":
            self._send("Fetch.continueRequest", asked)
        elif event == "Fetch.authRequired":
            # They are asked again if it was wrong, and give up.
            login, self._login = self._login, None
            response = {"response": "CancelAuth"}
            if login is not None:
                response = {"response": "ProvideCredentials"}
                response["username"], response["password"] = login
            self._send(
                "Fetch.continueWithAuth", {**asked, "authChallengeResponse": response}
            )


@cache
def sharedBrowser() -> Browser:
    """
    Return a browser that all tests share, and that ends with the run.
    """
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Browser(folder)
    atexit.register(made.close)
    return made


__all__ = ["Browser", "Seen", "sharedBrowser"]
