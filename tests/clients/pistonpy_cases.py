"""PyPI pistonpy: has the public address in its code, and posts JSON without saying that it is JSON."""

from pistonpy import PistonApp
from pistonpy.exceptions import PistonError

from cases import equal, redirect_public_address, refusal, run

redirect_public_address()
piston = PistonApp()


def lists_languages():
    equal({"python", "bash"} <= set(piston.languages), True)
    equal("sh" in piston.aliases["bash"], True)


def runs_a_program():
    answer = piston.run("python", "3.x", code="import sys; print(sys.argv[1:], input())",
                        args=["a", 5], input="in")
    equal(answer["run"]["stdout"], "['a', '5'] in\n")
    equal((answer["language"], answer["run"]["code"]), ("python", 0))


def asks_for_too_much():
    # The public address lowers limits that are too high instead of refusing them.
    answer = piston.run("python", code="print(1)", run_timeout=60_000, compile_timeout=60_000)
    equal(answer["run"]["stdout"], "1\n")


def is_told_of_an_unknown_language():
    equal(refusal(PistonError, lambda: piston.run("nope", code="x")), "nope-* runtime is unknown")


run({
    "lists languages and aliases": lists_languages,
    "runs a program": runs_a_program,
    "asks for more time than there is": asks_for_too_much,
    "is told of an unknown language": is_told_of_an_unknown_language,
})
