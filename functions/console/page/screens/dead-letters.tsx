/** What was given up: first by what it has in common, then letter by letter. */
import type { TargetedEvent } from 'preact';
import { filledPage } from '../api.ts';
import { nameOf, useGroups } from '../groups.ts';
import { useLoaded } from '../loaded.ts';
import type { Group, Message } from '../model.ts';
import { Field, valuesOf } from '../parts/field.tsx';
import { Heading } from '../parts/heading.tsx';
import { List } from '../parts/list.tsx';
import { Failure } from '../parts/notices.tsx';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';
import { Ago } from '../parts/time.tsx';
import { TopicField } from '../parts/topic-field.tsx';
import { go, placeUrl, usePlace } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { MessageTable } from './message-table.tsx';

/** Without a filter the groups; with one, or `list`, the letters that fit. */
export function DeadLetters() {
  const { query } = usePlace();
  return Object.keys(query).length === 0 ? <GroupsOfLetters /> : <Letters />;
}

export const lettersUrl = ({ topic, type, code }: Group): string =>
  placeUrl(['letters'], { topic, type, code });

function GroupsOfLetters() {
  const { letters: texts, message, redrives, list, count } = useTexts();
  const { answer, reload } = useGroups();
  const columns: readonly Column<Group>[] = [
    { name: message.type, cell: (group) => <a href={lettersUrl(group)}>{group.type}</a> },
    { name: message.topic, cell: ({ topic }) => topic },
    { name: message.code, cell: ({ code }) => <code>{code}</code> },
    { name: message.receiver, cell: ({ receiver }) => receiver ?? message.defaultReceiver },
    {
      name: texts.count,
      kind: 'number',
      cell: (group) => (
        <>
          <b>{count(group.count, false)}</b>
          {group.held > 0 && <div class="small quiet">{texts.held(count(group.held, false))}</div>}
        </>
      ),
    },
    { name: texts.first, cell: ({ firstAt }) => <Ago at={firstAt} />, kind: 'when' },
    { name: texts.last, cell: ({ lastAt }) => <Ago at={lastAt} />, kind: 'when' },
    {
      name: redrives.heading,
      cell: ({ topic, type, code }) => (
        <a href={placeUrl(['redrives'], { topic, type, code })}>{redrives.group}</a>
      ),
    },
  ];
  return (
    <div class="stack">
      <Heading heading={texts.heading} intro={texts.intro} />
      <section class="card stack">
        {answer === undefined && <p class="quiet">{list.loading}</p>}
        {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
        {answer?.kind === 'ok' && (
          <>
            {!answer.value.isWhole && (
              <p class="quiet" role="status">
                {texts.counting(count(answer.value.counted, false))}
              </p>
            )}
            {answer.value.groups.length > 0 ? (
              <Table label={texts.heading} columns={columns} rows={answer.value.groups} keyOf={nameOf} />
            ) : (
              <p>{answer.value.isWhole ? texts.none : list.loading}</p>
            )}
          </>
        )}
        <div class="row">
          <a class="button" href={placeUrl(['letters'], { list: 'all' })}>
            {texts.allLetters}
          </a>
          <button type="button" onClick={reload}>
            {list.reload}
          </button>
        </div>
      </section>
    </div>
  );
}

function Letters() {
  const { letters: texts, message, redrives, list } = useTexts();
  const { api } = useSession();
  const { query } = usePlace();
  const { topic, type, code, uncertain, cursor } = query;
  const filter = { topic, type, code, uncertain };
  const wanted = { status: 'dead', ...filter, cursor };
  const loaded = useLoaded(JSON.stringify(wanted), () => filledPage<Message>(api, 'v1/messages', wanted));
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    go(['letters'], { list: 'all', ...valuesOf(event.currentTarget) });
  };
  return (
    <div class="stack">
      <div class="row apart">
        <h1>{texts.heading}</h1>
        <div class="row">
          <a href={placeUrl(['letters'])}>{texts.all}</a>
          {uncertain === undefined && (
            <a class="button" href={placeUrl(['redrives'], { topic, type, code })}>
              {redrives.group}
            </a>
          )}
        </div>
      </div>
      <section class="card">
        <form class="filters" onSubmit={submit} key={JSON.stringify(filter)}>
          <TopicField chosen={topic} />
          <Field label={message.type}>
            {(attributes) => <input {...attributes} name="type" defaultValue={type ?? ''} />}
          </Field>
          <Field label={message.code}>
            {(attributes) => <input {...attributes} name="code" defaultValue={code ?? ''} />}
          </Field>
          <label class="check">
            <input type="checkbox" name="uncertain" value="true" defaultChecked={uncertain === 'true'} />
            {message.uncertain}
          </label>
          <div class="row">
            <button type="submit">{list.filter}</button>
          </div>
        </form>
      </section>
      <section class="card">
        <List loaded={loaded}>{(items) => <MessageTable label={texts.list} messages={items} />}</List>
      </section>
    </div>
  );
}
