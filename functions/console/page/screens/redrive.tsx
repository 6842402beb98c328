/** One redrive run: how far it is, step by step, and the way to stop it. */
import { useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import { useLoaded } from '../loaded.ts';
import type { RedriveRun } from '../model.ts';
import { Failure, Old } from '../parts/notices.tsx';
import { RunState } from '../parts/status.tsx';
import { Table } from '../parts/table.tsx';
import { Ago, At, Took } from '../parts/time.tsx';
import { placeUrl } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { MatchText } from './redrives.tsx';

const everyMs = 2_000;

export function RedriveScreen({ id }: { readonly id: string }) {
  const { redrives: texts, list } = useTexts();
  const { api } = useSession();
  const { answer, failure, reload } = useLoaded(id, () => api.get<RedriveRun>(`v1/redrives/${id}`), everyMs);
  const [stopped, setStopped] = useState<Answer<RedriveRun>>();
  const stop = async (): Promise<void> => {
    setStopped(await api.post<RedriveRun>(`v1/redrives/${id}/stop`, { body: {} }));
    reload();
  };
  return (
    <div class="stack">
      <div>
        <p class="small">
          <a href={placeUrl(['redrives'])}>{texts.heading}</a>
        </p>
        <h1>{texts.one}</h1>
        <span class="id quiet">{id}</span>
      </div>
      {answer === undefined && <p class="quiet">{list.loading}</p>}
      {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
      <Old failure={failure} />
      {answer?.kind === 'ok' && <Run run={answer.value} onStop={stop} />}
      {stopped && stopped.kind !== 'ok' && <Failure answer={stopped} />}
    </div>
  );
}

/** What is dead still after a run, and the way to it: whoever looks at one sees what came this time. */
function Left({ run }: Pick<RunProps, 'run'>) {
  const { match, matched, matchedAtLeast, sent, skipped, deadAgain, state } = run;
  const { redrives: texts, count } = useTexts();
  const unsent = Math.max(matched - sent - skipped, 0);
  if (deadAgain + unsent === 0) return null;
  // Their code may be another one now.
  const { topic, type, code, entity } = match;
  return (
    <div class="row">
      {unsent > 0 && <>{texts.notSent(count(unsent, matchedAtLeast))} </>}
      <a href={placeUrl(['letters'], { list: 'all', topic, type })}>{texts.stillDead}</a>
      {state === 'stopped' && (
        <a href={placeUrl(['redrives'], { topic, type, code, entity })}>{texts.again}</a>
      )}
    </div>
  );
}

interface RunProps {
  readonly run: RedriveRun;
  readonly onStop: () => Promise<void>;
}

function Run({ run, onStop }: RunProps) {
  const { redrives: texts, letters, count } = useTexts();
  const { state, matched, matchedAtLeast, held, sent, done, deadAgain, skipped, steps } = run;
  const ended = done + deadAgain + skipped;
  const progress = texts.progress(count(ended, false), count(matched, matchedAtLeast));
  const endedAt = state === 'running' ? undefined : steps.at(-1)?.endedAt;
  return (
    <>
      <section class="card stack">
        <div class="row apart">
          <span role="status">
            <RunState run={run} />
          </span>
          {state === 'running' && (
            <button type="button" onClick={onStop}>
              {texts.stop}
            </button>
          )}
        </div>
        {run.stoppedBecause !== undefined && (
          <p>
            {texts.stopReasons[run.stoppedBecause]} {run.stoppedBy}
          </p>
        )}
        {state !== 'running' && <Left run={run} />}
        <div>
          <progress value={ended} max={Math.max(matched, ended, 1)} aria-label={progress} />
          <p class="small quiet">
            {progress}
            {state === 'running' && matchedAtLeast && ` ${texts.searching}`}
          </p>
        </div>
        <div class="tiles">
          {(
            [
              [texts.sent, sent, ''],
              [texts.done, done, ''],
              [texts.deadAgain, deadAgain, deadAgain > 0 ? 'bad' : ''],
            ] as const
          ).map(([name, number, look]) => (
            <div key={name} class={`tile ${look}`}>
              <span>{name}</span>
              <b>{count(number, false)}</b>
            </div>
          ))}
        </div>
        {held > 0 && <p>{letters.held(count(held, false))}</p>}
        <dl class="facts">
          <div class="fact">
            <dt>{texts.match}</dt>
            <dd>
              <MatchText match={run.match} />
            </dd>
          </div>
          <div class="fact">
            <dt>{texts.startedBy}</dt>
            <dd>
              {run.startedBy} · <At at={run.createdAt} />
              {run.note !== undefined && <div>{run.note}</div>}
            </dd>
          </div>
          {endedAt !== undefined && (
            <div class="fact">
              <dt>{texts.took}</dt>
              <dd>
                <Took from={run.createdAt} to={endedAt} />
              </dd>
            </div>
          )}
        </dl>
      </section>
      <section class="card">
        <h2>{texts.stepsHeading}</h2>
        <Table
          label={texts.stepsHeading}
          rows={steps}
          keyOf={({ startedAt }) => startedAt}
          columns={[
            { name: texts.size, kind: 'number', cell: ({ size }) => count(size, false) },
            { name: texts.done, kind: 'number', cell: (step) => count(step.done, false) },
            { name: texts.deadAgain, kind: 'number', cell: (step) => count(step.deadAgain, false) },
            { name: texts.startedAt, kind: 'when', cell: ({ startedAt }) => <Ago at={startedAt} /> },
            {
              name: texts.took,
              kind: 'when',
              cell: (step) => step.endedAt && <Took from={step.startedAt} to={step.endedAt} />,
            },
          ]}
        />
      </section>
    </>
  );
}
