/** A payment provider as fault tests need it: what becomes of a call, seen from the socket, and what it says when asked. */
import type { Clock } from '../../../functions/runtime/clock.ts';
import { didNotAct, mayHaveActed, refused } from '../../../functions/workers/receiver.ts';
import type { Inquire, Received, Receiver } from '../../../functions/workers/receiver.ts';

/** What becomes of the first call of a message. Every later call acts and is answered. */
export const socketEvents = [
  'it acts and answers',
  'it acts, and its answer is lost',
  'the call is lost after its first byte',
  'no connection can be made',
  'it refuses',
  'it takes it and calls back',
] as const;
export type SocketEvent = (typeof socketEvents)[number] | 'the call arrives late';

/** How long a late call is on its way: less than `uncertainty.onItsWayMs`. */
export const lateByMs = 5_000;

export interface ProviderOptions {
  readonly event: SocketEvent;
  readonly clock: Clock;
  /** Whether it acts once for each key. One that does not acts at every call. */
  readonly honoursKeys: boolean;
}

/** Tells the truth when it is asked. */
export class Provider {
  /** By message: how often it acted. */
  readonly acts = new Map<string, number>();
  readonly #refusals = new Set<string>();
  readonly #calls = new Map<string, number>();
  /** Calls on their way, and when they arrive. */
  readonly #late = new Map<string, number>();
  readonly #options: ProviderOptions;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** Late calls that have arrived by now act. */
  arrive(): void {
    for (const [id, at] of this.#late) {
      if (this.#options.clock.now() < at) continue;
      this.#late.delete(id);
      this.#act(id);
    }
  }

  #act(id: string): Received {
    const before = this.acts.get(id) ?? 0;
    this.acts.set(id, this.#options.honoursKeys ? 1 : before + 1);
    return { kind: 'done', result: { status: 200, body: '{"reference":"ch_1"}' } };
  }

  #refuse(id: string): Received {
    this.#refusals.add(id);
    return refused('402', 'The receiver answered 402.');
  }

  readonly receive: Receiver = ({ id }) => {
    const n = (this.#calls.get(id) ?? 0) + 1;
    this.#calls.set(id, n);
    if (n === 1) return Promise.resolve(this.#first(id));
    const repeatsRefusal = this.#options.honoursKeys && this.#refusals.has(id);
    return Promise.resolve(repeatsRefusal ? this.#refuse(id) : this.#act(id));
  };

  #first(id: string): Received {
    const { event, clock } = this.#options;
    switch (event) {
      case 'it acts and answers':
        return this.#act(id);
      case 'it acts, and its answer is lost':
        this.#act(id);
        return mayHaveActed('UND_ERR_SOCKET', 'The connection was cut.');
      case 'the call is lost after its first byte':
        return mayHaveActed('UND_ERR_SOCKET', 'The connection was cut.');
      case 'the call arrives late':
        this.#late.set(id, clock.now() + lateByMs);
        return mayHaveActed('timeout', 'The receiver took too long.');
      case 'no connection can be made':
        return didNotAct('ECONNREFUSED', 'The receiver could not be reached.');
      case 'it refuses':
        return this.#refuse(id);
      case 'it takes it and calls back':
        this.#act(id);
        return { kind: 'accepted' };
      default:
        return event satisfies never;
    }
  }

  readonly inquire: Inquire = ({ id }) => {
    this.arrive();
    if (this.acts.has(id)) return Promise.resolve({ kind: 'done', result: { body: '{"reference":"ch_1"}' } });
    if (this.#refusals.has(id))
      return Promise.resolve({ kind: 'refused', code: 'refused', reason: 'It refused.' });
    return Promise.resolve({ kind: 'never_seen' });
  };
}
