/** G1 to G8 and G13, each by a scenario of its own and by builds that are broken on purpose. */
import { randomUUID } from 'node:crypto';
import { faultsAt, Injector } from '../support/faults/fault-client.ts';
import { guarantee, inLab } from '../support/faults/guarantee.ts';
import type { Lab, Process } from '../support/faults/lab.ts';
import {
  conditions,
  edited,
  gate,
  kindOf,
  puts,
  transactions,
  unconditional,
  without,
  calls,
} from '../support/faults/mutants.ts';
import type { ItemKind, Mutate, TransactItem } from '../support/faults/mutants.ts';
import type { Request } from '../support/faults/observed.ts';
import { orders, products, shipments } from '../examples/orders-of-lines.ts';
import type { Reply } from '../support/backend.ts';

type Options = Partial<Pick<Request, 'subject' | 'key' | 'headers' | 'tenant'>>;

const payment = { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' };

/** A caller of one process; a command without a key gets a fresh one. */
const caller =
  (lab: Lab, process: Process) =>
  async (path: string, body?: unknown, options: Options = {}): Promise<Reply> => {
    const { tenant = 'acme', subject = 'alice', key = randomUUID(), headers = {} } = options;
    const request = { method: 'POST', path, tenant, subject, key, body, headers } as const;
    const reply = await lab.send(process, request);
    if (!reply) throw new Error('the process died');
    return reply;
  };

const pathOf = ({ headers }: Reply): string => headers['location'] ?? '';
const idOf = ({ json }: Reply): string => String(json['id']);

guarantee(
  'G1 all or nothing',
  inLab(async (lab) => {
    // The answer of every other transaction is lost, and nobody hears of it but by asking again.
    let transactionsSent = 0;
    const injector = new Injector(({ command }) =>
      command === 'TransactWriteItemsCommand' && (transactionsSent += 1) % 2 === 1
        ? 'answer lost'
        : undefined,
    );
    const post = caller(lab, await lab.start({ injector, sdkRetries: false }));
    const paid = await post('/v1/payments', payment);
    await post(`${pathOf(paid)}/confirm`);
    const article = await post('/v1/articles', { slug: 'one', title: 'One', body: 'text' });
    await post(`${pathOf(article)}/publish`);
    const [from, to] = [
      await post('/v1/point-accounts', { owner: 'a' }),
      await post('/v1/point-accounts', { owner: 'b' }),
    ];
    await post(`${pathOf(from)}/earn`, { amount: 10, reason: 'welcome' });
    await post(`${pathOf(from)}/transfer`, { to: idOf(to), amount: 4 });
    const showing = await post('/v1/showings', { title: 'tonight', capacity: 2, seats: ['A1', 'A2'] });
    await post('/v1/reservations', { showingId: idOf(showing), customer: 'a', seat: 'A1' });
  }),
  {
    'what never changes is left out': without('fixed'),
    'the ledger entry is left out': without('entry'),
    'the messages are left out': without('message'),
    'the idempotency record is left out': without('record'),
    'the unique value is left out': without('unique'),
    'the other side of a transfer is left out': transactions((items) => {
      const places = items.flatMap((item, index) => (kindOf(item) === 'entity' ? [index] : []));
      return items.filter((_, index) => index !== places[1] && index !== (places[1] ?? -2) + 1);
    }),
  },
);

/** The place of the first thing of a kind that a command creates beside its own: its own stands before. */
const ofCreated = (kind: ItemKind, items: readonly TransactItem[]): number =>
  items.flatMap((item, index) => (kindOf(item) === kind && item.Put ? [index] : []))[1] ?? -1;
const withoutCreated = (...kinds: readonly ItemKind[]): Mutate =>
  transactions((items) => {
    const places = kinds.map((kind) => ofCreated(kind, items));
    return items.filter((_, index) => !places.includes(index));
  });

guarantee(
  'G1 all or nothing of what a command creates',
  inLab(
    async (lab) => {
      let sent = 0;
      const injector = new Injector(({ command }) =>
        command === 'TransactWriteItemsCommand' && (sent += 1) % 2 === 1 ? 'answer lost' : undefined,
      );
      const post = caller(lab, await lab.start({ injector, sdkRetries: false }));
      const product = idOf(await post('/v1/products', { name: 'A pencil', price: 120, pieces: 10 }));
      const order = await post('/v1/orders', { lines: [2, 3].map((pieces) => ({ product, pieces })) });
      // More than there is: neither the order nor its first shipment.
      await post('/v1/orders', { lines: [5, 1].map((pieces) => ({ product, pieces })) });
      await post(`${pathOf(order)}/cancel`);
    },
    { domains: [products, shipments, orders] },
  ),
  {
    'one that is created is left out': withoutCreated('entity', 'entry'),
    'the ledger entry of one that is created is left out': withoutCreated('entry'),
    'one that is created is left out, and its entry is not': withoutCreated('entity'),
    'what is created is of another price': puts('entity', (item) => {
      const attributes = item['attributes'] as Readonly<Record<string, unknown>>;
      return item['collection'] === 'shipments' ? { ...item, attributes: { ...attributes, price: 1 } } : item;
    }),
  },
);

guarantee(
  'G2 once',
  inLab(async (lab) => {
    const [one, other] = [caller(lab, await lab.start()), caller(lab, await lab.start())];
    const key = 'once';
    await Promise.all([one, other, one, other].map((post) => post('/v1/payments', payment, { key })));
    const lossy = caller(
      lab,
      await lab.start({ injector: new Injector(faultsAt({ 0: 'answer lost' })), sdkRetries: false }),
    );
    await lossy('/v1/point-accounts', { owner: 'a' }, { key });
    await other('/v1/point-accounts', { owner: 'a' }, { key });
  }),
  { 'the key is taken without a condition': unconditional('record') },
);

guarantee(
  'G3 same answer',
  inLab(async (lab) => {
    const [one, other] = [caller(lab, await lab.start()), caller(lab, await lab.start())];
    const { headers } = await one('/v1/payments', payment);
    const path = `${headers['location'] ?? ''}/confirm`;
    await Promise.all([one, other, one, other, one].map((post) => post(path, undefined, { key: 'same' })));
    await other(path, undefined, { key: 'same' });
    await caller(lab, await lab.start())('/v1/payments', payment, { key: 'created' });
    await other('/v1/payments', payment, { key: 'created' });
  }),
  {
    'the stored answer is not the one that was given': puts('record', (item) => {
      const answer = item['answer'] as { readonly body: string };
      return { ...item, answer: { ...answer, body: answer.body.replace('"version":1', '"version":9') } };
    }),
  },
);

guarantee(
  'G4 refused stays refused',
  inLab(async (lab) => {
    const [one, other] = [caller(lab, await lab.start()), caller(lab, await lab.start())];
    const path = pathOf(await one('/v1/payments', payment));
    await one(`${path}/refund`, { amount: 1 }, { key: 'too-early' });
    await one(`${path}/confirm`);
    await other(`${path}/refund`, { amount: 1 }, { key: 'too-early' });
  }),
  { 'a refusal is not kept': calls('PutItemCommand', () => undefined) },
);

guarantee(
  'G5 legal history',
  inLab(async (lab) => {
    const ready = gate();
    const [bob, carol] = await Promise.all(
      ['bob', 'carol'].map(async (subject) => ({
        subject,
        post: caller(lab, await lab.start({ watch: ready.watch })),
      })),
    );
    const post = caller(lab, await lab.start());
    const path = pathOf(
      await post('/v1/approvals', { title: 'press', approvers: ['bob', 'carol'], quorum: 2 }),
    );
    await post(`${path}/submit`);
    // Both have decided on the same state before either of them writes.
    const votes = [bob, carol].flatMap((voter) =>
      voter ? [voter.post(`${path}/approve`, undefined, { subject: voter.subject })] : [],
    );
    await ready.reached(2);
    ready.open();
    await Promise.all(votes);
  }),
  {
    'an entry takes the wrong number': puts('entry', (item) => ({ ...item, seq: Number(item['seq']) + 1 })),
    'an entry names the wrong state': puts('entry', (item) => ({ ...item, to: 'draft' })),
    'the status is not moved': transactions((items) =>
      items.map((item) =>
        item.Update && kindOf(item) === 'entity'
          ? edited(item, (part) => {
              const values = part['ExpressionAttributeValues'] as Record<string, unknown>;
              const still = Object.entries(values).map(([name, value]) => [
                name,
                value === 'approved' ? 'submitted' : value,
              ]);
              return { ...part, ExpressionAttributeValues: Object.fromEntries(still) as unknown };
            })
          : item,
      ),
    ),
  },
);

guarantee(
  'G6 money is conserved',
  inLab(async (lab) => {
    const [one, other] = [caller(lab, await lab.start()), caller(lab, await lab.start())];
    const showingId = idOf(await one('/v1/showings', { title: 'tonight', capacity: 2 }));
    const buyers = ['a', 'b', 'c', 'd'].map((customer, index) =>
      (index % 2 === 0 ? one : other)('/v1/reservations', { showingId, customer }),
    );
    await Promise.all(buyers);
    const path = pathOf(await one('/v1/payments', payment));
    await one(`${path}/confirm`);
    await Promise.all([one, other, one].map((post) => post(`${path}/refund`, { amount: 1_000 })));
  }),
  {
    'a counter is taken without its floor': unconditional('entity'),
    'a balance is left out': without('balance'),
  },
);

guarantee(
  'G7 unique',
  inLab(async (lab) => {
    const [one, other] = [caller(lab, await lab.start()), caller(lab, await lab.start())];
    const article = { slug: 'the-one', title: 'One', body: 'text' };
    await Promise.all([one, other, one, other].map((post) => post('/v1/articles', article)));
    const invite = { workspace: 'press', email: 'ada@example.com', role: 'editor' };
    await one(`${pathOf(await one('/v1/invites', invite))}/revoke`);
    await Promise.all([one('/v1/invites', invite), other('/v1/invites', invite)]);
  }),
  {
    'a value is claimed without a condition': unconditional('unique'),
    'a value is not released': transactions((items) => items.filter((item) => !item.Delete)),
  },
);

guarantee(
  'G8 fenced',
  inLab(async (lab) => {
    const late = gate();
    const [one, slow] = [caller(lab, await lab.start()), caller(lab, await lab.start({ watch: late.watch }))];
    const path = pathOf(await one('/v1/payments', payment));
    const first = await one(`${path}/lock`, { ttlSeconds: 1, wait: 'nowait' });
    const headers = { 'lock-token': String(first.json['token']) };
    // The holder's command has decided; it reaches the database when another one holds the lock.
    const command = slow(`${path}/confirm`, undefined, { headers });
    await late.reached(1);
    lab.clock.advance(2_000);
    await one(`${path}/lock`, { ttlSeconds: 60, wait: 'nowait' }, { subject: 'bob' });
    late.open();
    await command;
    // Nor does the holder of before, nor somebody without a token.
    await one(`${path}/cancel`, undefined, { headers });
    await one(`${path}/cancel`);
  }),
  {
    'a commit does not ask who holds the lock': conditions('entity', (text) =>
      text.replace(/ AND #n\d+\.#n\d+ = :v\d+ AND #n\d+\.#n\d+ > :v\d+/, ''),
    ),
  },
);

guarantee(
  'G13 tenants apart',
  inLab(async (lab) => {
    const post = caller(lab, await lab.start());
    const tenants = ['acme', 'acme-x', 'other'];
    for (const tenant of tenants) {
      const title = `tenant:${tenant}`;
      const options = { tenant, key: 'the-same' };
      const path = pathOf(await post('/v1/articles', { slug: 'same', title, body: 'text' }, options));
      await post(`${path}/publish`, undefined, { tenant: tenants.find((name) => name !== tenant) ?? '' });
      await post(`${path}/publish`, undefined, { tenant });
    }
  }),
  {
    'a key forgets its tenant': transactions((items) =>
      items.map((item) =>
        edited(item, (part) => {
          const stored = part['Item'] as Record<string, unknown> | undefined;
          if (!stored || typeof stored['sk'] !== 'string') return part;
          return { ...part, Item: { ...stored, pk: String(stored['pk']).replace(/^[^#]+#/, 'all#') } };
        }),
      ),
    ),
  },
);
