/**
 * Advice on an experiment of the laboratory: its own points are the trial. Two points that differ in one setting are compared
 * as they were measured, with the interval of their repetitions; nothing is simulated.
 *
 * It can speak of concurrency past the knee, of the block size and of the KV format, where the sweep has them.
 */
import type { Json } from '../core/json.ts';
import { METRICS } from '../core/metrics/definitions.ts';
import { ratioOf, type Ratio } from '../core/metrics/compare.ts';
import { median } from '../core/metrics/percentiles.ts';
import { distributionSamples, scalarSamples } from '../core/metrics/samples.ts';
import { createRandom } from '../core/random.ts';
import type { LabRun, Point, QualityRun } from '../core/run/schema.ts';
import { valueAt } from '../core/scenario/layer.ts';
import { number, percent } from './rules/rule.ts';
import { formatRisk, SAME_OUTPUTS } from './risk.ts';
import type { Advice, Considered, Effect, Evidence, Recommendation, Risk, RuleId } from './types.ts';

type Measured = 'decodeThroughput' | 'tpot' | 'throughput' | 'kvAllocated';

function valuesOf(run: LabRun, point: Point, metric: Measured): number[] {
  if (metric === 'tpot') return distributionSamples(point, 'tpot').map((samples) => median(samples));
  return scalarSamples(point, metric, run.scenario.objectives);
}

function ratio(run: LabRun, a: Point, b: Point, metric: Measured): Ratio {
  const random = createRandom(run.scenario.seed).fork(`advice ${metric}`);
  return {
    settings: b.settings,
    ...ratioOf(metric, valuesOf(run, a, metric), valuesOf(run, b, metric), random),
  };
}

function effectOf(metric: Measured, { a, b, ratio: factor, interval, verdict }: Ratio): Effect {
  const { name, unit } = METRICS[metric];
  const change = factor === null ? null : factor - 1;
  const bounds = interval && { low: interval.low - 1, high: interval.high - 1 };
  const side = (share: number): string => `${percent(Math.abs(share))} ${share < 0 ? 'lower' : 'higher'}`;
  const between = bounds === null ? '' : ` (95 % interval from ${side(bounds.low)} to ${side(bounds.high)})`;
  return {
    ...{ quantity: metric, name, unit, a, b, change, interval: bounds, verdict, origin: 'measured' },
    sentence: change === null ? `${name} can’t be compared.` : `${name} was ${side(change)}${between}.`,
  };
}

/** Points that differ in one path only, from the one that is asked about to the others. */
function neighbours(
  run: LabRun,
  path: string,
): { readonly point: Point; readonly others: readonly Point[] }[] {
  const done = run.points.filter(({ status, repetitions }) => status !== 'failed' && repetitions.length > 0);
  const rest = ({ settings }: Point): string =>
    JSON.stringify(
      Object.entries(settings)
        .filter(([name]) => name !== path)
        .sort(([x], [y]) => (x < y ? -1 : 1)),
    );
  return done
    .filter(({ settings }) => path in settings)
    .map((point) => ({
      point,
      others: done.filter((other) => other !== point && rest(other) === rest(point)),
    }));
}

interface Found {
  readonly id: RuleId;
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
  readonly title: string;
  readonly why: string;
  readonly evidence: readonly Evidence[];
  readonly effects: readonly Effect[];
  readonly risk: Risk;
  readonly score: number;
}

const NEAR = 0.05;
const WORTH = 0.05;

/** The most requests at once that still brought clearly more tokens; beyond it the same tokens come later. */
function knee(run: LabRun): Found | string {
  const path = 'workload.concurrency';
  const [rows] = neighbours(run, path).map(({ point, others }) =>
    [point, ...others].sort((a, b) => Number(a.settings[path]) - Number(b.settings[path])),
  );
  const [last] = rows?.slice(-1) ?? [];
  if (rows === undefined || last === undefined || rows.length < 3)
    return 'The sweep has fewer than three concurrencies.';
  for (const row of rows.slice(0, -1)) {
    const [tokens, wait] = [ratio(run, last, row, 'throughput'), ratio(run, last, row, 'tpot')];
    if (tokens.ratio === null || wait.verdict !== 'better' || (wait.ratio ?? 1) > 1 - 2 * WORTH) continue;
    // As many tokens: a loss that the interval bounds.
    if (tokens.interval === null || tokens.interval.low < 1 - NEAR) continue;
    const [now, then] = [Number(last.settings[path]), Number(row.settings[path])];
    return {
      ...{ id: 'concurrency', path, from: now, to: then },
      title: `Keep ${then} requests in flight instead of ${now}.`,
      why: 'Beyond the knee the same tokens a second are shared by more requests.',
      evidence: [
        {
          ...{
            figure: 'Throughput',
            value: tokens.b ?? 0,
            unit: METRICS.throughput.unit,
            origin: run.origin,
          },
          sentence: `${then} requests at once made ${number(tokens.b ?? 0)} tokens a second, ${now} made ${number(tokens.a ?? 0)}.`,
        },
      ],
      effects: [effectOf('tpot', wait), effectOf('throughput', tokens)],
      risk: SAME_OUTPUTS,
      score: 1 / (wait.ratio ?? 1) - 1,
    };
  }
  return 'Every further request brought more tokens, or made nobody wait.';
}

