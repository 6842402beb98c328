/** What the OpenAPI document says: collections, their commands, and the forms of their bodies. */
import { urlOf } from './api.ts';

/** The part of JSON Schema that the document uses for bodies. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly default?: unknown;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name?: string; readonly in?: string; readonly schema?: Schema }[];
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly schema: Schema } };
  };
  readonly 'x-role'?: string;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Partial<Record<'get' | 'post', Operation>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface Command {
  /** `create`, or the transition. */
  readonly name: string;
  readonly summary: string;
  /** Absent where it takes no input. */
  readonly body: Schema | undefined;
  /** A role that the token must have. */
  readonly role: string | undefined;
}

export interface Collection {
  readonly name: string;
  readonly idPrefix: string;
  readonly states: readonly string[];
  /** Attributes by which there is a list. */
  readonly listed: readonly string[];
  /** None where only other commands create one. */
  readonly create?: Command;
  readonly transitions: readonly Command[];
}

export interface ApiDocument {
  readonly collections: readonly Collection[];
  readonly resolve: (schema: Schema) => Schema;
  /** Values that a query parameter of a route may have. */
  readonly choices: (path: string, parameter: string) => readonly string[];
}

export async function loadDocument(): Promise<ApiDocument | undefined> {
  try {
    const response = await fetch(urlOf('openapi.json'));
    return response.ok ? read((await response.json()) as OpenApi) : undefined;
  } catch {
    return undefined;
  }
}

function read({ paths, components }: OpenApi): ApiDocument {
  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.replace('#/components/schemas/', '');
    return name === undefined ? schema : (components.schemas[name] ?? {});
  };
  const commandOf = (name: string, { summary = name, requestBody, ...operation }: Operation): Command => ({
    name,
    summary,
    body: requestBody && resolve(requestBody.content['application/json'].schema),
    role: operation['x-role'],
  });
  const choices = (path: string, parameter: string): readonly string[] =>
    paths[path]?.get?.parameters?.find(({ name }) => name === parameter)?.schema?.enum ?? [];
  const collections = Object.entries(paths).flatMap(([path, { post }]): Collection[] => {
    const name = /^\/v1\/([^/{]+)$/.exec(path)?.[1];
    const entity = paths[`${path}/{id}`]?.get;
    // What has no ledger is no collection of entities.
    if (name === undefined || !entity || !paths[`${path}/{id}/ledger`]) return [];
    const pattern = entity.parameters?.find((parameter) => parameter.name === 'id')?.schema as
      { readonly pattern?: string } | undefined;
    return [
      {
        name,
        idPrefix: /^\^([a-z]+)_/.exec(pattern?.pattern ?? '')?.[1] ?? '',
        states: choices(path, 'status'),
        listed: attributesIn(paths[path]?.get),
        ...(post && { create: commandOf('create', post) }),
        transitions: Object.entries(paths).flatMap(([other, { post: operation }]) => {
          const [, transition] = other.split(`${path}/{id}/`);
          return operation && transition !== undefined && transition !== 'lock' && transition !== 'unlock'
            ? [commandOf(transition, operation)]
            : [];
        }),
      },
    ];
  });
  return { collections, resolve, choices };
}

/** Of the parameters of a list, those that are no part of every list. */
const attributesIn = (list: Operation | undefined): readonly string[] =>
  (list?.parameters ?? []).flatMap(({ name, in: place }) =>
    place === 'query' && name !== undefined && !['status', 'limit', 'cursor'].includes(name) ? [name] : [],
  );

export const collectionOfId = ({ collections }: ApiDocument, id: string): Collection | undefined =>
  collections.find(({ idPrefix }) => id.startsWith(`${idPrefix}_`));
