"""An engine of its own for scripts that test: built programs on a free port, ended with the block."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

READY_WITHIN = 120.0
STOP_WITHIN = 60.0


def free_port(ports=None):
    """One that nobody listens on now; of the given ones, or any."""
    for port in ports or [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise SystemExit("engine: none of the ports is free")


class Engine:
    """Started and ready when the block begins. `name` tells engines of one script apart (letters,
    and numbers that may be left out); `settings` are "key=value" and win over those made here.
    `directory` is scratch space that goes with the engine."""

    def __init__(self, binaries, name, settings=(), ports=None):
        self.binaries = os.path.abspath(binaries)
        self.name = f"{name}{os.getpid()}"
        self.directory = tempfile.mkdtemp(prefix=f"crankcase-{self.name}-")
        os.chmod(self.directory, 0o755)
        self.address = f"127.0.0.1:{free_port(ports)}"
        self.url = f"http://{self.address}"
        self.settings = [f"server.listen={self.address}", f"instance={self.name}",
                         f"paths.run_directory={self.directory}/run",
                         f"paths.data_directory={self.directory}/data",
                         "pool.runners=2", "admission.concurrent_jobs=2",
                         f"pool.first_uid={self._first_uid()}", *settings]
        self.process = None

    def _first_uid(self):
        """Ranges below those of the tests in C++, a different one for each engine of a machine."""
        return 600_000_000 + (os.getpid() * 7 + sum(self.name.encode())) % 64 * 64 * 65536

    def arguments(self):
        return [word for setting in self.settings for word in ("--set", setting)]

    def __enter__(self):
        # Who is told to end ends its engine as well.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        with open(self.directory + "/log", "wb") as log:
            self.process = subprocess.Popen([self.binaries + "/crankcased", *self.arguments()],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _wait_until_ready(self):
        deadline = time.monotonic() + READY_WITHIN
        while not self.is_ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("engine: it does not start:\n" + self.log()[-3000:])
            time.sleep(0.05)

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def log(self):
        with open(self.directory + "/log", encoding="utf-8", errors="replace") as file:
            return file.read()
