/** Faults at the clients of the AWS SDK, inside their retries. */

interface Call {
  readonly command: string;
  readonly input: unknown;
}

/** What both kinds of client have in common, as far as this needs it. */
interface Client {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: { input: unknown }) => Promise<unknown>,
        context: { commandName?: string },
      ) => (args: { input: unknown }) => Promise<unknown>,
      options: { step: 'initialize' | 'deserialize'; priority?: 'low'; name: string },
    ): void;
  };
}

/** Lets a test see each call, and fail it: what `before` throws means a lost request, `after` a lost answer. */
export function intercept(
  client: unknown,
  hooks: { before?: (call: Call) => Promise<void> | void; after?: (call: Call) => Promise<void> | void },
): void {
  (client as Client).middlewareStack.add(
    (next, context) => async (args) => {
      const call = { command: context.commandName ?? '', input: args.input };
      await hooks.before?.(call);
      const answer = await next(args);
      await hooks.after?.(call);
      return answer;
    },
    { step: 'initialize', name: `intercept-${Math.random()}` },
  );
}

/** Loses the answer of the first call of a command inside the client's own retries: it is sent once more. */
export function loseFirstAnswer(client: unknown, command: string): void {
  let lost = false;
  (client as Client).middlewareStack.add(
    (next, context) => async (args) => {
      const answer = await next(args);
      if (lost || context.commandName !== command) return answer;
      lost = true;
      throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' });
    },
    { step: 'deserialize', priority: 'low', name: 'lose-first-answer' },
  );
}
