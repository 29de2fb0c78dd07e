/** An autopilot's run in words: its tiles, plans, actions, parts of sequences. Numbers are the run's; nothing is made up. */
import { formatNumber, formatValue } from '../charts/format.ts';
import { AUTOPILOT_METRICS } from '../core/metrics/autopilot/definitions.ts';
import type { AutopilotRun, AutopilotSeries, PlanState, SequencePart } from '../core/run/autopilot.ts';
import {
  KV_ACTION_KINDS,
  type ActCommand,
  type KvAction,
  type KvActionKind,
} from '../core/scenario/autopilot/action.ts';
import type { AutopilotPolicy } from '../core/scenario/autopilot/policy.ts';

export interface Tile {
  readonly label: string;
  readonly value: string;
  readonly beside: string;
  readonly help: string;
  readonly origin: string;
}

type Column = readonly (number | null)[];

const known = (column: Column): number[] => column.filter((value) => value !== null);
const newest = (column: Column): number | null => known(column).at(-1) ?? null;
const most = (column: Column): number | null => {
  const values = known(column);
  return values.length === 0 ? null : Math.max(...values);
};

function value(number: number | null, unit: string): string {
  return number === null ? 'none yet' : formatValue(number, unit);
}

/** What it was at most without the autopilot; '' where nobody ran that. */
function beside(run: AutopilotRun, column: keyof AutopilotSeries, unit: string): string {
  const other = run.without === null ? null : most(run.without.series[column]);
  return other === null ? '' : `at most ${formatValue(other, unit)} without`;
}

/** While it runs the newest look; of a run that is over the whole: its largest look, or what its summary says. */
function shown(run: AutopilotRun, column: keyof AutopilotSeries): number | null {
  const { series, summary } = run.with;
  if (!run.complete) return newest(series[column]);
  if (column === 'p95Ms') return summary?.e2eMs?.p95 ?? most(series.p95Ms);
  if (column === 'ttftP95Ms') return summary?.ttftMs?.p95 ?? most(series.ttftP95Ms);
  return most(series[column]);
}

/** The same number of the run without. */
function shownWithout(run: AutopilotRun, column: 'p95Ms' | 'ttftP95Ms'): string {
  const summary = run.without?.summary ?? null;
  const p95 = column === 'p95Ms' ? summary?.e2eMs?.p95 : summary?.ttftMs?.p95;
  if (!run.complete || p95 === undefined) return beside(run, column, 'ms');
  return `${formatValue(p95, 'ms')} without`;
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== '').join('; ');

export const ACTION_NAMES: Readonly<Record<KvActionKind, string>> = {
  quantize: 'quantize',
  evict: 'evict',
  offload: 'offload',
  fetch: 'fetch',
  prefixCache: 'prefix cache',
  concurrency: 'concurrency',
  admission: 'admission',
  chunk: 'chunk size',
};

/** The six numbers that stand first, beside the target or the run without. */
export function autopilotTiles(run: AutopilotRun): Tile[] {
  const { series } = run.with;
  const { policy } = run.scenario;
  const { waiting } = series;
  const atMost = run.complete ? 'at most; ' : '';
  const target = `target ${formatValue(policy.kvUseTarget, 'share')}`;
  const latency = policy.latencyP95Ms === null ? '' : `target ${formatValue(policy.latencyP95Ms, 'ms')}`;
  const allowed = policy.actionPriority.map((kind) => ACTION_NAMES[kind]).join(', ');
  const tile = (label: string, text: string, side: string, help: string): Tile => ({
    label,
    value: text,
    beside: side,
    help,
    origin: run.origin,
  });
  const M = AUTOPILOT_METRICS;
  return [
    tile(
      'KV use',
      value(shown(run, 'kvUse'), 'share'),
      joined([`${atMost}${target}`, beside(run, 'kvUse', 'share')]),
      M.kvUse.definition,
    ),
    tile(
      'p95 latency',
      value(shown(run, 'p95Ms'), 'ms'),
      joined([latency, shownWithout(run, 'p95Ms')]),
      M.p95Ms.definition,
    ),
    tile(
      'p95 TTFT',
      value(shown(run, 'ttftP95Ms'), 'ms'),
      shownWithout(run, 'ttftP95Ms'),
      M.ttftP95Ms.definition,
    ),
    tile(
      'Lower tiers',
      value(shown(run, 'hostBytes'), 'bytes'),
      policy.tiers.length > 1 ? policy.tiers.slice(1).map(tierName).join(', ') : 'none allowed',
      M.hostBytes.definition,
    ),
    tile(
      'Sequences',
      value(shown(run, 'running'), ''),
      `${formatNumber((run.complete ? most(waiting) : newest(waiting)) ?? 0)} waiting; ${formatNumber(newest(series.preemptions) ?? 0)} preemptions${withoutPreemptions(run)}`,
      `${M.running.definition} ${M.waiting.definition}`,
    ),
    tile(
      'Capability',
      `${formatNumber(policy.actionPriority.length)} of ${formatNumber(KV_ACTION_KINDS.length)} actions`,
      allowed,
      'Kinds of action that the policy may take; what the backend can’t do is left out of its plans.',
    ),
  ];
}

