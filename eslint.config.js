import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** What each folder of `functions/` may import besides itself; ARCHITECTURE.md shows the same. */
const layers = {
  runtime: [],
  core: ['runtime'],
  domains: ['core'],
  store: ['core', 'runtime'],
  api: ['core', 'runtime', 'store'],
  audit: ['api', 'core', 'runtime', 'store'],
  docs: ['api', 'core', 'runtime', 'store'],
  outbox: ['runtime', 'store'],
  workers: ['api', 'core', 'outbox', 'runtime', 'store'],
};
/** The files that put a function together from its parts, of whatever folder. */
const wiring = ['functions/*/handler.ts', 'functions/api/backend.ts'];

const importsOf = ([layer, allowed]) => {
  const others = Object.keys(layers).filter((name) => name !== layer && !allowed.includes(name));
  return {
    files: [`functions/${layer}/**/*.ts`],
    ignores: wiring,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: `^(?:\\.\\./)+(?:${others.join('|')})/`, message: `${layer}/ does not import this.` },
          ],
        },
      ],
    },
  };
};

export default tseslint.config(
  { ignores: ['cdk.out/', 'node_modules/', '.local/', 'coverage/'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A promise that nobody waits for is work that a frozen Lambda loses.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  ...Object.entries(layers).map(importsOf),
  { files: ['*.config.ts', '*.config.js'], rules: { 'no-restricted-exports': 'off' } },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
