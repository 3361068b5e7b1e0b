// Discord's side: whether a request really comes from Discord, and what an interaction asks for.
import { createPublicKey, verify } from "node:crypto";

import { Refusal, USAGE, parse_message, words } from "./message.mjs";

export const PING = 1;
export const COMMAND = 2;
export const MODAL_SUBMIT = 5;
export const CHAT_INPUT = 1;
export const MESSAGE_MENU = 3;
export const REPLY = 4;
export const REPLY_LATER = 5;
export const FOR_SENDER_ONLY = 64;

// An Ed25519 key as Node wants it: these bytes, then the key's 32 (RFC 8410).
const prefix = Buffer.from("302a300506032b6570032100", "hex");

export function public_key(hex) {
    if (!/^[0-9a-fA-F]{64}$/.test(hex)) throw new Error("DISCORD_PUBLIC_KEY must be 64 hexadecimal digits");
    return createPublicKey({ key: Buffer.concat([prefix, Buffer.from(hex, "hex")]), format: "der", type: "spki" });
}

// Discord signs the time stamp and the body together. An old request may be a replayed one.
export function is_from_discord(key, headers, body, now = Date.now(), oldest = 300_000) {
    const signature = String(headers["x-signature-ed25519"] ?? "");
    const time = String(headers["x-signature-timestamp"] ?? "");
    if (!/^[0-9a-fA-F]{128}$/.test(signature) || !/^\d{1,12}$/.test(time)) return false;
    if (Math.abs(now - Number(time) * 1000) > oldest) return false;
    return verify(null, Buffer.concat([Buffer.from(time), body]), key, Buffer.from(signature, "hex"));
}

// The options of a slash command by name.
const options_of = (data) => Object.fromEntries((data.options ?? []).map((one) => [one.name, one.value]));

// What an interaction asks to run: {language, code, args, stdin}; throws Refusal.
export function task_of(interaction) {
    const { data } = interaction;
    if (data.type === MESSAGE_MENU) {
        const message = data.resolved?.messages?.[data.target_id];
        return parse_message(message?.content ?? "");
    }
    if (data.type !== CHAT_INPUT) throw new Refusal(USAGE);
    const { language, code, args, stdin } = options_of(data);
    if (!language || !code) throw new Refusal(USAGE);
    // A slash command is one line; a block that was pasted into it still is one.
    const pasted = /^\s*```(?:[^\s`]+\s+)?([\s\S]*?)```\s*$/.exec(code);
    return { language: language.toLowerCase(), code: pasted ? pasted[1] : code, args: words(args ?? ""), stdin: stdin ?? "" };
}

// The commands as Discord wants them registered.
export const COMMANDS = [
    {
        name: "run", type: CHAT_INPUT, description: "Runs a program and shows what it prints",
        options: [
            { name: "language", type: 3, required: true, description: "python, c, javascript, …" },
            { name: "code", type: 3, required: true, description: "The program" },
            { name: "args", type: 3, required: false, description: "Its arguments, as in a shell" },
            { name: "stdin", type: 3, required: false, description: "Its standard input" },
        ],
    },
    { name: "Run code", type: MESSAGE_MENU },
];