function withoutPreemptions({ without }: AutopilotRun): string {
  return without === null ? '' : `, ${formatNumber(newest(without.series.preemptions) ?? 0)} without`;
}

const TIER_NAMES: Readonly<Record<SequencePart['tier'], string>> = {
  hbm: 'GPU',
  host: 'host memory',
  cxl: 'CXL',
  nvme: 'NVMe',
  remote: 'remote',
};

export function tierName(tier: SequencePart['tier']): string {
  return TIER_NAMES[tier];
}

const tokens = (from: number, to: number): string => `tokens ${formatNumber(from)} to ${formatNumber(to)}`;

/** One action as a line: what, of whom, to what. */
export function actionWords(action: KvAction): string {
  switch (action.kind) {
    case 'quantize':
      return `${action.sequence}: ${tokens(action.from, action.to)} become ${action.format}`;
    case 'evict':
      return `${action.sequence}: ${tokens(action.from, action.to)} are dropped`;
    case 'offload':
      return `${action.sequence}: ${tokens(action.from, action.to)} move to ${tierName(action.tier)}`;
    case 'fetch':
      return `${action.sequence}: ${tokens(action.from, action.to)} come back to the GPU`;
    case 'prefixCache':
      return action.blocks === null
        ? 'the prefix cache may hold all free blocks'
        : `the prefix cache may hold ${formatNumber(action.blocks)} blocks`;
    case 'concurrency':
      return `at most ${formatNumber(action.maxSequences)} sequences run`;
    case 'admission':
      return action.belowUse === 1
        ? 'new sequences start at any KV use'
        : `new sequences start below ${formatValue(action.belowUse, 'share')} KV use`;
    case 'chunk':
      return `${formatNumber(action.tokenBudget)} tokens a step`;
    default:
      return action satisfies never;
  }
}

/** One line of a script. */
export function commandWords(command: ActCommand): string {
  switch (command.kind) {
    case 'submit':
      return `${command.sequence} comes with ${formatNumber(command.tokens)} tokens${command.pinned === true ? ', pinned' : ''}`;
    case 'finish':
      return `${command.sequence} ends`;
    case 'report':
      return command.label === undefined ? 'what the cache holds' : `what the cache holds: ${command.label}`;
    case 'reset':
      return 'back to the empty cache';
    default:
      return actionWords(command);
  }
}

/** A policy in a line: what it holds, and by which means. */
export function policyWords({ kvUseTarget, latencyP95Ms, actionPriority }: AutopilotPolicy): string {
  const latency = latencyP95Ms === null ? '' : `, p95 within ${formatValue(latencyP95Ms, 'ms')}`;
  const means = actionPriority.map((kind) => ACTION_NAMES[kind]).join(', ');
  return `holds ${formatValue(kvUseTarget, 'share')} KV use${latency}, by ${means}`;
}

/** The actions of a plan together: how many of each kind, and what they free. */
export function actionsWords({ actions }: Pick<PlanState, 'actions'>): string {
  const counts = new Map<string, number>();
  for (const { action } of actions) {
    counts.set(ACTION_NAMES[action.kind], (counts.get(ACTION_NAMES[action.kind]) ?? 0) + 1);
  }
  const kinds = [...counts].map(([name, count]) =>
    counts.size === 1 ? name : `${formatNumber(count)} ${name}`,
  );
  const freed = actions.reduce((sum, { freesBytes }) => sum + freesBytes, 0);
  const frees = freed > 0 ? `; ${formatValue(freed, 'bytes')} to be freed` : '';
  return `${plural(actions.length, 'action', 'actions')}: ${kinds.join(', ')}${frees}`;
}

