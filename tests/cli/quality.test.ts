/** `kvlab quality`: what is refused before anything is started, and what is answered. It runs in a browser in cli.test.ts. */
import { expect, test } from 'vitest';
import { answerOf } from '../../src/cli/commands/quality.ts';
import { kvlab } from '../support/run-cli.ts';
import { qualityRun } from '../support/quality-run.ts';

test.each([
  { name: 'a scenario that is not there', args: ['nowhere.json'], says: /nowhere\.json/ },
  { name: 'a scenario of another kind', args: ['serve-rate'], says: /serve-rate/ },
  { name: 'a model that is not there', args: ['--model', 'nowhere'], says: /no file and no folder nowhere/ },
  { name: 'a folder without a model', args: ['--model', 'shaders'], says: /shaders holds no model/ },
  { name: 'weights of no format', args: ['--weights', 'q8'], says: /--weights is “q8”; there are f32, f16/ },
  { name: 'a setting that is none', args: ['--set', 'cache.kFormat=["int8"]'], says: /cache\.kFormat/ },
  { name: 'a format that is none', args: ['--set', 'cache.kFormats=["int3"]'], says: /cache\.kFormats/ },
  {
    name: 'a policy without budgets',
    args: ['--set', 'cache.policies=["h2o"]'],
    says: /cache\.budgets is empty; give a budget such as 64/,
  },
  {
    name: 'a distance beyond the context',
    args: ['--set', 'tasks.recall.distances=[500]'],
    says: /500, not less than tasks\.recall\.contextTokens, 480; lower it/,
  },
  {
    name: 'nothing to do',
    args: ['tasks.recall.samples=0', 'tasks.text.sequences=0', 'tasks.speed.sequences=0']
      .concat('tasks.attentionSequences=0')
      .flatMap((text) => ['--set', text]),
    says: /Nothing is measured/,
  },
  { name: 'a seed that is none', args: ['--seed', '-1'], says: /seed/ },
])('$name is one sentence and exit status 2', async ({ args, says }) => {
  const { status, out, err } = await kvlab('quality', ...args, '--json');
  expect({ status, err }).toMatchObject({ status: 2 });
  expect(err).toMatch(says);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(out)).toMatchObject({ error: { code: 'bad-input' } });
});

const FIELDS = [
  ...['kFormat', 'vFormat', 'policy', 'budget', 'bytesPerToken', 'recall', 'perplexity'],
  ...['klDivergence', 'top1Agreement', 'tpotMs', 'interval'],
];

test('a row has the fields that are promised, each number with its interval', () => {
  const run = qualityRun();
  const { rows, caches } = answerOf(run);
  expect(rows.map(({ kFormat }) => kFormat)).toEqual(run.points.map(({ cell }) => cell.kFormat));
  expect(caches).toHaveLength(rows.length);
  for (const row of rows) {
    expect(Object.keys(row)).toEqual(FIELDS);
    expect(Object.keys(row.recall)).toEqual(Object.keys(row.interval.recall));
    expect(Object.keys(row.interval)).toEqual([
      ...['recall', 'perplexity', 'klDivergence', 'top1Agreement', 'tpotMs'],
    ]);
  }
});

test('bytes are those that a budget leaves, and keys of few bits are named', () => {
  const held = (preset: string) => answerOf(qualityRun(preset)).rows;
  const [full, ...evicting] = held('quality-eviction');
  const smallest = evicting.find(({ policy, budget }) => policy === 'h2o' && budget === 64);
  expect(smallest?.bytesPerToken).toBeLessThan(full?.bytesPerToken ?? 0);
  const names = held('quality-outliers').map(({ kFormat }) => kFormat);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('K 2-bit per channel, rotated, outlier × 8');
});
