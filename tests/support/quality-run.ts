/** A quality run with known samples, for tests of what is computed and drawn from it. */
import { createRandom } from '../../src/core/random.ts';
import type { QualityPoint, QualityRun } from '../../src/core/run/quality.ts';
import { cellsOf, isEmulated, type QualityCell } from '../../src/core/scenario/quality/cells.ts';
import { presetQuality } from '../../src/core/scenario/presets.ts';
import type { QualityScenario } from '../../src/core/scenario/quality/schema.ts';
import { environment } from './runs.ts';

/** Loss of a cell, made up: fewer bits lose more, per-channel keys less where there is an outlier. */
function lossOf({ kFormat, policy, budget, variant }: QualityCell): number {
  if (variant !== null) {
    const planted = variant.outlierGain > 1;
    if (!planted || variant.rotated || variant.axis === 'channel') return 0.1;
    return 0.6;
  }
  if (policy !== 'none') return policy === 'quest' ? 0.02 : 8 / (budget ?? 16);
  const losses = {
    f32: 0,
    f16: 0.0001,
    int8: 0.001,
    'fp8-e4m3': 0.004,
    'fp8-e5m2': 0.008,
    int4: 0.05,
    int2: 0.4,
  };
  return losses[kFormat];
}

function pointOf(cell: QualityCell, scenario: QualityScenario, seed: number): QualityPoint {
  const random = createRandom(seed);
  const loss = lossOf(cell);
  const { recall, text } = scenario.tasks;
  const noisy = (value: number): number => value * (0.9 + 0.2 * random.uniform());
  return {
    cell,
    status: 'done',
    reason: null,
    emulated: isEmulated(cell),
    kernels: 'test',
    bytesPerToken: 1000 - 800 * Math.min(1, loss),
    heldBytesPerToken: cell.budget === null ? 1000 - 800 * Math.min(1, loss) : cell.budget * 2,
    recall: recall.distances.flatMap((distance) =>
      recall.depths.map((depth) => {
        const right = Array.from({ length: recall.samples }, (): 0 | 1 =>
          random.uniform() < 0.98 - loss ? 1 : 0,
        );
        return { distance, depth, right, probability: right.map((one) => (one === 1 ? 0.9 : 0.1)) };
      }),
    ),
    text: Array.from({ length: text.sequences }, () => ({
      nll: Array.from({ length: text.scoredTokens }, () => noisy(1.5 + loss)),
      kl: Array.from({ length: text.scoredTokens }, () => noisy(loss)),
      agree: Array.from({ length: text.scoredTokens }, (): 0 | 1 =>
        random.uniform() < 1 - loss / 2 ? 1 : 0,
      ),
    })),
    attention: [0, 1].flatMap((layer) =>
      [0, 1, 2, 3].map((head) => ({
        layer,
        head,
        errors: Array.from({ length: scenario.tasks.attentionSequences }, () => noisy(loss * (layer + 1))),
      })),
    ),
    stepMs: isEmulated(cell) ? [] : Array.from({ length: 20 }, () => noisy(2)),
  };
}

export function qualityRun(preset = 'quality-formats'): QualityRun {
  const scenario = presetQuality(preset);
  return {
    version: 1,
    kind: 'quality',
    id: 'quality-test',
    title: scenario.title,
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'measured',
    command: null,
    scenario,
    environment,
    model: {
      name: 'test model',
      family: 'llama',
      layers: 2,
      queryHeads: 4,
      kvHeads: 2,
      headDim: 24,
      vocab: 100,
      weights: 'f32',
      task: 'facts',
      text: 'held-out',
    },
    points: cellsOf(scenario).map((cell, i) => pointOf(cell, scenario, i + 1)),
    pictures: [
      {
        layer: 1,
        head: 0,
        cell: 'f32 · h2o 64',
        queries: [3, 4],
        tokens: 5,
        weights: [
          [0.5, 0, 0.2, 0.3],
          [0.4, 0.1, 0.1, 0.2, 0.2],
        ],
        evicted: [1, 2],
        cutAt: 4,
        fact: 2,
      },
    ],
    notes: [],
    complete: true,
  };
}
