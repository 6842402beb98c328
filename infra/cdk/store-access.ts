import { dataTable, outboxTable } from '../../functions/store/tables.ts';
import { bindTable } from './binding.ts';
import type { ServiceFunction } from './function.ts';
import type { Tables } from './tables.ts';

const [byStatus, due] = dataTable.indexes;
const [open, closed] = outboxTable.indexes;

/** What each kind of function may do with the tables, in one place. The tests list the same actions by role. */

/** Runs commands: everything a commit of any domain writes, and the reads by key before it. */
export function allowCommands(fn: ServiceFunction, tables: Tables): void {
  bindTable(fn, 'DATA_TABLE', tables.data, {
    table: ['GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'],
  });
  bindTable(fn, 'OUTBOX_TABLE', tables.outbox, { table: ['PutItem'] });
  bindTable(fn, 'IDEMPOTENCY_TABLE', tables.idempotency, { table: ['GetItem', 'BatchGetItem', 'PutItem'] });
}

/**
 * What lists, the operations routes and the audit need beside commands: reads of all of a tenant's items, and the redrive's
 * one update.
 */
export function allowOperations(fn: ServiceFunction, tables: Tables): void {
  bindTable(fn, 'DATA_TABLE', tables.data, { table: ['Query'], indexes: [byStatus.name] });
  bindTable(fn, 'DATA_TABLE', tables.data, { table: ['BatchWriteItem'], partitions: [auditPartitions] });
  bindTable(fn, 'OUTBOX_TABLE', tables.outbox, {
    table: ['GetItem', 'BatchGetItem', 'Query', 'UpdateItem'],
    indexes: [open.name, closed.name],
  });
}

/**
 * Claims a message, which also reads it, and records what became of it; of ordered messages it looks for those beside it.
 * What its receiver answers moves an entity, by a command like any other.
 */
export function allowWorkingOff(fn: ServiceFunction, tables: Tables): void {
  bindTable(fn, 'OUTBOX_TABLE', tables.outbox, { table: ['UpdateItem', 'Query'] });
  allowCommands(fn, tables);
}

/** Writes lines of statements and lists, and how far it has come; the entries come with the stream. */
export function allowWritingStatements(fn: ServiceFunction, tables: Tables): void {
  bindTable(fn, 'DATA_TABLE', tables.data, {
    table: ['BatchWriteItem', 'UpdateItem'],
    partitions: [statementPartitions, listedPartitions, '#watermark'],
  });
}

/** Carries redrive runs on: reads a run and its list, finds dead messages, and runs them again. */
export function allowRedriving(fn: ServiceFunction, tables: Tables): void {
  bindTable(fn, 'DATA_TABLE', tables.data, { table: ['GetItem', 'Query'] });
  bindTable(fn, 'OUTBOX_TABLE', tables.outbox, {
    table: ['BatchGetItem', 'UpdateItem'],
    indexes: [closed.name],
  });
}

/** Looks for open messages and due timers, marks what it sent again, notes how far it came, and writes heartbeats. */
export function allowSweeping(fn: ServiceFunction, tables: Tables): void {
  bindTable(fn, 'OUTBOX_TABLE', tables.outbox, {
    table: ['GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem'],
    scanned: [open.name],
  });
  bindTable(fn, 'DATA_TABLE', tables.data, {
    table: ['GetItem', 'BatchGetItem'],
    indexes: [due.name],
    scanned: [due.name],
  });
  bindTable(fn, 'DATA_TABLE', tables.data, { table: ['BatchWriteItem'], partitions: ['#heartbeat#*'] });
}

/** Reads everything of all tenants, looks for them, and writes what it notes down between two parts and what statements and lists lack. */
export function allowAuditing(fn: ServiceFunction, tables: Tables): void {
  bindTable(fn, 'DATA_TABLE', tables.data, {
    table: ['GetItem', 'BatchGetItem', 'Query'],
    indexes: [byStatus.name],
    scanned: [byStatus.name],
  });
  bindTable(fn, 'DATA_TABLE', tables.data, {
    table: ['BatchWriteItem', 'PutItem'],
    partitions: [auditPartitions, statementPartitions, listedPartitions],
  });
  bindTable(fn, 'OUTBOX_TABLE', tables.outbox, {
    table: ['BatchGetItem', 'Query'],
    indexes: [open.name, closed.name],
  });
}

/** What the audit keeps, see `store/audit/`. A tenant's name holds no `#` in a key, an entity's key just one. */
const auditPartitions = '*#audit#*';

/** See `store/statements/`. An account's name may hold anything, and is behind this. */
const statementPartitions = '*#statement#*';
const listedPartitions = '*#listed#*';
