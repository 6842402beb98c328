/**
 * Builds the expressions of one write: names and values are placeholders, so that no attribute can collide with
 * a reserved word and no value can become syntax. Rules are compiled here, from the value the server evaluated.
 */
import type { Test } from '../../core/rules.ts';

/** Turns a rule's path into the attribute path of an item, e.g. `remaining` into `['balances', 'remaining']`. */
export type Locate = (path: string) => readonly string[];

export class Expression {
  readonly #names = new Map<string, string>();
  readonly #values: unknown[] = [];

  /** A placeholder path for nested attributes. */
  path(...attributes: readonly string[]): string {
    return attributes.map((attribute) => this.#name(attribute)).join('.');
  }

  value(value: unknown): string {
    this.#values.push(value);
    return `:v${this.#values.length - 1}`;
  }

  /** A test as condition syntax; `undefined` where the request alone decides it. */
  condition(test: Test, locate: Locate): string | undefined {
    if (test.op === 'fact') return undefined;
    const path = this.path(...locate(test.path));
    switch (test.op) {
      case 'is':
      case 'secret':
        return `${path} = ${this.value(test.value)}`;
      case 'isNot':
        return `${path} <> ${this.value(test.value)}`;
      case 'atLeast':
        return `${path} >= ${this.value(test.value)}`;
      case 'atMost':
        return `${path} <= ${this.value(test.value)}`;
      case 'contains':
        return `contains(${path}, ${this.value(test.value)})`;
      case 'lacks':
        return `NOT contains(${path}, ${this.value(test.value)})`;
      case 'missing':
        return `attribute_not_exists(${path})`;
      case 'isIn':
        return `${path} IN (${test.values.map((value) => this.value(value)).join(', ')})`;
      default:
        return test satisfies never;
    }
  }

  /** The parameters the placeholders belong to. */
  parameters(): {
    ExpressionAttributeNames?: Record<string, string>;
    ExpressionAttributeValues?: Record<string, unknown>;
  } {
    const names = [...this.#names].map(([attribute, placeholder]) => [placeholder, attribute]);
    const values = this.#values.map((value, index) => [`:v${index}`, value]);
    return {
      ...(names.length > 0 && {
        ExpressionAttributeNames: Object.fromEntries(names) as Record<string, string>,
      }),
      ...(values.length > 0 && {
        ExpressionAttributeValues: Object.fromEntries(values) as Record<string, unknown>,
      }),
    };
  }

  #name(attribute: string): string {
    const known = this.#names.get(attribute);
    if (known !== undefined) return known;
    const placeholder = `#n${this.#names.size}`;
    this.#names.set(attribute, placeholder);
    return placeholder;
  }
}
