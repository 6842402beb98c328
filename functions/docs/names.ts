/** The names operations and schemas have in the OpenAPI document, made from the names of the definitions. */
import type { Domain } from '../core/definition.ts';
import type { Route } from '../api/routes.ts';

/** `point-account` -> `PointAccount` */
export const pascalCase = (name: string): string =>
  name
    .split(/[-_]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

const camelCase = (name: string): string => {
  const pascal = pascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
};

/** Name of an entity's schema. */
export const schemaName = ({ type }: Domain): string => pascalCase(type);

/** `create` of payments -> `createPayment`; also for transitions. */
export const commandId = ({ type }: Domain, command: string): string => camelCase(command) + pascalCase(type);

/** Unique within the document, and stable as long as the definitions' names are. */
export function operationId({ operation }: Pick<Route, 'operation'>): string {
  switch (operation.is) {
    case 'create':
    case 'get':
    case 'lock':
    case 'unlock':
      return commandId(operation.domain, operation.is);
    case 'transition':
      return commandId(operation.domain, operation.name);
    case 'list':
      return `list${pascalCase(operation.domain.collection)}`;
    case 'ledger':
      return `list${pascalCase(operation.domain.type)}Ledger`;
    case 'timing':
      return `get${pascalCase(operation.domain.type)}Timing`;
    case 'entityMessages':
      return `list${pascalCase(operation.domain.type)}Messages`;
    case 'balance':
      return 'getBalance';
    case 'statement':
      return 'listStatement';
    case 'messages':
      return 'listMessages';
    case 'messageGroups':
      return 'listMessageGroups';
    case 'redriveMessage':
    case 'redriveMessages':
    case 'resolveMessage':
      return operation.is;
    case 'operations':
      return 'listOperations';
    case 'redrives':
      return 'listRedrives';
    case 'beginRedrive':
    case 'stopRedrive':
      return operation.is;
    case 'redriveRun':
      return 'getRedrive';
    case 'request':
      return 'getRequest';
    case 'audit':
      return 'runAudit';
    default:
      return operation satisfies never;
  }
}