/** Changes of a plan in one line: `KV use 88 % → 82 %, quality lost 0.01 (at most 0.03)`. */
export function planOutcome({ kvUseBefore, kvUseAfter, qualityDelta, qualityUpper }: PlanState): string {
  const use =
    kvUseAfter === null
      ? `KV use ${formatValue(kvUseBefore, 'share')}`
      : `KV use ${formatValue(kvUseBefore, 'share')} → ${formatValue(kvUseAfter, 'share')}`;
  const bound = qualityUpper === null ? '' : ` (at most ${formatValue(qualityUpper, '')})`;
  return qualityDelta === null ? use : `${use}, quality lost ${formatValue(qualityDelta, '')}${bound}`;
}

export interface PlanCounts {
  readonly plans: number;
  readonly kept: number;
  readonly rolledBack: number;
}

export function planCounts({ plans }: AutopilotRun): PlanCounts {
  const of = (status: PlanState['status']) => plans.filter((plan) => plan.status === status).length;
  return { plans: plans.length, kept: of('completed'), rolledBack: of('rolledBack') };
}

const plural = (count: number, one: string, many: string): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`;

/** The plans in a few words. */
export function plansFinding(run: AutopilotRun): string {
  const { plans, kept, rolledBack } = planCounts(run);
  if (plans === 0) return 'no plan was needed';
  const only = run.scenario.dryRun ? ', none carried out: a dry run' : '';
  return `${plural(plans, 'plan', 'plans')}: ${formatNumber(kept)} kept, ${formatNumber(rolledBack)} rolled back${only}`;
}

/** The first sentence about a run: what the autopilot held, and what happened without it. */
export function autopilotHeadline(run: AutopilotRun): string {
  const peak = most(run.with.series.kvUse);
  if (peak === null) return 'Nothing was seen yet';
  const own = newest(run.with.series.preemptions) ?? 0;
  const held = `KV use at most ${formatValue(peak, 'share')} with ${plural(own, 'preemption', 'preemptions')}`;
  const mine = run.scenario.dryRun ? `A dry run, nothing was touched: ${held}` : held;
  const other = run.without;
  const theirs = other === null ? null : most(other.series.kvUse);
  if (other === null || theirs === null) return mine;
  const lost = newest(other.series.preemptions) ?? 0;
  return `${mine}; without the autopilot ${formatValue(theirs, 'share')} with ${formatNumber(lost)}`;
}

/** Moments on the backend's clock: seconds since the start. */
export function clock(atMs: number): string {
  return `${(atMs / 1000).toFixed(1)} s`;
}

export interface PartStrip {
  /** Shares of the sequence’s tokens, 0…100. */
  readonly start: number;
  readonly width: number;
  readonly tier: SequencePart['tier'];
  readonly format: SequencePart['format'];
  readonly words: string;
}

/** The parts of a sequence along its tokens; what is missing was evicted. */
export function partStrips(tokensOfAll: number, parts: readonly SequencePart[]): PartStrip[] {
  const all = Math.max(1, tokensOfAll);
  return parts.map(({ from, to, tier, format }) => ({
    start: (100 * from) / all,
    width: (100 * (to - from)) / all,
    tier,
    format,
    words: `${tokens(from, to)}: ${format}, ${tierName(tier)}`,
  }));
}

/** Where and how a sequence lies: `int8 60 %, f16 40 %`, and what is gone. */
export function sharesWords(
  tokensOfAll: number,
  parts: readonly SequencePart[],
  by: 'tier' | 'format',
): string {
  const all = Math.max(1, tokensOfAll);
  const sums = new Map<string, number>();
  for (const part of parts) {
    const name = by === 'tier' ? tierName(part.tier) : part.format;
    sums.set(name, (sums.get(name) ?? 0) + part.to - part.from);
  }
  const held = [...sums.values()].reduce((sum, count) => sum + count, 0);
  const words = [...sums].map(([name, count]) =>
    count === all ? name : `${name} ${formatValue(count / all, 'share')}`,
  );
  const gone = all - held;
  if (by === 'tier' && gone > 0 && tokensOfAll > 0) words.push(`evicted ${formatValue(gone / all, 'share')}`);
  return words.length === 0 ? 'nothing' : words.join(', ');
}
