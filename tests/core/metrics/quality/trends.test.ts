import { expect, it, test } from 'vitest';
import { qualityTrends, type Trend } from '../../../../src/core/metrics/quality/trends.ts';
import type { QualityRun } from '../../../../src/core/run/quality.ts';
import { qualityRun } from '../../../support/quality-run.ts';

function trend(run: QualityRun, id: string): Trend {
  const found = qualityTrends(run).find((one) => one.id === id);
  if (!found) throw new Error(`no trend ${id}`);
  return found;
}

/** The run with the samples of two cells exchanged, so that the trend turns round. */
function exchanged(run: QualityRun, a: number, b: number): QualityRun {
  const points = run.points.map((point, i) => {
    const other = run.points[i === a ? b : i === b ? a : i];
    return other ? { ...point, text: other.text, recall: other.recall } : point;
  });
  return { ...run, points };
}

const outliers = qualityRun('quality-outliers');
const index = (run: QualityRun, fits: (cell: QualityRun['points'][number]['cell']) => boolean) =>
  run.points.findIndex(({ cell }) => fits(cell));
const variantAt = (axis: string, rotated: boolean, gain: number) =>
  index(
    outliers,
    ({ variant }) => variant?.axis === axis && variant.rotated === rotated && variant.outlierGain === gain,
  );

test.each([
  { id: 'channel-keys', a: variantAt('token', false, 8), b: variantAt('channel', false, 8) },
  { id: 'rotation-outlier', a: variantAt('token', false, 8), b: variantAt('token', true, 8) },
])('$id is met where the samples say so, and not where they say the opposite', ({ id, a, b }) => {
  expect(trend(outliers, id)).toMatchObject({ verdict: 'met', samples: 16 });
  expect(trend(exchanged(outliers, a, b), id).verdict).toBe('not met');
});

it('rotation that also helps without an outlier does not help only then', () => {
  expect(trend(outliers, 'rotation-only').verdict).toBe('met');
  const plain = variantAt('token', false, 1);
  const points = outliers.points.map((point, i) =>
    i === plain
      ? { ...point, text: point.text.map((text) => ({ ...text, kl: text.kl.map((kl) => kl + 0.3) })) }
      : point,
  );
  expect(trend({ ...outliers, points }, 'rotation-only')).toMatchObject({
    verdict: 'not met',
    compared: expect.stringContaining('gains without one') as string,
  });
});

it('more bits lose less', () => {
  const run = qualityRun();
  expect(trend(run, 'bits-4-8').verdict).toBe('met');
  expect(trend(run, 'bits-2-4').verdict).toBe('met');
  expect(trend(run, 'selection').verdict).toBe('not measured');
});

it('selection beats eviction where the answers say so', () => {
  const run = qualityRun('quality-eviction');
  expect(trend(run, 'selection')).toMatchObject({ verdict: 'met' });
  const quest = index(run, ({ policy, budget }) => policy === 'quest' && budget === 64);
  const points = run.points.map((point, i) =>
    i === quest
      ? { ...point, recall: point.recall.map((one) => ({ ...one, right: one.right.map((): 0 => 0) })) }
      : point,
  );
  expect(trend({ ...run, points }, 'selection').verdict).toBe('not met');
});

it('a smaller budget recalls less, where the answers say so', () => {
  const run = qualityRun('quality-eviction');
  expect(trend(run, 'budget').verdict).toBe('met');
  const alike = run.points.map((point) => ({
    ...point,
    recall: point.recall.map((one) => ({ ...one, right: one.right.map((): 1 => 1) })),
  }));
  expect(trend({ ...run, points: alike }, 'budget')).toMatchObject({ verdict: 'open', difference: 0 });
});

it('SnapKV is compared only where the question is in the prompt', () => {
  expect(trend(qualityRun('quality-eviction'), 'snapkv').verdict).toBe('not measured');
  const run = qualityRun('quality-question');
  const told = (fits: string) =>
    run.points.map((point) => {
      const right = point.cell.policy === fits ? (1 as const) : (0 as const);
      return { ...point, recall: point.recall.map((one) => ({ ...one, right: one.right.map(() => right) })) };
    });
  expect(trend({ ...run, points: told('snapkv') }, 'snapkv').verdict).toBe('met');
  expect(trend({ ...run, points: told('h2o') }, 'snapkv').verdict).toBe('not met');
});

it('nothing is claimed from two texts', () => {
  const few = {
    ...outliers,
    points: outliers.points.map((point) => ({ ...point, text: point.text.slice(0, 2) })),
  };
  expect(trend(few, 'channel-keys')).toMatchObject({ verdict: 'open', interval: null, samples: 2 });
});
