/** What is stuck, since when, and how much. */
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Answer, Api, Page } from '../api.ts';
import { countGroups } from '../groups.ts';
import type { Groups } from '../groups.ts';
import { useLoaded } from '../loaded.ts';
import type { Message } from '../model.ts';
import { Failure, Good, Old } from '../parts/notices.tsx';
import { Plot } from '../parts/plot.tsx';
import { Table } from '../parts/table.tsx';
import { ageText, Ago, exactTime } from '../parts/time.tsx';
import { placeUrl } from '../place.ts';
import { useSession } from '../session.ts';
import { LanguageContext, useTexts } from '../texts/index.ts';
import { keepCounts, lastAudit } from '../watched.ts';
import type { Counts } from '../watched.ts';

const everyMs = 5_000;
/** Of 100 messages each. A state that has more is counted as at least so many. */
const pagesMax = 3;

const kinds = ['open', 'waiting', 'uncertain', 'dead'] as const;
type Kind = (typeof kinds)[number];

/** Messages of one kind, topic and receiver. */
interface Line {
  readonly kind: Kind;
  readonly topic: string;
  readonly receiver: string | undefined;
  readonly count: number;
  /** RFC 3339: the oldest of those that were counted. */
  readonly oldestAt: string;
}

interface Tally {
  readonly count: number;
  readonly isAtLeast: boolean;
  readonly oldestAt: string | undefined;
  readonly lines: readonly Line[];
}

interface Picture {
  readonly at: string;
  readonly tallies: Readonly<Record<Kind, Tally>>;
}

export function Health() {
  const { health: texts, list, count } = useTexts();
  const { api } = useSession();
  const language = useContext(LanguageContext);
  const { answer, failure } = useLoaded('health', () => look(api), everyMs);
  const [history, setHistory] = useState<readonly Counts[]>([]);
  const picture = answer?.kind === 'ok' ? answer.value : undefined;
  useEffect(() => {
    if (!picture) return;
    const { open, waiting, dead } = picture.tallies;
    const at = Date.parse(picture.at) / 1000;
    setHistory(keepCounts({ at, open: open.count, waiting: waiting.count, dead: dead.count }));
  }, [picture]);
  if (answer?.kind !== 'ok')
    return (
      <div class="stack">
        <h1>{texts.heading}</h1>
        {answer === undefined ? <p class="quiet">{list.loading}</p> : <Failure answer={answer} />}
      </div>
    );
  const { tallies, at } = answer.value;
  const { open, waiting, uncertain, dead } = tallies;
  const lines = kinds.flatMap((kind) => tallies[kind].lines);
  return (
    <div class="stack">
      <div>
        <h1>{texts.heading}</h1>
        <p class="quiet small">{texts.updated(exactTime(at, language))}</p>
        <Old failure={failure} />
        {dead.count + uncertain.count === 0 ? (
          <Good>{texts.well}</Good>
        ) : (
          <p>
            <a href={placeUrl(['letters'])}>{texts.stuck(count(dead.count, dead.isAtLeast))}</a>
          </p>
        )}
      </div>
      <div class="tiles">
        {kinds.map((kind) => (
          <Tile key={kind} kind={kind} tally={tallies[kind]} />
        ))}
      </div>
      <section class="card">
        <h2>{texts.plot}</h2>
        <Plot
          label={texts.plotLabel(open.count, waiting.count, dead.count)}
          series={[
            { name: texts.tiles.open, color: '--accent' },
            { name: texts.tiles.waiting, color: '--doubt' },
            { name: texts.tiles.dead, color: '--bad' },
          ]}
          data={[
            history.map((each) => each.at),
            history.map((each) => each.open),
            history.map((each) => each.waiting),
            history.map((each) => each.dead),
          ]}
        />
      </section>
      {lines.length > 0 && (
        <section class="card">
          <h2>{texts.table}</h2>
          <Lines lines={lines} />
        </section>
      )}
      <section class="card">
        <h2>{texts.audit}</h2>
        <Audited />
      </section>
    </div>
  );
}

function Tile({ kind, tally }: { readonly kind: Kind; readonly tally: Tally }) {
  const { health: texts, count, ago } = useTexts();
  const language = useContext(LanguageContext);
  const { oldestAt, isAtLeast } = tally;
  const age = oldestAt === undefined ? undefined : ageText(oldestAt, language);
  const look = tally.count === 0 ? '' : kind === 'dead' ? 'bad' : kind === 'uncertain' ? 'doubt' : '';
  const content = (
    <>
      <span>{texts.tiles[kind]}</span>
      <b>{count(tally.count, isAtLeast)}</b>
      <span class="small quiet">
        {age === undefined ? texts.tileHints[kind] : texts.oldest(isAtLeast ? ago.atLeast(age) : age)}
      </span>
    </>
  );
  return kind === 'dead' ? (
    <a class={`tile ${look}`} href={placeUrl(['letters'])}>
      {content}
    </a>
  ) : (
    <div class={`tile ${look}`}>{content}</div>
  );
}

