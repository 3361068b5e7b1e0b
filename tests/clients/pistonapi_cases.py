"""PyPI pistonapi: posts a form, with the program as the one value of `files`; the public address takes
that, so the engine's /api/v2/piston has to."""

from pistonapi import PistonAPI
from pistonapi.exceptions import PistonError

from cases import URL, equal, refusal, run

piston = PistonAPI(endpoint=URL + "/api/v2/piston")


def lists_languages():
    equal("py" in piston.languages["python"]["aliases"], True)


def runs_a_program():
    equal(piston.execute("py", "3.x", "print('hello', 1 + 1)"), "hello 2\n")


def passes_arguments_and_input():
    code = "import sys; print(sys.argv[1:], input())"
    equal(piston.execute("python", "*", code, stdin="in put", args=["a", "b c"]), "['a', 'b c'] in put\n")


def takes_one_argument_for_none():
    # A form cannot tell a list of one from a text, and what is no list counts as none.
    equal(piston.execute("python", "*", "import sys; print(sys.argv[1:])", args=["a"]), "[]\n")


def is_told_of_an_unknown_language():
    equal(refusal(PistonError, lambda: piston.execute("nope", "*", "")), "nope-* runtime is unknown")


run({
    "lists languages": lists_languages,
    "runs a program": runs_a_program,
    "passes arguments and standard input": passes_arguments_and_input,
    "sends one argument, which does not arrive": takes_one_argument_for_none,
    "is told of an unknown language": is_told_of_an_unknown_language,
})
