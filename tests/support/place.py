"""An engine for tests that are written in Python: started from its programs, stopped when done."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

READY_WITHIN = 60.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Place:
    """An engine of its own, with an instance name, a port and directories that nobody else has.

    `settings` are "key=value" and count more than those given here; `port` 0 is any that is free.
    """

    def __init__(self, binaries, name, settings=(), port=0, data=None):
        self.binaries = os.path.abspath(binaries)
        self.name = name
        self.scratch = tempfile.mkdtemp(prefix=f"crankcase-{name}-")
        os.chmod(self.scratch, 0o755)
        self.listen = f"127.0.0.1:{port or free_port()}"
        self.settings = [
            f"server.listen={self.listen}", f"instance=ck{name[:4]}{os.getpid()}",
            f"paths.run_directory={self.scratch}/run",
            f"paths.data_directory={data or self.scratch + '/data'}",
            "pool.runners=2", "admission.concurrent_jobs=2", *settings]
        self.engine = None

    def arguments(self):
        return [word for setting in self.settings for word in ("--set", setting)]

    def __enter__(self):
        log = open(self.scratch + "/log", "wb")
        self.engine = subprocess.Popen([self.binaries + "/crankcased", *self.arguments()],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        deadline = time.monotonic() + READY_WITHIN
        while not self.is_ready():
            if time.monotonic() > deadline or self.engine.poll() is not None:
                raise SystemExit(f"{self.name}: the engine does not start:\n" + self.log()[-3000:])
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.engine.send_signal(signal.SIGTERM)
        self.engine.wait(timeout=60)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def log(self):
        with open(self.scratch + "/log", encoding="utf-8", errors="replace") as file:
            return file.read()

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.listen}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False
