"""The cases of rpc.py; run by it, with gRPC and the generated code at hand."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import executor_pb2
import executor_pb2_grpc
from engine import Engine, free_port

PORTS = range(24700, 24800)
PATIENCE = 120.0  # of everything that has to happen sooner or later
FOREVER = 500     # seconds a program sleeps that is to be killed
Code = grpc.StatusCode


class Skipped(Exception):
    pass


class Place:
    """An engine with gRPC and a channel to it, while the block runs."""

    def __init__(self, binaries, *settings, options=()):
        self.address = f"127.0.0.1:{free_port(PORTS)}"
        self.engine = Engine(binaries, "rpc", [f"grpc.listen={self.address}", *settings])
        self.binaries = binaries
        self.options = options

    def __enter__(self):
        self.engine.__enter__()
        self.channel = grpc.insecure_channel(self.address, options=self.options)
        self.stub = executor_pb2_grpc.CodeExecutorStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)
        return self

    def __exit__(self, *problem):
        self.channel.close()
        self.engine.__exit__(*problem)

    def run(self, code, language="python", metadata=(), **fields):
        return self.stub.Execute(request(code, language, **fields), timeout=PATIENCE, metadata=metadata)


def request(code, language="python", **fields):
    return executor_pb2.ExecuteRequest(language=language, code=code, **fields)


def failure(call):
    """The error of a call that must fail."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"it did not fail: {answer}")


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def marker():
    """A name for a process, by which it is found."""
    return f"marker-{os.getpid()}-{time.monotonic_ns()}"


def sleeper(mark):
    """A program that is seen on this machine, under the name of its mark, and never ends by itself."""
    return f"import os\nos.execv('/bin/sleep', ['{mark}', '{FOREVER}'])\n"


def is_running(mark):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().startswith(mark.encode() + b"\0"):
                    return True
        except OSError:
            pass
    return False


def slot_is_free(place):
    assert place.run("print('next')").stdout == "next\n"


# --- on one engine ---

def a_program_is_run_and_every_field_answered(place):
    answer = place.run("import sys\nprint('out', input())\nprint('err', file=sys.stderr)\nsys.exit(3)\n",
                       input="one line\n")
    assert answer.stdout == "out one line\n" and answer.stderr == "err\n", answer
    assert answer.exit_code == 3 and not answer.timeout and not answer.memory_exceeded, answer
    assert answer.execution_time_ms > 0 and answer.memory_used_mb > 0, answer


def a_compiled_language_is_compiled_first(place):
    assert place.run("#include <stdio.h>\nint main(void) { puts(\"hi\"); }\n", "c").stdout == "hi\n"
    answer = place.run("int main(void) { return nothing; }\n", "c")
    assert answer.exit_code != 0 and "nothing" in answer.stderr, answer


def time_and_memory_are_limited_as_asked(place):
    answer = place.run(f"import time\ntime.sleep({FOREVER})", timeout_seconds=1)
    assert answer.timeout and not answer.memory_exceeded and answer.exit_code == 124, answer
    answer = place.run("x = b'x' * (200 << 20)\nprint(len(x))", memory_limit_mb=48)
    assert answer.memory_exceeded and not answer.timeout, answer


def bytes_that_are_no_text_become_replacement_characters(place):
    answer = place.run("import os\nos.write(1, b'a\\xff\\xc3\\xa9\\x00z')\n")
    assert answer.stdout == "a\ufffd\u00e9\0z", repr(answer.stdout)


def health_is_told_in_the_service_s_own_words(place):
    answer = place.stub.Health(executor_pb2.HealthRequest(), timeout=PATIENCE)
    assert answer.status == "healthy" and answer.version, answer


def the_standard_health_service_answers(place):
    for service in ("", "executor.CodeExecutor"):
        answer = place.health.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
    error = failure(lambda: place.health.Check(health_pb2.HealthCheckRequest(service="no.Such"), timeout=PATIENCE))
    assert error.code() == Code.NOT_FOUND


def reflection_tells_the_services_and_their_messages(place):
    database = ProtoReflectionDescriptorDatabase(place.channel)
    services = set(database.get_services())
    assert {"executor.CodeExecutor", "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection"} <= services, services
    service = DescriptorPool(database).FindServiceByName("executor.CodeExecutor")
    ours = executor_pb2.DESCRIPTOR.services_by_name["CodeExecutor"]
    assert [method.name for method in service.methods] == [method.name for method in ours.methods]
    told = service.methods_by_name["Execute"].input_type
    numbers = {"language": 1, "code": 2, "input": 3, "timeout_seconds": 4, "memory_limit_mb": 5, "cpu_limit": 6}
    assert {field.name: field.number for field in told.fields} == numbers
    told = service.methods_by_name["Execute"].output_type
    numbers = {"stdout": 1, "stderr": 2, "exit_code": 3, "timeout": 4, "memory_exceeded": 5,
               "execution_time_ms": 6, "memory_used_mb": 7}
    assert {field.name: field.number for field in told.fields} == numbers


