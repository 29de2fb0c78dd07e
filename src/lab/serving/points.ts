/** The points of a run document from what was driven: fits of those whose steps obey one law, and the predictions. */
import type { ServeFit, ServePoint, ServeRecord } from '../../core/run/serve.ts';
import type { RequestTable } from '../../core/schedule/requests.ts';
import type { ModelConfig } from '../../engine/config.ts';
import type { ModelFacts } from '../model/types.ts';
import { fitOf, predict, type Calibration } from './calibrate.ts';
import type { PlannedPoint } from './plan.ts';
import { engineSettings } from './settings.ts';

export interface Kept {
  readonly measured: ServeRecord;
  readonly requests: RequestTable;
}

export interface PointState {
  readonly planned: PlannedPoint;
  status: ServePoint['status'];
  reason: string | null;
  /** For people, with what it runs on. */
  engine: string;
  /** The device was lost and opened again. */
  reopened: boolean;
  readonly kept: Kept[];
  readonly calibration: ServeRecord[];
}

type KvBytes = ModelFacts['kvBytesPerToken'];

export async function pointsOf(
  points: readonly PointState[],
  kvBytes: KvBytes,
  config: ModelConfig,
): Promise<ServePoint[]> {
  const fits = new Map<string, ServeFit | null>();
  const made: ServePoint[] = [];
  for (const point of points) {
    const key = costKey(point.planned);
    if (!fits.has(key)) fits.set(key, fitOf(calibrationsOf(points, key)));
    made.push(await pointOf(point, fits.get(key) ?? null, kvBytes, config));
  }
  return made;
}

/** Calibrations of every point whose steps obey the same constants. */
function calibrationsOf(points: readonly PointState[], key: string): Calibration[] {
  return points
    .filter(({ planned }) => costKey(planned) === key)
    .flatMap(({ planned, calibration }) => calibration.map((record) => ({ point: planned.index, record })));
}

/** What the time of a step depends on besides its work. */
function costKey({ backend, scenario: { engine } }: PlannedPoint): string {
  const { kvFormat, blockSize, tier, residualTokens } = engine;
  return JSON.stringify([backend, kvFormat, blockSize, tier, residualTokens]);
}

async function pointOf(
  { planned, status, reason, engine, kept, calibration }: PointState,
  fit: ServeFit | null,
  kvBytes: KvBytes,
  config: ModelConfig,
): Promise<ServePoint> {
  const { backend, scenario } = planned;
  const settings = backend === 'transformers' ? null : engineSettings(scenario, backend, config);
  const repetitions: ServePoint['repetitions'] = [];
  for (const { measured, requests } of kept) {
    const predicted = settings && fit ? await predict(requests, settings, fit, measured.seed) : null;
    repetitions.push({ measured, predicted });
  }
  return {
    settings: { ...planned.settings },
    backend,
    engine,
    status,
    reason,
    kvBlocks: settings?.numBlocks ?? null,
    blockSize: settings?.blockSize ?? null,
    kvBytesPerToken: settings ? kvBytes[settings.kvFormat] : null,
    reservedTokens: settings?.layout === 'contiguous' ? settings.maxContextTokens : 0,
    fit: settings ? fit : null,
    repetitions,
    calibration,
  };
}
