/** Bad input is harmless (guarantee G14): each bound of each field on both sides, and then anything at all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { idsIn } from '../../../functions/docs/example-body.ts';
import type { Reply } from '../backend.ts';
import { anyCharacter } from '../characters.ts';
import type { Subject } from '../conformance.ts';
import { exampleOf, fieldsOf, insideBounds, outsideBounds } from '../examples.ts';
import { countByKind, difference, dump } from '../table-dump.ts';
import type { Walk } from '../walk.ts';
import { largestOf } from '../walk-creations.ts';
import { Refused } from '../walk-types.ts';
import type { Prepared } from '../walk-types.ts';

interface Target {
  readonly name: string;
  readonly schema: z.ZodObject;
  readonly open: (here: Walk) => Promise<Prepared & { readonly path: string }>;
}

export function inputs({ domain, walk }: Subject): void {
  const targets: Target[] = [
    {
      name: 'create',
      schema: domain.create.input,
      open: async (here) => ({
        path: `/v1/${domain.collection}`,
        ...(await here.prepareCreation(domain)),
      }),
    },
  ];
  for (const [name, { input, internal, from }] of Object.entries(domain.transitions)) {
    if (!input || internal === true) continue;
    targets.push({
      name,
      schema: input,
      open: async (here) => {
        const entity = await here.reach(domain, from[0] ?? '');
        const prepared = await here.prepare(entity, name);
        return {
          path: `/v1/${domain.collection}/${entity.id}/${name}`,
          ...prepared,
        };
      },
    });
  }

  describe.each(targets)('the body of $name', ({ schema, open }) => {
    it('is refused outside each bound, and then nothing is written', async () => {
      const here = walk();
      const { path, input: body, ...caller } = await open(here);
      const as = here.as({ input: body, ...caller });
      const before = await dump(here.api.backend.store);
      for (const field of fieldsOf(schema)) {
        for (const { what, value } of outsideBounds(field)) {
          const reply = await here.api.post(path, { ...body, [field.name]: value }, as);
          const label = `${field.name}: ${what}: ${reply.text}`;
          expect(reply.json, label).toMatchObject({ status: 400, code: 'invalid_request' });
          const paths = (reply.json['errors'] as { path: string }[]).map((error) => error.path);
          expect(
            paths.some((at) => at.startsWith(`/${field.name}`)),
            label,
          ).toBe(true);
        }
      }
      for (const unknown of ['unknown', 'constructor', '__proto__', 'toString', 'id', 'tenant']) {
        const known = JSON.stringify(body).slice(1);
        const rawBody = `{${JSON.stringify(unknown)}:{"a":1}${known === '}' ? '' : ','}${known}`;
        const reply = await here.api.post(path, undefined, { ...as, rawBody });
        expect([reply.status, reply.json['code']], unknown).toEqual([400, 'invalid_request']);
      }
      expect(difference(before, await dump(here.api.backend.store))).toEqual([]);
    });

    it('is taken inside each bound', async () => {
      const here = walk();
      const { path, input: body, ...caller } = await open(here);
      for (const field of fieldsOf(schema)) {
        for (const { what, value } of insideBounds(field)) {
          const input = { ...body, [field.name]: value };
          // What only concerns fields together (a list as long as a number) is the schema's own to say.
          const isValid = schema.safeParse(input).success;
          expect((schema.shape[field.name] as z.ZodType).safeParse(value).success, what).toBe(true);
          const reply = await here.api.post(path, input, here.as({ input, ...caller }));
          expect(reply.status === 400, `${field.name}: ${what}: ${reply.text}`).toBe(!isValid);
          expect(reply.status, reply.text).toBeLessThan(500);
        }
      }
    });

    it('may be anything, and is never worse than refused', async () => {
      const here = walk();
      const { path, input: body, ...caller } = await open(here);
      const names = [...Object.keys(body), '__proto__', 'constructor'];
      const odd = fc.oneof(
        fc.jsonValue(),
        fc.string({ unit: anyCharacter }),
        fc.double(),
        fc.constantFrom('\ud800', '\u0000', '', -0, 2 ** 53, Number.MAX_VALUE, null, [], {}),
      );
      const mutated = fc
        .record({ name: fc.constantFrom(...names), value: odd })
        .map(
          ({ name, value }) =>
            `{${JSON.stringify(body).slice(1, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`,
        );
      const anything = fc.oneof(
        mutated,
        fc.jsonValue().map((value) => JSON.stringify(value)),
        fc.string({ unit: anyCharacter, maxLength: 50 }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(anything, { minLength: 8, maxLength: 8 }), async (bodies) => {
          const before = await dump(here.api.backend.store);
          const replies: Reply[] = [];
          for (const rawBody of bodies) {
            replies.push(
              await here.api.post(path, undefined, { ...here.as({ input: body, ...caller }), rawBody }),
            );
          }
          expectHarmless(replies, countByKind(difference(before, await dump(here.api.backend.store))));
        }),
        { numRuns: 4 },
      );
    });
  });

  it('is created with the largest numbers that may be sent, as is what it names, or is refused', async () => {
    const here = walk();
    const given: Record<string, string> = {};
    for (const id of idsIn(exampleOf(domain.create.input))) {
      const other = here.api.backend.registry.ofId(id);
      if (!other) continue;
      try {
        const input = largestOf(other.create.input);
        given[other.collection] = (await here.create(other, { input })).id;
      } catch (error) {
        // Not all of its numbers may be so large at once.
        if (!(error instanceof Refused)) throw error;
      }
    }
    const prepared = await here.prepareCreation(domain, { given, input: largestOf(domain.create.input) });
    const reply = await here.api.post(`/v1/${domain.collection}`, prepared.input, here.as(prepared));
    const cure =
      'what is added up or multiplied may be more than its field holds: let a count hold it, or bound the factors';
    expect(reply.status, `${cure}: ${reply.text}`).toBeLessThan(500);
  });
}

/** A request that breaks its schema writes nothing; one that a rule refuses, its record. */
function expectHarmless(replies: readonly Reply[], counts: Readonly<Record<string, number>>): void {
  for (const { status, text } of replies) expect(status, text).toBeLessThan(500);
  // A body may turn out to be a good one.
  if (replies.some(({ status }) => status < 300)) return;
  const kept = replies.filter(({ status, json }) => {
    return status === 409 || status === 412 || (status === 422 && json['code'] === 'unprocessable');
  });
  expect(counts).toEqual(kept.length > 0 ? { record: kept.length } : {});
}
