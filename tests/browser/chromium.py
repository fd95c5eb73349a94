"""A headless Chromium, driven over its own protocol: what a page shows, asks for and complains of.

Every request of a page, its frames and its workers is noted before it goes out; names of other
machines resolve to nothing, so that a request that should not be made fails as well.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from websocket import WebSocket, create_connection

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-extensions", "--disable-sync", "--remote-debugging-port=0", "--lang=en"),
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
ANSWER_SECONDS = 60
TRUE_FOR_NODES = "found => found instanceof Node || found"  # which JSON cannot hold


def executable() -> str | None:
    """The Chromium of this machine."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """One browser process with a profile of its own; ends with `close`."""

    def __init__(self, profile: Path) -> None:
        program = executable()
        assert program, "run: make test-browser, which installs Chromium"
        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = profile / "DevToolsActivePort"
        for _ in range(ANSWER_SECONDS * 10):
            if port.exists() and len(lines := port.read_text().splitlines()) == 2:
                break
            assert self._process.poll() is None, "Chromium ended at once"
            time.sleep(0.1)
        else:
            raise TimeoutError("Chromium opened no port")
        self.address = f"ws://127.0.0.1:{lines[0]}{lines[1]}"

    def page(self, *, width: int = 1100, height: int = 900, dark: bool = False) -> Page:
        """Open an empty page of this size."""
        page = Page(create_connection(self.address, ANSWER_SECONDS, suppress_origin=True))
        page.resize(width, height)
        page.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )
        return page

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Page:
    """One page over one connection.

    Attributes
    ----------
    requests : list of str
        Addresses asked for, in order, `data:` and `blob:` left out (they hold what they name).
    errors : list of str
        Messages of the console that are errors, uncaught exceptions, violations of the policy.
    dialogs : list of str
        Texts of alerts and the like, each dismissed at once.
    """

    def __init__(self, socket: WebSocket) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self._follow_children(self._session)

    # -- what a test does --------------------------------------------------------------------------

    def open(self, address: str) -> None:
        """Go there and wait until everything is loaded."""
        answer = self.call("Page.navigate", url=address)
        assert "errorText" not in answer, answer
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def resize(self, width: int, height: int) -> None:
        """Set the size of the window in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    def value(self, script: str) -> Any:
        """Evaluate an expression; its value as JSON would hold it."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = ANSWER_SECONDS) -> Any:
        """Wait until an expression is true; its value (True for an element)."""
        end = time.monotonic() + seconds
        while not (found := self.value(f"Promise.resolve({script}).then({TRUE_FOR_NODES})")):
            if time.monotonic() > end:
                raise TimeoutError(f"never true: {script}\n" + "\n".join(self.errors))
            time.sleep(0.02)
        return found

    def click(self, element: str) -> None:
        """Click where an element (an expression) is, as a mouse does."""
        spot = self.value(
            f"""(() => {{ const e = {element}; e.scrollIntoView({{block: 'center'}});
            const box = e.getBoundingClientRect();
            return {{x: box.x + box.width / 2, y: box.y + box.height / 2}}; }})()"""
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **spot)

    def picture(self, path: Path) -> None:
        """Save what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """Close the page and the connection."""
        self.call("Page.close")
        self._socket.close()

    # -- the protocol ------------------------------------------------------------------------------

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events in between are noted."""
        number = self._send(method, parameters, self._session)
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                self._note(message["method"], message["params"])

    def _send(self, method: str, parameters: dict[str, Any], session: str | None) -> int:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        return number

    def _follow_children(self, session: str | None) -> None:
        # Frames and workers wait until their requests are watched, too.
        parameters = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        self._send("Target.setAutoAttach", parameters, session)

    def _note(self, event: str, told: dict[str, Any]) -> None:
        match event:
            case "Network.requestWillBeSent":
                address = told["request"]["url"]
                if not address.startswith(("data:", "blob:")):
                    self.requests.append(address)
            case "Network.webSocketCreated":
                self.requests.append(told["url"])
            case "Target.attachedToTarget":
                child = told["sessionId"]
                self._send("Network.enable", {}, child)
                self._follow_children(child)
                self._send("Runtime.runIfWaitingForDebugger", {}, child)
            case "Page.javascriptDialogOpening":
                self.dialogs.append(told["message"])
                self._send("Page.handleJavaScriptDialog", {"accept": False}, self._session)
            case "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                said = details.get("exception", {}).get("description") or details["text"]
                self.errors.append(said)
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert"):
                said = (str(a.get("value", a.get("description"))) for a in told["args"])
                self.errors.append(" ".join(said))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.errors.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
