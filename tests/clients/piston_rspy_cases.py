"""PyPI piston-rspy: the Rust client piston_rs, by its Python binding; checks the types of what comes."""

import asyncio

import piston_rspy

from cases import URL, equal, run

client = piston_rspy.Client.with_url(URL + "/api/v2")


def execute(language, code, **more):
    file = piston_rspy.File(name="main.code", content=code)

    async def call():
        return await client.execute(piston_rspy.Executor(language=language, version="*",
                                                         files=[file], **more))
    return asyncio.run(call())


def lists_runtimes():
    async def call():
        return await client.fetch_runtimes()
    runtimes = asyncio.run(call())
    equal(any(one.language == "python" and "py" in one.aliases for one in runtimes), True)


def runs_a_program():
    answer = execute("python", "import sys; print(sys.argv[1:], input())", args=["a"], stdin="in")
    equal((answer.is_ok(), answer.run.stdout, answer.run.code), (True, "['a'] in\n", 0))


def compiles_and_runs():
    answer = execute("c", "int main(void) { return 3; }")
    equal((answer.compile.code, answer.run.code), (0, 3))


def shows_a_time_limit():
    answer = execute("bash", "sleep 60", run_timeout=300)
    equal((answer.run.code, answer.run.signal), (None, "SIGKILL"))


def is_told_of_an_unknown_language():
    # The binding keeps the answer's status and drops its sentence.
    answer = execute("nope", "")
    equal((answer.is_err(), answer.status), (True, 400))


run({
    "lists runtimes": lists_runtimes,
    "runs a program": runs_a_program,
    "compiles and runs": compiles_and_runs,
    "shows a time limit": shows_a_time_limit,
    "is told of an unknown language": is_told_of_an_unknown_language,
})
