import { RetentionDays } from 'aws-cdk-lib/aws-logs';

/** One configuration object a stage; everything that differs between stages differs here. */

export const stageNames = ['dev', 'staging', 'prod', 'localstack'] as const;
export type StageName = (typeof stageNames)[number];

export interface StageSettings {
  readonly name: StageName;
  /** Where real work is done: issuers and receivers over https only, and a warning where a receiver is missing. */
  readonly production: boolean;
  /**
   * `http` is an HTTP API (v2) with its own JWT authorizer. `rest` is a REST API (v1), because LocalStack's free plan
   * has no HTTP APIs, whose function checks the token itself, because its CloudFormation has no authorizers.
   */
  readonly api: 'http' | 'rest';
  /** Requests per second, and the burst above it, that the whole API accepts before it answers 429. */
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number };
  readonly logRetention: RetentionDays;
  /**
   * What outlives the stack. `data` is the tables of commands and messages, with deletion protection, the logs, and the
   * secret that signs calls. The idempotency table holds a day's answers only.
   */
  readonly keep: { readonly data: boolean; readonly idempotency: boolean };
  /** CloudFormation refuses to delete the stack. */
  readonly terminationProtection: boolean;
  /**
   * A new version first takes a tenth of the traffic and is rolled back when an alarm goes off. Functions are then
   * reached through an alias; without it integrations and event sources point at the function itself.
   */
  readonly canary: boolean;
  /** `essential` leaves out what only matters under real traffic. */
  readonly alarms: 'all' | 'essential' | 'none';
  readonly dashboard: boolean;
  readonly concurrency: {
    /** Whether functions get their share of the account's concurrency; an account with a small quota has none to give. */
    readonly isReserved: boolean;
    /** The share of the api, which is its cap: what waits there takes nothing from relays and workers. */
    readonly apiMax: number;
  };
  readonly objectives: {
    /** Share of requests, 0 to 1, whose 5xx answers set the alarm off. */
    readonly serverErrorShare: number;
    /**
     * The slowest answer at p95. By contract a caller may wait for a lock or for a turn, up to 10 s, and at p99 one
     * in a hundred who does would take a release back. A bad version, which gets a tenth of the requests, is seen
     * at p95 as soon as half of its answers are slow.
     */
    readonly latencyP95Ms: number;
  };
}

const prod: StageSettings = {
  name: 'prod',
  production: true,
  api: 'http',
  throttle: { ratePerSecond: 1_000, burst: 2_000 },
  logRetention: RetentionDays.THREE_MONTHS,
  keep: { data: true, idempotency: true },
  terminationProtection: true,
  canary: true,
  alarms: 'all',
  dashboard: true,
  // At the throttle's rate a request may then take 400 ms on average, some ten times what one takes that waits for nobody.
  concurrency: { isReserved: true, apiMax: 400 },
  objectives: { serverErrorShare: 0.01, latencyP95Ms: 2_000 },
};

/** Like production where behaviour could differ, smaller where only money would. */
const staging: StageSettings = {
  ...prod,
  name: 'staging',
  throttle: { ratePerSecond: 200, burst: 400 },
  logRetention: RetentionDays.ONE_MONTH,
  keep: { data: true, idempotency: false },
  terminationProtection: false,
  // As long a request as in prod, at its own rate.
  concurrency: { isReserved: true, apiMax: 80 },
};

const dev: StageSettings = {
  ...staging,
  name: 'dev',
  production: false,
  throttle: { ratePerSecond: 50, burst: 100 },
  logRetention: RetentionDays.ONE_WEEK,
  keep: { data: true, idempotency: false },
  canary: false,
  alarms: 'essential',
  // A new account may have a quota of 10, of which Lambda lets nobody reserve anything.
  concurrency: { ...staging.concurrency, isReserved: false },
};

/** Keeps to what LocalStack's free plan has: no HTTP API, no authorizer, no CodeDeploy, nothing to watch. */
const localstack: StageSettings = {
  ...dev,
  name: 'localstack',
  api: 'rest',
  keep: { data: false, idempotency: false },
  alarms: 'none',
  dashboard: false,
};

export const stages: Readonly<Record<StageName, StageSettings>> = { dev, staging, prod, localstack };

export function isStageName(value: unknown): value is StageName {
  return stageNames.some((name) => name === value);
}
