import globals from 'globals';
import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

/** Math functions whose last digits differ between engines; src/core/math.ts has ours. */
const ENGINE_DEFINED_MATH = [
  'acos',
  'acosh',
  'asin',
  'asinh',
  'atan',
  'atan2',
  'atanh',
  'cbrt',
  'cos',
  'cosh',
  'exp',
  'expm1',
  'hypot',
  'log',
  'log10',
  'log1p',
  'log2',
  'pow',
  'random',
  'sin',
  'sinh',
  'tan',
  'tanh',
];

export default ts.config(
  { ignores: ['dist/**', 'dist-lib/**', 'node_modules/**', 'public/**', 'coverage/**', 'out/**'] },
  ...ts.configs.recommended,
  ...svelte.configs['flat/recommended'],
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node, ...globals.worker } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.name='eval']",
          message: 'No eval: the page has a strict Content-Security-Policy.',
        },
      ],
      'no-restricted-properties': ['error'],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    files: ['src/core/**/*.ts', 'src/sim/**/*.ts', 'src/plan/**/*.ts'],
    ignores: ['src/core/math.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...ENGINE_DEFINED_MATH.map((property) => ({
          object: 'Math',
          property,
          message: 'Its digits differ between engines; use src/core/math.ts.',
        })),
      ],
      'no-restricted-globals': ['error', 'Date', 'performance', 'window', 'document', 'navigator', 'crypto'],
    },
  },
);
