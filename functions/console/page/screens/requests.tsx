/** One request, by its Idempotency-Key: what it was answered, what it wrote, what it cost, and where its replays stand. */
import type { TargetedEvent } from 'preact';
import { collectionOfId } from '../document.ts';
import { loadCosts } from '../costs.ts';
import { useLoaded } from '../loaded.ts';
import type { KeptRequest } from '../model.ts';
import { Field, valuesOf } from '../parts/field.tsx';
import { Heading } from '../parts/heading.tsx';
import { Json } from '../parts/json.tsx';
import { Bad, Failure } from '../parts/notices.tsx';
import { Table } from '../parts/table.tsx';
import { Ago, At } from '../parts/time.tsx';
import { go, placeUrl, usePlace } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { EntryShown } from './entity.tsx';

export function RequestsScreen() {
  const { requests: texts } = useTexts();
  const { claims } = useSession();
  const { key = '', path = '', subject = claims.subject } = usePlace().query;
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const values = valuesOf(event.currentTarget);
    const trimmed = (name: string): string | undefined => values[name]?.trim();
    go(['requests'], { key: trimmed('key'), path: trimmed('path'), subject: trimmed('subject') });
  };
  return (
    <div class="stack">
      <Heading heading={texts.heading} intro={texts.intro} />
      <section class="card">
        <form class="form" onSubmit={submit} key={JSON.stringify([key, path, subject])}>
          <Field label={texts.key}>
            {(attributes) => (
              <input {...attributes} name="key" class="mono" defaultValue={key} required autocomplete="off" />
            )}
          </Field>
          <Field label={texts.path} hint={texts.pathHint}>
            {(attributes) => (
              <input {...attributes} name="path" class="mono" defaultValue={path} required pattern="/v1/.+" />
            )}
          </Field>
          <Field label={texts.subject} hint={texts.subjectHint}>
            {(attributes) => <input {...attributes} name="subject" defaultValue={subject} required />}
          </Field>
          <div>
            <button class="primary" type="submit">
              {texts.show}
            </button>
          </div>
        </form>
      </section>
      {key !== '' && path !== '' && <Request asked={{ key, path, subject }} />}
      <section class="card stack">
        <h2>{texts.byRequestId}</h2>
        <p class="quiet">{texts.byRequestIdHint}</p>
        <Json value={'filter requestId = "…"'} />
      </section>
    </div>
  );
}

interface RequestProps {
  readonly asked: Pick<KeptRequest, 'key' | 'path' | 'subject'>;
}

function Request({ asked }: RequestProps) {
  const { list, requests: texts } = useTexts();
  const { api } = useSession();
  const { answer } = useLoaded(JSON.stringify(asked), () =>
    api.get<KeptRequest>('v1/requests', { ...asked }),
  );
  if (answer === undefined) return <p class="quiet">{list.loading}</p>;
  if (answer.kind === 'refused' && answer.problem.status === 404) return <Bad>{texts.missing}</Bad>;
  if (answer.kind !== 'ok') return <Failure answer={answer} />;
  return <Shown request={answer.value} />;
}

function Shown({ request }: { readonly request: KeptRequest }) {
  const { requests: texts, message } = useTexts();
  const { document } = useSession();
  const { path, requestId, expiresAt, answer, entity, entry } = request;
  const collection = entity === undefined ? undefined : collectionOfId(document, entity);
  return (
    <>
      <section class="card stack">
        <h2>
          {texts.answer} <span class="badge">{answer.status}</span>
        </h2>
        <dl class="facts">
          <div class="fact">
            <dt>{texts.requestId}</dt>
            <dd class="mono">{requestId}</dd>
          </div>
          {entity !== undefined && (
            <div class="fact">
              <dt>{message.entity}</dt>
              <dd class="mono">
                {collection ? <a href={placeUrl(['entities', collection.name, entity])}>{entity}</a> : entity}
              </dd>
            </div>
          )}
          <div class="fact">
            <dt>{texts.keptUntil}</dt>
            <dd>
              <At at={expiresAt} /> (<Ago at={expiresAt} />)
            </dd>
          </div>
        </dl>
        {answer.body !== undefined && <Json value={answer.body} />}
      </section>
      <section class="card stack">
        <h2>{texts.entry}</h2>
        {entry ? (
          <div>
            <EntryShown entry={entry} />
          </div>
        ) : (
          <p class="quiet">{texts.noEntry}</p>
        )}
      </section>
      <Cost route={routeOf(path)} />
      <section class="card stack">
        <h2>{texts.replays}</h2>
        <p class="quiet">{texts.replaysHint}</p>
        <Json
          value={[
            'filter message = "request" and isReplay = 1',
            `filter route = ${JSON.stringify(routeOf(path))}${entity === undefined ? '' : ` and entity = ${JSON.stringify(entity)}`}`,
            'stats count()',
          ].join('\n| ')}
        />
      </section>
    </>
  );
}

/** `/v1/payments/pay_…/confirm` -> `/v1/payments/{id}/confirm` */
const routeOf = (path: string): string => path.replace(/^(\/v1\/[^/]+\/)[^/]+/, '$1{id}');

/** By the cost contracts of the release that is served: what a command of this route costs, in each of its variants. */
function Cost({ route }: { readonly route: string }) {
  const { requests: texts, list } = useTexts();
  const { answer } = useLoaded('costs', loadCosts);
  const name = `POST ${route}`;
  const costs =
    answer?.kind === 'ok'
      ? answer.value.filter((cost) => cost.name === name || cost.name.startsWith(`${name} (`))
      : [];
  return (
    <section class="card stack">
      <h2>{texts.cost}</h2>
      <p class="quiet">{texts.costHint}</p>
      {answer === undefined && <p class="quiet">{list.loading}</p>}
      {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
      {answer?.kind === 'ok' && costs.length === 0 && <p>{texts.noCost}</p>}
      {costs.length > 0 && (
        <Table
          label={texts.cost}
          rows={costs}
          keyOf={(cost) => cost.name}
          columns={[
            { name: texts.route, kind: 'id', cell: (cost) => cost.name },
            { name: texts.calls, kind: 'number', cell: (cost) => cost.requests },
            { name: texts.readUnits, kind: 'number', cell: (cost) => cost.readUnits },
            { name: texts.writeUnits, kind: 'number', cell: (cost) => cost.writeUnits },
            { name: texts.price, kind: 'number', cell: (cost) => `$${cost.dollars.toFixed(2)}` },
          ]}
        />
      )}
    </section>
  );
}