def what_is_wrong_with_a_request_is_told_by_its_field(place):
    rows = [(request("x", "klingon"), "language"), (request("x", ""), "language"), (request(""), "code"),
            (request("x", timeout_seconds=-1), "timeout_seconds"),
            (request("x", memory_limit_mb=-1), "memory_limit_mb"),
            (request("x", cpu_limit=-0.5), "cpu_limit"), (request("x", cpu_limit=float("nan")), "cpu_limit")]
    for asked, field in rows:
        for call in (lambda asked=asked: place.stub.Execute(asked, timeout=PATIENCE),
                     lambda asked=asked: list(place.stub.ExecuteStream(asked, timeout=PATIENCE))):
            error = failure(call)
            assert error.code() == Code.INVALID_ARGUMENT and field in error.details(), (field, error)


def a_stream_tells_stages_and_output_and_ends_with_the_response(place):
    events = list(place.stub.ExecuteStream(
        request("#include <stdio.h>\nint main(void) { puts(\"out\"); fputs(\"err\\n\", stderr); return 2; }\n", "c"),
        timeout=PATIENCE))
    kinds = [event.WhichOneof("event") for event in events]
    stages = [event.stage for event in events if event.WhichOneof("event") == "stage"]
    assert stages == [executor_pb2.STAGE_COMPILE, executor_pb2.STAGE_RUN], events
    assert kinds[0] == "stage" and kinds[-1] == "response" and kinds.count("response") == 1, kinds
    assert b"".join(event.stdout for event in events) == b"out\n"
    assert b"".join(event.stderr for event in events) == b"err\n"
    response = events[-1].response
    assert (response.stdout, response.stderr, response.exit_code) == ("out\n", "err\n", 2), response


def a_stream_has_the_very_bytes(place):
    events = place.stub.ExecuteStream(request("import os\nos.write(1, bytes(range(256)))\n"), timeout=PATIENCE)
    assert b"".join(event.stdout for event in events) == bytes(range(256))


def much_output_is_streamed_whole(place):
    size = 900_000
    events = list(place.stub.ExecuteStream(
        request(f"import sys\nfor i in range(0, {size}, 100): sys.stdout.write('%099d\\n' % i)\n"), timeout=PATIENCE))
    whole = b"".join(event.stdout for event in events)
    assert len(whole) == size and whole.decode() == events[-1].response.stdout


def output_arrives_while_the_program_runs_and_canceling_kills_it(place):
    mark = marker()
    events = place.stub.ExecuteStream(request("print('first', flush=True)\n" + sleeper(mark), timeout_seconds=100),
                                      timeout=PATIENCE)
    for event in events:
        if event.stdout == b"first\n":
            break
    until(lambda: is_running(mark), "the program")
    events.cancel()
    until(lambda: not is_running(mark), "its end")
    assert events.code() == Code.CANCELLED
    slot_is_free(place)


def a_canceled_call_kills_its_program(place):
    mark = marker()
    call = place.stub.Execute.future(request(sleeper(mark), timeout_seconds=100), timeout=PATIENCE)
    until(lambda: is_running(mark), "the program")
    call.cancel()
    until(lambda: not is_running(mark), "its end")
    slot_is_free(place)


def a_client_that_goes_away_kills_its_program(place):
    mark = marker()
    channel = grpc.insecure_channel(place.address, options=[("grpc.use_local_subchannel_pool", 1)])
    call = executor_pb2_grpc.CodeExecutorStub(channel).Execute.future(request(sleeper(mark), timeout_seconds=100))
    until(lambda: is_running(mark), "the program")
    channel.close()
    until(lambda: not is_running(mark), "its end")
    assert call.done()
    slot_is_free(place)


def a_deadline_kills_the_program(place):
    mark = marker()
    call = place.stub.Execute.future(request(sleeper(mark), timeout_seconds=100), timeout=5)
    until(lambda: is_running(mark), "the program")
    assert failure(call.result).code() == Code.DEADLINE_EXCEEDED
    until(lambda: not is_running(mark), "its end")
    slot_is_free(place)


