"""Who is measured: the raw floor, and servers with Piston's API. Both become loadgen arguments."""

import json
import os
import subprocess


class Material:
    """Files the load generator reads: sources, inputs and request bodies, written once."""

    def __init__(self, folder):
        self.folder = folder

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        return path


class Raw:
    """posix_spawn of the same program, with no engine and no isolation."""

    is_ours = False

    def __init__(self, scratch, name="raw"):
        self.name = name
        self.scratch = scratch

    def arguments(self, workload, material):
        source = material.file(f"{workload.name}-source", workload.source)
        result = ["--scratch", self.scratch, "--source", f"{workload.file_name}={source}"]
        for stage in workload.stages:
            result += ["--stage", stage]
        if workload.stdin:
            result += ["--stdin", material.file(f"{workload.name}-stdin", workload.stdin)]
        return result


class Server:
    """A server that answers POST /api/v2/execute, or another path if the address has one."""

    def __init__(self, name, url, is_ours=False):
        self.name = name
        self.is_ours = is_ours  # the one the bars are for
        address = url.removeprefix("http://")
        self.url = address if "/" in address else address + "/api/v2/execute"

    def arguments(self, workload, material):
        body = json.dumps(workload.request())
        return ["--url", self.url, "--body", material.file(f"{workload.name}-body", body)]


class LoadGenerator:
    def __init__(self, program, material):
        self.program = program
        self.material = material

    def slice(self, target, cell, seconds):
        """Measures one target in one cell for some seconds; returns what loadgen printed."""
        workload = cell.workload
        command = [self.program, *target.arguments(workload, self.material)]
        command += ["--clients", str(cell.clients), "--pause", str(cell.pause)]
        command += ["--seconds", f"{seconds:.3f}", "--expect", workload.expect]
        command += ["--least-bytes", str(workload.least_bytes)]
        done = subprocess.run(command, capture_output=True, text=True, start_new_session=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: {done.stderr.strip()}")
        return json.loads(done.stdout)
