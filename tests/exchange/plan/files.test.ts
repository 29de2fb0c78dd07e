import { expect, test } from 'vitest';
import {
  planToHtml,
  planToJson,
  planToMarkdown,
  planToYaml,
  readYaml,
} from '../../../src/exchange/plan/files.ts';
import { BENCHMARK_FLAGS, BENCHMARK_TOOLS, benchmarkCommand } from '../../../src/exchange/plan/benchmark.ts';
import { refusedArgument } from '../../../src/exchange/plan/flags.ts';
import { parsePlanRun } from '../../../src/plan/read-run.ts';
import { planRowsToCsv } from '../../../src/exchange/plan/csv.ts';
import { fromCsv } from '../../../src/exchange/csv.ts';
import { toyChoice, toyDeployment, toyPlanRun } from '../../charts/plan-runs.ts';

const run = toyPlanRun();

test('JSON and YAML come back as the same plan', () => {
  expect(parsePlanRun(planToJson(run))).toEqual({ ok: true, value: run });
  const yaml = readYaml(planToYaml(run));
  if (!yaml.ok) throw new Error(yaml.sentence);
  expect(parsePlanRun(yaml.value)).toEqual({ ok: true, value: run });
});

test.each([
  { what: 'no YAML', text: 'a: [1, 2', says: 'This is no YAML that can be read' },
  { what: 'a name twice', text: 'a: 1\na: 2', says: 'Map keys must be unique' },
  {
    what: 'aliases of aliases',
    text: `a: &a [x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: [${'*b,'.repeat(9)}*b]\n`,
    says: 'alias',
  },
])('$what is one sentence', ({ text, says }) => {
  const read = readYaml(text);
  expect(read.ok ? '' : read.sentence).toContain(says);
});

test('Markdown has the answer, each figure with its origin, the settings and how to measure them', () => {
  const text = planToMarkdown(run);
  expect(text).toMatch(/^# A plan of round numbers\n/);
  expect(text).toContain('![Where the memory of a GPU goes](plan_memory.svg)');
  expect(text).toContain('| Weights |');
  expect(text).toContain('| assumed | a test |');
  expect(text).toContain('```shell\nvllm serve meta-llama/Llama-3.1-8B');
  expect(text).toContain('vllm bench serve --model meta-llama/Llama-3.1-8B');
  expect(text).toContain('The weights alone need 16 GB; it has 12.');
});

test('HTML is one file with its figures, and what comes from outside stays text', () => {
  const title = '<img src=x onerror=alert(1)> & "co"';
  const html = planToHtml({ ...run, title, notes: ['<script>alert(2)</script>'] });
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;co&quot;');
  expect(html).not.toMatch(/<script|<img|onerror=alert\(1\)>(?!&)/);
  expect(html.match(/<svg /g)).toHaveLength(6);
  expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/src=["']?https?:|url\(|@import/);
  const markdown = planToMarkdown({ ...run, title, notes: ['# heading <b>', '```'] });
  expect(markdown).not.toMatch(/<(?:img|b)>?/);
});

test('a plan that does not work says so and gives no settings to paste', () => {
  const text = planToMarkdown({ ...run, feasible: false, reason: 'It needs 20 GB more.' });
  expect(text).toContain('This plan does not work. It needs 20 GB more.');
  expect(text).not.toContain('vllm serve');
});

test('the benchmark offers the plan’s load and saves what can be imported', () => {
  const command = benchmarkCommand(run);
  expect(command?.text).toBe(
    `${[
      'vllm bench serve --model meta-llama/Llama-3.1-8B',
      '--dataset-name random',
      '--random-input-len 2048',
      '--random-output-len 512',
      '--num-prompts 640',
      '--request-rate 12',
      '--ignore-eos',
      '--percentile-metrics ttft,tpot,itl,e2el',
      '--metric-percentiles 50,90,95,99',
      '--save-result',
      '--result-filename measured.json',
    ].join(' \\\n  ')}\n`,
  );
});

test('each tool’s command has only flags that it knows; the engine’s own tool is taken', () => {
  const { scenario } = run;
  const load = {
    ...scenario.load,
    rate: null,
    concurrency: 7,
    promptTokens: { kind: 'uniform', min: 100, max: 300 } as const,
    sharedPrefix: { tokens: 64, prompts: 4 },
  };
  const other = {
    ...run,
    scenario: { ...scenario, load },
    deployment: { ...toyDeployment(), choice: toyChoice({ engine: 'sglang' }) },
  };
  expect(benchmarkCommand(other)?.text).toContain('sglang.bench_serving');
  for (const tool of BENCHMARK_TOOLS) {
    const command = benchmarkCommand(other, tool);
    const pairs = [...(command?.text ?? '').matchAll(/^ {2}(--\S+)(?: (\S+))?(?: \\)?$/gm)];
    expect(pairs.length).toBeGreaterThan(5);
    const table = BENCHMARK_FLAGS[tool];
    const args = pairs.map(([, flag = '', value]): [string, (string | number)?] => {
      const kind = table.flags[flag]?.kind;
      return value === undefined || value === '\\'
        ? [flag]
        : [flag, kind === 'integer' || kind === 'number' ? Number(value) : value];
    });
    expect(refusedArgument(table, args)).toBeNull();
    expect(command?.notes.join(' ')).toContain('their spread is not offered');
  }
});

test('the rows of a plan are a table, with the reason of those that cannot work', () => {
  const [header, ...rows] = fromCsv(planRowsToCsv(run));
  expect(rows).toHaveLength(run.rows.length);
  const cell = (row: number, name: string) => rows[row]?.[header?.indexOf(name) ?? -1];
  expect(cell(1, 'tpot [ms]')).toBe('25');
  expect(cell(1, 'gpu')).toBe('a100-sxm-80gb');
  expect([cell(3, 'feasible'), cell(3, 'tpot [ms]')]).toEqual(['no', '']);
  expect(cell(3, 'reason')).toBe('The weights alone need 16 GB; it has 12.');
});
