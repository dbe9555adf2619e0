"""A headless Chromium, told what to do through a pipe: no driver needed."""

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 60
# What Chromium answers of a page that another takes the place of.
LEAVING = "navigated or closed", "execution context"


def find_chromium():
    """Returns the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab of a headless Chromium that reaches no network.

    Attributes:
        complaints: What pages wrote to the console, threw, or were refused.
        requests: Addresses that pages asked for.
    """

    def __init__(self, width=1280, height=900):
        self.complaints, self.requests = [], []
        self._profile = tempfile.TemporaryDirectory(prefix="chromium")
        self.downloads = pathlib.Path(self._profile.name) / "downloads"
        self._start()
        self._last, self._rest, self._session = 0, b"", None
        page = self.call("Target.createTarget", url="about:blank")
        self._session = self.call(
            "Target.attachToTarget", targetId=page["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Browser.setDownloadBehavior",
            behavior="allow",
            downloadPath=str(self.downloads),
        )
        self.call(
            "Browser.grantPermissions",
            permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
        )
        self.resize(width, height)

    def _start(self):
        (reads, out), (back, writes) = os.pipe(), os.pipe()
        # Chromium reads descriptor 3 and writes 4, so ours must be others.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (reads, writes)]
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                f'exec "$@" 3<&{high[0]} 4>&{high[1]}',
                "bash",
                find_chromium(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--remote-debugging-pipe",
                f"--user-data-dir={self._profile.name}",
            ],
            pass_fds=high,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (reads, writes, *high):
            os.close(end)
        self._out, self._back = out, back

    def call(self, method, **arguments):
        """Asks Chromium for something and returns what it answers."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _read(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._rest:
            left = max(0, deadline - time.monotonic())
            ready, _, _ = select.select([self._back], [], [], left)
            block = os.read(self._back, 1 << 20) if ready else b""
            if not block:
                raise TimeoutError("Chromium does not answer")
            self._rest += block
        text, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        self._note(message.get("method"), message.get("params"))
        return message

    def _note(self, method, facts):
        if method == "Runtime.consoleAPICalled":
            words = [str(one.get("value")) for one in facts["args"]]
            self.complaints.append(" ".join(words))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(facts["exceptionDetails"])
        elif method == "Log.entryAdded":
            self.complaints.append(facts["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])

    def open(self, path):
        """Opens a local file and waits until its script has drawn it."""
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        self.wait("document.documentElement?.dataset.ready === 'true'")

    def ask(self, expression):
        """Returns the value of a JavaScript expression, promises resolved."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression):
        """Asks again and again until the expression is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_true(expression):
            if time.monotonic() > deadline:
                raise TimeoutError(expression)
            time.sleep(0.02)

    def _is_true(self, expression):
        """Says so, and not yet where the page is just being left."""
        try:
            return self.ask(expression)
        except AssertionError as error:
            if not any(one in str(error) for one in LEAVING):
                raise
            return False

    def click(self, selector):
        """Clicks on the first element that a selector finds."""
        self.ask(f"document.querySelector({json.dumps(selector)}).click()")

    def texts(self, selector):
        """Returns the texts of all elements that a selector finds."""
        return self.ask(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".map((one) => one.textContent)"
        )

    def press(self, key, text=""):
        """Presses a key where the focus is."""
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **typed)

    def write(self, text):
        """Types a text where the focus is."""
        self.call("Input.insertText", text=text)

    def resize(self, width, height, mobile=False):
        """Gives the tab another size, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )

    def prefer(self, scheme):
        """Lets pages know that `light` or `dark` is preferred."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def photograph(self, path, whole=True):
        """Writes what the tab shows as a PNG file."""
        picture = self.call(
            "Page.captureScreenshot", captureBeyondViewport=whole
        )
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))

    def close(self):
        """Ends Chromium and removes its profile."""
        self._session = None
        with contextlib.suppress(AssertionError, OSError, TimeoutError):
            self.call("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for end in (self._out, self._back):
            os.close(end)
        with contextlib.suppress(OSError):
            self._profile.cleanup()
