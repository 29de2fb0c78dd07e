/** The house keeps its shape: imports run one way, and the test proves that it would notice one that does not. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { importsOf, wrongImports } from './support/imports.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files below a folder of the repository, as paths from its root. */
function files(folder: string, endings: RegExp): string[] {
  return readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => endings.test(path));
}

test('every import of src/ runs the way the house is drawn', () => {
  const sources = files('src', /\.(ts|svelte)$/);
  expect(sources.length).toBeGreaterThan(10);
  const wrong = sources.flatMap((file) => wrongImports(file, readFileSync(`${ROOT}/${file}`, 'utf8')));
  expect(wrong).toEqual([]);
});

test.each([
  {
    file: 'src/core/kv/pool.ts',
    line: "import { openGpu } from '../../gpu/context.ts';",
    why: 'core below gpu',
  },
  {
    file: 'src/gpu/timing.ts',
    line: "import type { X } from '../lab/sweep.ts';",
    why: 'gpu below lab, types too',
  },
  { file: 'src/sim/loop.ts', line: "import { g } from '../gpu/context.ts';", why: 'neighbours of one layer' },
  { file: 'src/charts/svg.ts', line: "export { x } from '../lab/index.ts';", why: 'charts know core only' },
  {
    file: 'src/store/runs.ts',
    line: "const m = await import('../charts/svg.ts');",
    why: 'store knows core only',
  },
  { file: 'src/exchange/csv.ts', line: "import '../store/runs.ts';", why: 'exchange knows core and charts' },
  {
    file: 'src/workers/a.ts',
    line: "import { s } from '../state/app.svelte.ts';",
    why: 'workers below state',
  },
  { file: 'src/state/a.svelte.ts', line: "import V from '../views/App.svelte';", why: 'state below views' },
  { file: 'src/lab/a.ts', line: "import { onMount } from 'svelte';", why: 'no page in the lab' },
  { file: 'src/cli/a.ts', line: "import { s } from '../lab/sweep.ts';", why: 'cli uses the exports only' },
  {
    file: 'src/cli/a.ts',
    line: "import { s } from '../core/scenario/schema.ts';",
    why: 'cli uses the exports only',
  },
  {
    file: 'src/cli/a.ts',
    line: "import { c } from '../workers/api.ts';",
    why: 'only its headless page knows workers',
  },
  {
    file: 'src/views/A.svelte',
    line: "<script>import w from '../../shaders/a.wgsl?raw'</script>",
    why: 'kernels',
  },
  {
    file: 'src/core/a.ts',
    line: "import d from '../../../shared/data/x.json';",
    why: 'outside the repository',
  },
  {
    file: 'src/core/a.ts',
    line: "import d from '../../tests/golden/vectors.json';",
    why: 'product reads no test data',
  },
  { file: 'src/misc/a.ts', line: '', why: 'a folder that is no room' },
  {
    file: 'src/gpu/a.ts',
    line: "new Worker(new URL('../workers/gpu.worker.ts', import.meta.url));",
    why: 'workers',
  },
])('a planted wrong import is found: $why', ({ file, line }) => {
  expect(wrongImports(file, line)).toHaveLength(1);
});

test.each([
  {
    file: 'src/views/App.svelte',
    line: '<script lang="ts">import { app } from \'../state/app.svelte.ts\';</script>',
  },
  {
    file: 'src/lab/sweep.ts',
    line: "import { openGpu } from '../gpu/context.ts';\nimport * as v from 'valibot';",
  },
  {
    file: 'src/core/a.ts',
    line: "/* import x from '../gpu/context.ts' */\n// import y from '../gpu/context.ts'\n",
  },
  { file: 'src/cli/headless/main.ts', line: "import type { A } from '../../workers/api.ts';" },
  {
    file: 'src/cli/measure.ts',
    line: "import { parseScenario } from '../index.ts';\nimport './arguments.ts';",
  },
])('a right import is left alone: $file', ({ file, line }) => {
  expect(wrongImports(file, line)).toEqual([]);
});

test('imports are found in every form', () => {
  const source = [
    "import a from './a.ts';",
    "import type { B } from './b.ts';",
    "export * from './c.ts';",
    "import './d.ts';",
    "await import('./e.ts');",
    "import {\n  f,\n} from './f.ts';",
    "import.meta.glob<string>('./g/*.wgsl');",
  ].join('\n');
  expect(importsOf(source).sort()).toEqual([
    './a.ts',
    './b.ts',
    './c.ts',
    './d.ts',
    './e.ts',
    './f.ts',
    './g/*.wgsl',
  ]);
});

test('one file alone names the folder of reference data', () => {
  const naming = ['src', 'tests', 'bench', 'scripts', 'scenarios']
    .flatMap((folder) => files(folder, /\.(ts|mjs|svelte|json)$/))
    .filter((path) => /shared\/data/.test(readFileSync(`${ROOT}/${path}`, 'utf8')));
  const known = ['tests/architecture.test.ts', 'tests/reference-data.ts'];
  expect(naming.filter((path) => !known.includes(path))).toEqual([]);
});
