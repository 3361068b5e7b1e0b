"""Installs packages, runs their self-tests on a real engine, removes them; see README.md."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "support"))

import warm  # noqa: E402
from engine import Engine  # noqa: E402

BEGIN, END = "<!-- languages: begin -->", "<!-- languages: end -->"

# Small ones of every kind of source, and every way a runtime can work: interpreted, compiled, on a
# shared layer, with a set-up script, several languages of one package.
QUICK = ["bash", "lua", "perl", "php", "python=3.11", "ruby", "sqlite3", "gcc", "brainfuck", "node=26",
         "typescript=7", "deno", "zig=0.15", "clojure", "groovy", "go=1.24"]


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/languages",
        description="Installs packages for real, runs their self-tests on a running engine, removes "
        "them again. Exits with 1 if one could not be installed or failed a test.")
    parser.add_argument("packages", nargs="*", metavar="NAME[=RANGE]", help="default: all")
    parser.add_argument("--quick", action="store_true", help=", ".join(QUICK))
    parser.add_argument("--table", action="store_true",
                        help="write the table of the README; only with all packages")
    parser.add_argument("--warm", action="store_true",
                        help="instead, the programs of tests/warm, cold and with compilers that stand "
                        "ready: " + ", ".join(warm.PACKAGES))
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    parser.add_argument("--data", metavar="DIR", help="keep packages and downloads in this directory")
    parser.add_argument("--binaries", metavar="DIR",
                        default=os.path.join(REPOSITORY, "build/release/bin"),
                        help="use these programs instead of building them")
    options = parser.parse_args()
    if options.warm and set(options.packages) - set(warm.PACKAGES):
        parser.error("--warm is for " + ", ".join(warm.PACKAGES))
    if options.table and (options.packages or options.quick):
        parser.error("--table is for all packages")
    return options


class Shop(Engine):
    """An engine whose packages change, and the command-line tool that changes them."""

    def __init__(self, binaries, data, settings=()):
        of_data = [f"paths.data_directory={data}"] if data else []
        super().__init__(binaries, "languages", [*of_data, *settings])

    def tool(self, *words):
        """Runs the command-line tool; returns its exit code, output and last line of complaint."""
        done = subprocess.run([self.binaries + "/crankcase", *self.arguments(), *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        complaint = done.stderr.strip().splitlines()
        return done.returncode, done.stdout, complaint[-1] if complaint else ""

    def list(self):
        code, out, complaint = self.tool("list", "--json")
        if code != 0:
            raise SystemExit("languages: " + complaint)
        return json.loads(out)

    def wait_for_runtimes(self, entry):
        """The set-up script of a package runs after its installation."""
        deadline = time.monotonic() + 300
        wanted = {(language, entry["version"]) for language in entry["languages"]}
        while time.monotonic() < deadline:
            with urllib.request.urlopen(self.url + "/api/v2/runtimes") as answer:
                there = {(one["language"], one["version"]) for one in json.load(answer)}
            if wanted <= there:
                return ""
            failed = [line for line in self.log().splitlines() if "package_not_finished" in line
                      and f'"{entry["name"]}={entry["version"]}"' in line]
            if failed:
                return failed[-1]
            time.sleep(0.1)
        return "its runtimes do not appear"


def matching(listed, requests):
    """The packages asked for, of each the newest in its range; without requests all."""
    languages = [entry for entry in listed if entry["languages"]]
    if not requests:
        return languages
    chosen = []
    for request in requests:
        name, _, start = request.partition("=")
        found = [entry for entry in languages if entry["name"] == name
                 and (entry["version"] + ".").startswith(start + "." if start else "")]
        if not found:
            raise SystemExit(f"languages: there is no package {request}")
        chosen.append(found[-1])
    return chosen


def try_package(place, entry):
    """Installs, tests and removes one package; returns its row."""
    request = f"{entry['name']}={entry['version']}"
    row = {key: entry[key] for key in ("name", "version", "source", "languages")}
    row |= {"bytes": 0, "seconds": 0.0, "tests": [], "trouble": ""}
    began = time.monotonic()
    code, _, complaint = place.tool("install", request)
    row["trouble"] = complaint if code != 0 else place.wait_for_runtimes(entry)
    row["seconds"] = time.monotonic() - began
    if not row["trouble"]:
        _, out, complaint = place.tool("test", request, "--json")
        try:
            # Those that a language cannot have come as neither passed nor failed.
            row["tests"] = [test for test in json.loads(out) if test["passed"] is not None]
        except ValueError:
            row["trouble"] = complaint or "no test results"
        if not row["tests"] and not row["trouble"]:
            row["trouble"] = "it has no tests"
        row["bytes"] = next((one["bytes"] for one in place.list()
                             if (one["name"], one["version"]) == (entry["name"], entry["version"])), 0)
    place.tool("uninstall", request)
    return row


def failures(row):
    wrong = [f"{test['language']} {test['test']}: {test['reason']}"
             for test in row["tests"] if not test["passed"]]
    return ([row["trouble"]] if row["trouble"] else []) + wrong


def bar(done, total):
    width = 24
    return "#" * (width * done // total) + "." * (width - width * done // total)


def cold(row, language):
    """What the first program of a language took, in milliseconds."""
    times = [test["wall_ms"] for test in row["tests"]
             if test["language"] == language and test["test"] == "hello"]
    return f"{times[0]:.0f}" if times else ""


def table(rows):
    lines = ["| language | version | package | source | MiB | hello ms |", "|---|---|---|---|--:|--:|"]
    for row in sorted(rows, key=lambda row: (sorted(row["languages"])[0].lower(), row["version"])):
        for language in row["languages"]:
            lines.append(f"| {language} | {row['version']} | {row['name']} | {row['source']} | "
                         f"{row['bytes'] / 2**20:.0f} | {cold(row, language)} |")
    return "\n".join(lines)


def write_table(rows):
    path = os.path.join(REPOSITORY, "README.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit("languages: README.md has no place for the table")
    good = [row for row in rows if not failures(row)]
    block = f"{BEGIN}\n{table(good)}\n{END}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(pattern.sub(lambda _: block, text))


def compare_warm(options):
    with tempfile.TemporaryDirectory(prefix="crankcase-warm-") as own:
        os.chmod(own, 0o755)
        data = options.data or own + "/data"
        different = warm.compare(lambda settings: Shop(options.binaries, data, settings), matching,
                                 options.packages)
    print(f"languages: {different} programs differ where something stood ready")
    sys.exit(1 if different else 0)


def main():
    options = parse_arguments()
    if options.warm:
        compare_warm(options)
    rows = []
    with Shop(options.binaries, options.data) as place:
        chosen = matching(place.list(), QUICK if options.quick else options.packages)
        # Layers that many lie on are installed once, not with each.
        if len(chosen) > 1:
            for entry in place.list():
                if not entry["languages"]:
                    place.tool("install", entry["name"])
        for done, entry in enumerate(chosen, 1):
            row = try_package(place, entry)
            rows.append(row)
            wrong = failures(row)
            passed = sum(test["passed"] for test in row["tests"])
            print(f"[{bar(done, len(chosen))}] {done}/{len(chosen)} {entry['name']} {entry['version']} "
                  f"({entry['source']}): {'FAILED' if wrong else 'ok'}, {passed} tests, "
                  f"{row['bytes'] / 2**20:.0f} MiB, installed in {row['seconds']:.1f} s", flush=True)
            for sentence in wrong:
                print("    " + sentence, flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    if options.table:
        write_table(rows)
    bad = sum(bool(failures(row)) for row in rows)
    languages = {language for row in rows if not failures(row) for language in row["languages"]}
    print(f"languages: {len(rows) - bad} packages passed, {bad} failed, {len(languages)} languages, "
          f"{sum(len(row['tests']) for row in rows)} tests")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
