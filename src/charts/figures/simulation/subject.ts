/** What the figures of a simulation read out of a run: its points with their names, and the line under the title. */
import { findGpu } from '../../../core/hardware/records.ts';
import type { SimPoint, SimRepetition, SimRun, SimSummary } from '../../../core/run/simulation.ts';
import { formatNumber } from '../../format.ts';

/** A point of the run that has at least one repetition, under its name in legends. */
export interface SimCase {
  /** Settings in words; empty where the run has one point only. */
  readonly label: string;
  readonly settings: SimPoint['settings'];
  readonly point: SimPoint;
  readonly repetitions: readonly SimRepetition[];
  /** The repetition whose course over time is drawn. */
  readonly first: SimRepetition;
}

/** Short names of settings in legends; a value that is a name stands alone. */
const PREFIX: Readonly<Record<string, string>> = {
  'workload.arrivals.rate': 'rate ',
  'engine.tokenBudget': 'budget ',
  'engine.blockSize': 'block size ',
  'engine.maxSequences': 'batch ',
  'engine.watermark': 'watermark ',
  'cluster.replicas': 'replicas ',
  'hardware.kvBlocks': 'KV blocks ',
  'hardware.tensorParallel': 'TP ',
  'hardware.pipelineParallel': 'PP ',
};

export function simSettingLabel(path: string, value: number | string): string {
  if (typeof value === 'string' && !['true', 'false', 'off', 'null'].includes(value)) return value;
  const shown = typeof value === 'number' ? formatNumber(value) : value;
  return `${PREFIX[path] ?? `${path.split('.').at(-1) ?? path} `}${shown}`;
}

export function simPointLabel(settings: SimPoint['settings']): string {
  return Object.entries(settings)
    .map(([path, value]) => simSettingLabel(path, value))
    .join(', ');
}

export function casesOf(run: SimRun): SimCase[] {
  return run.points.flatMap((point) => {
    const first = point.repetitions[0];
    if (first === undefined) return [];
    const label = simPointLabel(point.settings);
    return [{ label, settings: point.settings, point, repetitions: point.repetitions, first }];
  });
}

/** Points of which nothing finished, with their reasons. */
export function failuresOf(run: SimRun): { readonly label: string; readonly reason: string }[] {
  return run.points
    .filter(({ repetitions, status }) => repetitions.length === 0 && status === 'failed')
    .map(({ settings, reason }) => ({
      label: simPointLabel(settings) || 'the one point',
      reason: reason ?? 'It failed without a recorded reason.',
    }));
}

/** True when the run took at least two values of the setting. */
export function varies(run: SimRun, path: string): boolean {
  return new Set(run.points.map(({ settings }) => settings[path])).size > 1;
}

/** `Llama-3.1-8B · 2 × H100 SXM · vllm · blocks of 16`. */
export function simSubtitle({ scenario }: SimRun): string {
  const { model, hardware, engine, cluster } = scenario;
  const swept = new Set(scenario.sweep.map(({ path }) => path));
  const gpus = hardware.tensorParallel * hardware.pipelineParallel * cluster.replicas;
  const gpu = findGpu(hardware.gpu)?.name ?? hardware.gpu;
  const name = (path: string, words: string) => (swept.has(path) ? [] : [words]);
  return [
    ...name('model', model),
    gpus > 1 && cluster.disaggregation === null ? `${gpus} × ${gpu}` : gpu,
    ...name('engine.scheduler', `${engine.scheduler} scheduler`),
    ...name('engine.blockSize', `blocks of ${engine.blockSize}`),
  ].join(' · ');
}

/** The parts of a spec that every figure of a run shares. */
export function simProvenance(run: SimRun, own: readonly string[] = []) {
  const models = [...new Set(run.points.map(({ costModel }) => costModel).filter((name) => name !== ''))];
  const failed = failuresOf(run).map(({ label, reason }) => `${label}: ${reason}`);
  const cut = run.complete ? [] : ['The run is not complete; what was simulated is shown.'];
  return {
    subtitle: simSubtitle(run),
    origin: run.origin,
    notes: [...own, ...models.map((name) => `Step times: ${name}.`), ...run.notes, ...failed, ...cut],
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}

/** What a figure over time leaves out: points that are not drawn and why, and seeds beyond the first. */
export function courseNotes(all: readonly SimCase[], shown: readonly SimCase[], why: string): string[] {
  const left = all.filter((found) => !shown.includes(found)).map(({ label }) => label);
  const seeds = Math.max(0, ...shown.map(({ repetitions }) => repetitions.length));
  const first = shown[0]?.first.seed;
  return [
    ...(left.length === 0 ? [] : [`Not drawn: ${left.join('; ')}. ${why}`]),
    ...(seeds < 2 || first === undefined ? [] : [`Drawn is seed ${first}, the first of ${seeds}.`]),
  ];
}

export type SimLatency = 'ttftMs' | 'tpotMs' | 'itlMs' | 'e2eMs' | 'queueMs';

/** A number of each repetition's summary. */
export function summaryValues(
  { repetitions }: SimCase,
  read: (summary: SimSummary) => number | null,
): number[] {
  return repetitions.flatMap(({ summary }) => read(summary) ?? []);
}

/** As many cases as one sentence can speak of. */
const MOST_CLAUSES = 2;

/** A clause for each case; of many, for those at the two ends of an order, and how many there are besides. */
export function clausesOf(
  cases: readonly SimCase[],
  clause: (found: SimCase) => string,
  order?: (found: SimCase) => number,
): string {
  if (cases.length <= MOST_CLAUSES) return cases.map(clause).join(' ');
  const sorted = order === undefined ? cases : cases.toSorted((a, b) => order(a) - order(b));
  const ends = [sorted[0], sorted.at(-1)].flatMap((found) => (found === undefined ? [] : clause(found)));
  const rest = cases.length - ends.length;
  return `${ends.join(' ')} ${rest} more ${rest === 1 ? 'stands' : 'stand'} in the table.`;
}
