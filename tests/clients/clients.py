"""Runs published Piston clients against an engine of its own; see README.md."""

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "support"))
from engine import Engine  # noqa: E402

INSTALLED = os.path.join(REPOSITORY, "build", "clients")
PATIENCE = 300  # seconds a case program may take


class Group:
    """Cases of one client in one program, and the engine that they want. A group with a `needs` can
    be left out by that name."""

    def __init__(self, client, program, needs="", settings=(), packages=False):
        self.client = client
        self.command = program.split()
        self.needs = needs
        self.settings = settings
        self.packages = packages


# A program in a session may wait longer than the cases do.
LONG = ("limits.run.wall_time=10m", "limits.run.cpu_time=10m")
GROUPS = [
    Group("npm piston-api", "piston_api.mjs"),
    Group("npm piston-api, packages", "piston_api_packages.mjs", packages=True),
    Group("npm piston-api, sessions", "piston_api_sessions.mjs", "websocket", LONG),
    Group("npm piston-client", "piston_client.mjs strict"),
    Group("npm piston-client, lenient", "piston_client.mjs lenient", "lenient",
          ("server.content_types=any",)),
    Group("Discord example", "discord_bot.mjs"),
    Group("PyPI piston-rspy", "piston_rspy_cases.py"),
    Group("PyPI pistonapi", "pistonapi_cases.py", "facade"),
    Group("PyPI pistonpy", "pistonpy_cases.py", "facade"),
    Group("PyPI piston-cli", "piston_cli_cases.py", "facade"),
]


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/clients",
        description="Runs published Piston clients against an engine of its own, and the tests of the "
        "Discord example. Exits with 1 if a case failed.")
    needs = sorted({group.needs for group in GROUPS if group.needs})
    parser.add_argument("--without", action="append", default=[], choices=needs,
                        help="leave out the cases that need this of the engine; may be repeated")
    parser.add_argument("--url", help="run against this address instead of starting an engine; without "
                        "what needs an engine with settings of its own")
    parser.add_argument("--only", metavar="WORD", help="only groups with this word in their name")
    parser.add_argument("--binaries", metavar="DIR",
                        default=os.path.join(REPOSITORY, "build/release/bin"),
                        help="use these programs instead of building them")
    return parser.parse_args()


# --- installing ---------------------------------------------------------------------------------------

def digest_of(*names):
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def install(kind, names, make):
    """Installs what the named files list into a directory of its own, once for each content of them."""
    place = os.path.join(INSTALLED, kind)
    stamp = os.path.join(place, "stamp")
    wanted = digest_of(*names)
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == wanted:
                return place
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    for name in names:
        shutil.copy(os.path.join(HERE, name), place)
    for command in make(place):
        subprocess.run(command, cwd=place, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)
    return place


def install_node():
    return install("npm", ["package.json", "package-lock.json"], lambda place: [
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]])


def install_python():
    return install("python", ["requirements.txt"], lambda place: [
        [sys.executable, "-m", "venv", place],
        [place + "/bin/python", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
         "--only-binary", ":all:", "--disable-pip-version-check", "-r", "requirements.txt"]])


# --- running ------------------------------------------------------------------------------------------

def make_index(directory):
    """A Piston package "greet" with its index; returns the index's address."""
    files = {
        "pkg-info.json": json.dumps({"language": "greet", "version": "1.0.0", "aliases": ["g"]}),
        "run": "#!/bin/bash\necho \"$GREETING $PISTON_LANGUAGE\"\ncat \"$1\"\n",
        "environment": "export GREETING='hello from'\n",
    }
    package = os.path.join(directory, "greet.pkg.tar.gz")
    with tarfile.open(package, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo("./" + name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    with open(package, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    index = os.path.join(directory, "index")
    with open(index, "w", encoding="ascii") as file:
        file.write(f"greet,1.0.0,{digest},file://{package}\n")
    return "file://" + index


def run_cases(command, environment, directory):
    """Runs a case program; returns its cases as (name, why it failed or None)."""
    try:
        done = subprocess.run(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return [("the program ends", f"not within {PATIENCE} s")]
    cases = []
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            case = json.loads(line)
            cases.append((case["case"], case["why"]))
    if done.returncode != 0 or not cases:
        complaint = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        cases.append(("the program ends well", f"exit code {done.returncode}: {complaint}"))
    return cases


def run_group(group, url, node, python):
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent",
                   "CRANKCASE_URL": url, "CRANKCASE_CLIENTS": node, "PYTHONDONTWRITEBYTECODE": "1"}
    interpreter = "node" if group.command[0].endswith(".mjs") else python + "/bin/python"
    return run_cases([interpreter, *group.command], environment, HERE)


def run_on_engine(group, options, node, python):
    if options.url:
        return run_group(group, options.url, node, python)
    with ExitStack() as stack:
        settings = list(group.settings)
        if group.packages:
            settings += ["packages.api=local", "packages.index=" + stack.enter_context(Shelf())]
        engine = stack.enter_context(Engine(options.binaries, "ckclients", settings))
        cases = run_group(group, engine.url, node, python)
        if any(why for _, why in cases):
            print(engine.log()[-3000:], file=sys.stderr)
        return cases


class Shelf:
    """The index of the test package, readable by the engine's user, while the block runs."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="crankcase-shelf-")
        os.chmod(self.directory, 0o755)
        return make_index(self.directory)

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)


def run_example():
    """The tests of the Discord example that need no engine."""
    tests = sorted(os.path.join(HERE, name) for name in os.listdir(HERE) if name.endswith(".test.mjs"))
    done = subprocess.run(["node", "--test", "--test-reporter=tap", *tests], cwd=HERE,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    counts = dict(line[2:].split(maxsplit=1) for line in done.stdout.splitlines()
                  if line.startswith(("# tests ", "# fail ")))
    if done.returncode != 0 or int(counts.get("tests", 0)) == 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        return [("its tests", "they fail; see above")]
    return [(f"test {number + 1}", None) for number in range(int(counts["tests"]))]


def main():
    options = parse_arguments()
    groups = [group for group in GROUPS if not options.only or options.only in group.client]
    if options.url:
        groups = [group for group in groups if not group.settings and not group.packages]
    node, python = install_node(), install_python()
    table = []
    for group in groups:
        if group.needs in options.without:
            print(f"{group.client}: left out, it needs {group.needs}", flush=True)
            continue
        table.append((group.client, run_on_engine(group, options, node, python)))
        show(*table[-1])
    if not options.only and not options.url:
        table.append(("Discord example, its parts", run_example()))
        show(*table[-1])
    summarize(table)


def show(client, cases):
    for name, why in cases:
        print(f"{'FAILED' if why else 'ok    '} {client}: {name}{': ' + why if why else ''}", flush=True)


def summarize(table):
    print(f"\n{'client':<28} {'cases':>6} {'failed':>6}")
    failed = 0
    for client, cases in table:
        bad = sum(bool(why) for _, why in cases)
        failed += bad
        print(f"{client:<28} {len(cases):>6} {bad:>6}")
    print(f"clients: {sum(len(cases) for _, cases in table)} cases, {failed} failed")
    sys.exit(1 if failed or not table else 0)


if __name__ == "__main__":
    main()
