import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VLLM } from '../exchange/results/documents.ts';
import { kvlab } from '../support/run-cli.ts';

let folder = '';
const path = (name: string): string => join(folder, name);
const PLAN = [
  'plan',
  '--model',
  'meta-llama/Llama-3.1-8B',
  '--gpu',
  'H100',
  '--isl',
  '1024',
  '--osl',
  '256',
  '--concurrency',
  '8',
];

interface Speed {
  readonly ttftMs: number;
  readonly tpotMs: number;
  readonly outputTokensPerSecond: number;
}
let speed: Speed = { ttftMs: 0, tpotMs: 0, outputTokensPerSecond: 0 };

/** vLLM's result with the plan's own numbers, times a factor. */
function measured(name: string, factor: number): string {
  const document = {
    ...VLLM,
    mean_ttft_ms: speed.ttftMs * factor,
    mean_tpot_ms: speed.tpotMs * factor,
    output_throughput: speed.outputTokensPerSecond / factor,
    request_throughput: undefined,
  };
  writeFileSync(path(name), JSON.stringify(document));
  return path(name);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvlab-validate-'));
  for (const ending of ['json', 'yaml', 'md', 'html']) {
    const { status, err } = await kvlab(...PLAN, '--out', path(`plan.${ending}`));
    expect(`${status} ${err}`).toBe('0 ');
  }
  speed = JSON.parse(readFileSync(path('plan.json'), 'utf8')).deployment.speed;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a plan is written in each format, figures beside the Markdown', () => {
  expect(readdirSync(folder)).toEqual(
    expect.arrayContaining([
      'plan.html',
      'plan.json',
      'plan.md',
      'plan.yaml',
      'plan_memory.svg',
      'plan_roofline.svg',
    ]),
  );
  expect(readFileSync(path('plan.html'), 'utf8')).toContain('<svg ');
});

test('an ending that is none is refused with those that are', async () => {
  const { status, err } = await kvlab(...PLAN, '--out', path('plan.pdf'));
  expect(status).toBe(2);
  expect(err).toContain('.json, .yaml, .yml, .md, .html');
});

test.each(['plan.json', 'plan.yaml'])('%s holds against its own numbers', async (plan) => {
  const { status, out } = await kvlab('validate', path(plan), measured('same.json', 1), '--json');
  const answer = JSON.parse(out);
  expect(status).toBe(0);
  expect(answer).toMatchObject({ within: true, bias: 'balanced', tolerancePercent: 20, assumptions: [] });
  expect(answer.points[0]).toMatchObject({ tool: 'vllm', predictedAt: 'plan' });
  expect(answer.meanAbsoluteErrorPercent).toBeCloseTo(0, 6);
});

test('beyond the tolerance the exit status is 1, and the text names the assumption', async () => {
  const file = measured('slow.json', 1.5);
  const { status, out } = await kvlab('validate', path('plan.json'), file);
  expect(status).toBe(1);
  expect(out).toContain('beyond the tolerance');
  expect(out).toContain('bias over: it promises more than was measured');
  expect(out).toMatch(/Likely wrong: the share of the memory bandwidth/);
  expect(out).toContain('itl_ms is the gaps between chunks, of all requests together');
  expect((await kvlab('validate', path('plan.json'), file, '--tolerance', '60')).status).toBe(0);
});

test('a scenario stands in for the plan’s file, and several results are points of one validation', async () => {
  const { status, out } = await kvlab(
    ...['validate', path('plan.json'), measured('one.json', 1), measured('two.json', 1.05), '--json'],
  );
  expect(status).toBe(0);
  expect(JSON.parse(out).points).toHaveLength(2);
});

test('what was measured becomes a calibration, and a plan that is given it comes to the measurement', async () => {
  const file = measured('calibrating.json', 1.4);
  const record = path('slow-h100.json');
  const made = await kvlab('validate', path('plan.json'), file, '--calibrate', record, '--json');
  expect(made.status).toBe(1);
  const { calibrated } = JSON.parse(made.out);
  expect(calibrated.calibration).toMatchObject({ name: 'slow-h100', engine: 'vllm', points: 1 });
  expect(calibrated.afterPercent).toBeLessThan(calibrated.beforePercent / 3);
  expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual(calibrated.calibration);

  const planned = await kvlab(...PLAN, '--calibration', record, '--out', path('calibrated.json'));
  expect(`${planned.status} ${planned.err}`).toBe('0 ');
  const held = await kvlab('validate', path('calibrated.json'), file, '--calibration', record, '--json');
  expect(JSON.parse(held.out).meanAbsoluteErrorPercent).toBeLessThan(10);
  const text = await kvlab('validate', path('plan.json'), file, '--calibrate', record);
  expect(text.out).toMatch(/Calibration slow-h100, from 1 point: decode steps × 1\.\d+, prompts × 1\.\d+/);
});

test.each([
  {
    what: 'a calibration that is a plan',
    argv: () => [path('plan.json'), measured('y.json', 1), '--calibration', path('plan.json')],
    says: 'This calibration',
  },
  {
    what: 'a calibration that is something else',
    argv: () => [path('plan.json'), measured('y.json', 1), '--calibration', measured('z.json', 1)],
    says: 'This is no calibration',
  },
  {
    what: 'a calibration made with another',
    argv: () => [path('plan.json'), measured('y.json', 1), '--calibration', 'a', '--calibrate', 'b'],
    says: 'made without another',
  },
  {
    what: 'no measurement',
    argv: () => [path('plan.json')],
    says: 'validate needs a plan and a measured result',
  },
  { what: 'a file that is not there', argv: () => [path('plan.json'), path('none.json')], says: 'ENOENT' },
  {
    what: 'the wrong tool',
    argv: () => [path('plan.json'), path('plan.json')],
    says: 'A plan run has no requests to report',
  },
  {
    what: 'a file cut in half',
    argv: () => {
      const file = measured('whole.json', 1);
      writeFileSync(path('half.json'), readFileSync(file, 'utf8').slice(0, 200));
      return [path('plan.json'), path('half.json')];
    },
    says: 'cut off',
  },
  {
    what: 'a tolerance that is none',
    argv: () => [path('plan.json'), measured('x.json', 1), '--tolerance', '-3'],
    says: '--tolerance is',
  },
])('$what is one sentence and exit status 2', async ({ argv, says }) => {
  const { status, out, err } = await kvlab('validate', ...argv());
  expect(status).toBe(2);
  expect(out).toBe('');
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(err).toContain(says);
});
