/**
 * `kvlab accesses`: who uses which block when. Takes a simulated run, a recorded log or a demonstration, and answers
 * with heat map, hit rate, reuse distances and miss-ratio curves; with --out as JSON, CSV, SVG and PNG.
 */
import { setImmediate } from 'node:timers/promises';
import { accessFigures, type FigureSpec } from '../../charts/index.ts';
import {
  ACCESS_PROFILE_TYPES,
  accessProfile,
  missRatioTask,
  type AccessLog,
  type AccessProfile,
  type AccessProfileType,
  type AccessSummary,
  type MissRatioCurves,
} from '../../index.ts';
import { readAccesses, type Accesses, type Pause } from '../access-source.ts';
import { InputError } from '../errors.ts';
import { writePictures } from '../figures.ts';
import { table } from '../tables.ts';
import type { GpuCommand, GpuCommandContext } from './command.ts';

/** How long is computed before Ctrl-C can be heard. */
const PAUSE_EVERY_MS = 50;

export const accesses: GpuCommand = async (context) => {
  const { invocation, terminal, onCancel } = context;
  const type = typeOf(invocation.type ?? 'all');
  let stopped = false;
  onCancel(() => {
    terminal.say('Stopping; what is finished is kept.');
    stopped = true;
  });
  let pausedAt = performance.now();
  const pause: Pause = async () => {
    if (performance.now() - pausedAt >= PAUSE_EVERY_MS) {
      await setImmediate();
      pausedAt = performance.now();
    }
    return stopped;
  };
  const found = await readAccesses(context, pause);
  // A summary alone needs no replay, unless files are wanted beside it.
  const wanted = invocation.summary && !context.write ? 'summary' : type;
  const profile = await profiled(context, found.log, wanted, pause);
  const figures = accessFigures(profile, found.source);
  const { origin, subtitle, notes = [] } = found.source;
  const whole = { origin, source: subtitle, notes, ...profile };
  const answer = invocation.summary ? { origin, source: subtitle, notes, summary: profile.summary } : whole;
  if (context.write) await writeFiles(context, found, whole, figures);
  terminal.answer(
    invocation.json
      ? `${JSON.stringify(answer)}\n`
      : textOf(profile.summary, found, invocation.summary ? [] : figures),
  );
  return stopped ? 'failed' : 'done';
};

function typeOf(name: string): AccessProfileType {
  const known = ACCESS_PROFILE_TYPES.find((type) => type === name);
  if (known !== undefined) return known;
  throw new InputError(
    `There is no profile “${name.slice(0, 40)}”; there are ${ACCESS_PROFILE_TYPES.join(', ')}.`,
  );
}

/** A curve that a Ctrl-C cut off is left out with all the others. */
async function profiled(
  { terminal }: GpuCommandContext,
  log: AccessLog,
  type: AccessProfileType | 'summary',
  pause: Pause,
): Promise<AccessProfile> {
  if (type !== 'missratio' && type !== 'all') return accessProfile(log, type);
  const task = missRatioTask(log);
  let missRatio: MissRatioCurves | null = null;
  for (let turn = task.next(); ; turn = task.next()) {
    if (turn.done) {
      missRatio = turn.value;
      break;
    }
    terminal.progress({ fraction: turn.value.fraction, message: `Replaying ${turn.value.policy}` });
    if (await pause()) break;
  }
  const rest =
    type === 'all'
      ? { ...accessProfile(log, 'heatmap'), ...accessProfile(log, 'reuse') }
      : accessProfile(log, 'summary');
  return { ...rest, ...(missRatio ? { missRatio } : {}) };
}

async function writeFiles(
  { write, terminal, openHost }: GpuCommandContext,
  { log }: Accesses,
  whole: object,
  figures: readonly FigureSpec[],
): Promise<void> {
  if (!write) return;
  write('accesses.json', `${JSON.stringify(whole)}\n`);
  write('accesses.csv', csvOf(log));
  await writePictures(figures, openHost, write, terminal);
}

/** The log in the form in which it is read again; a name with a comma would be two cells. */
function csvOf({ block, time, hit, names }: AccessLog): string {
  const safe = names.map((name) => name.replace(/[,\s]/g, '_'));
  const rows = Array.from(
    block,
    (number, at) => `${safe[number] ?? number},${time[at] ?? 0},${hit[at] ?? 0}`,
  );
  return `${['block,time,hit', ...rows].join('\n')}\n`;
}

function textOf(summary: AccessSummary, { source }: Accesses, figures: readonly FigureSpec[]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const distance = (value: number | null): string => (value === null ? '—' : String(value));
  const rows = table([
    ['accesses', String(summary.accesses)],
    ['hits', String(summary.hits)],
    ['misses', String(summary.misses)],
    ['hit ratio', percent(summary.hitRatio)],
    ['with room for all', percent(summary.unboundedHitRatio)],
    ['blocks', String(summary.blocks)],
    ['used once', String(summary.blocksUsedOnce)],
    ['share of the busiest tenth', percent(summary.topTenthShare)],
    ['median reuse distance', distance(summary.medianReuseDistance)],
    ['90 % within', distance(summary.p90ReuseDistance)],
  ]);
  const findings = figures.map(({ finding }) => `${finding}\n`);
  return [`${source.subtitle}\n`, rows, ...findings].join(findings.length > 0 ? '\n' : '');
}