def a_deadline_also_ends_waiting(place):
    mark, waiting = marker(), marker()
    running = place.stub.Execute.future(request(sleeper(mark), timeout_seconds=100), timeout=PATIENCE)
    until(lambda: is_running(mark), "the program")
    error = failure(lambda: place.stub.Execute(request(sleeper(waiting)), timeout=0.5))
    assert error.code() == Code.DEADLINE_EXCEEDED
    running.cancel()
    slot_is_free(place)
    assert not is_running(waiting)


def compressed_messages_are_refused(place):
    error = failure(lambda: place.stub.Execute(request("print(1)"), timeout=PATIENCE, compression=grpc.Compression.Gzip))
    assert error.code() == Code.UNIMPLEMENTED, error


def unknown_methods_and_garbage_are_refused(place):
    def call(method):
        return place.channel.unary_unary(method, lambda raw: raw, lambda raw: raw)(b"\xff\xff\xff", timeout=PATIENCE)
    assert failure(lambda: call("/executor.CodeExecutor/No")).code() == Code.UNIMPLEMENTED
    # Of bytes that are no message the library tells nobody, and answers for us (api/grpc/README.md).
    assert failure(lambda: call("/executor.CodeExecutor/Execute")).code() == Code.UNIMPLEMENTED
    slot_is_free(place)


def only_the_server_has_threads_of_grpc(place):
    guard = place.engine.process.pid
    with open(f"/proc/{guard}/task/{guard}/children", encoding="ascii") as file:
        children = [int(pid) for pid in file.read().split()]
    threads = {pid: [thread_name(pid, thread) for thread in os.listdir(f"/proc/{pid}/task")]
               for pid in (guard, *children)}
    with_grpc = [pid for pid, names in threads.items() if any("nexting" in name for name in names)]
    assert len(threads[guard]) == 1 and len(with_grpc) == 1 and with_grpc[0] != guard, threads
    with open(f"/proc/{with_grpc[0]}/status", encoding="ascii") as file:
        status = file.read()
    assert "\nUid:\t0\t" not in status and "\nSeccomp:\t2\n" in status, status


def thread_name(pid, thread):
    with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as file:
        return file.read().strip()


# --- on engines of their own ---

def jobs_beyond_the_queue_are_told_when_to_come_back(binaries):
    with Place(binaries, "admission.concurrent_jobs=1", "admission.queued_jobs=1", "admission.client_share=100") as place:
        marks = [marker(), marker()]
        running = place.stub.Execute.future(request(sleeper(marks[0]), timeout_seconds=100), timeout=PATIENCE)
        until(lambda: is_running(marks[0]), "the program")
        refused = []

        def is_full():
            waiting.append(place.stub.Execute.future(request("print(1)"), timeout=PATIENCE))
            refused.extend(call for call in waiting if call.done())
            return bool(refused)

        waiting = []
        until(is_full, "a refusal")
        error = refused[0].exception()
        assert error.code() == Code.RESOURCE_EXHAUSTED and "try again in" in error.details(), error
        assert int(dict(error.trailing_metadata())["grpc-retry-pushback-ms"]) >= 1000
        running.cancel()
        until(lambda: all(call.done() for call in waiting), "the job that waited")
        assert sum(call.exception() is None for call in waiting) == 1


def keys_are_asked_for_as_over_http(binaries):
    keys = {"runner": "", "installer": "scopes=install", "slow": "rate=1/h burst=1"}
    with tempfile.NamedTemporaryFile("w", prefix="crankcase-rpc-keys-") as file:
        for name, rest in keys.items():
            file.write(f"{name} sha256:{hashlib.sha256((name + '-key').encode()).hexdigest()} {rest}\n")
        file.flush()
        os.chmod(file.name, 0o644)
        with Place(binaries, f"keys.file={file.name}") as place:
            rows = [(None, Code.UNAUTHENTICATED), ("Bearer nobody-key", Code.UNAUTHENTICATED),
                    ("Basic cnVubmVy", Code.UNAUTHENTICATED), ("Bearer installer-key", Code.PERMISSION_DENIED)]
            for shown, code in rows:
                metadata = (("authorization", shown),) if shown else ()
                error = failure(lambda metadata=metadata: place.run("print(1)", metadata=metadata))
                assert error.code() == code and "key" in error.details(), (shown, error)
            for shown in ("Bearer runner-key", "runner-key", "Bearer slow-key"):
                assert place.run("print(1)", metadata=(("authorization", shown),)).stdout == "1\n", shown
            error = failure(lambda: place.run("print(1)", metadata=(("authorization", "Bearer slow-key"),)))
            assert error.code() == Code.RESOURCE_EXHAUSTED and "slow" in error.details(), error
            # To look around needs none.
            assert place.stub.Health(executor_pb2.HealthRequest(), timeout=PATIENCE).status == "healthy"


