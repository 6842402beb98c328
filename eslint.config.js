import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** What each folder may import besides itself; a test holds the table in ARCHITECTURE.md to it. */
export const layers = {
  'functions/runtime': [],
  'functions/core': ['functions/runtime'],
  'functions/domains': ['functions/core'],
  'functions/store': ['functions/core', 'functions/runtime'],
  'functions/commands': ['functions/core', 'functions/runtime', 'functions/store'],
  'functions/api': ['functions/commands', 'functions/core', 'functions/runtime', 'functions/store'],
  'functions/audit': [
    'functions/api',
    'functions/commands',
    'functions/core',
    'functions/runtime',
    'functions/store',
  ],
  'functions/console': [],
  'functions/docs': [
    'functions/api',
    'functions/console',
    'functions/core',
    'functions/runtime',
    'functions/store',
  ],
  'functions/evolution': ['functions/core', 'functions/runtime', 'functions/store'],
  'functions/client': ['functions/core'],
  'functions/outbox': ['functions/runtime', 'functions/store'],
  'functions/statements': ['functions/core', 'functions/outbox', 'functions/runtime', 'functions/store'],
  'functions/workers': [
    'functions/commands',
    'functions/core',
    'functions/outbox',
    'functions/runtime',
    'functions/store',
  ],
  'infra/cdk': ['functions/core', 'functions/docs', 'functions/runtime', 'functions/store'],
  'infra/local': [
    'functions/api',
    'functions/core',
    'functions/evolution',
    'functions/runtime',
    'functions/workers',
    'infra/cdk',
  ],
  'infra/tools': [
    'functions/api',
    'functions/audit',
    'functions/commands',
    'functions/core',
    'functions/docs',
    'functions/evolution',
    'functions/runtime',
    'functions/store',
    'functions/workers',
    'infra/cdk',
    'infra/local',
  ],
};
/** Imported by nobody. */
const outside = 'test';
/** Names the domains; only wiring reads it, so that the engine knows none of them. */
const application = 'functions/application.ts';
/** The files that put a function together from its parts, of whatever folder. */
const wiring = ['functions/*/handler.ts', 'functions/workers/handler-parts.ts', 'functions/workers/timer.ts'];

const importsOf = ([layer, allowed]) => ({
  files: [`${layer}/**/*.{ts,tsx}`],
  ignores: wiring,
  rules: {
    'import-x/no-restricted-paths': [
      'error',
      {
        basePath: import.meta.dirname,
        zones: [...Object.keys(layers), outside, ...(layer.startsWith('functions/') ? [application] : [])]
          .filter((other) => other !== layer && !allowed.includes(other))
          .map((from) => ({ target: layer, from, message: `${layer}/ does not import this.` })),
      },
    ],
  },
});

export default tseslint.config(
  { ignores: ['cdk.out/', 'node_modules/', '.local/', 'coverage/'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  { plugins: { 'import-x': importX } },
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
  {
    // Event handlers of elements may return a promise: what it brings is shown, failure too.
    files: ['functions/console/page/**/*.tsx'],
    rules: {
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
    },
  },
  { files: ['*.config.ts', '*.config.js'], rules: { 'no-restricted-exports': 'off' } },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
