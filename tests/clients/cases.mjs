// What the case programs in JavaScript share: the engine's address, the installed clients, and a
// runner that prints one JSON line a case, which clients.py reads.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

export const url = process.env.CRANKCASE_URL;

// Clients lie in the build directory, not beside these files.
const require = createRequire(`${process.env.CRANKCASE_CLIENTS}/`);
export const client = async (name) => import(pathToFileURL(require.resolve(name)));

// Runs the named cases one after another; a case fails by throwing.
export async function run(cases) {
    for (const [name, body] of Object.entries(cases)) {
        let why = null;
        try {
            await body();
        } catch (error) {
            why = String(error?.message ?? error);
        }
        console.log(JSON.stringify({ case: name, why }));
    }
}

// The sentence that a call is refused with.
export async function refusal(call) {
    try {
        await call();
    } catch (error) {
        return error.message;
    }
    return assert.fail("it was not refused");
}
