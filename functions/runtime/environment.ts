/**
 * The environment variables of all functions. The infrastructure sets a variable where it grants the resource,
 * so a function asks for exactly what it was bound to and a missing one stops it at its start.
 */
import * as z from 'zod';

const name = z.string().min(1);
const url = z.url({ protocol: /^https?$/ });

const variables = {
  /** `dev`, `staging`, `prod` or `localstack`. */
  STAGE: name,
  /** `anyway`: the function begins, though its definitions would break what lives in the store. */
  EVOLVE: z.literal('anyway'),
  DATA_TABLE: name,
  OUTBOX_TABLE: name,
  IDEMPOTENCY_TABLE: name,
  NOTIFICATION_QUEUE_URL: url,
  EXTERNAL_CALL_QUEUE_URL: url,
  REPORT_QUEUE_URL: url,
  LLM_QUEUE_URL: url,
  TIMER_QUEUE_URL: url,
  /** Who issued the tokens, where the function checks them itself. */
  JWT_ISSUER: url,
  /** Accepted audiences, separated by commas. */
  JWT_AUDIENCE: name,
  /** `address@domain` or `Name <address@domain>`. */
  MAIL_FROM: name,
  /** Set on one machine; on AWS it is not, and mail goes through SES. */
  SMTP_URL: z.url({ protocol: /^smtps?$/ }),
  EXTERNAL_CALL_URL: url,
  /** The secret itself, on one machine; on AWS its place in Secrets Manager. */
  WEBHOOK_SECRET: name,
  WEBHOOK_SECRET_ARN: name,
  REPORT_BUCKET: name,
  LLM_MODEL_ID: name,
} as const;

export type VariableName = keyof typeof variables;
export type Environment<Required extends VariableName, Optional extends VariableName = never> = {
  readonly [Name in Required]: string;
} & { readonly [Name in Optional]?: string };

/**
 * Reads and checks variables; an empty one counts as not set.
 * @throws naming every variable that is missing or malformed, never its value.
 */
export function readEnvironment<Required extends VariableName, Optional extends VariableName = never>(
  required: readonly Required[],
  optional: readonly Optional[] = [],
  source: Readonly<Record<string, string | undefined>> = process.env,
): Environment<Required, Optional> {
  const values: Partial<Record<VariableName, string>> = {};
  const faults: string[] = [];
  for (const variable of [...required, ...optional]) {
    const value = source[variable];
    if (value === undefined || value === '') {
      if (required.includes(variable as Required)) faults.push(`${variable} is not set`);
    } else if (variables[variable].safeParse(value).success) {
      values[variable] = value;
    } else {
      faults.push(`${variable} is malformed`);
    }
  }
  if (faults.length > 0) throw new Error(`Environment: ${faults.join(', ')}.`);
  return values as Environment<Required, Optional>;
}

/**
 * Whether this process is a function on AWS. The platform sets the variable and forbids to set it oneself.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export const runsOnLambda = (source: Readonly<Record<string, string | undefined>> = process.env): boolean =>
  source['AWS_EXECUTION_ENV']?.startsWith('AWS_Lambda_') ?? false;
