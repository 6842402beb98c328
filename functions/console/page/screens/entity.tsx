/** One entity: its state and where it can go, its commands, its ledger, and the messages it caused. */
import { useState } from 'preact/hooks';
import type { Answer, Page } from '../api.ts';
import type { Collection, Command } from '../document.ts';
import { useLoaded } from '../loaded.ts';
import type { Entity, Entry, Message, Timing } from '../model.ts';
import { CommandForm } from '../parts/command-form.tsx';
import { Json } from '../parts/json.tsx';
import { List } from '../parts/list.tsx';
import { Machine, useDrawing } from '../parts/machine.tsx';
import { Bad, Failure, Good, Old } from '../parts/notices.tsx';
import { Table } from '../parts/table.tsx';
import { Ago, At } from '../parts/time.tsx';
import { placeUrl, usePlace } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { attributesOf } from './entities.tsx';
import { MessageTable } from './message-table.tsx';

/** What workers do with it shows after this time at the latest. */
const everyMs = 3_000;

interface EntityScreenProps {
  readonly collection: string;
  readonly id: string;
}

export function EntityScreen({ collection: name, id }: EntityScreenProps) {
  const { entity: texts, list } = useTexts();
  const { api, document } = useSession();
  const collection = document.collections.find((each) => each.name === name);
  const path = `v1/${name}/${id}`;
  const { answer, failure, reload } = useLoaded(id, () => api.get<Entity>(path), everyMs);
  // Shown together: a button that moves away under the pointer is not clicked.
  const drawing = useDrawing(name);
  const entity = answer?.kind === 'ok' && drawing ? answer.value : undefined;
  if (!collection || !entity)
    return (
      <div class="stack">
        <h1 class="mono">{id}</h1>
        {collection && (!answer || answer.kind === 'ok') && <p class="quiet">{list.loading}</p>}
        {(!collection || (answer && answer.kind !== 'ok')) && <Absence answer={answer} />}
      </div>
    );
  return (
    <div class="stack">
      <div>
        <p class="small">
          <a href={placeUrl(['entities', name])}>{name}</a>
        </p>
        <h1 class="mono">{id}</h1>
        <div class="row">
          <span class="badge here" role="status">
            {entity.status}
          </span>
          <span class="quiet small">
            {texts.version} {entity.version} · <Ago at={entity.updatedAt} />
          </span>
        </div>
        <TimingShown path={path} version={entity.version} />
      </div>
      <Old failure={failure} />
      <section class="card">
        <h2>{texts.machine}</h2>
        {drawing && drawing !== 'missing' && <Machine drawing={drawing} entity={entity} />}
      </section>
      <div class="two">
        <section class="card">
          <h2>{texts.attributes}</h2>
          <dl class="facts">
            {attributesOf(entity).map((attribute) => (
              <div key={attribute} class="fact">
                <dt>{attribute}</dt>
                <dd>
                  <Attribute value={entity[attribute]} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
        <Commands collection={collection} entity={entity} path={path} onDone={reload} />
      </div>
      <Ledger path={path} version={entity.version} />
      <Messages path={path} version={entity.version} />
    </div>
  );
}

/** Nothing is shown of an entity that is not there; any other failure says what it is. */
function Absence({ answer }: { readonly answer: Answer<unknown> | undefined }) {
  const { entity: texts } = useTexts();
  const isFailure = answer && answer.kind !== 'ok';
  return isFailure && !(answer.kind === 'refused' && answer.problem.status === 404) ? (
    <Failure answer={answer} />
  ) : (
    <Bad>{texts.missing}</Bad>
  );
}

/** Who keeps others out and until when, and what happens by itself. */
function TimingShown({ path, version }: PartProps) {
  const { entity: texts, list } = useTexts();
  const { api } = useSession();
  const { answer } = useLoaded(`${path} timing ${version}`, () => api.get<Timing>(`${path}/timing`), everyMs);
  if (answer && answer.kind !== 'ok') return <Failure answer={answer} />;
  // Its place is kept, so that nothing below moves when it comes.
  if (!answer)
    return (
      <dl class="facts timing">
        {[texts.lock, texts.deadline].map((name) => (
          <div key={name} class="fact">
            <dt>{name}</dt>
            <dd class="quiet">{list.loading}</dd>
          </div>
        ))}
      </dl>
    );
  const { lock, deadline } = answer.value;
  return (
    <dl class="facts timing">
      <div class="fact">
        <dt>{texts.lock}</dt>
        <dd>
          {lock ? (
            <>
              {texts.lockedBy(lock.by)} <At at={lock.expiresAt} /> (<Ago at={lock.expiresAt} />)
            </>
          ) : (
            <span class="quiet">{texts.noLock}</span>
          )}
        </dd>
      </div>
      <div class="fact">
        <dt>{texts.deadline}</dt>
        <dd>
          {deadline ? (
            <>
              <b>{deadline.transition}</b> <At at={deadline.at} /> (<Ago at={deadline.at} />)
            </>
          ) : (
            <span class="quiet">{texts.noDeadline}</span>
          )}
        </dd>
      </div>
    </dl>
  );
}

function Attribute({ value }: { readonly value: unknown }) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return <Json value={value} />;
  return <>{Array.isArray(value) ? value.map(String).join(', ') : String(value)}</>;
}

interface CommandsProps {
  readonly collection: Collection;
  readonly entity: Entity;
  readonly path: string;
  readonly onDone: () => void;
}

function Commands({ collection, entity, path, onDone }: CommandsProps) {
  const { entity: texts, command: commandTexts } = useTexts();
  const { claims } = useSession();
  const [chosen, setChosen] = useState<Command>();
  const [done, setDone] = useState<string>();
  const possible = collection.transitions.filter(({ name }) => entity.allowedTransitions.includes(name));
  const lacks = ({ role }: Command): boolean => role !== undefined && !claims.roles.includes(role);
  return (
    <section class="card stack">
      <h2>{texts.commands}</h2>
      {possible.length === 0 && <p class="quiet">{texts.noCommands}</p>}
      <div class="row">
        {possible.map((command) => (
          <button
            key={command.name}
            type="button"
            disabled={lacks(command)}
            aria-expanded={chosen?.name === command.name}
            title={command.summary}
            onClick={() => {
              setDone(undefined);
              setChosen(command);
            }}
          >
            {command.name}
            {command.role !== undefined && lacks(command) && ` · ${texts.needsRole(command.role)}`}
          </button>
        ))}
      </div>
      {done !== undefined && <Good>{done}</Good>}
      {chosen && (
        <CommandForm
          key={chosen.name}
          command={chosen}
          path={`${path}/${chosen.name}`}
          entity={entity}
          onDone={(_, replayed) => {
            setDone(replayed ? commandTexts.replayed : commandTexts.done(chosen.name));
            setChosen(undefined);
            onDone();
          }}
          onCancel={() => {
            setChosen(undefined);
          }}
        />
      )}
    </section>
  );
}

interface PartProps {
  readonly path: string;
  /** A new version has something new to show. */
  readonly version: number;
}

const entriesShown = '50';

function Ledger({ path, version }: PartProps) {
  const { entity: texts } = useTexts();
  const { api } = useSession();
  const { cursor } = usePlace().query;
  const loaded = useLoaded(JSON.stringify([path, cursor, version]), () =>
    api.get<Page<Entry>>(`${path}/ledger`, { limit: entriesShown, cursor }),
  );
  return (
    <section class="card">
      <h2>{texts.history}</h2>
      <List loaded={loaded}>
        {(entries) => (
          <ol class="timeline">
            {entries.map((entry) => (
              <li key={entry.seq}>
                <EntryShown entry={entry} />
              </li>
            ))}
          </ol>
        )}
      </List>
    </section>
  );
}

export function EntryShown({ entry }: { readonly entry: Entry }) {
  const { entity: texts } = useTexts();
  const { seq, command, from, to, actor, at, data, postings } = entry;
  return (
    <>
      <h3 id={`entry-${seq}`}>
        {seq}. {command}{' '}
        <span class="quiet">{from === null ? `→ ${to}` : from === to ? to : `${from} → ${to}`}</span>
      </h3>
      <p class="small quiet">
        <At at={at} /> · {texts.by} {actor}
      </p>
      {Object.keys(data).length > 0 && <Json value={data} />}
      {postings.length > 0 && (
        <Table
          label={texts.postings}
          rows={postings}
          keyOf={({ account, unit }) => `${account} ${unit}`}
          columns={[
            {
              name: texts.account,
              kind: 'id',
              cell: ({ account }) => <a href={placeUrl(['balances'], { account })}>{account}</a>,
            },
            {
              name: texts.amount,
              kind: 'number',
              cell: ({ amount, unit }) => `${amountText(amount)} ${unit}`,
            },
          ]}
        />
      )}
    </>
  );
}

/** In minor units, as the ledger has it. */
export const amountText = (amount: number): string => amount.toLocaleString('en');

function Messages({ path, version }: PartProps) {
  const { entity: texts, list } = useTexts();
  const { api } = useSession();
  const { answer } = useLoaded(
    `${path} ${version}`,
    () => api.get<Page<Message>>(`${path}/messages`, { limit: '100' }),
    everyMs,
  );
  return (
    <section class="card">
      <h2>{texts.messages}</h2>
      {answer === undefined && <p class="quiet">{list.loading}</p>}
      {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
      {answer?.kind === 'ok' &&
        (answer.value.items.length > 0 ? (
          <MessageTable label={texts.messages} messages={answer.value.items} ofOneEntity />
        ) : (
          <p class="quiet">{texts.noMessages}</p>
        ))}
    </section>
  );
}
