// npm piston-api: its calls about packages, on the package "greet" of an index made by clients.py.
// The client has no call to uninstall.
import assert from "node:assert/strict";

import { client, refusal, run, url } from "./cases.mjs";

const { PistonClient } = await client("piston-api");
const piston = new PistonClient({ baseUrl: url });
const greet = { language: "greet", version: "1.x" };
const listed = async (query) =>
    (await piston.getPackages(query)).find((one) => one.language === "greet");

await run({
    "lists packages": async () =>
        assert.deepEqual(await listed(), { language: "greet", language_version: "1.0.0", installed: false }),
    // Piston ignores what the query says.
    "lists all packages whatever it asks for": async () =>
        assert.deepEqual(await listed({ language: "other", installed: true }), await listed()),
    "is told of an unknown package": async () =>
        assert.equal(await refusal(() => piston.installPackage({ language: "nope", version: "*" })),
            "API Error: Requested package nope-* does not exist"),
    "installs a package and runs it": async () => {
        await piston.getRuntimes();
        assert.deepEqual(await piston.installPackage(greet), { language: "greet", version: "1.0.0" });
        assert((await piston.getRuntimes()).some((one) => one.language === "greet"));
        const { run } = await piston.run({ language: "greet", code: "the code" });
        assert.equal(run.stdout, "hello from greet\nthe code");
    },
    "lists it as installed": async () => assert.equal((await listed()).installed, true),
    "is told that it is installed": async () =>
        assert.equal(await refusal(() => piston.installPackage(greet)), "API Error: Already installed"),
});
