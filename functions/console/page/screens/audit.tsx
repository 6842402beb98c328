/** Runs the audit part by part, and shows what it found with the way to it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import { collectionOfId } from '../document.ts';
import type { AuditPage, AuditProblem } from '../model.ts';
import { Heading } from '../parts/heading.tsx';
import { Bad, Failure, Good } from '../parts/notices.tsx';
import { Table } from '../parts/table.tsx';
import { placeUrl } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { keepAudit } from '../watched.ts';

interface Progress {
  readonly state: 'running' | 'stopped' | 'done';
  readonly entities: number;
  readonly entries: number;
  readonly problems: readonly AuditProblem[];
}

const start: Progress = { state: 'running', entities: 0, entries: 0, problems: [] };

export function AuditScreen() {
  const { audit: texts } = useTexts();
  const { api } = useSession();
  const [progress, setProgress] = useState<Progress>();
  const [failure, setFailure] = useState<Exclude<Answer<unknown>, { readonly kind: 'ok' }>>();
  const isWanted = useRef(false);
  useEffect(
    () => () => {
      isWanted.current = false;
    },
    [],
  );
  const run = async (): Promise<void> => {
    isWanted.current = true;
    setFailure(undefined);
    setProgress(start);
    let now = start;
    let cursor: string | undefined;
    do {
      const answer = await api.get<AuditPage>('v1/audit', { cursor });
      if (answer.kind !== 'ok') {
        setFailure(answer);
        now = { ...now, state: 'stopped' };
        break;
      }
      const { checkedEntities, checkedEntries, problems, nextCursor } = answer.value;
      now = {
        state: nextCursor === undefined ? 'done' : 'running',
        entities: now.entities + checkedEntities,
        entries: now.entries + checkedEntries,
        problems: [...now.problems, ...problems],
      };
      setProgress(now);
      cursor = nextCursor;
    } while (cursor !== undefined && (isWanted.current as boolean));
    if (now.state === 'running') now = { ...now, state: 'stopped' };
    setProgress(now);
    if (now.state === 'done')
      keepAudit({ at: new Date().toISOString(), entities: now.entities, problems: now.problems.length });
  };
  const isRunning = progress?.state === 'running';
  return (
    <div class="stack">
      <Heading heading={texts.heading} intro={texts.intro} />
      <section class="card stack">
        <div class="row">
          {isRunning ? (
            <button
              type="button"
              onClick={() => {
                isWanted.current = false;
              }}
            >
              {texts.stop}
            </button>
          ) : (
            <button class="primary" type="button" onClick={run}>
              {texts.run}
            </button>
          )}
          {isRunning && <span role="status">{texts.running}</span>}
        </div>
        {failure && <Failure answer={failure} />}
        {progress && (
          <>
            <dl class="facts">
              <div class="fact">
                <dt>{texts.entities}</dt>
                <dd class="number">{progress.entities.toLocaleString('en')}</dd>
              </div>
              <div class="fact">
                <dt>{texts.entries}</dt>
                <dd class="number">{progress.entries.toLocaleString('en')}</dd>
              </div>
            </dl>
            {progress.state === 'done' && progress.problems.length === 0 && <Good>{texts.ok}</Good>}
            {progress.state === 'stopped' && !failure && <Bad>{texts.stopped}</Bad>}
          </>
        )}
      </section>
      {progress && progress.problems.length > 0 && (
        <section class="card">
          <h2>
            {texts.problems} ({progress.problems.length})
          </h2>
          <Problems problems={progress.problems} />
        </section>
      )}
    </div>
  );
}

function Problems({ problems }: { readonly problems: readonly AuditProblem[] }) {
  const { audit: texts, message, balances } = useTexts();
  const { document } = useSession();
  return (
    <Table
      label={texts.problems}
      rows={problems}
      keyOf={(problem) => JSON.stringify(problem)}
      columns={[
        { name: texts.problem, cell: ({ problem }) => problem },
        {
          name: message.entity,
          kind: 'id',
          cell: ({ entity = '' }) => {
            const collection = collectionOfId(document, entity);
            return collection ? (
              <a href={placeUrl(['entities', collection.name, entity])}>{entity}</a>
            ) : (
              entity
            );
          },
        },
        { name: texts.entry, kind: 'number', cell: ({ seq }) => seq ?? '' },
        {
          name: balances.account,
          kind: 'id',
          cell: ({ account }) =>
            account === undefined ? '' : <a href={placeUrl(['balances'], { account })}>{account}</a>,
        },
      ]}
    />
  );
}
