// npm piston-api: interactive sessions over the WebSocket at /api/v2/connect.
import assert from "node:assert/strict";
import { once } from "node:events";

import { client, refusal, run, url } from "./cases.mjs";

const { PistonClient, WebSocketManager } = await client("piston-api");
const patience = 20_000;

// A session that collects what it is told; `said` waits for a text in the output.
async function session(language, code, more = {}) {
    const piston = new PistonClient({ baseUrl: url });
    const stages = [];
    piston.on("sessionError", () => {});  // startSession rejects with it as well
    piston.on("sessionStage", (_, stage) => stages.push(stage));
    // The client tells of the end of each stage; the last one is the program's.
    const codes = [];
    piston.on("sessionCompleted", (_, code) => codes.push(code));
    const id = await piston.startSession({ language, code, ...more });
    const output = () => piston.getSession(id).output;
    const until = async (event, done) => {
        const signal = AbortSignal.timeout(patience);
        while (!done()) await once(piston, event, { signal });
    };
    return {
        piston, id, stages, codes, output,
        said: (text) => until("sessionOutput", () => output().includes(text)),
        ended: (count = 1) => until("sessionCompleted", () => codes.length >= count),
    };
}

await run({
    "runs a program and tells its output": async () => {
        const it = await session("bash", "echo out; echo err >&2");
        await it.ended();
        assert.deepEqual([it.stages, it.codes, it.piston.getSession(it.id).language], [["run"], [0], "bash"]);
        assert.match(it.output(), /out\n/);
        assert.match(it.output(), /err\n/);
        it.piston.destroyAllSessions();
    },
    "talks to a program line by line": async () => {
        const it = await session("bash", "echo name?; read -r n; echo hello $n; read -r m; echo bye $m");
        await it.said("name?");
        await it.piston.sendInput(it.id, "you\n");
        await it.said("hello you\n");
        await it.piston.sendInput(it.id, "ü\n");
        await it.ended();
        assert.equal(it.output(), "name?\nhello you\nbye ü\n");
    },
    "tells the stages of a compiled program": async () => {
        const it = await session("c", "#include <stdio.h>\nint main(void) { puts(\"c\"); return 4; }");
        await it.ended(2);
        assert.deepEqual([it.stages, it.codes, it.output()], [["compile", "run"], [0, 4], "c\n"]);
    },
    // Of Piston only the time limit would end these two; here it is longer than the patience.
    "interrupts a program": async () => {
        const it = await session("python", "import sys, time\ntry:\n    print('up', flush=True)\n    time.sleep(600)\n" +
            "except KeyboardInterrupt:\n    sys.exit(7)\n");
        await it.said("up");
        await it.piston.interruptSession(it.id);
        await it.ended();
        assert.deepEqual(it.codes, [7]);
    },
    "ends a program by SIGKILL": async () => {
        const it = await session("bash", "echo up; sleep 600");
        await it.said("up");
        it.piston.sessionWS.get(it.id).terminate();
        await it.ended();
        assert.equal(it.codes[0] === 0, false);
    },
    "runs two sessions at once": async () => {
        const pair = await Promise.all(["a", "b"].map((name) => session("bash", `read -r x; echo ${name} $x`)));
        for (const it of pair) await it.piston.sendInput(it.id, "x\n");
        await Promise.all(pair.map((it) => it.ended()));
        assert.deepEqual(pair.map((it) => it.output()), ["a x\n", "b x\n"]);
    },
    "is told of an unknown language": async () =>
        assert.equal(await refusal(() => session("nope", "")), "nope-* runtime is unknown"),
    "is told of a limit that is too high": async () =>
        assert.equal(await refusal(() => session("bash", "", { runTimeout: 600_001 })),
            "run_timeout cannot exceed the configured limit of 600000"),
    "is told that a signal does not exist": async () => {
        const socket = new WebSocketManager(url);
        socket.on("error", () => {});
        await socket.init({ language: "bash", version: "*", code: "sleep 60" });
        await socket.waitForReady();
        const told = once(socket, "error", { signal: AbortSignal.timeout(patience) });
        socket.sendSignal("SIGNONE");
        assert.equal((await told)[0].message, "Invalid signal.");
    },
    "is told that it has begun already": async () => {
        const socket = new WebSocketManager(url);
        socket.on("error", () => {});
        await socket.init({ language: "bash", version: "*", code: "sleep 60" });
        const told = once(socket, "error", { signal: AbortSignal.timeout(patience) });
        socket.sendMessage({ type: "init" });
        assert.equal((await told)[0].message, "Already Initialized.");
    },
    "is told that it is too early for input": async () => {
        const socket = new WebSocketManager(url);
        socket.on("error", () => {});
        await socket.connect();
        const told = once(socket, "error", { signal: AbortSignal.timeout(patience) });
        socket.sendMessage({ type: "data", stream: "stdin", data: "x" });
        assert.equal((await told)[0].message, "Not yet initialized.");
    },
    "is closed when it does not begin": async () => {
        const socket = new WebSocketManager(url);
        socket.on("error", () => {});
        await socket.connect();
        const [error] = await once(socket, "error", { signal: AbortSignal.timeout(patience) });
        assert.equal(error.message, "Initialization Timeout.");
    },
});
process.exit(0);  // sockets of sessions that nobody closed
