import temporal from 'eslint-plugin-temporal';
import tseslint from 'typescript-eslint';
import { activityLimits } from './eslint-rules/activity-limits.cjs';

/** Rules that take every exported function for a workflow or activity, or guess from names; other rules hold the rest. */
const guessing = {
  'temporal/workflow-prefer-single-object-args': 'off',
  'temporal/activity-prefer-single-object-args': 'off',
  // Asks for a type argument that typescript-eslint reports as needless.
  'temporal/workflow-require-explicit-payload-types': 'off',
  // Wants a comment; test/replay is the proof.
  'temporal/workflow-replay-testing-required-comment': 'off',
  // Reports setHandler, which returns nothing; typescript-eslint's rule of the same name knows the types.
  'temporal/workflow-no-floating-promises': 'off',
  // The context of one call is one object; ours outlives an await only inside that call.
  'temporal/activity-context-not-stored': 'off',
};

/** The plugin's rules for one kind of file, all as errors. */
const temporalErrors = (config) => ({
  plugins: { temporal },
  rules: {
    ...Object.fromEntries(Object.keys(temporal.configs[config].rules).map((name) => [name, 'error'])),
    ...guessing,
  },
});

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'data/',
      'node_modules/',
      'coverage/',
      '**/*.cjs',
      'client/dist/',
      'client/src/schema.ts',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-console': 'error',
    },
  },
  { files: ['src/workflows/**/*.ts'], ...temporalErrors('workflow') },
  {
    files: ['src/workflows/**/*.ts'],
    plugins: { ryla: { rules: { 'activity-limits': activityLimits } } },
    rules: { 'ryla/activity-limits': 'error' },
  },
  {
    // Pure: a defect there stops the workflow until it is mended.
    files: ['src/workflows/slot/rules/**/*.ts'],
    rules: { 'temporal/workflow-no-throw-raw-error': 'off' },
  },
  { files: ['src/activities/**/*.ts'], ...temporalErrors('activity') },
  { files: ['src/worker/**/*.ts'], ...temporalErrors('worker') },
  { files: ['src/api/**/*.ts'], ...temporalErrors('client') },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
);
