import type { Environment } from '../runtime/environment.ts';
import type { Topic } from '../runtime/topics.ts';

export const queueVariables = [
  'NOTIFICATION_QUEUE_URL',
  'EXTERNAL_CALL_QUEUE_URL',
  'REPORT_QUEUE_URL',
  'LLM_QUEUE_URL',
] as const;

export const queueUrlsOf = (
  environment: Environment<(typeof queueVariables)[number]>,
): Readonly<Record<Topic, string>> => ({
  notification: environment.NOTIFICATION_QUEUE_URL,
  'external-call': environment.EXTERNAL_CALL_QUEUE_URL,
  report: environment.REPORT_QUEUE_URL,
  llm: environment.LLM_QUEUE_URL,
});
