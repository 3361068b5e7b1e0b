"""gRPC as a client in another language has it, on engines of its own; see README.md."""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
VENV = os.path.join(REPOSITORY, "build", "test", "rpc-venv")
GENERATED = os.path.join(REPOSITORY, "build", "test", "rpc-generated")
PROTO = os.path.join(REPOSITORY, "api", "grpc")


def install():
    """The packages of requirements.txt, once for each content of it; returns their Python."""
    python = VENV + "/bin/python"
    stamp = VENV + "/stamp"
    with open(HERE + "/requirements.txt", "rb") as file:
        wanted = hashlib.sha256(file.read() + sys.version.encode()).hexdigest()
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == wanted:
                return python
    shutil.rmtree(VENV, ignore_errors=True)
    for command in ([sys.executable, "-m", "venv", VENV],
                    [python, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
                     "--only-binary", ":all:", "--disable-pip-version-check", "-r", HERE + "/requirements.txt"]):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)
    return python


def generate(python):
    """What a client's developer does: code from the .proto that is shipped."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    os.makedirs(GENERATED)
    subprocess.run([python, "-m", "grpc_tools.protoc", "-I", PROTO, "--python_out", GENERATED,
                    "--grpc_python_out", GENERATED, "executor.proto"], check=True, stdin=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(prog="tests/rpc/rpc.py", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="WORD", help="only cases with such a word in their name")
    parser.add_argument("--binaries", metavar="DIR", default=os.path.join(REPOSITORY, "build/dev/bin"))
    parser.add_argument("--lenient", action="store_true", help="a case that was skipped does not fail the run")
    options = parser.parse_args()
    python = install()
    generate(python)
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                   "PYTHONPATH": GENERATED + os.pathsep + os.path.join(REPOSITORY, "tests", "support")}
    lenient = ["--lenient"] if options.lenient else []
    os.execve(python, [python, HERE + "/cases.py", os.path.abspath(options.binaries), *lenient, *options.cases],
              environment)


if __name__ == "__main__":
    main()
