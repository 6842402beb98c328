/** Dead messages by what they have in common. The API counts a bounded part a call; the parts are added up here. */
import { useEffect, useState } from 'preact/hooks';
import type { Answer, Api } from './api.ts';
import type { Group } from './model.ts';
import { useSession } from './session.ts';

interface GroupPage {
  readonly items: readonly Group[];
  readonly counted: number;
  readonly nextCursor?: string;
}

export interface Groups {
  /** The largest first. */
  readonly groups: readonly Group[];
  readonly counted: number;
  readonly isWhole: boolean;
}

export type GroupsAnswer = Answer<Groups>;

/** @param pagesMax a call each; what is beyond them is not counted */
export async function* countGroups(
  api: Api,
  pagesMax = Number.POSITIVE_INFINITY,
): AsyncGenerator<GroupsAnswer> {
  const all = new Map<string, Group>();
  let counted = 0;
  let cursor: string | undefined;
  let pages = 0;
  do {
    const answer = await api.get<GroupPage>('v1/messages/groups', { status: 'dead', cursor });
    if (answer.kind !== 'ok') {
      yield answer;
      return;
    }
    for (const group of answer.value.items) {
      const name = nameOf(group);
      const before = all.get(name);
      all.set(name, before ? added(before, group) : group);
    }
    counted += answer.value.counted;
    cursor = answer.value.nextCursor;
    pages += 1;
    const groups = [...all.values()].sort((one, other) => other.count - one.count);
    yield { ...answer, value: { groups, counted, isWhole: cursor === undefined } };
  } while (cursor !== undefined && pages < pagesMax);
}

export const nameOf = ({ topic, type, code, receiver }: Group): string =>
  JSON.stringify([topic, type, code, receiver]);

const added = (one: Group, other: Group): Group => ({
  ...one,
  count: one.count + other.count,
  held: one.held + other.held,
  firstAt: one.firstAt < other.firstAt ? one.firstAt : other.firstAt,
  lastAt: one.lastAt > other.lastAt ? one.lastAt : other.lastAt,
});

/** Counts all of them, and shows how far it has come. */
export function useGroups(): { readonly answer: GroupsAnswer | undefined; readonly reload: () => void } {
  const { api } = useSession();
  const [answer, setAnswer] = useState<GroupsAnswer>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    void (async () => {
      for await (const part of countGroups(api)) {
        if (left.signal.aborted) return;
        setAnswer(part);
      }
    })();
    return () => {
      left.abort();
    };
  }, [api, turn]);
  return {
    answer,
    reload: () => {
      setTurn((before) => before + 1);
    },
  };
}
