/** A request to be explained, and what has to be there before. */

/** A request; `{name}` in it stands for the id of what an earlier step saved as `name`, `{name.field}` for a field. */
export interface Step {
  readonly as?: string;
  /** E.g. `POST /v1/payments/{payment}/confirm`. */
  readonly request: string;
  readonly body?: unknown;
  /** The token's subject. */
  readonly subject?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RequestCase {
  /** The route, and in parentheses what is special about the request. */
  readonly name: string;
  /** Each run has a tenant of its own, in which no unique value is taken yet. */
  readonly isApart?: boolean;
  /** Done once. What every run then shares can be a hot key. */
  readonly shared?: readonly Step[];
  /** Done before each run. */
  readonly before?: readonly Step[];
  readonly request: Step;
}
