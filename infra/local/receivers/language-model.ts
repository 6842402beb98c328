import { sendJson, startHttpReceiver, type Receiver } from './http-receiver.ts';

interface ConverseRequest {
  readonly messages?: readonly { readonly content?: readonly { readonly text?: string }[] }[];
  readonly system?: readonly { readonly text?: string }[];
}

/** English text has about four characters a token; the stand-in counts so, because it has no tokenizer. */
const charactersPerToken = 4;
const quotedCharacters = 200;

/**
 * A stand-in for Bedrock's Converse API. It asks no model and says so in its text.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export async function startLanguageModel(): Promise<Receiver> {
  return await startHttpReceiver((request, body, response) => {
    const model = /^\/model\/([^/]+)\/converse$/.exec(request.url ?? '')?.[1];
    if (request.method !== 'POST' || model === undefined) {
      sendJson(response, 404, { message: 'the stand-in knows Converse only' });
      return;
    }
    const question = JSON.parse(body.toString('utf8')) as ConverseRequest;
    const asked = [
      ...(question.system ?? []),
      ...(question.messages ?? []).flatMap(({ content }) => content ?? []),
    ]
      .map(({ text }) => text ?? '')
      .join('\n');
    const last = question.messages?.at(-1)?.content?.at(-1)?.text ?? '';
    const text = `This is a local stand-in for ${decodeURIComponent(model)}; no language model was asked. The text begins: ${last.slice(0, quotedCharacters)}`;
    const inputTokens = tokens(asked);
    const outputTokens = tokens(text);
    sendJson(response, 200, {
      output: { message: { role: 'assistant', content: [{ text }] } },
      stopReason: 'end_turn',
      usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
      metrics: { latencyMs: 1 },
    });
  });
}

function tokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / charactersPerToken));
}
