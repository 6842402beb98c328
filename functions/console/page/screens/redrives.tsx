/** Redrive runs: what a new one would do, and those that there were. */
import { useState } from 'preact/hooks';
import { newKey } from '../api.ts';
import type { Answer, Page } from '../api.ts';
import { useLoaded } from '../loaded.ts';
import type { LetterMatch, RedrivePreview, RedriveRun } from '../model.ts';
import { Field, valuesOf } from '../parts/field.tsx';
import { Heading } from '../parts/heading.tsx';
import { List } from '../parts/list.tsx';
import { Failure } from '../parts/notices.tsx';
import { RunState } from '../parts/status.tsx';
import { Table } from '../parts/table.tsx';
import { Ago } from '../parts/time.tsx';
import { TopicField } from '../parts/topic-field.tsx';
import { go, placeUrl, usePlace } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';

export function RedrivesScreen() {
  const { redrives: texts } = useTexts();
  const { api } = useSession();
  const { query } = usePlace();
  const loaded = useLoaded(`redrives ${query['cursor'] ?? ''}`, () =>
    api.get<Page<RedriveRun>>('v1/redrives', { cursor: query['cursor'] }),
  );
  return (
    <div class="stack">
      <Heading heading={texts.heading} intro={texts.intro} />
      <section class="card">
        <h2>{texts.begin}</h2>
        <BeginForm key={JSON.stringify(query)} />
      </section>
      <section class="card">
        <h2>{texts.list}</h2>
        <List loaded={loaded}>{(runs) => <RunTable runs={runs} />}</List>
      </section>
    </div>
  );
}

function RunTable({ runs }: { readonly runs: readonly RedriveRun[] }) {
  const { redrives: texts, message, count } = useTexts();
  return (
    <Table
      label={texts.list}
      rows={runs}
      keyOf={({ id }) => id}
      columns={[
        {
          name: texts.match,
          cell: ({ id, match }) => (
            <a href={placeUrl(['redrives', id])}>
              <MatchText match={match} />
            </a>
          ),
        },
        { name: message.status, cell: (run) => <RunState run={run} /> },
        { name: texts.sent, kind: 'number', cell: ({ sent }) => count(sent, false) },
        { name: texts.done, kind: 'number', cell: ({ done }) => count(done, false) },
        { name: texts.deadAgain, kind: 'number', cell: ({ deadAgain }) => count(deadAgain, false) },
        { name: texts.startedBy, cell: ({ startedBy }) => startedBy },
        { name: message.created, kind: 'when', cell: ({ createdAt }) => <Ago at={createdAt} /> },
      ]}
    />
  );
}

/** `external-call, payment.capture, 503` */
export function MatchText({ match }: { readonly match: LetterMatch }) {
  const { redrives: texts } = useTexts();
  const parts = Object.values(match).filter((part) => part !== undefined);
  return <>{parts.length === 0 ? texts.everything : parts.join(', ')}</>;
}

const textFilters = ['type', 'code', 'entity'] as const;

/** The defaults of the API; nothing is sent of what is left as it is. */
const rampFields = ['startWith', 'factor', 'stopAtFailureShare'] as const;

interface Begin {
  readonly match: LetterMatch;
  readonly note?: string;
  readonly startWith?: number;
  readonly factor?: number;
  readonly stopAtFailureShare?: number;
}

/** First what it would do, then the start of just that. */
function BeginForm() {
  const { redrives: texts, message, list } = useTexts();
  const { api } = useSession();
  const { query } = usePlace();
  const [key] = useState(newKey);
  const [asked, setAsked] = useState<Begin>();
  const [preview, setPreview] = useState<Answer<RedrivePreview>>();
  const [begun, setBegun] = useState<Answer<RedriveRun>>();
  const look = async (form: HTMLFormElement): Promise<void> => {
    const begin = beginOf(valuesOf(form));
    setBegun(undefined);
    setPreview(
      await api.post<RedrivePreview>('v1/redrives', {
        body: { ...begin, dryRun: true },
        idempotencyKey: newKey(),
      }),
    );
    setAsked(begin);
  };
  const start = async (): Promise<void> => {
    // The key stays: whoever clicks again after a lost answer gets the run that was begun.
    const answer = await api.post<RedriveRun>('v1/redrives', { body: asked, idempotencyKey: key });
    setBegun(answer);
    if (answer.kind === 'ok') go(['redrives', answer.value.id]);
  };
  return (
    <form
      class="stack"
      aria-label={texts.begin}
      onSubmit={(event) => {
        event.preventDefault();
        void look(event.currentTarget);
      }}
      onInput={() => {
        setPreview(undefined);
      }}
    >
      <div class="filters">
        <TopicField chosen={query['topic']} />
        {textFilters.map((name) => (
          <Field key={name} label={message[name]}>
            {(attributes) => (
              <input {...attributes} name={name} defaultValue={query[name] ?? ''} placeholder={list.any} />
            )}
          </Field>
        ))}
      </div>
      <details>
        <summary>{texts.ramp}</summary>
        <div class="filters">
          {rampFields.map((name) => (
            <Field key={name} label={texts.rampFields[name]} hint={texts.rampHints[name]}>
              {(attributes) => <input {...attributes} name={name} type="number" step="any" min="0" />}
            </Field>
          ))}
        </div>
      </details>
      <Field label={texts.note} hint={texts.noteHint}>
        {(attributes) => <input {...attributes} name="note" />}
      </Field>
      <div>
        <button type="submit" class={preview ? '' : 'primary'}>
          {texts.preview}
        </button>
      </div>
      {preview && preview.kind !== 'ok' && <Failure answer={preview} />}
      {preview?.kind === 'ok' && (
        <div class="notice stack" role="status">
          <Preview preview={preview.value} />
          {preview.value.matched > 0 && (
            <div>
              <button type="button" class="primary" onClick={start}>
                {texts.start}
              </button>
            </div>
          )}
        </div>
      )}
      {begun && begun.kind !== 'ok' && (
        <>
          <Failure answer={begun} />
          {begun.kind === 'refused' && begun.problem.run !== undefined && (
            <p>
              <a href={placeUrl(['redrives', begun.problem.run])}>{texts.running}</a>
            </p>
          )}
        </>
      )}
    </form>
  );
}

function Preview({ preview }: { readonly preview: RedrivePreview }) {
  const { redrives: texts, letters, count } = useTexts();
  const { matched, matchedAtLeast, held, ramp, stopAtFailureShare } = preview;
  const isWhole = !matchedAtLeast && ramp.reduce((sum, size) => sum + size, 0) >= matched;
  const sizes = ramp.map((size) => count(size, false)).join(', ');
  return (
    <>
      <p>
        <b>{texts.matched(count(matched, matchedAtLeast))}</b>
      </p>
      {held > 0 && <p>{letters.held(count(held, false))}</p>}
      {matched > 0 && <p>{isWhole ? texts.steps(sizes) : texts.firstSteps(sizes)}</p>}
      {matched > 0 && <p>{texts.stopsAt(stopAtFailureShare)}</p>}
    </>
  );
}

function beginOf(values: Readonly<Record<string, string>>): Begin {
  const given = Object.entries(values).filter(([, value]) => value.trim() !== '');
  const pick = (names: readonly string[]) =>
    Object.fromEntries(
      given.filter(([name]) => names.includes(name)).map(([name, value]) => [name, value.trim()]),
    );
  const numbers = Object.entries(pick(rampFields)).map(([name, value]) => [name, Number(value)]);
  return {
    match: pick(['topic', ...textFilters]),
    ...pick(['note']),
    ...(Object.fromEntries(numbers) as object),
  };
}
