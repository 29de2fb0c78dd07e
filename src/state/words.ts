/** Plain words for what an environment holds. */
import { adapterName } from '../core/run/adapter-name.ts';
import type { Environment, Run } from '../core/run/schema.ts';

/** Which adapter was asked for, and whether it is a real one. */
export function adapterKind({ adapter }: Environment): string {
  if (adapter.isFallback) return 'software adapter, on the CPU';
  return adapter.powerPreference === 'low-power' ? 'low-power adapter' : 'high-performance adapter';
}

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

export function shortDate(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? 'at an unknown time' : DATE.format(time);
}

/** Where a run's numbers come from, in one line. */
export function provenance(run: Run): string {
  if (run.kind === 'simulate') return `simulated by KV Lab ${run.appVersion}, ${shortDate(run.createdAt)}`;
  if (run.kind === 'plan') return `planned by KV Lab, ${shortDate(run.createdAt)}`;
  if (run.kind === 'load' || run.kind === 'watch') {
    return `measured over HTTP by KV Lab ${run.appVersion}, ${shortDate(run.createdAt)}`;
  }
  if (run.kind === 'imported') return `from ${run.file}, read by KV Lab, ${shortDate(run.createdAt)}`;
  const { environment } = run;
  if (environment === null) return `${run.origin} by KV Lab, ${shortDate(run.createdAt)}`;
  const where = `${adapterName(environment.adapter)} (${adapterKind(environment)})`;
  return `${run.origin} on ${where}, ${environment.runtime}, ${shortDate(run.createdAt)}`;
}

export const KIND_NAMES: Readonly<Record<Run['kind'], string>> = {
  lab: 'experiment',
  check: 'hardware check',
  simulate: 'simulation',
  quality: 'quality experiment',
  serve: 'serving run',
  tune: 'tuning',
  plan: 'plan',
  load: 'load',
  watch: 'watch',
  autopilot: 'autopilot',
  imported: 'imported result',
};

/** What each origin promises. */
export const ORIGIN_MEANING: Readonly<Record<Run['origin'], string>> = {
  measured: 'Measured: real kernels on the named device; the samples are in the run.',
  simulated: 'Simulated: computed by a cost model, not run on a GPU.',
  published: 'Published: taken from the named source.',
  assumed: 'Assumed: an estimate that nothing here has measured.',
};

/** One repetition's point in words: its settings, or that there was only one. */
export function pointLabel(settings: Readonly<Record<string, number | string>>): string {
  const parts = Object.entries(settings).map(([path, value]) => `${path.split('.').at(-1) ?? path} ${value}`);
  return parts.length === 0 ? 'the one point' : parts.join(', ');
}