function Lines({ lines }: { readonly lines: readonly Line[] }) {
  const { health: texts, message, count } = useTexts();
  return (
    <Table
      label={texts.table}
      rows={lines}
      keyOf={({ kind, topic, receiver }) => JSON.stringify([kind, topic, receiver])}
      columns={[
        { name: message.status, cell: ({ kind }) => texts.tiles[kind] },
        { name: message.topic, cell: ({ topic }) => topic },
        { name: message.receiver, cell: ({ receiver }) => receiver ?? message.defaultReceiver },
        { name: texts.messages, kind: 'number', cell: (line) => count(line.count, false) },
        { name: texts.oldestAt, kind: 'when', cell: ({ oldestAt }) => <Ago at={oldestAt} /> },
      ]}
    />
  );
}

function Audited() {
  const { health: texts } = useTexts();
  const last = lastAudit();
  if (!last)
    return (
      <p class="quiet">
        {texts.noAudit} <a href={placeUrl(['audit'])}>{useTexts().audit.run}</a>
      </p>
    );
  return (
    <p>
      <Ago at={last.at} />:{' '}
      {last.problems === 0 ? texts.auditOk(last.entities) : texts.auditBad(last.problems)}
    </p>
  );
}

async function look(api: Api): Promise<Answer<Picture>> {
  const asked = await Promise.all([
    tallyMessages(api, 'open', { status: 'pending' }),
    tallyMessages(api, 'open', { status: 'sent' }),
    tallyMessages(api, 'waiting', { status: 'waiting' }),
    tallyMessages(api, 'uncertain', { uncertain: 'true' }),
    tallyDead(api),
  ]);
  const failed = asked.find((answer) => answer.kind !== 'ok');
  if (failed) return failed;
  const [pending, sent, waiting, uncertain, dead] = asked.map((answer) =>
    answer.kind === 'ok' ? answer.value : none,
  );
  return {
    kind: 'ok',
    replayed: false,
    value: {
      at: new Date().toISOString(),
      tallies: {
        open: sum(pending ?? none, sent ?? none),
        waiting: waiting ?? none,
        uncertain: uncertain ?? none,
        dead: dead ?? none,
      },
    },
  };
}

const none: Tally = { count: 0, isAtLeast: false, oldestAt: undefined, lines: [] };

async function tallyMessages(
  api: Api,
  kind: Kind,
  filter: Readonly<Record<string, string>>,
): Promise<Answer<Tally>> {
  const lines = new Map<string, Line>();
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const answer = await api.get<Page<Message>>('v1/messages', { ...filter, limit: '100', cursor });
    if (answer.kind !== 'ok') return answer;
    for (const { topic, receiver, createdAt } of answer.value.items)
      addLine(lines, { kind, topic, receiver, count: 1, oldestAt: createdAt });
    cursor = answer.value.nextCursor;
    if (cursor === undefined) break;
  }
  return { kind: 'ok', replayed: false, value: tallyOf([...lines.values()], cursor !== undefined) };
}

async function tallyDead(api: Api): Promise<Answer<Tally>> {
  let newest: Answer<Groups> = { kind: 'unreachable' };
  for await (const part of countGroups(api, pagesMax)) newest = part;
  if (newest.kind !== 'ok') return newest;
  const lines = new Map<string, Line>();
  for (const { topic, receiver, count, firstAt } of newest.value.groups)
    addLine(lines, { kind: 'dead', topic, receiver, count, oldestAt: firstAt });
  return { ...newest, value: tallyOf([...lines.values()], !newest.value.isWhole) };
}

function addLine(lines: Map<string, Line>, line: Line): void {
  const name = JSON.stringify([line.kind, line.topic, line.receiver]);
  const before = lines.get(name);
  lines.set(
    name,
    before
      ? { ...line, count: before.count + line.count, oldestAt: earlier(before.oldestAt, line.oldestAt) }
      : line,
  );
}

const earlier = (one: string, other: string): string => (one < other ? one : other);

const tallyOf = (lines: readonly Line[], isAtLeast: boolean): Tally => ({
  lines,
  isAtLeast,
  count: lines.reduce((total, { count }) => total + count, 0),
  oldestAt: lines.map(({ oldestAt }) => oldestAt).sort()[0],
});

function sum(one: Tally, other: Tally): Tally {
  const lines = new Map<string, Line>();
  for (const line of [...one.lines, ...other.lines]) addLine(lines, line);
  return tallyOf([...lines.values()], one.isAtLeast || other.isAtLeast);
}
