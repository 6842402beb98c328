/** Lambda `llm`: summaries by a language model. */
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { readEnvironment } from '../runtime/environment.ts';
import { topicHandler } from './handler-parts.ts';
import { createLanguageModelReceiver } from './receivers/language-model.ts';

const { LLM_MODEL_ID } = readEnvironment(['LLM_MODEL_ID']);

export const handler = topicHandler(
  'llm',
  createLanguageModelReceiver({
    // The client's default is HTTP/2, for its streams; one request and its answer need none, and a stand-in on one
    // machine speaks HTTP/1.1. Attempts are the worker's.
    bedrock: new BedrockRuntimeClient({ maxAttempts: 1, requestHandler: new NodeHttpHandler() }),
    modelId: LLM_MODEL_ID,
  }),
);
