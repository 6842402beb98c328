/** Plugins for Stryker: what is no mutant, and who tells at once which of them live. */
import process from 'node:process';

/** @param {{ isMemberExpression(): boolean, node: { object?: { name?: string } } }} callee */
const isLog = (callee) => callee.isMemberExpression() && callee.node.object?.name === 'log';

/** Members whose values are words of a union: the type checker refuses any other. */
const tags = new Set(['kind', 'outcome', 'purpose', 'op', 'status']);

/** @param {{ type: string, property?: { name?: string } } | undefined} node */
const isTag = (node) =>
  (node?.type === 'MemberExpression' || node?.type === 'OptionalMemberExpression') &&
  tags.has(node.property?.name ?? '');

/** The value of a tag, or what one is compared with. */
function isWordOfUnion({ parent, node }) {
  if (node.type !== 'StringLiteral') return false;
  if (parent.type === 'ObjectProperty') return parent.value === node && tags.has(parent.key.name ?? '');
  if (parent.type !== 'BinaryExpression') return false;
  return isTag(parent.left === node ? parent.right : parent.left);
}

const plain = new Set([
  'Identifier',
  'StringLiteral',
  'NumericLiteral',
  'BooleanLiteral',
  'MemberExpression',
]);

/** A member of a union that holds nothing that is computed: the type checker refuses it empty. */
const isMemberOfUnion = ({ node }) =>
  node.type === 'ObjectExpression' &&
  node.properties.some(({ key }) => key?.name === 'kind') &&
  node.properties.every(({ type, value }) => type === 'ObjectProperty' && plain.has(value.type));

/** The end of a switch that has all cases, which the type checker sees to: `default: return kind satisfies never`. */
const isNever = ({ node }) =>
  node.type === 'SwitchCase' &&
  node.test === null &&
  node.consequent[0]?.argument?.type === 'TSSatisfiesExpression';

/** Prints each mutant that lives as soon as it is known: a run may take an hour. */
class Living {
  onMutantTested({ status, fileName, location, replacement, mutatorName }) {
    if (status !== 'Survived' && status !== 'Timeout') return;
    const place = `${fileName}:${location.start.line}:${location.start.column}`;
    process.stdout.write(`${status} ${place} ${mutatorName} ${replacement.replace(/\s+/g, ' ')}\n`);
  }
}

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'no-mutants',
    value: {
      shouldIgnore(path) {
        if (path.isNewExpression() && /Error$/.test(path.node.callee.name ?? ''))
          return 'the words of an error';
        if (path.isCallExpression() && isLog(path.get('callee'))) return 'the words of a log line';
        if (path.parent?.type === 'ObjectProperty' && path.parent.key.name === 'because')
          return 'the words of a reason';
        if (isWordOfUnion(path) || isMemberOfUnion(path) || isNever(path))
          return 'the type checker refuses it';
        return undefined;
      },
    },
  },
  { kind: 'Reporter', name: 'living', injectableClass: Living },
];
