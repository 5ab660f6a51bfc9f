"""Starting the dashboard as people do, in a process of its own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DASHBOARD = ("-m", "pages.ui.server")
PATIENCE_S = 180  # for the warm-up, on a busy machine


class Server:
    """A running server: `address` without a slash at the end, and all it has printed."""

    def __init__(self, arguments: Sequence[str], ready: str, environment: dict[str, str]) -> None:
        env = (
            os.environ
            | {"PORT": "0", "HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1", "CONVSCOPE_PREPARE": "0"}
            | environment
        )
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said: list[str] = []
        self.address = ""
        self._ready = re.compile(ready)
        self._heard = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        self._heard.wait(PATIENCE_S)
        if not self.address:
            self.process.kill()
            raise RuntimeError("the server did not start:\n" + "".join(self.said))

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            found = self._ready.search(line)
            if found and not self.address:
                self.address = found.group(1)
                self._heard.set()
        self._heard.set()

    def close(self, patience_s: float = 60) -> int:
        """Ask the server to end, as a container does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextlib.contextmanager
def serve(arguments: Sequence[str] = DASHBOARD, ready: str = r"ready: (\S+)", **environment: str) -> Iterator[Server]:
    """A server for the time of a `with`, from Python's arguments and further environment variables."""
    server = Server(arguments, ready, environment)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def milvus(folder: Path, patience_s: float = 30) -> Iterator[str]:
    """The address of a Milvus server in a process of its own, which keeps its data in the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["server", "--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "milvus_lite", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
