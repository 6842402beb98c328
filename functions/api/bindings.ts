/** What the Lambda adapter hands along with a request: of API Gateway's event, what the router's request cannot hold. */
export interface Bindings {
  readonly event: {
    /** Encoded, in one spelling. */
    readonly path: string;
    /** By name in lower case; a header that was sent twice has its values joined with a comma. An empty one is kept. */
    readonly headers: Readonly<Record<string, string | undefined>>;
    /** The body, empty where there is none. The router's request could only give it back through a stream. */
    readonly bytes: Uint8Array;
  };
  readonly requestContext: { readonly requestId: string; readonly authorizer?: unknown };
}

export interface Environment {
  Bindings: Bindings;
}
