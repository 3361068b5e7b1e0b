// The Discord example with an engine: its own server is called as Discord calls it, with a signature, and
// what it then tells Discord is taken by a server of this program.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { read_settings, serve } from "../../scripts/examples/discord-bot/bot.mjs";
import { run, url } from "./cases.mjs";

const pair = generateKeyPairSync("ed25519");
const recorded = (name) => JSON.parse(readFileSync(new URL(`discord/${name}.json`, import.meta.url)));

// Where Discord would be: keeps the next answer that it is told.
const told = [];
const discord = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    told.push({ path: request.url, method: request.method, ...JSON.parse(body) });
    response.end("{}");
    discord.emit("told");
});
discord.listen(0, "127.0.0.1");
await once(discord, "listening");

const bot = serve(read_settings({
    DISCORD_PUBLIC_KEY: pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex"),
    DISCORD_API: `http://127.0.0.1:${discord.address().port}`,
    CRANKCASE_URL: url,
    PORT: "0",
}));
await once(bot, "listening");

async function call(interaction, key = pair.privateKey) {
    const body = Buffer.from(JSON.stringify(interaction));
    const time = String(Math.floor(Date.now() / 1000));
    return fetch(`http://127.0.0.1:${bot.address().port}/`, {
        method: "POST", body,
        headers: {
            "X-Signature-Ed25519": sign(null, Buffer.concat([Buffer.from(time), body]), key).toString("hex"),
            "X-Signature-Timestamp": time,
        },
    });
}

// Calls the bot and returns what it then shows.
async function shown(interaction) {
    const heard = once(discord, "told", { signal: AbortSignal.timeout(60_000) });
    const answer = await call(interaction);
    assert.deepEqual([answer.status, await answer.json()], [200, { type: 5 }]);
    await heard;
    return told.pop();
}

await run({
    "answers Discord's ping": async () => assert.deepEqual(await (await call(recorded("ping"))).json(), { type: 1 }),
    "refuses what Discord has not signed": async () =>
        assert.equal((await call(recorded("ping"), generateKeyPairSync("ed25519").privateKey)).status, 401),
    "runs a slash command": async () => {
        const { path, method, content, allowed_mentions } = await shown(recorded("slash_command"));
        assert.deepEqual([method, path, allowed_mentions],
            ["PATCH", "/webhooks/1100000000000000000/token-of-slash/messages/@original", { parse: [] }]);
        assert.match(content, /^python \S+\n```\n\['one', 'two words'\] in\n\n```$/);
    },
    "runs a message's block": async () =>
        assert.match((await shown(recorded("message_command"))).content, /^bash \S+\n```\nfirst from below\n\n```$/),
    "tells what the engine says of a mistake": async () => {
        const interaction = recorded("slash_command");
        interaction.data.options[0].value = "nope";
        assert.equal((await shown(interaction)).content, "The engine says: nope-* runtime is unknown.");
    },
});
bot.close();
discord.close();
process.exit(0);  // connections that are kept alive