def a_call_leaves_one_line_in_the_audit_log(binaries):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        with Place(binaries, f"audit.file={directory}/jobs") as place:
            assert place.run("print(1)", metadata=(("x-request-id", "told"),)).stdout == "1\n"
            with open(directory + "/jobs", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            assert len(lines) == 1, lines
            assert lines[0]["id"] == "told" and lines[0]["client"] == "127.0.0.1", lines
            assert lines[0]["verdict"] == "passed", lines


def messages_and_calls_are_limited_by_the_settings(binaries):
    with Place(binaries, "grpc.message_limit=64KiB", "grpc.max_calls=1") as place:
        error = failure(lambda: place.run("#" * (70 << 10)))
        assert error.code() == Code.RESOURCE_EXHAUSTED and "65536" in error.details(), error
        assert place.run("#" * (60 << 10) + "\nprint(1)").stdout == "1\n"
        mark = marker()
        running = None

        def runs():
            nonlocal running
            # The call before is open for a moment after its client has the answer.
            if running is None or running.done():
                running = place.stub.Execute.future(request(sleeper(mark), timeout_seconds=100), timeout=PATIENCE)
            return is_running(mark)

        until(runs, "the program")
        other = grpc.insecure_channel(place.address, options=[("grpc.use_local_subchannel_pool", 1)])
        stub = executor_pb2_grpc.CodeExecutorStub(other)
        for call in (lambda: stub.Execute(request("print(1)"), timeout=PATIENCE),
                     lambda: list(stub.ExecuteStream(request("print(1)"), timeout=PATIENCE))):
            error = failure(call)
            assert error.code() == Code.RESOURCE_EXHAUSTED and "grpc.max_calls" in error.details(), error
        other.close()
        running.cancel()
        until(lambda: not is_running(mark), "its end")


def a_client_that_does_not_read_makes_its_program_wait(binaries):
    # More than the buffers of a connection hold, many times over.
    size = 96 << 20
    mark = marker()
    code = f"import os\nos.execv('/usr/bin/head', ['{mark}', '-c', '{size}', '/dev/zero'])\n"
    with Place(binaries, "limits.run.output=128MiB", options=[("grpc.max_receive_message_length", -1)]) as place:
        before = memory_of_engine(place)
        events = place.stub.ExecuteStream(request(code, timeout_seconds=100), timeout=PATIENCE)
        next(events)
        first = next(events)
        steady = []

        def is_waiting():
            steady.append(written_by(mark))
            return len(steady) > 20 and steady[-1] > 0 and len(set(steady[-20:])) == 1

        until(is_waiting, "the program to wait")
        assert steady[-1] < size, steady[-1]
        # What the library and the allocator hold, up to 25 MB on a busy machine, does not grow with the output.
        assert memory_of_engine(place) - before < 32 << 20
        assert len(first.stdout) + sum(len(event.stdout) for event in events) == size


def written_by(mark):
    """Bytes that the process of that name has written."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if not file.read().startswith(mark.encode() + b"\0"):
                    continue
            with open(f"/proc/{pid}/io", encoding="ascii") as file:
                return int(dict(line.split(": ") for line in file)["wchar"])
        except OSError:
            pass
    return 0


def memory_of_engine(place):
    """Resident bytes of the larger one of server and keeper."""
    guard = place.engine.process.pid
    with open(f"/proc/{guard}/task/{guard}/children", encoding="ascii") as file:
        pids = file.read().split()
    sizes = []
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            sizes += [int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS:")]
    return max(sizes)


def a_stopping_engine_finishes_what_runs_and_takes_nothing_new(binaries):
    with Place(binaries) as place:
        statuses = []

        def watch():
            try:
                for answer in place.health.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE):
                    statuses.append(answer.status)
            except grpc.RpcError:
                pass

        watcher = threading.Thread(target=watch)
        watcher.start()
        until(lambda: statuses, "the first status")
        mark = marker()
        running = place.stub.Execute.future(
            request(f"import os\nos.execv('/bin/sh', ['{mark}', '-c', 'echo begun; sleep 4; echo ended'])\n"),
            timeout=PATIENCE)
        until(lambda: is_running(mark), "the program")
        place.engine.process.send_signal(signal.SIGTERM)
        until(lambda: len(statuses) > 1, "the news")
        error = failure(lambda: place.stub.Execute(request("print(1)"), timeout=PATIENCE))
        assert error.code() == Code.UNAVAILABLE, error
        assert running.result().stdout == "begun\nended\n"
        watcher.join(PATIENCE)
        assert statuses == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING], statuses


def a_port_that_is_taken_is_told_and_ends_the_start(binaries):
    with Place(binaries) as place:
        second = Engine(binaries, "rpcsecond", [f"grpc.listen={place.address}"])
        try:
            second.__enter__()
        except SystemExit as told:
            assert "grpc.listen" in str(told) and place.address in str(told), told
        else:
            second.__exit__()
            raise AssertionError("two engines share a port")


def settings(binaries, *flags):
    done = subprocess.run([binaries + "/crankcased", *flags, "--show-config"], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"]})
    rows = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if words and words[0] in ("server.listen", "grpc.listen"):
            rows[words[0]] = line
    return done, rows.get("server.listen", ""), rows.get("grpc.listen", "")


def code_executor_s_flags_open_its_doors(binaries):
    rows = [((), "127.0.0.1:2000", ""), (("--mode", "http", "--grpc-port", "5"), "127.0.0.1:2000", ""),
            (("--mode", "grpc", "--http-port", "8080"), "none", "127.0.0.1:50051"),
            (("--mode", "both"), "127.0.0.1:2000", "127.0.0.1:50051"),
            (("--http-port", "8080", "--grpc-port", "8081"), "127.0.0.1:8080", "127.0.0.1:8081")]
    for flags, http, rpc in rows:
        done, first, second = settings(binaries, *flags)
        assert done.returncode == 0, (flags, done.stderr)
        assert http in first and (rpc in second if rpc else "127.0.0.1" not in second), (flags, first, second)
    done, _, _ = settings(binaries, "--mode", "neither")
    assert done.returncode == 64 and "neither" in done.stderr, done
    done, _, _ = settings(binaries, "--grpc-port", "70000")
    assert done.returncode == 78 and "grpc.listen" in done.stderr, done


SHARED = [
    a_program_is_run_and_every_field_answered, a_compiled_language_is_compiled_first,
    time_and_memory_are_limited_as_asked, bytes_that_are_no_text_become_replacement_characters,
    health_is_told_in_the_service_s_own_words, the_standard_health_service_answers,
    reflection_tells_the_services_and_their_messages, what_is_wrong_with_a_request_is_told_by_its_field,
    a_stream_tells_stages_and_output_and_ends_with_the_response, a_stream_has_the_very_bytes,
    much_output_is_streamed_whole, output_arrives_while_the_program_runs_and_canceling_kills_it,
    a_canceled_call_kills_its_program, a_client_that_goes_away_kills_its_program, a_deadline_kills_the_program,
    a_deadline_also_ends_waiting, compressed_messages_are_refused, unknown_methods_and_garbage_are_refused,
    only_the_server_has_threads_of_grpc,
]
ALONE = [
    jobs_beyond_the_queue_are_told_when_to_come_back, keys_are_asked_for_as_over_http,
    a_call_leaves_one_line_in_the_audit_log, messages_and_calls_are_limited_by_the_settings, a_client_that_does_not_read_makes_its_program_wait,
    a_stopping_engine_finishes_what_runs_and_takes_nothing_new, a_port_that_is_taken_is_told_and_ends_the_start,
    code_executor_s_flags_open_its_doors,
]


def attempt(case, *arguments):
    try:
        case(*arguments)
        result = "ok"
    except Skipped as reason:
        result = f"skipped: {reason}"
    except (Exception, SystemExit):  # whatever it is, the next case is tried
        result = "FAILED\n" + traceback.format_exc()
    print(f"{case.__name__.replace('_', ' ')}: {result}", flush=True)
    return result


def main():
    binaries, *words = sys.argv[1:]
    lenient = "--lenient" in words
    words = [word for word in words if word != "--lenient"]
    shared, alone = ([case for case in cases if not words or any(word in case.__name__ for word in words)]
                     for cases in (SHARED, ALONE))
    results = []
    if shared:
        # One slot: a job that is not gone keeps every later one from running.
        with Place(binaries, "admission.concurrent_jobs=1") as place:
            results += [attempt(case, place) for case in shared]
            if any(result.startswith("FAILED") for result in results):
                print(place.engine.log()[-3000:])
    results += [attempt(case, binaries) for case in alone]
    good = results.count("ok")
    skipped = sum(result.startswith("skipped") for result in results)
    print(f"grpc: {good} passed, {len(results) - good - skipped} failed, {skipped} skipped")
    if not good or good + (skipped if lenient else 0) < len(results):
        sys.exit(1)


if __name__ == "__main__":
    main()
