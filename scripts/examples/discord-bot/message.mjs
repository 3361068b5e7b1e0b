// What a person wrote → a request to the engine, and the engine's answer → what Discord shows. Pure:
// nothing here waits, reads settings or talks to anyone.

// Discord refuses longer messages.
export const MESSAGE_LIMIT = 2000;

export const USAGE = [
    "Write code in a block that names its language, and nothing or arguments before it:",
    "/run LANGUAGE ARGUMENTS",
    "`\u200b``LANGUAGE",
    "CODE",
    "`\u200b``",
    "What stands below the block is the program's standard input.",
].join("\n");

// A sentence for the person who wrote the message.
export class Refusal extends Error {}

// ```lang, the code, ``` — a language is one word on the first line, and code may contain single and
// double backticks.
const block = /```(?:([^\s`]+)[ \t]*\r?\n|\r?\n)?([\s\S]*?)```/;

// Splits a line into words as a shell would: quotes hold together, a backslash keeps the next character.
export function words(line) {
    const found = [];
    let word = null;
    let quote = "";
    for (let i = 0; i < line.length; i++) {
        const letter = line[i];
        if (letter === "\\" && quote !== "'" && i + 1 < line.length) {
            word = (word ?? "") + line[++i];
        } else if (quote ? letter === quote : letter === "'" || letter === '"') {
            quote = quote ? "" : letter;
            word ??= "";
        } else if (!quote && /\s/.test(letter)) {
            if (word !== null) found.push(word);
            word = null;
        } else {
            word = (word ?? "") + letter;
        }
    }
    if (quote) throw new Refusal(`A ${quote} is not closed.`);
    if (word !== null) found.push(word);
    return found;
}

// What a message asks for: {language, code, args, stdin}. The language of the line before the block wins
// over the block's own, which often is there for its colours only.
export function parse_message(text) {
    const found = block.exec(text);
    if (!found) throw new Refusal(USAGE);
    const [whole, label, code] = found;
    const before = text.slice(0, found.index).replace(/^\s*(?:<@!?\d+>\s*)?[/!.]?run\b/i, "");
    const [line, ...more] = before.trim().split(/\r?\n/);
    const [named, ...args] = words(line);
    // Further lines are arguments of their own, one a line, so that they need no quotes.
    args.push(...more.filter((one) => one.trim() !== ""));
    const language = (named ?? label ?? "").toLowerCase();
    if (!language) throw new Refusal(USAGE);
    if (!code.trim()) throw new Refusal("There is no code in the block.");
    const stdin = text.slice(found.index + whole.length).replace(/^[ \t]*\r?\n/, "");
    return { language, code, args, stdin };
}

// A request for /api/v2/execute.
export const request_of = ({ language, code, args, stdin }) =>
    ({ language, version: "*", files: [{ content: code }], args, stdin });

// A block ends at three backticks; a character that nobody sees between them keeps it open.
export const escape_block = (text) => text.replaceAll("`", "`\u200b");

// Cuts between characters, never within one, and says so. Lengths are JavaScript's, which are at least
// what Discord counts.
export function cut(text, limit) {
    if (text.length <= limit) return text;
    const mark = "\n… (cut)";
    let kept = text.slice(0, Math.max(0, limit - mark.length));
    // The first half of a pair must not stand alone.
    if (/[\uD800-\uDBFF]$/.test(kept)) kept = kept.slice(0, -1);
    return kept + mark;
}

// Why a stage ended, in a sentence; empty if it ended well.
function ending({ status, message, code, signal }, stage) {
    if (status === "TO") return `${stage} took too long and was stopped.`;
    if (status === "OL" || status === "EL") return `${stage} printed too much and was stopped.`;
    if (signal) return `${stage} was ended by ${signal}.`;
    if (code) return `${stage} ended with exit code ${code}.`;
    return message ? `${stage}: ${message}.` : "";
}

// The message for an answer of the engine.
export function format_answer(answer, limit = MESSAGE_LIMIT) {
    // Piston repeats a failed compile stage as the run stage.
    const compiled = !answer.compile || (answer.compile.code === 0 && !answer.compile.status);
    const stage = compiled ? answer.run : answer.compile;
    const name = compiled ? "The program" : "The compiler";
    const head = [
        `${answer.language} ${answer.version}`,
        ending(stage, name) || (stage.output ? "" : "The program printed nothing."),
    ].filter(Boolean).join(" — ");
    if (!stage.output) return cut(head, limit);
    const frame = `${head}\n\`\`\`\n\n\`\`\``;
    const room = limit - frame.length;
    return `${head}\n\`\`\`\n${cut(escape_block(stage.output), room)}\n\`\`\``;
}

// The message for an answer that is no result: what the engine says, for the person to mend.
export function format_problem(status, body) {
    const sentence = typeof body?.message === "string" ? body.message : "";
    if (status === 429) return "Too many programs at once. Try again in a moment.";
    if (status >= 500 || !sentence) return "The engine cannot run this now. Try again later.";
    return cut(escape_block(`The engine says: ${sentence}.`), MESSAGE_LIMIT);
}