interface Axis {
  readonly id: RuleId;
  readonly path: string;
  readonly words: (value: Json) => string;
  readonly why: string;
  readonly risk: (to: Json, quality: readonly QualityRun[]) => Risk;
}

const AXES: readonly Axis[] = [
  {
    id: 'block-size',
    path: 'engine.blockSize',
    words: (value) => `blocks of ${String(value)} tokens`,
    why: 'On this GPU the kernel reads such blocks faster.',
    risk: () => SAME_OUTPUTS,
  },
  {
    id: 'kv-format',
    path: 'engine.kvFormat',
    words: (value) => `a KV cache in ${String(value)}`,
    why: 'Attention is bound by the bytes that it reads.',
    risk: (to, quality) => formatRisk(String(to), quality),
  },
];

/** The setting that decodes fastest, against the one that the scenario stands on, else the first of the sweep. */
function fastest(run: LabRun, axis: Axis, quality: readonly QualityRun[]): Found | string {
  const rows = neighbours(run, axis.path);
  const current = valueAt(run.scenario, axis.path) ?? null;
  const start = rows.find(({ point }) => point.settings[axis.path] === current) ?? rows[0];
  if (start === undefined || start.others.length === 0) return `The sweep does not vary ${axis.path}.`;
  const ranked = start.others
    .map((other) => ({ other, speed: ratio(run, start.point, other, 'decodeThroughput') }))
    .filter(({ speed }) => speed.verdict === 'better' && (speed.ratio ?? 0) >= 1 + WORTH)
    .sort((a, b) => (b.speed.ratio ?? 0) - (a.speed.ratio ?? 0));
  const [best] = ranked;
  if (best === undefined) return 'No other value decoded clearly faster.';
  const [from, to] = [start.point.settings[axis.path] ?? null, best.other.settings[axis.path] ?? null];
  const memory = ratio(run, start.point, best.other, 'kvAllocated');
  return {
    ...{ id: axis.id, path: axis.path, from, to },
    title: `Use ${axis.words(to)} instead of ${axis.words(from)}.`,
    why: axis.why,
    evidence: [
      {
        ...{
          figure: 'Decode throughput',
          value: best.speed.b ?? 0,
          unit: METRICS.decodeThroughput.unit,
          origin: run.origin,
        },
        sentence: `With ${axis.words(to)} decoding made ${number(best.speed.b ?? 0)} tokens a second, with ${axis.words(from)} ${number(best.speed.a ?? 0)}.`,
      },
    ],
    effects: [
      effectOf('decodeThroughput', best.speed),
      ...(memory.ratio === null || Math.abs(memory.ratio - 1) < 0.01
        ? []
        : [effectOf('kvAllocated', memory)]),
    ],
    risk: axis.risk(to, quality),
    score: (best.speed.ratio ?? 1) - 1,
  };
}

function recommendationOf({ path, from, to, ...found }: Found): Recommendation {
  return {
    ...found,
    changes: [{ path, from, to, flag: null }],
    assignments: [`${path}=${String(to)}`],
    trial: null,
  };
}

export function labAdvice(run: LabRun, only: readonly RuleId[], quality: readonly QualityRun[]): Advice {
  const asked: readonly (readonly [RuleId, () => Found | string])[] = [
    ['concurrency', () => knee(run)],
    ...AXES.map((axis) => [axis.id, () => fastest(run, axis, quality)] as const),
  ];
  const recommendations: Recommendation[] = [];
  const considered: Considered[] = [];
  for (const [id, look] of asked) {
    if (!only.includes(id)) continue;
    const found = look();
    if (typeof found === 'string') considered.push({ id, outcome: 'no evidence', sentence: found });
    else {
      recommendations.push(recommendationOf(found));
      considered.push({ id, outcome: 'recommended', sentence: found.title });
    }
  }
  return {
    recommendations: recommendations.sort((a, b) => b.score - a.score),
    considered,
    notes: [
      'Points of the experiment were compared as they were measured; attention and cache alone, without a scheduler.',
    ],
  };
}
