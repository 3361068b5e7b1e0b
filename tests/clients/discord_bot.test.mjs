// The Discord example without Discord and without an engine: what it makes of messages and answers.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { is_from_discord, public_key, task_of } from "../../scripts/examples/discord-bot/discord.mjs";
import { read_settings, respond } from "../../scripts/examples/discord-bot/bot.mjs";
import { MESSAGE_LIMIT, Refusal, format_answer, format_problem, parse_message, words } from
    "../../scripts/examples/discord-bot/message.mjs";

const recorded = (name) => readFileSync(new URL(`discord/${name}.json`, import.meta.url));
const interaction = (name) => JSON.parse(recorded(name));

test("a message says language, arguments, program and input", async (it) => {
    const rows = [
        { name: "a block alone", text: "```python\nprint(1)\n```", language: "python", code: "print(1)\n" },
        { name: "the command before it", text: "/run\n```py\nx\n```", language: "py", code: "x\n" },
        { name: "the language in the command", text: "/run c\n```cpp\nx```", language: "c", code: "x" },
        { name: "a block without language", text: "/run sh\n```\nx\n```", language: "sh", code: "x\n" },
        { name: "all in one line", text: "/run js ```x```", language: "js", code: "x" },
        { name: "a mention", text: "<@123> run Lua\n```\nx\n```", language: "lua", code: "x\n" },
        { name: "arguments", text: "/run sh a 'b c' \"d\"\n```\nx\n```", language: "sh", code: "x\n", args: ["a", "b c", "d"] },
        { name: "arguments, one a line", text: "/run sh a\nb c\nd\n```\nx\n```", language: "sh", code: "x\n", args: ["a", "b c", "d"] },
        { name: "input below", text: "```sh\ncat\n```\none\ntwo", language: "sh", code: "cat\n", stdin: "one\ntwo" },
        { name: "lines of Windows", text: "/run sh\r\n```sh\r\nx\r\n```\r\nin", language: "sh", code: "x\r\n", stdin: "in" },
        { name: "backticks in the program", text: "```sh\necho `ls` ``\n```", language: "sh", code: "echo `ls` ``\n" },
        { name: "a language with signs", text: "```c++\nx\n```", language: "c++", code: "x\n" },
    ];
    for (const { name, text, language, code, args = [], stdin = "" } of rows)
        await it.test(name, () => assert.deepEqual(parse_message(text), { language, code, args, stdin }));
});

test("a message that cannot be run is refused with a sentence", async (it) => {
    const rows = [
        { name: "no block", text: "/run python print(1)", says: /LANGUAGE/ },
        { name: "nothing", text: "", says: /LANGUAGE/ },
        { name: "no language", text: "```\nx\n```", says: /LANGUAGE/ },
        { name: "an empty block", text: "```sh\n \n```", says: /no code/ },
        { name: "an open quote", text: "/run sh 'a\n```\nx\n```", says: /not closed/ },
    ];
    for (const { name, text, says } of rows)
        await it.test(name, () => assert.throws(() => parse_message(text),
            (error) => error instanceof Refusal && says.test(error.message)));
});

test("words are split as a shell splits them", () => {
    assert.deepEqual(words(String.raw` a  'b "c' "d 'e" f\ g "" h"i"j "\"" '\' `), ["a", 'b "c', "d 'e", "f g", "", "hij", '"', "\\"]);
    assert.deepEqual(words(""), []);
});

test("a slash command and a message command say what to run", () => {
    assert.deepEqual(task_of(interaction("slash_command")),
        { language: "python", code: "import sys; print(sys.argv[1:], input())", args: ["one", "two words"], stdin: "in" });
    assert.deepEqual(task_of(interaction("message_command")),
        { language: "bash", code: "echo \"$1 `cat`\"\n", args: ["first"], stdin: "from below" });
    const pasted = interaction("slash_command");
    pasted.data.options[1].value = "```py print(1)```";
    assert.equal(task_of(pasted).code, "print(1)");
});

const stage = (more) => ({ signal: null, stdout: "", stderr: "", code: 0, output: "", message: null, status: null, ...more });
const answer = (run, compile) => ({ ...(compile && { compile: stage(compile) }), run: stage(run), language: "c", version: "1.0.0" });

