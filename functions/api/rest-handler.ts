/** The Lambda function of the API behind a REST API without an authorizer: the token is checked here. */
import { readEnvironment } from '../runtime/environment.ts';
import { handler as handle } from './handler.ts';
import { createTokenCheck, withTokenCheck } from './token-check.ts';

const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = readEnvironment(['JWT_ISSUER', 'JWT_AUDIENCE']);
const { JWT_KEYS: keys } = process.env;

export const handler = withTokenCheck(
  handle,
  createTokenCheck({ issuer, audience: audience.split(','), ...(keys !== undefined && { keys }) }),
);
