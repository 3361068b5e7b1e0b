"""PyPI piston-cli: the first version of the public address, through the tool's own commands. It
forgets nothing for a day, so its cache is somewhere that goes."""

import os
import tempfile

from cases import equal, redirect_public_address, run

scratch = tempfile.TemporaryDirectory()
os.environ["XDG_CACHE_HOME"] = os.environ["XDG_CONFIG_HOME"] = os.environ["HOME"] = scratch.name
redirect_public_address()

from click.testing import CliRunner  # noqa: E402  after the environment, which it reads at import
from piston.cli import cli_app  # noqa: E402


def output_of(name, code, arguments, stdin):
    """What the tool prints for a file, the question for standard input answered."""
    path = os.path.join(scratch.name, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(code)
    result = CliRunner().invoke(cli_app, [path, *arguments], input=stdin + "\n")
    if result.exception:
        raise result.exception
    return result.output


def rows(output):
    """The numbered lines in the box below "Here is your output"."""
    lines = output.partition("Here is your output")[2].splitlines()[1:]
    return [line.split(maxsplit=1)[1].strip() for line in lines if line.strip()[:1].isdigit() and
            len(line.split(maxsplit=1)) == 2]


def runs_a_file():
    equal(rows(output_of("a.py", "import sys\nprint('hello')\nprint(sys.argv[1:], input())",
                         ["x", "y"], "in")), ["hello", "['x', 'y'] in"])


def shows_both_streams():
    said = rows(output_of("b.py", "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr)", ["x"], ""))
    equal(sorted(said), ["err", "out"])


def shows_what_a_compiler_says():
    equal("undeclared" in output_of("c.c", "int main(void) { return x; }", ["x"], ""), True)


run({
    "runs a file with arguments and standard input": runs_a_file,
    "shows both streams": shows_both_streams,
    "shows what a compiler says": shows_what_a_compiler_says,
})
