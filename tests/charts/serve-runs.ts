/** A serving run whose engine is the simulated one with noise: what figures, files and doors are tested with. */
import { createRandom } from '../../src/core/random.ts';
import type { ServePoint, ServeRun } from '../../src/core/run/serve.ts';
import { DEFAULT_SERVING } from '../../src/core/scenario/serve/defaults.ts';
import type { ServeScenario } from '../../src/core/scenario/serve/schema.ts';
import { generateRequests } from '../../src/core/workload/generate.ts';
import { fitOf, predict } from '../../src/lab/serving/calibrate.ts';
import { drive } from '../../src/lab/serving/drive.ts';
import { plannedPoints, plannedRounds } from '../../src/lab/serving/plan.ts';
import { engineSettings } from '../../src/lab/serving/settings.ts';
import { SimulatedEngine } from '../../src/lab/serving/simulated-engine.ts';
import { createLinear } from '../../src/sim/cost/linear.ts';
import { emptyBasis, type CostModel } from '../../src/sim/cost/model.ts';
import { environment } from '../support/runs.ts';

const LAW = createLinear({
  kind: 'linear',
  ...{ baseMs: 2, perTokenMs: 0.05, perPrefillPairMs: 1e-5, perContextTokenMs: 1e-3, perSequenceMs: 0.2 },
});
const NO_TEXT = { prompt: () => [], generated: () => undefined };

function noisy(seed: number): CostModel {
  const random = createRandom(seed);
  return {
    ...{ name: 'noisy', about: '', basis: emptyBasis() },
    stepMs: (work) => LAW.stepMs(work) * (1 + 0.05 * random.normal()),
  };
}

export function servingScenario(changes: Partial<ServeScenario>): ServeScenario {
  return { ...DEFAULT_SERVING, title: 'A test', ...changes };
}

export async function servingRun(scenario: ServeScenario): Promise<ServeRun> {
  const points: ServePoint[] = [];
  for (const planned of plannedPoints(scenario)) points.push(await pointOf(planned));
  return {
    version: 1,
    kind: 'serve',
    id: 'serve-test',
    title: scenario.title,
    createdAt: '2026-01-01T00:00:00Z',
    origin: 'measured',
    command: null,
    scenario,
    model: 'test model',
    environment,
    points,
    firstToken:
      scenario.ttft === null
        ? []
        : (['computed', 'prefix cache', 'host memory'] as const).map((from, i) => ({
            from,
            samplesMs: [40, 41, 42].map((ms) => ms / (1 + 4 * i)),
            cachedTokens: i === 0 ? [0, 0, 0] : [368, 368, 368],
            promptTokens: 384,
            reason: null,
          })),
    notes: [],
    complete: true,
  };
}

async function pointOf({
  index,
  backend,
  settings: named,
  scenario,
}: ReturnType<typeof plannedPoints>[number]): Promise<ServePoint> {
  if (backend === 'transformers') throw new Error('This double has no other engine.');
  const settings = engineSettings(scenario, backend, { maxPositionTokens: 512 });
  const recordOf = (seed: number) => {
    const requests = generateRequests({ ...scenario, seed }, null);
    const engine = new SimulatedEngine({ requests, settings, cost: noisy(seed), depth: 2, gapMs: 0 });
    return drive(engine, { requests, prompts: NO_TEXT, seed, signal: new AbortController().signal });
  };
  const seeds = (kind: string) =>
    plannedRounds(scenario).flatMap((round) => (round.kind === kind ? [round.seed] : []));
  const calibration = await Promise.all(seeds('calibration').map(recordOf));
  const fit = fitOf(calibration.map((record) => ({ point: index, record })));
  const repetitions = await Promise.all(
    seeds('kept').map(async (seed) => {
      const requests = generateRequests({ ...scenario, seed }, null);
      const predicted = fit === null ? null : await predict(requests, settings, fit, seed);
      return { measured: await recordOf(seed), predicted };
    }),
  );
  return {
    settings: { ...named },
    backend,
    engine: `KV Lab, ${backend}`,
    status: 'done',
    reason: null,
    kvBlocks: settings.numBlocks,
    blockSize: settings.blockSize,
    kvBytesPerToken: 1024,
    reservedTokens: backend === 'contiguous' ? settings.maxContextTokens : 0,
    fit,
    repetitions,
    calibration,
  };
}
