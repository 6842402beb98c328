/** One message with its attempts; for a dead one what a person can do about it. */
import type { ComponentChildren, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { Answer, Api, Page } from '../api.ts';
import { collectionOfId } from '../document.ts';
import type { Collection } from '../document.ts';
import { useLoaded } from '../loaded.ts';
import type { Call, Message } from '../model.ts';
import { Field, valuesOf } from '../parts/field.tsx';
import { Json } from '../parts/json.tsx';
import { Bad, Failure, Good, Old } from '../parts/notices.tsx';
import { MessageState } from '../parts/status.tsx';
import { Table } from '../parts/table.tsx';
import { At } from '../parts/time.tsx';
import { entityOfMessage, placeUrl } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';

/** What a worker, or another person, does with it shows after this time at the latest. */
const everyMs = 2_000;

export function MessageScreen({ id }: { readonly id: string }) {
  const { message: texts, list } = useTexts();
  const { api, document } = useSession();
  const collection = collectionOfId(document, entityOfMessage(id));
  const [isRedriven, setIsRedriven] = useState(false);
  const { answer, failure, reload } = useLoaded(id, () => findMessage(api, collection, id), everyMs);
  const message = answer?.kind === 'ok' ? answer.value : undefined;
  if (!message)
    return (
      <div class="stack">
        <h1 class="mono">{id}</h1>
        {answer === undefined && <p class="quiet">{list.loading}</p>}
        {answer && (answer.kind === 'ok' ? <Bad>{texts.missing}</Bad> : <Failure answer={answer} />)}
      </div>
    );
  return (
    <div class="stack">
      <div>
        <h1>{message.type}</h1>
        <div class="row" role="status">
          <MessageState message={message} />
          <span class="id quiet">{message.id}</span>
        </div>
      </div>
      <Old failure={failure} />
      <section class="card">
        <Facts message={message} collection={collection} />
      </section>
      {isRedriven && message.status !== 'dead' && <Good>{texts.redriven}</Good>}
      {message.status === 'dead' && (
        <Actions
          message={message}
          onRedriven={() => {
            setIsRedriven(true);
            reload();
          }}
          onResolved={reload}
        />
      )}
      {message.answerWaits?.code === 'answer_not_understood' && (
        <Resolve id={message.id} onResolved={reload} />
      )}
      <section class="card">
        <h2>{texts.attempts}</h2>
        <Attempts calls={message.calls ?? []} />
      </section>
      {message.result !== undefined && (
        <section class="card">
          <h2>{texts.result}</h2>
          <Json value={message.result} />
        </section>
      )}
    </div>
  );
}

/** There is no route for one message; those of its entity are few. */
async function findMessage(
  api: Api,
  collection: Collection | undefined,
  id: string,
): Promise<Answer<Message | undefined>> {
  if (!collection) return { kind: 'ok', value: undefined, replayed: false };
  let cursor: string | undefined;
  do {
    const path = `v1/${collection.name}/${entityOfMessage(id)}/messages`;
    const answer = await api.get<Page<Message>>(path, { limit: '100', cursor });
    if (answer.kind !== 'ok') return answer;
    const found = answer.value.items.find((message) => message.id === id);
    if (found) return { ...answer, value: found };
    cursor = answer.value.nextCursor;
  } while (cursor !== undefined);
  return { kind: 'ok', value: undefined, replayed: false };
}

interface FactsProps {
  readonly message: Message;
  readonly collection: Collection | undefined;
}

function Facts({ message, collection }: FactsProps) {
  const { message: texts } = useTexts();
  const { entity, lastError, refused, answer, answerWaits, behind } = message;
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    [
      texts.entity,
      <a class="id" href={placeUrl(['entities', collection?.name ?? '', entity])}>
        {entity}
      </a>,
    ],
    [texts.topic, message.topic],
    [texts.receiver, message.receiver ?? texts.defaultReceiver],
    [texts.created, <At at={message.createdAt} />],
    [texts.sent, message.sentAt && <At at={message.sentAt} />],
    [texts.done, message.doneAt && <At at={message.doneAt} />],
    [texts.waitingUntil, message.waitingUntil && <At at={message.waitingUntil} />],
    [
      texts.behind,
      behind && (
        <a class="id" href={placeUrl(['messages', behind])}>
          {behind}
        </a>
      ),
    ],
    [texts.lastError, lastError && <Error {...lastError} />],
    [texts.refused, refused && <Error {...refused} />],
    [
      texts.answer,
      answer && (
        <>
          {texts.answeredBy(answer.outcome, answer.by)} · <At at={answer.at} />
          {answer.note !== undefined && <p>{answer.note}</p>}
        </>
      ),
    ],
    [texts.answerWaits, answerWaits && <code>{answerWaits.code}</code>],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name} class="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function Error({
  code,
  reason,
  answer,
}: {
  readonly code: string;
  readonly reason: string;
  readonly answer?: string;
}) {
  return (
    <>
      <code>{code}</code> {reason}
      {answer !== undefined && <Json value={answer} />}
    </>
  );
}

