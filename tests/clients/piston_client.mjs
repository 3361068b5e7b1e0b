// npm piston-client: posts JSON without saying that it is JSON. Piston refuses that, and so does the
// engine unless server.content_types = "any"; clients.py runs this against both.
import assert from "node:assert/strict";

import { client, run, url } from "./cases.mjs";

const { piston } = await client("piston-client");
const server = piston({ server: url });

const strict = {
    "lists runtimes": async () =>
        assert((await server.runtimes()).some((one) => one.language === "python")),
    "is told to say that it sends JSON": async () =>
        assert.deepEqual(await server.execute("python", "print(1)"),
            { message: "requests must be of type application/json" }),
};

const lenient = {
    "runs the newest version of a language": async () => {
        const { run, language } = await server.execute("python", "import sys; print(sys.argv[1:])");
        assert.deepEqual([language, run.stdout, run.code], ["python", "['1', '2', '3']\n", 0]);
    },
    "runs by an alias, with files and options": async () => {
        const { run, language } = await server.execute({
            language: "py", version: "3.x", args: ["a"], stdin: "in", runTimeout: 2000,
            files: [{ name: "main.py", content: "import sys; print(sys.argv[1], input())" }],
        });
        assert.deepEqual([language, run.stdout], ["python", "a in\n"]);
    },
    "is told of a limit that is too high": async () =>
        assert.deepEqual(await server.execute("python", "", { runTimeout: 3001 }),
            { message: "run_timeout cannot exceed the configured limit of 3000" }),
    "finds no version of an unknown language": async () =>
        assert.deepEqual(await server.execute("nope", ""), { message: "version is required as a string" }),
};

await run(process.argv[2] === "lenient" ? lenient : strict);
