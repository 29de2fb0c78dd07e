import { beforeAll, expect, test } from 'vitest';
import { servingFigures } from '../../src/charts/figures/serving/index.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import type { ServeRun } from '../../src/core/run/serve.ts';
import { servePointsToCsv, serveRequestsToCsv, serveStepsToCsv } from '../../src/exchange/serve-files.ts';
import { runToJson } from '../../src/exchange/run-files.ts';
import { entryOf } from '../../src/store/runs.ts';
import { servingRun, servingScenario } from './serve-runs.ts';

let swept: ServeRun;
let layouts: ServeRun;

beforeAll(async () => {
  swept = await servingRun(
    servingScenario({
      sweep: [{ path: 'workload.arrivals.users', values: [1, 2, 4] }],
      ttft: { promptTokens: 384, repeats: 3 },
    }),
  );
  layouts = await servingRun(
    servingScenario({
      backends: ['paged', 'contiguous'],
      engine: { ...servingScenario({}).engine, blocks: 64, maxContextTokens: 256, maxSequences: 16 },
      workload: {
        ...servingScenario({}).workload,
        arrivals: { kind: 'closed', users: 16, thinkSeconds: 0 },
      },
    }),
  );
});

const figure = (run: ServeRun, id: string) => {
  const found = servingFigures(run).find((spec) => spec.id === id);
  if (!found) throw new Error(`There is no figure ${id}.`);
  return found;
};

test('a swept run offers every figure but the one of two layouts', () => {
  expect(servingFigures(swept).map(({ id }) => id)).toEqual([
    'serve_first_token',
    'serve_ttft',
    'serve_tpot',
    'serve_itl',
    'serve_e2e',
    'serve_throughput',
    'serve_kv',
    'serve_errors',
    'serve_ttft_cdf',
    'serve_tpot_cdf',
    'serve_itl_cdf',
    'serve_e2e_cdf',
    'serve_kept_state',
    'serve_kv_over_time',
  ]);
});

test('each figure is drawn, is measured, and says what the prediction rests on', () => {
  for (const spec of [...servingFigures(swept), ...servingFigures(layouts)]) {
    expect(renderSvg(spec)).toContain('<svg');
    expect(spec.origin).toBe('measured');
    expect(spec.finding).not.toContain('NaN');
    expect(spec.notes?.join(' ')).toMatch(/fitted on \S+ steps of \d+ other repetitions/);
  }
});

test('measured and predicted stand over the users, and the finding has the error', () => {
  const { series, finding, x } = figure(swept, 'serve_tpot');
  expect(x.label).toBe('Users at once');
  expect(series.map(({ label }) => label)).toEqual(['Measured', 'Predicted']);
  for (const { points } of series) expect(points.map((point) => point.x)).toEqual([1, 2, 4]);
  expect(finding).toMatch(/measured, .* predicted \([+−]\d+\.\d\s%\)/);
});

test('the error is on show whatever it is, with its bars', () => {
  const { finding, references } = figure(swept, 'serve_errors');
  expect(finding).toMatch(/^Mean TPOT is off by [+−].* at most, within 10 %; mean E2E is off by/);
  expect(references?.map(({ y }) => y)).toEqual([15, 10, -10, -15]);
});

test('pages hold more sequences in the same bytes, and the published figures stand beside', () => {
  expect(figure(layouts, 'serve_sequences').finding).toMatch(
    /^Pages hold up to \d+ sequences where reservations hold 4: \d\.\d times as many/,
  );
  const { references, definition } = figure(layouts, 'serve_kept_state');
  expect(references?.every(({ label }) => label.startsWith('published'))).toBe(true);
  expect(definition).toContain('arXiv:2309.06180');
});

test('two runs stand in one figure', () => {
  const both = servingFigures(swept, { ...swept, title: 'Another' });
  expect(both.find(({ id }) => id === 'serve_tpot')?.series.length).toBe(4);
});

test('a run goes through its file and the door, and is listed', () => {
  const parsed = parseRun(runToJson(swept));
  expect(parsed).toEqual({ ok: true, run: swept });
  expect(entryOf(swept)).toMatchObject({ kind: 'serve', points: 3 });
});

test('CSV: requests and steps of both sides, errors by metric', () => {
  const requests = serveRequestsToCsv(layouts).trim().split(/\r?\n/);
  // Per layout: 24 requests, three kept repetitions on both sides and three calibrations.
  expect(requests.length).toBe(1 + 2 * 24 * (3 * 2 + 3));
  expect(requests[0]).toBe(
    'backend,engine,side,seed,id,arrivalMs,sentMs,startMs,firstTokenMs,endMs,promptTokens,outputTokens,cachedTokens,preemptions,tokens',
  );
  expect(serveStepsToCsv(layouts).split('\n').length).toBeGreaterThan(200);
  expect(servePointsToCsv(layouts)).toMatch(/paged,done,tpotMs\.mean,[\d.]+,[\d.]+,[\d.]+,[\d.]+,-?[\d.]+/);
});
