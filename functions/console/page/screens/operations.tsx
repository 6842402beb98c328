/** The operator's log: who redrove, resolved, began and stopped, when and why. */
import type { Page } from '../api.ts';
import { useLoaded } from '../loaded.ts';
import type { Operation } from '../model.ts';
import { Heading } from '../parts/heading.tsx';
import { List } from '../parts/list.tsx';
import { Table } from '../parts/table.tsx';
import { At } from '../parts/time.tsx';
import { placeUrl, usePlace } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';
import { MatchText } from './redrives.tsx';

export function OperationsScreen() {
  const { operations: texts, message } = useTexts();
  const { api } = useSession();
  const { cursor } = usePlace().query;
  const loaded = useLoaded(`operations ${cursor ?? ''}`, () =>
    api.get<Page<Operation>>('v1/operations', { cursor }),
  );
  return (
    <div class="stack">
      <Heading heading={texts.heading} intro={texts.intro} />
      <section class="card">
        <List loaded={loaded}>
          {(operations) => (
            <Table
              label={texts.heading}
              rows={operations}
              keyOf={({ id }) => id}
              columns={[
                { name: message.at, kind: 'when', cell: ({ at }) => <At at={at} /> },
                { name: texts.by, cell: ({ by }) => by },
                { name: texts.what, cell: ({ operation }) => texts.names[operation] },
                { name: texts.which, cell: (operation) => <Which operation={operation} /> },
                { name: texts.outcome, cell: ({ outcome }) => outcome && message.outcomes[outcome] },
                { name: texts.note, cell: ({ note }) => note },
              ]}
            />
          )}
        </List>
      </section>
    </div>
  );
}

/** The way to what it was about. */
function Which({ operation: { message, run, match } }: { readonly operation: Operation }) {
  if (message !== undefined)
    return (
      <a class="id" href={placeUrl(['messages', message])}>
        {message}
      </a>
    );
  const text = match && <MatchText match={match} />;
  return run === undefined ? <>{text}</> : <a href={placeUrl(['redrives', run])}>{text ?? run}</a>;
}
