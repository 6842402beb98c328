/** A plugin for Stryker: what only changes the words of a log line or of an error is no mutant. */

/** @param {{ isMemberExpression(): boolean, node: { object?: { name?: string } } }} callee */
const isLog = (callee) => callee.isMemberExpression() && callee.node.object?.name === 'log';

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'texts',
    value: {
      shouldIgnore(path) {
        if (path.isNewExpression() && /Error$/.test(path.node.callee.name ?? ''))
          return 'the words of an error';
        if (path.isCallExpression() && isLog(path.get('callee'))) return 'the words of a log line';
        return undefined;
      },
    },
  },
];
