// The Vercel AI SDK: tools that run, the same streamed, and an object by a schema.
//
// npm install && node ai_sdk.mjs "tolong putar lagu Hampa"

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";

const baseURL = process.env.OPENAI_BASE_URL;
const apiKey = process.env.OPENAI_API_KEY;
const prompt = process.argv.slice(2).join(" ");

async function get(path) {
  const reply = await fetch(baseURL + path, { headers: { Authorization: `Bearer ${apiKey}` } });
  return (await reply.json()).data;
}

const name = (await get("/models"))[0].id;
const offered = await get(`/tools?model=${encodeURIComponent(name)}`);

const provider = createOpenAICompatible({
  name: "maksud",
  baseURL,
  apiKey,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider(name);

// Tools that run: here each says what it would do.
const tools = Object.fromEntries(
  offered.map(({ function: f }) => [
    f.name,
    tool({
      description: f.description,
      inputSchema: jsonSchema(f.parameters),
      execute: async (input) => `${f.name} done: ${JSON.stringify(input)}`,
    }),
  ]),
);

const { text } = await generateText({ model, prompt, tools, stopWhen: stepCountIs(5) });
console.log("text:", text);

const stream = streamText({ model, prompt, tools, stopWhen: stepCountIs(5) });
for await (const part of stream.fullStream) {
  if (part.type === "tool-call") console.log("called:", part.toolName, JSON.stringify(part.input));
  if (part.type === "error") throw part.error;
}
console.log("streamed:", await stream.text);

// One flat object for all intents: what an intent does not have is left out.
const properties = Object.assign({}, ...offered.map(({ function: f }) => f.parameters.properties));
const schema = jsonSchema({
  type: "object",
  properties: {
    ...properties,
    intent: { type: "string", enum: [...offered.map((t) => t.function.name), "unknown"] },
    confidence: { type: "number" },
  },
  required: ["intent", "confidence"],
});
const answer = await generateText({ model, prompt, output: Output.object({ schema }) });
console.log("object:", JSON.stringify(answer.output));
