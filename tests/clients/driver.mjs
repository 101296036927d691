// Drives the TypeScript library in Node for tests/e2e/test_client_libraries.py: a request a line of JSON, an answer a line.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const photogate = await import(process.argv[2]);
const answered = new Function("photogate", `${readFileSync(new URL("answer.mjs", import.meta.url), "utf8")}; return answered;`)();
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answered(photogate, JSON.parse(line))));
