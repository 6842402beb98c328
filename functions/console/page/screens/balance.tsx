/** What stands on an account, and how it came about. */
import type { TargetedEvent } from 'preact';
import type { Page } from '../api.ts';
import { collectionOfId } from '../document.ts';
import { useLoaded } from '../loaded.ts';
import type { Balance, StatementLine } from '../model.ts';
import { Field, valuesOf } from '../parts/field.tsx';
import { List } from '../parts/list.tsx';
import { Failure } from '../parts/notices.tsx';
import { Table } from '../parts/table.tsx';
import { AsOf, At } from '../parts/time.tsx';
import { go, placeUrl, usePlace } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { amountText } from './entity.tsx';

export function BalanceScreen() {
  const { balances: texts } = useTexts();
  const { account = '' } = usePlace().query;
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    go(['balances'], { account: valuesOf(event.currentTarget)['account']?.trim() });
  };
  return (
    <div class="stack">
      <h1>{texts.heading}</h1>
      <section class="card">
        <form class="form" onSubmit={submit} key={account}>
          <Field label={texts.account} hint={texts.hint}>
            {(attributes) => <input {...attributes} name="account" defaultValue={account} required />}
          </Field>
          <div>
            <button class="primary" type="submit">
              {texts.show}
            </button>
          </div>
        </form>
      </section>
      {account !== '' && <Account account={account} />}
    </div>
  );
}

function Account({ account }: { readonly account: string }) {
  const { balances: texts, list } = useTexts();
  const { api } = useSession();
  const { answer } = useLoaded(account, () => api.get<Balance>(pathOf(account)));
  const unit = answer?.kind === 'ok' ? answer.value.unit : undefined;
  return (
    <>
      <section class="card">
        <h2 class="id">{account}</h2>
        {answer === undefined && <p class="quiet">{list.loading}</p>}
        {answer && answer.kind !== 'ok' && <Failure answer={answer} />}
        {answer?.kind === 'ok' &&
          (unit === undefined ? (
            <p>{texts.never}</p>
          ) : (
            <p>
              <b class="figure">
                {amountText(answer.value.balance)} {unit}
              </b>{' '}
              <span class="quiet small">{texts.minor}</span>
            </p>
          ))}
      </section>
      {unit !== undefined && <Statement account={account} unit={unit} />}
    </>
  );
}

const pathOf = (account: string): string => `v1/balances/${encodeURIComponent(account)}`;

type StatementPage = Page<StatementLine> & { readonly asOf: string };

/** How the balance came about, where the definition of the account keeps a statement. */
function Statement({ account, unit }: { readonly account: string; readonly unit: string }) {
  const { balances: texts, entity, message, audit } = useTexts();
  const { api, document } = useSession();
  const { cursor } = usePlace().query;
  const loaded = useLoaded(JSON.stringify([account, cursor]), () =>
    api.get<StatementPage>(`${pathOf(account)}/entries`, { cursor }),
  );
  const { answer } = loaded;
  const isKept = answer?.kind !== 'refused' || answer.problem.code !== 'no_statement';
  return (
    <section class="card stack">
      <h2>{texts.statement}</h2>
      {!isKept && <p class="quiet">{texts.noStatement}</p>}
      {answer?.kind === 'ok' && (
        <p class="quiet small">
          <AsOf at={answer.value.asOf} />
        </p>
      )}
      {isKept && (
        <List loaded={loaded}>
          {(lines) => (
            <Table
              label={texts.statement}
              rows={lines}
              keyOf={({ entity: id, seq }) => `${id} ${seq}`}
              columns={[
                { name: message.at, kind: 'when', cell: ({ at }) => <At at={at} /> },
                { name: entity.commands, cell: ({ command }) => command },
                {
                  name: message.entity,
                  kind: 'id',
                  cell: ({ entity: id }) => {
                    const collection = collectionOfId(document, id);
                    return collection ? <a href={placeUrl(['entities', collection.name, id])}>{id}</a> : id;
                  },
                },
                { name: audit.entry, kind: 'number', cell: ({ seq }) => seq },
                {
                  name: entity.amount,
                  kind: 'number',
                  cell: ({ amount }) => `${amountText(amount)} ${unit}`,
                },
              ]}
            />
          )}
        </List>
      )}
    </section>
  );
}
