/** What figures read out of a run: its swept axes, its points cut along one of them, and the line under the title. */
import { adapterName } from '../../core/run/adapter-name.ts';
import type { Environment, LabRun, Point } from '../../core/run/schema.ts';

export const PATHS = {
  concurrency: 'workload.concurrency',
  promptTokens: 'workload.promptTokens',
  groups: 'workload.groups',
  sharedPrefix: 'workload.sharedPrefixTokens',
  format: 'engine.kvFormat',
  blockSize: 'engine.blockSize',
  layout: 'engine.layout',
  policy: 'engine.eviction.policy',
  budget: 'engine.eviction.budgetTokens',
} as const;

/** The points that share all settings but one axis. */
export interface Slice {
  /** The other settings in words; empty when there are none. */
  readonly label: string;
  readonly settings: Readonly<Record<string, number | string>>;
  readonly points: readonly { readonly x: number | string; readonly point: Point }[];
}

/** Short names of axes, for labels such as `f16` or `block size 16`. A name alone needs no prefix. */
const SETTING_PREFIX: Readonly<Record<string, string>> = {
  [PATHS.concurrency]: 'concurrency ',
  [PATHS.promptTokens]: 'prompt ',
  [PATHS.sharedPrefix]: 'shared prefix ',
  [PATHS.blockSize]: 'block size ',
  [PATHS.budget]: 'budget ',
};

export function settingLabel(path: string, value: number | string): string {
  if (path === PATHS.policy && value === 'none') return 'no eviction';
  if (typeof value === 'string') return value;
  return `${SETTING_PREFIX[path] ?? `${path.split('.').at(-1)} `}${value}`;
}

/** True when the run took at least two values of the axis. */
export function isSwept(run: LabRun, path: string): boolean {
  return new Set(run.points.map((point) => point.settings[path])).size > 1;
}

/** The run's points cut along one axis, in the order of the sweep; numbers ascend. */
export function slicesAlong(run: LabRun, path: string): Slice[] {
  const slices = new Map<
    string,
    { settings: Record<string, number | string>; points: Slice['points'][number][] }
  >();
  const others = otherPaths(run, path);
  for (const point of run.points) {
    const setting = point.settings[path];
    if (setting === undefined) continue;
    const x = numberBehind(run, path, setting);
    const settings: Record<string, number | string> = {};
    for (const other of others) settings[other] = point.settings[other] ?? '';
    const key = JSON.stringify(settings);
    const slice = slices.get(key) ?? { settings, points: [] };
    slice.points.push({ x, point });
    slices.set(key, slice);
  }
  return [...slices.values()].map(({ settings, points }) => ({
    label: Object.entries(settings)
      .map(([other, value]) => settingLabel(other, value))
      .join(', '),
    settings,
    points: points.sort((a, b) => (typeof a.x === 'number' && typeof b.x === 'number' ? a.x - b.x : 0)),
  }));
}

/** The number that a labelled value stands for, so that `short` of 128 tokens lies at 128; else the label. */
export function numberBehind(run: LabRun, path: string, setting: number | string): number | string {
  const axis = run.scenario.sweep.find((candidate) => candidate.path === path);
  const value = axis?.values[axis.labels?.indexOf(String(setting)) ?? -1];
  return typeof value === 'number' ? value : setting;
}

/** The other axes that the run swept. */
export function otherPaths(run: LabRun, path: string): string[] {
  const paths = new Set(run.points.flatMap((point) => Object.keys(point.settings)));
  return [...paths].filter((other) => other !== path && isSwept(run, other));
}

export function deviceName({ adapter }: Environment): string {
  const name = adapterName(adapter);
  return adapter.isFallback ? `${name} (software)` : name;
}

/** `Llama-3.2-1B shape (16 layers, 32/8 heads of 64) · f16 · NVIDIA H200`. */
export function subtitleOf(run: LabRun): string {
  const { model, engine } = run.scenario;
  const heads = `${model.queryHeads}/${model.kvHeads} heads of ${model.headDim}`;
  const shape = `${model.name} (${model.layers} layers, ${heads})`;
  const format = isSwept(run, PATHS.format) ? 'formats compared' : `${engine.kvFormat} KV`;
  return `${shape} · ${format} · ${deviceName(run.environment)}`;
}

/** The parts of a spec that every figure of a run shares. */
export function provenance(run: LabRun) {
  return {
    subtitle: subtitleOf(run),
    origin: run.origin,
    notes: notesOf(run),
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}

function notesOf(run: LabRun): string[] {
  return run.complete ? run.notes : [...run.notes, 'The run was cut short; what was finished is shown.'];
}

/** What every figure of times says of itself. */
export const SCOPE = 'Attention and KV cache only: no other layer of the model runs.';

/** Why a point has no value. */
export function gapReason(point: Point): string {
  if (point.reason !== null && point.reason !== '') return point.reason;
  return point.status === 'skipped' ? 'Skipped without a recorded reason.' : 'No finished repetition.';
}

/** What hover says beside the value. */
export function pointDetail(point: Point): string {
  const shrunk = point.status === 'shrunk' && point.reason ? `Shrunk: ${point.reason} ` : '';
  return `${shrunk}${point.variant === '' ? '' : `Kernel: ${point.variant}.`}`.trim();
}