test("an answer becomes a message that says how the program ended", async (it) => {
    const rows = [
        { name: "output", given: answer({ output: "hi\n" }), wanted: "c 1.0.0\n```\nhi\n\n```" },
        { name: "nothing printed", given: answer({}), wanted: "c 1.0.0 — The program printed nothing." },
        { name: "an exit code", given: answer({ code: 3 }), wanted: "c 1.0.0 — The program ended with exit code 3." },
        { name: "a signal", given: answer({ code: null, signal: "SIGSEGV", status: "SG" }), wanted: "c 1.0.0 — The program was ended by SIGSEGV." },
        { name: "a time limit", given: answer({ code: null, signal: "SIGKILL", status: "TO" }), wanted: "c 1.0.0 — The program took too long and was stopped." },
        { name: "an output limit", given: answer({ code: null, signal: "SIGKILL", status: "OL", output: "x" }), wanted: "c 1.0.0 — The program printed too much and was stopped.\n```\nx\n```" },
        { name: "a compiler's complaint", given: answer({ code: 1, output: "e" }, { code: 1, output: "e" }), wanted: "c 1.0.0 — The compiler ended with exit code 1.\n```\ne\n```" },
        { name: "a compiled program", given: answer({ output: "o" }, { output: "a warning" }), wanted: "c 1.0.0\n```\no\n```" },
    ];
    for (const { name, given, wanted } of rows) await it.test(name, () => assert.equal(format_answer(given), wanted));
});

test("output cannot leave its block", () => {
    const text = format_answer(answer({ output: "a```b\n@everyone" }));
    assert.equal(text.match(/```/g).length, 2);
});

test("a message is never longer than Discord takes, and never ends within a character", async (it) => {
    const room = MESSAGE_LIMIT - "c 1.0.0\n```\n\n```".length;
    for (const [name, unit] of [["letters", "x"], ["backticks", "`"], ["pairs", "😀"], ["lines", "a\n"]]) {
        for (const count of [900, room / 2, room / 2 + 1, room, room + 1, 5000]) await it.test(`${count} ${name}`, () => {
            const text = format_answer(answer({ output: unit.repeat(count) }));
            assert(text.length <= MESSAGE_LIMIT);
            assert(text.isWellFormed());
            assert(text.endsWith("\n```"));
            assert.equal(text.includes("(cut)"), unit.replace("`", "``").length * count > room);
        });
    }
});

test("the engine's trouble is told without its details, a mistake with them", () => {
    assert.match(format_problem(400, { message: "x-* runtime is unknown" }), /x-\* runtime is unknown/);
    assert.match(format_problem(429, { message: "…" }), /Try again in a moment/);
    for (const [status, body] of [[500, { message: "id 7" }], [503, null], [400, {}], [502, { message: 5 }]])
        assert.equal(format_problem(status, body), "The engine cannot run this now. Try again later.");
});

test("only what Discord has signed, and lately, is believed", () => {
    const pair = generateKeyPairSync("ed25519");
    const hex = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
    const key = public_key(hex);
    const body = recorded("ping");
    const now = 1_700_000_000_000;
    const time = String(now / 1000);
    const headers = (changes = {}) => ({
        "x-signature-ed25519": sign(null, Buffer.concat([Buffer.from(time), body]), pair.privateKey).toString("hex"),
        "x-signature-timestamp": time, ...changes,
    });
    assert.equal(is_from_discord(key, headers(), body, now), true);
    assert.equal(is_from_discord(key, headers(), Buffer.concat([body, Buffer.from(" ")]), now), false);
    assert.equal(is_from_discord(key, headers({ "x-signature-timestamp": String(now / 1000 + 1) }), body, now), false);
    assert.equal(is_from_discord(key, headers({ "x-signature-ed25519": "00".repeat(64) }), body, now), false);
    assert.equal(is_from_discord(key, headers({ "x-signature-ed25519": "zz" }), body, now), false);
    assert.equal(is_from_discord(key, {}, body, now), false);
    assert.equal(is_from_discord(key, headers(), body, now + 3_600_000), false);
    assert.throws(() => public_key("00"), /64 hexadecimal/);
});

test("each kind of interaction gets the reply that Discord wants first", () => {
    assert.deepEqual(respond(interaction("ping"), {}).reply, { type: 1 });
    assert.deepEqual(respond(interaction("slash_command"), {}).reply, { type: 5 });
    assert.equal(typeof respond(interaction("message_command"), {}).later, "function");
    const empty = interaction("message_command");
    empty.data.resolved.messages[empty.data.target_id].content = "hello";
    const { reply, later } = respond(empty, {});
    assert.deepEqual([reply.type, reply.data.flags, reply.data.allowed_mentions, later], [4, 64, { parse: [] }, undefined]);
});

test("a setting that is missing is named", () => {
    assert.throws(() => read_settings({}), /DISCORD_PUBLIC_KEY is not set/);
    assert.equal(read_settings({ DISCORD_PUBLIC_KEY: "00".repeat(32), CRANKCASE_URL: "http://h:1/" }).engine, "http://h:1");
});
