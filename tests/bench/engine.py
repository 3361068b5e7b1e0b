"""The engine as a process: starting, stopping, its first answer and its memory."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time

from workloads import WORKLOADS

POLL = 0.002  # seconds between two tries; the resolution of the start time
READY_WITHIN = 30.0
STOP_WITHIN = 20.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(address, method, path, body=None, patience=30.0):
    """One request on a connection of its own: (status, text), or (0, "") if nobody answers."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=patience)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def not_ready(address):
    """What keeps the engine from being ready; empty once it is."""
    status, text = ask(address, "GET", "/readyz")
    return "" if status == 200 else f"/readyz answers {status} {text[:200]}"


def no_python(address):
    """What keeps the engine from running Python; empty once it did."""
    workload = WORKLOADS["python"]
    status, text = ask(address, "POST", "/api/v2/execute", json.dumps(workload.request()))
    is_right = status == 200 and workload.expect in text
    return "" if is_right else f"a Python job is answered {status} {text[:200]}"


class Engine:
    """A started crankcased on a free loopback port, with its default configuration and a clean
    environment. Stops with the `with` block; what it logged is shown if it fails."""

    def __init__(self, program, settings, log_path):
        self.address = f"127.0.0.1:{free_port()}"
        self.log_path = log_path
        command = [program]
        for setting in (f"server.listen={self.address}", *settings):
            command += ["--set", setting]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME": "/root"}
        with open(log_path, "wb") as log:
            self.started = time.monotonic()
            try:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, env=environment, start_new_session=True)
            except OSError as error:
                raise SystemExit(f"bench: cannot start the engine: {error}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is not None:
            return
        family = tree_of(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            print(f"bench: the engine did not stop within {STOP_WITHIN:.0f} s", file=sys.stderr)
            self.process.kill()
            self.process.wait()
        # The keeper tidies up after the daemon; the next engine must not start into that.
        deadline = time.monotonic() + STOP_WITHIN
        while left := [pid for pid in family if pid in parents()]:
            if time.monotonic() > deadline:
                print(f"bench: still running after the engine: {left}", file=sys.stderr)
                return
            time.sleep(0.01)

    def wait_while(self, obstacle):
        """Returns the seconds from the start of the process until obstacle(address) was empty."""
        while what := obstacle(self.address):
            if self.process.poll() is not None:
                raise SystemExit(f"bench: the engine ended at its start:\n{self.log_tail()}")
            if time.monotonic() - self.started > READY_WITHIN:
                raise SystemExit(f"bench: after {READY_WITHIN:.0f} s {what}\n{self.log_tail()}")
            time.sleep(POLL)
        return time.monotonic() - self.started

    def log_tail(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-20:])

    def idle_memory(self):
        """Memory of the whole process tree once it has stopped growing new processes."""
        before = None
        for _ in range(20):
            now = tree_memory(self.process.pid)
            if before and now[1] == before[1] and abs(now[0] - before[0]) < 0.01 * before[0]:
                return now
            before = now
            time.sleep(0.5)
        return before


def parents():
    """Parent of every process, by pid."""
    result = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                # The name stands in parentheses and may hold any character.
                result[int(entry)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass  # it has ended
    return result


def tree_of(root):
    """A process and all its descendants."""
    children = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:  # grows while it is walked
        found += children.get(pid, [])
    return found


def tree_memory(root):
    """(PSS in MiB, number of processes) of a process tree. PSS splits each shared page among those
    who map it, so that the sum counts it once."""
    kib, count = 0, 0
    for pid in tree_of(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
                lines = rollup.read().splitlines()
        except (ProcessLookupError, FileNotFoundError):
            continue  # ended meanwhile, or a zombie
        kib += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        count += 1
    return kib / 1024, count
