/** The entities of a collection, newest first; and the form that creates another. */
import { useState } from 'preact/hooks';
import type { Page } from '../api.ts';
import type { Collection } from '../document.ts';
import { useLoaded } from '../loaded.ts';
import type { Entity } from '../model.ts';
import { CommandForm } from '../parts/command-form.tsx';
import { Field, valuesOf } from '../parts/field.tsx';
import { List } from '../parts/list.tsx';
import { Table } from '../parts/table.tsx';
import { Ago, AsOf } from '../parts/time.tsx';
import { go, placeUrl, usePlace } from '../place.ts';
import type { Query } from '../place.ts';
import { useSession } from '../session.ts';
import { useTexts } from '../texts/index.ts';

export function EntitiesScreen() {
  const { entities: texts, list } = useTexts();
  const { document } = useSession();
  const { path, query } = usePlace();
  const collection = document.collections.find(({ name }) => name === path[1]) ?? document.collections[0];
  const [isCreating, setIsCreating] = useState(false);
  if (!collection) return <p>{list.empty}</p>;
  return (
    <div class="stack">
      <div class="row apart">
        <h1>{texts.heading}</h1>
        {collection.create && (
          <button
            type="button"
            aria-expanded={isCreating}
            onClick={() => {
              setIsCreating(!isCreating);
            }}
          >
            {texts.create}
          </button>
        )}
      </div>
      {isCreating && collection.create && (
        <section class="card">
          <h2>{texts.createIn(collection.name)}</h2>
          <CommandForm
            key={collection.name}
            command={collection.create}
            path={`v1/${collection.name}`}
            onDone={({ id }) => {
              go(['entities', collection.name, id]);
            }}
            onCancel={() => {
              setIsCreating(false);
            }}
          />
        </section>
      )}
      <section class="card filters">
        <Field label={texts.collection}>
          {(attributes) => (
            <select
              {...attributes}
              value={collection.name}
              onChange={(event) => {
                go(['entities', event.currentTarget.value]);
              }}
            >
              {document.collections.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label={texts.status}>
          {(attributes) => (
            <select
              {...attributes}
              value={query['status'] ?? ''}
              onChange={(event) => {
                go(['entities', collection.name], {
                  ...query,
                  cursor: undefined,
                  status: event.currentTarget.value,
                });
              }}
            >
              <option value="">{list.any}</option>
              {collection.states.map((state) => (
                <option key={state}>{state}</option>
              ))}
            </select>
          )}
        </Field>
        {collection.listed.map((attribute) => (
          <form
            key={`${collection.name} ${attribute} ${query[attribute] ?? ''}`}
            onSubmit={(event) => {
              event.preventDefault();
              const value = valuesOf(event.currentTarget)[attribute]?.trim();
              // By one attribute at a time.
              go(['entities', collection.name], { status: query['status'], [attribute]: value });
            }}
          >
            <Field label={attribute}>
              {(attributes) => (
                <input
                  {...attributes}
                  type="search"
                  name={attribute}
                  defaultValue={query[attribute] ?? ''}
                  placeholder={texts.byAttribute}
                />
              )}
            </Field>
          </form>
        ))}
      </section>
      <section class="card">
        <EntityList collection={collection} query={query} />
      </section>
    </div>
  );
}

interface EntityListProps {
  readonly collection: Collection;
  readonly query: Query;
}

type EntityPage = Page<Entity> & { readonly asOf?: string };

function EntityList({ collection, query }: EntityListProps) {
  const { entities: texts } = useTexts();
  const { api } = useSession();
  const asked = Object.fromEntries(
    ['status', 'cursor', ...collection.listed].map((name) => [name, query[name]]),
  );
  const loaded = useLoaded(JSON.stringify([collection.name, asked]), () =>
    api.get<EntityPage>(`v1/${collection.name}`, asked),
  );
  const asOf = loaded.answer?.kind === 'ok' ? loaded.answer.value.asOf : undefined;
  return (
    <>
      {asOf !== undefined && (
        <p class="quiet small">
          <AsOf at={asOf} />
        </p>
      )}
      <List loaded={loaded}>
        {(items) => (
          <Table
            label={collection.name}
            rows={items}
            keyOf={({ id }) => id}
            columns={[
              {
                name: texts.id,
                kind: 'id',
                cell: ({ id }) => <a href={placeUrl(['entities', collection.name, id])}>{id}</a>,
              },
              { name: texts.status, cell: (entity) => <span class="badge">{entity.status}</span> },
              ...attributesShown(items).map((name) => ({
                name,
                cell: (entity: Entity) => short(entity[name]),
              })),
              { name: texts.updated, kind: 'when', cell: ({ updatedAt }) => <Ago at={updatedAt} /> },
            ]}
          />
        )}
      </List>
    </>
  );
}

/** The first attributes that are texts or numbers: what tells one entity from another. */
function attributesShown(items: readonly Entity[]): readonly string[] {
  const [first] = items;
  return first
    ? attributesOf(first)
        .filter((name) => typeof first[name] !== 'object')
        .slice(0, 3)
    : [];
}

const bookkeeping = ['id', 'type', 'status', 'version', 'createdAt', 'updatedAt', 'allowedTransitions'];

/** What the definition gave it, without what every entity has. */
export const attributesOf = (entity: Entity): readonly string[] =>
  Object.keys(entity).filter((name) => !bookkeeping.includes(name));

const shortest = 40;

const short = (value: unknown): string => {
  const text = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > shortest ? `${text.slice(0, shortest)} …` : text;
};
