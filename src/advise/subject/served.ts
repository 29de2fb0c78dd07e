/**
 * A run of the serving lab: our engine's own steps as the cost, its pool as the memory. What the fitted cost does not know is
 * how formats and block sizes change a step's time, so those are judged by the memory that they give alone.
 */
import type { Json } from '../../core/json.ts';
import { servedRepetition, shapeOf } from '../../core/metrics/serving/served.ts';
import type { ServePoint, ServeRun } from '../../core/run/serve.ts';
import { valueAt } from '../../core/scenario/layer.ts';
import type { ServeScenario } from '../../core/scenario/serve/schema.ts';
import { DEFAULT_SIMULATION } from '../../core/scenario/simulate/defaults.ts';
import type { SimEngine, SimScenario } from '../../core/scenario/simulate/schema.ts';
import { expandSweep } from '../../core/scenario/sweep.ts';
import { factsOf } from './facts.ts';
import { assignmentOf } from './own.ts';
import type { OwnSetting, ReadSubject } from './subject.ts';

type Format = ServeScenario['engine']['kvFormat'];

/** Formats of the engine as the simulator has them; f32 has none. */
const TO_SIM: Readonly<Partial<Record<Format, SimEngine['kvFormat']>>> = {
  f16: 'bf16',
  'fp8-e4m3': 'fp8',
  'fp8-e5m2': 'fp8',
  int8: 'int8',
  int4: 'int4',
  int2: 'int2',
};
const FROM_SIM: Readonly<Record<SimEngine['kvFormat'], Format>> = {
  bf16: 'f16',
  fp8: 'fp8-e4m3',
  int8: 'int8',
  int4: 'int4',
  int2: 'int2',
};

/** Where a setting of the simulator stands in a serving scenario, and its value there. */
const OWN: Readonly<Record<string, readonly [path: string, to: (value: Json) => Json]>> = {
  'hardware.kvBlocks': ['engine.blocks', (value) => value],
  'engine.blockSize': ['engine.blockSize', (value) => value],
  'engine.kvFormat': [
    'engine.kvFormat',
    (value) =>
      typeof value === 'string' && value in FROM_SIM ? FROM_SIM[value as SimEngine['kvFormat']] : value,
  ],
  'engine.maxSequences': ['engine.maxSequences', (value) => value],
  'engine.tokenBudget': ['engine.tokenBudget', (value) => value],
  'engine.longPrefillTokens': ['engine.longPrefillTokens', (value) => value],
  'engine.prefixCache': ['engine.prefixCaching', (value) => value !== 'off'],
  'workload.arrivals.users': ['workload.arrivals.users', (value) => value],
};

function twin(
  { workload, objectives, seed, engine, title }: ServeScenario,
  point: ServePoint,
  { baseMs, perTokenMs, perPrefillPairMs, perContextTokenMs, perSequenceMs }: NonNullable<ServePoint['fit']>,
): SimScenario {
  const { hardware } = DEFAULT_SIMULATION;
  return {
    ...DEFAULT_SIMULATION,
    title,
    seed,
    workload,
    objectives,
    hardware: { ...hardware, kvBlocks: point.kvBlocks ?? engine.blocks },
    engine: {
      ...DEFAULT_SIMULATION.engine,
      kvFormat: TO_SIM[engine.kvFormat] ?? 'bf16',
      blockSize: point.blockSize ?? engine.blockSize,
      maxSequences: engine.maxSequences,
      tokenBudget: engine.tokenBudget,
      longPrefillTokens: engine.longPrefillTokens,
      prefixCache: engine.prefixCaching ? 'hash' : 'off',
    },
    cost: { kind: 'linear', baseMs, perTokenMs, perPrefillPairMs, perContextTokenMs, perSequenceMs },
  };
}

function pointOf(run: ServeRun, wanted: number | undefined): ServePoint | null {
  const usable = ({ backend, repetitions, fit }: ServePoint): boolean =>
    backend === 'paged' && repetitions.length > 0 && fit !== null;
  if (wanted !== undefined && wanted > 0) return run.points[wanted] ?? null;
  return run.points.find(usable) ?? null;
}

export function servedSubject(run: ServeRun, wanted: number | undefined): ReadSubject {
  const point = pointOf(run, wanted);
  if (point === null || point.fit === null || point.repetitions.length === 0 || point.backend !== 'paged') {
    return {
      ok: false,
      sentence:
        'There is no point of our paged engine with a fitted cost, so nothing can be tried; run it with measurement.calibrationRepeats of 1 or more.',
    };
  }
  const key = JSON.stringify(point.settings);
  const planned = expandSweep(run.scenario).find(({ settings }) => JSON.stringify(settings) === key);
  const own = { ...(planned?.scenario ?? run.scenario), sweep: [] };
  const shape = shapeOf(point, own);
  const repetitions = point.repetitions.map(({ measured }) => servedRepetition(measured, shape));
  const { kvFormat } = own.engine;
  const setting = (path: string, to: Json): OwnSetting => {
    const [name, value] = OWN[path] ?? [path, (same: Json) => same];
    return {
      path: name,
      from: valueAt(own, name) ?? null,
      to: value(to),
      flag: null,
      assignment: path in OWN ? assignmentOf(name, value(to)) : null,
    };
  };
  return {
    ok: true,
    subject: {
      title: run.title,
      facts: factsOf(repetitions, own.engine.maxSequences, 'measured'),
      scenario: twin(own, point, point.fit),
      inputs: {},
      blocksThatFit: null,
      fixed: (path) => {
        if (path === 'engine.kvFormat' && !(kvFormat in TO_SIM))
          return `The KV cache is in ${kvFormat}, which the simulator has not.`;
        return path in OWN ? null : 'Our engine has no such setting.';
      },
      own: setting,
      notes: [
        `Tried in the simulator with the cost of this engine’s own steps, ${Number(point.fit.meanErrorPercent.toPrecision(2))} % off on average; another format or block size is taken to cost as much time.`,
      ],
    },
  };
}