function Attempts({ calls }: { readonly calls: readonly Call[] }) {
  const { message: texts } = useTexts();
  if (calls.length === 0) return <p class="quiet">{texts.noAttempts}</p>;
  return (
    <Table
      label={texts.attempts}
      rows={calls}
      keyOf={({ run, attempt, kind, at }) => `${run} ${attempt} ${kind} ${at}`}
      columns={[
        { name: texts.at, cell: ({ at }) => <At at={at} />, kind: 'when' },
        { name: texts.attempt, cell: ({ run, attempt, kind }) => `${run}.${attempt} ${texts[kind]}` },
        { name: texts.whatSent, cell: ({ sent }) => sent !== undefined && <code>{sent}</code> },
        {
          name: texts.whatCame,
          cell: ({ code, reason }) => (
            <>
              <code>{code}</code> {reason}
            </>
          ),
        },
        { name: texts.certain, cell: ({ certain }) => (certain ? texts.yes : texts.no) },
      ]}
    />
  );
}

interface ActionsProps {
  readonly message: Message;
  readonly onRedriven: () => void;
  readonly onResolved: () => void;
}

function Actions({ message, onRedriven, onResolved }: ActionsProps) {
  const { message: texts } = useTexts();
  const { topic, type, lastError } = message;
  const { api } = useSession();
  const [answer, setAnswer] = useState<Answer<{ readonly redriven: boolean }>>();
  const redrive = async (): Promise<void> => {
    const answered = await api.post<{ readonly redriven: boolean }>(`v1/messages/${message.id}/redrive`);
    setAnswer(answered);
    if (answered.kind === 'ok' && answered.value.redriven) onRedriven();
  };
  return (
    <section class="two">
      <div class="card stack">
        <h2>{texts.redrive}</h2>
        <p class="quiet">{texts.redriveHint}</p>
        {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
        {answer?.kind === 'ok' && !answer.value.redriven && <p>{texts.notDead}</p>}
        <div>
          <button type="button" class="primary" onClick={redrive}>
            {texts.redrive}
          </button>
        </div>
        <p>
          <a href={placeUrl(['redrives'], { topic, type, code: lastError?.code })}>{texts.redriveAlike}</a>
        </p>
      </div>
      <Resolve id={message.id} onResolved={onResolved} />
    </section>
  );
}

function Resolve({ id, onResolved }: { readonly id: string; readonly onResolved: () => void }) {
  const { message: texts } = useTexts();
  const { api } = useSession();
  const [answer, setAnswer] = useState<Answer<Message>>();
  const [wrong, setWrong] = useState<string>();
  const submit = async (event: TargetedEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const { outcome, note, result = '' } = valuesOf(event.currentTarget);
    const given = readJson(result);
    setWrong(given === undefined ? texts.badJson : undefined);
    if (given === undefined) return;
    const answered = await api.post<Message>(`v1/messages/${id}/resolve`, {
      body: { outcome, note, ...given },
    });
    setAnswer(answered);
    if (answered.kind === 'ok') onResolved();
  };
  return (
    <form class="card stack" onSubmit={submit} aria-label={texts.resolve}>
      <h2>{texts.resolve}</h2>
      <p class="quiet">{texts.resolveHint}</p>
      <fieldset>
        <legend>{texts.outcome}</legend>
        {(['done', 'refused'] as const).map((outcome) => (
          <label class="check" key={outcome}>
            <input type="radio" name="outcome" value={outcome} required />
            {texts.outcomes[outcome]}
          </label>
        ))}
      </fieldset>
      <Field label={texts.note} hint={texts.noteHint}>
        {(attributes) => <input {...attributes} name="note" required />}
      </Field>
      <Field label={texts.resultField} wrong={wrong}>
        {(attributes) => <textarea {...attributes} name="result" class="mono" spellcheck={false} />}
      </Field>
      {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
      <div>
        <button type="submit">{texts.resolve}</button>
      </div>
    </form>
  );
}

/** @returns undefined where the text is no JSON */
function readJson(text: string): { readonly result?: unknown } | undefined {
  if (text.trim() === '') return {};
  try {
    return { result: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
