"""Closed loops of clients: each sends its next job when the last is answered.

Every client has a loopback address of its own, so that the engine's queue takes them in turns. Honest
clients and their company are two processes, so that reading what the one gets does not delay the
clock of the other.
"""

import http.client
import itertools
import json
import multiprocessing
import threading
import time
from dataclasses import dataclass

import honest
import hostile

PATIENCE = 60.0  # seconds for one answer; an engine that takes longer has lost it
HONEST_NET, COMPANY_NET = "127.0.1.", "127.0.2."
HONEST, HOSTILE = "honest", "hostile"  # what the company of a slice is


@dataclass
class Sample:
    """One answer. For honest clients the verdict is empty; the complaint says what was wrong."""

    kind: str
    milliseconds: float
    verdict: str = ""
    complaint: str = ""
    slot: float = 0  # milliseconds of its stages, as the engine tells them


class Client:
    """A keep-alive connection from an address of its own."""

    def __init__(self, address, source):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.source = source
        self.connection = None

    def post(self, body):
        """(status, answer, milliseconds); status 0 and a sentence if there is no answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                self.host, self.port, timeout=PATIENCE, source_address=(self.source, 0))
        started = time.monotonic()
        try:
            self.connection.request("POST", "/api/v2/execute", body,
                                    {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            status, text = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return 0, f"no answer: {error!r}", (time.monotonic() - started) * 1000
        took = (time.monotonic() - started) * 1000
        try:
            return status, json.loads(text), took
        except ValueError:
            return status, text[:200].decode(errors="replace"), took

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def slot_of(answer):
    """How long its stages took, which is nearly how long the job held its slot."""
    if not isinstance(answer, dict) or not isinstance(answer.get("run"), dict):
        return 0
    compiled, last = answer.get("compile") or {}, hostile.last_stage(answer)
    stages = [last] if last is compiled else [compiled, last]
    return sum(stage.get("wall_time") or 0 for stage in stages)


def honest_samples(client, number, tag):
    for job in honest.jobs_of(number, tag):
        status, answer, took = client.post(job.body)
        yield Sample(job.kind, took, complaint=honest.complaint(status, answer, job.expect),
                     slot=slot_of(answer))


def company_samples(client, number, count, company, lengths):
    """All rows in turn, each client beginning at another place of the table."""
    rows = hostile.HOSTILE
    first = number * len(rows) // count
    for row in itertools.cycle(rows[first:] + rows[:first]):
        if company == HOSTILE:
            status, answer, took = client.post(row.body())
            verdict, complaint = hostile.verdict_of(row, status, answer)
        else:
            status, answer, took = client.post(hostile.twin_of(row, lengths[row.program]))
            verdict, complaint = "", honest.complaint(status, answer, hostile.DONE)
        yield Sample(row.program, took, verdict, complaint, slot_of(answer))


def run_client(client, samples, until, out):
    try:
        while time.monotonic() < until:
            out.append(next(samples))
            if out[-1].complaint:
                time.sleep(0.02)  # an engine that refuses at once must not make this a busy loop
    finally:
        client.close()


def run_clients(pairs, until):
    """All (client, samples) at once, a thread each; what came of them."""
    out = []
    threads = [threading.Thread(target=run_client, args=(client, samples, until, out))
               for client, samples in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def run_honest(address, count, tag, until):
    clients = [Client(address, f"{HONEST_NET}{number + 1}") for number in range(count)]
    return run_clients([(client, honest_samples(client, number, tag))
                        for number, client in enumerate(clients)], until)


def run_company(address, count, company, lengths, until):
    clients = [Client(address, f"{COMPANY_NET}{number + 1}") for number in range(count)]
    return run_clients([(client, company_samples(client, number, count, company, lengths))
                        for number, client in enumerate(clients)], until)


def measure_lengths(address, tries=3):
    """How long each hostile job takes alone: of a few tries the one in the middle. Complains at
    once about one that does not end as it should."""
    client = Client(address, f"{COMPANY_NET}1")
    lengths = {}
    for row in hostile.HOSTILE:
        found = []
        for _ in range(tries):
            status, answer, _ = client.post(row.body())
            complaint = hostile.verdict_of(row, status, answer)[1]
            if complaint:
                raise SystemExit("soak: " + complaint)
            found.append(hostile.length_of(answer))
        lengths[row.program] = sorted(found, key=lambda length: length.wall)[tries // 2]
    client.close()
    return lengths


def in_process(target, *arguments):
    """Starts target(*arguments) in a process of its own; the function returned waits for its value."""
    here, there = multiprocessing.Pipe(duplex=False)

    def body():
        there.send(target(*arguments))

    process = multiprocessing.get_context("fork").Process(target=body, daemon=True)
    process.start()
    there.close()

    def result():
        try:
            value = here.recv()
        except EOFError:
            raise SystemExit("soak: a load generator died") from None
        process.join()
        return value

    return result
