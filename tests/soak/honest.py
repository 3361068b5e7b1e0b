"""Honest jobs: four kinds, each with a nonce of its own, whose answer is known to the byte. Pure."""

import json
from dataclasses import dataclass, replace

import parts  # noqa: F401
from workloads import HELLO_C, WORKLOADS, text_of


@dataclass(frozen=True)
class Job:
    kind: str
    body: bytes
    expect: str  # the whole standard output


def echo(nonce):
    return replace(WORKLOADS["echo"], source=f"echo {nonce}\n"), f"{nonce}\n"


def python(nonce):
    return replace(WORKLOADS["python"], source=f"print('{nonce}'[::-1])\n"), f"{nonce[::-1]}\n"


def compiled(nonce):
    return replace(WORKLOADS["c"], source=HELLO_C.replace("hello-from-c", nonce)), f"{nonce}\n"


def copied(nonce):
    text = nonce + "\n" + text_of(64 * 1024 - len(nonce) - 1)
    return replace(WORKLOADS["io_64k"], stdin=text), text


KINDS = {"echo": echo, "python": python, "c": compiled, "io_64k": copied}


def job_of(kind, nonce):
    workload, expect = KINDS[kind](nonce)
    return Job(kind, json.dumps(workload.request()).encode(), expect)


def jobs_of(client, tag):
    """Without end: the kinds in turn, each client beginning with another one."""
    kinds = list(KINDS)
    number = 0
    while True:
        yield job_of(kinds[(client + number) % len(kinds)], f"nonce-{tag}-{client}-{number}")
        number += 1


def complaint(status, answer, expect):
    """What is wrong with the answer (its JSON, or None) to a job that should print `expect`."""
    if status != 200 or not isinstance(answer, dict):
        return f"answered {status} {str(answer)[:200]}"
    for name in ("compile", "run"):
        stage = answer.get(name)
        if stage is None and name == "compile":
            continue
        if not isinstance(stage, dict):
            return f"no stage {name}: {str(answer)[:200]}"
        wanted = {"code": 0, "signal": None, "status": None, "stderr": "",
                  "stdout": expect if name == "run" else ""}
        for key, value in wanted.items():
            if stage.get(key) != value:
                return f"{name}.{key} is {str(stage.get(key))[:200]!r}, not {str(value)[:80]!r}"
    return ""
