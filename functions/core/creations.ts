/** What a command creates besides its own entity, as its definition says. Pure: ids come from the command's own bits. */
import { createHash } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Command } from './command.ts';
import type { AnyCreation, Domain } from './domain.ts';
import { domainOf, othersAtMost } from './others.ts';
import { checkedInput } from './written.ts';

export interface Creation {
  /** Its name among those that the definition creates. */
  readonly name: string;
  /** Who may ask for the command may have that created, so that it needs no role of its own. */
  readonly command: Command;
}

/**
 * In the order of their inputs, which is that of their ids, too.
 * @param context of the command, as `contextOf` makes it
 * @throws (a defect of the definition) where there are more than it says, or one is given what it does not take
 */
export function creationsOf(
  { tenant, actor, domain, now, seed }: Command,
  creates: Readonly<Record<string, AnyCreation>> = {},
  context: object,
): readonly Creation[] {
  const nextUlid = monotonicFactory(drawnFrom(hashOf(seed)));
  let place = 0;
  return Object.entries(creates).flatMap(([name, creation]) => {
    const of = domainOf<Domain>(domain, creation);
    const inputs = [creation.input(context) ?? []].flat() as readonly object[];
    const most = othersAtMost(creation);
    if (inputs.length > most)
      throw new Error(`it creates ${inputs.length} "${name}", and ${most} at most are declared`);
    return inputs.map((told) => {
      const id = `${of.idPrefix}_${nextUlid(now)}`;
      const input = checkedInput(of.create.input, told);
      return {
        name,
        command: { tenant, actor, now, domain: of, name: 'create', id, input, ...bitsOf(seed, place++) },
      };
    });
  });
}

/** Bits of its own: who is shown those of one entity knows nothing of another's. */
function bitsOf(seed: string, place: number): Pick<Command, 'random' | 'seed'> {
  const bits = hashOf(`${seed}:${place}`);
  const half = (part: Buffer): string => part.toString('base64url');
  return { random: half(bits.subarray(0, 16)), seed: half(bits.subarray(16)) };
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Numbers from 0 to 1 for the 16 random characters of a ULID. */
function drawnFrom(bytes: Buffer): () => number {
  let drawn = 0;
  return () => bytes.readUInt8(drawn++) / 256;
}
