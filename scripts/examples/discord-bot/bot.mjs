// The web server that Discord calls: `node bot.mjs`, settings in the environment, see README.md.
// `node bot.mjs register` tells Discord the commands, once.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

import { COMMAND, COMMANDS, FOR_SENDER_ONLY, PING, REPLY, REPLY_LATER, is_from_discord, public_key, task_of } from "./discord.mjs";
import { Refusal, format_answer, format_problem, request_of } from "./message.mjs";

const BODY_LIMIT = 256 * 1024;

export function read_settings(environment) {
    const need = (name) => {
        if (!environment[name]) throw new Error(`${name} is not set`);
        return environment[name];
    };
    return {
        key: public_key(need("DISCORD_PUBLIC_KEY")),
        engine: (environment.CRANKCASE_URL ?? "http://127.0.0.1:2000").replace(/\/+$/, ""),
        discord: (environment.DISCORD_API ?? "https://discord.com/api/v10").replace(/\/+$/, ""),
        host: environment.HOST ?? "127.0.0.1",
        port: Number(environment.PORT ?? 8080),
    };
}

// Runs a task and returns the text to show; never throws.
export async function answer_to(task, settings) {
    try {
        const answer = await fetch(`${settings.engine}/api/v2/execute`, {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(request_of(task)),
            signal: AbortSignal.timeout(60_000),
        });
        const body = await answer.json().catch(() => null);
        return answer.ok && body?.run ? format_answer(body) : format_problem(answer.status, body);
    } catch (error) {
        console.error(`the engine cannot be asked: ${error.message}`);
        return format_problem(503, null);
    }
}

// Nobody is to be called by what a program prints.
const content = (text, flags = 0) => ({ content: text, flags, allowed_mentions: { parse: [] } });

// Discord wants to hear something within 3 seconds: first that an answer will come, then the answer.
async function follow_up(interaction, task, settings) {
    const text = await answer_to(task, settings);
    const url = `${settings.discord}/webhooks/${interaction.application_id}/${interaction.token}/messages/@original`;
    try {
        const told = await fetch(url, {
            method: "PATCH",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(content(text)),
        });
        if (!told.ok) console.error(`Discord does not take the answer: ${told.status} ${await told.text()}`);
    } catch (error) {
        console.error(`Discord cannot be told: ${error.message}`);
    }
}

// What to answer at once, and what to do afterwards.
export function respond(interaction, settings) {
    if (interaction.type === PING) return { reply: { type: PING } };
    if (interaction.type !== COMMAND) return { reply: { type: REPLY, data: content("I do not know this.", FOR_SENDER_ONLY) } };
    try {
        const task = task_of(interaction);
        return { reply: { type: REPLY_LATER }, later: () => follow_up(interaction, task, settings) };
    } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { reply: { type: REPLY, data: content(error.message, FOR_SENDER_ONLY) } };
    }
}

async function read_body(request) {
    const chunks = [];
    let size = 0;
    for await (const chunk of request) {
        size += chunk.length;
        if (size > BODY_LIMIT) return null;
        chunks.push(chunk);
    }
    return Buffer.concat(chunks);
}

async function handle(request, response, settings) {
    const send = (status, body) => {
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify(body));
    };
    if (request.method !== "POST") return send(405, { message: "Discord posts here" });
    const body = await read_body(request);
    if (!body) return send(413, { message: "too large" });
    // Discord tries wrong signatures on purpose and wants this answer.
    if (!is_from_discord(settings.key, request.headers, body)) return send(401, { message: "wrong signature" });
    const { reply, later } = respond(JSON.parse(body), settings);
    send(200, reply);
    return later?.();
}

export function serve(settings) {
    const server = createServer((request, response) => {
        handle(request, response, settings).catch((error) => {
            console.error(error);
            if (!response.headersSent) response.writeHead(500);
            response.end();
        });
    });
    server.listen(settings.port, settings.host);
    return server;
}

async function register(environment) {
    const { DISCORD_APPLICATION_ID: application, DISCORD_BOT_TOKEN: token, DISCORD_API: api } = environment;
    if (!application || !token) throw new Error("set DISCORD_APPLICATION_ID and DISCORD_BOT_TOKEN");
    const answer = await fetch(`${api ?? "https://discord.com/api/v10"}/applications/${application}/commands`, {
        method: "PUT",
        headers: { "Content-Type": "application/json", Authorization: `Bot ${token}` },
        body: JSON.stringify(COMMANDS),
    });
    if (!answer.ok) throw new Error(`Discord says ${answer.status}: ${await answer.text()}`);
    console.log(`registered: ${COMMANDS.map((one) => one.name).join(", ")}`);
}

async function main() {
    if (process.argv[2] === "register") return register(process.env);
    const settings = read_settings(process.env);
    const server = serve(settings);
    server.on("listening", () => console.log(`listening on ${settings.host}:${settings.port}, engine at ${settings.engine}`));
    return server;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
    main().catch((error) => {
        console.error(error.message);
        process.exit(1);
    });
}
