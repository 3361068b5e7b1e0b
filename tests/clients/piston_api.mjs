// npm piston-api: checks every reply against a schema of its own, so a key that is missing, null
// where it must not be, or of another type makes its calls fail.
import assert from "node:assert/strict";

import { client, refusal, run, url } from "./cases.mjs";

const { PistonClient } = await client("piston-api");
const piston = new PistonClient({ baseUrl: url });
const runtime = { language: "python", version: "*" };
const python = (code, more = {}) => piston.run({ language: "python", code, ...more });

await run({
    "recognizes the instance": async () => assert.equal(await piston.validateInstance(), true),
    "lists runtimes": async () => {
        const runtimes = await piston.getRuntimes();
        assert(runtimes.some((one) => one.language === "python" && one.aliases.includes("py")));
    },
    "lists the runtimes of one language": async () => {
        const runtimes = await piston.getRuntimes({ language: "Bash" }, true);
        assert.deepEqual(new Set((await piston.getRuntimes({ language: "bash" })).map((one) => one.language)),
            new Set(["bash"]));
        assert(runtimes.length > 0);
    },
    "runs a program": async () => {
        const { language, run, compile } = await python("print('hello')");
        assert.deepEqual([language, run.stdout, run.stderr, run.output, run.code, run.signal, run.status, compile],
            ["python", "hello\n", "", "hello\n", 0, null, null, undefined]);
    },
    "reports times and memory": async () => {
        const { run } = await python("print(1)");
        assert(run.cpu_time > 0 && run.wall_time > 0 && run.memory > 0);
    },
    "passes arguments and standard input": async () => {
        const { run } = await python("import sys; print(sys.argv[1:], sys.stdin.read())",
            { args: ["a b", "ü"], stdin: "in" });
        assert.equal(run.stdout, "['a b', 'ü'] in\n\n");
    },
    "sends several files, one of them binary": async () => {
        const { run } = await piston.execute({
            ...runtime,
            files: [
                { name: "main.py", content: "import part; print(part.n, open('data', 'rb').read())" },
                { name: "part.py", content: "n = 7" },
                { name: "data", content: Buffer.from([0, 255]).toString("base64"), encoding: "base64" },
            ],
        });
        assert.equal(run.stdout, "7 b'\\x00\\xff'\n");
    },
    "compiles and runs": async () => {
        const { compile, run } = await piston.run({ language: "c", code: "int main(void) { return 3; }" });
        assert.deepEqual([compile.code, run.code, run.status], [0, 3, "RE"]);
    },
    "shows what the compiler says": async () => {
        const { compile, run } = await piston.run({ language: "c", code: "int main(void) { return x; }" });
        assert.match(compile.stderr, /undeclared/);
        assert.deepEqual(run, compile);
    },
    "shows an exit code": async () => {
        const { run } = await python("raise SystemExit(5)");
        assert.deepEqual([run.code, run.status, run.message], [5, "RE", "Exited with error status 5"]);
    },
    "shows a time limit": async () => {
        const { run } = await python("import time; time.sleep(60)", { run_timeout: 300 });
        assert.deepEqual([run.code, run.signal, run.status, run.message],
            [null, "SIGKILL", "TO", "Time limit exceeded (wall clock)"]);
    },
    "shows an output limit": async () => {
        const { run } = await python("print('x' * 100_000_000)");
        assert.deepEqual([run.code, run.signal, run.status, run.message],
            [null, "SIGKILL", "OL", "stdout length exceeded"]);
    },
    "is told of an unknown language": async () =>
        assert.equal(await refusal(() => piston.run({ language: "nope", code: "" })),
            "API Error: nope-* runtime is unknown"),
    "is told of a limit that is too high": async () =>
        assert.equal(await refusal(() => python("", { run_timeout: 3001 })),
            "API Error: run_timeout cannot exceed the configured limit of 3000"),
    "is told of a missing file": async () =>
        assert.equal(await refusal(() => piston.execute({ ...runtime, files: [] })),
            "API Error: files must include at least one utf8 encoded file"),
});
