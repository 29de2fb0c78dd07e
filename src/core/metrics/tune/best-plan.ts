/** What a tuning came to, as a document of its own: the best settings, how sure that is, and what to fall back on. */
import { adapterName } from '../../run/adapter-name.ts';
import { BEST_PLAN_VERSION, type BestPlan, type Fallback } from '../../run/best-plan.ts';
import type { TuneRow, TuneRun } from '../../run/tune.ts';
import { resolveTuning } from '../../scenario/tune/resolved.ts';
import type { TuneSettings } from '../../scenario/tune/schema.ts';

type Measured = TuneRow & {
  readonly score: NonNullable<TuneRow['score']>;
  readonly metrics: NonNullable<TuneRow['metrics']>;
  readonly gains: NonNullable<TuneRow['gains']>;
};

function isMeasured(row: TuneRow | undefined): row is Measured {
  return row !== undefined && row.score !== null && row.metrics !== null && row.gains !== null;
}

/** Memory of a device above which its next request may not fit. */
const MEMORY_ABOVE = 0.9;
/** A fallback must give at least this much more. */
const WORTH_IT = 1.02;
/** Times the plan's own TTFT: beyond it something is not as when it was tuned. */
const TTFT_SLACK = 1.5;

function percent(ratio: number): string {
  return `${Math.round(100 * Math.abs(1 - ratio))} % ${ratio < 1 ? 'less' : 'more'}`;
}

function byScore(a: Measured, b: Measured): number {
  return b.score.value - a.score.value;
}

function fallbackTo(
  when: Fallback['when'],
  found: Measured | undefined,
  winner: Measured,
  none: string,
): Fallback {
  if (found === undefined) return { when, use: null, reason: none };
  const memory = winner.gains.memory / found.gains.memory;
  const ttft = winner.gains.ttft / found.gains.ttft;
  const throughput = found.gains.throughput / winner.gains.throughput;
  return {
    when,
    use: found.settings,
    reason:
      `${found.label}: ${percent(memory)} memory, ${percent(ttft)} time to the first token, ${percent(throughput)} throughput than the plan.`.slice(
        0,
        400,
      ),
  };
}

/** Among what was measured, cells apart: all are compared with the baseline of their own cells. */
function fallbacksOf(rows: readonly Measured[], winner: Measured): Fallback[] {
  const others = rows.filter((row) => row !== winner);
  const leaner = others.filter(({ gains }) => gains.memory >= WORTH_IT * winner.gains.memory);
  const leanest = leaner.toSorted((a, b) => b.gains.memory - a.gains.memory || byScore(a, b))[0];
  const quickest = others
    .filter(({ gains }) => gains.ttft >= WORTH_IT * winner.gains.ttft)
    .toSorted((a, b) => b.gains.ttft - a.gains.ttft || byScore(a, b))[0];
  const noLeaner = 'Nothing that was measured takes less memory than the plan.';
  return [
    fallbackTo({ memoryAbove: MEMORY_ABOVE }, leaner.toSorted(byScore)[0], winner, noLeaner),
    fallbackTo({ memoryConstrained: true }, leanest, winner, noLeaner),
    fallbackTo(
      { ttftAboveMs: Math.ceil(TTFT_SLACK * winner.metrics.ttftMs) },
      quickest,
      winner,
      'Nothing that was measured has its first token sooner than the plan.',
    ),
  ];
}

/** Null before anything was measured. */
export function bestPlanOf(run: TuneRun): BestPlan | null {
  const rows = run.rows.filter(isMeasured);
  const winner = run.rows[run.ranking[0] ?? -1];
  const baseline = run.rows.find(({ isBaseline }) => isBaseline);
  if (!isMeasured(winner) || !isMeasured(baseline)) return null;
  const { models, profile } = resolveTuning(run.scenario);
  const { hardware } = run.scenario;
  const { environment } = run;
  const onServer = run.scenario.executor === 'endpoint';
  return {
    version: BEST_PLAN_VERSION,
    kind: 'best-plan',
    models: [...models],
    profile: {
      name: profile.name,
      contexts: [...profile.contexts],
      outputs: [...profile.outputs],
      weights: profile.weights,
    },
    config: winner.settings,
    label: winner.label,
    baseline: baseline.settings,
    metrics: {
      score: winner.score,
      best: winner.metrics,
      baseline: baseline.metrics,
      gains: winner.gains,
      measurements: winner.measurements,
    },
    confidence: run.confidence,
    environment: {
      executor: run.scenario.executor,
      origin: run.origin,
      device: onServer
        ? 'a real server'
        : environment === null
          ? hardware.gpu
          : adapterName(environment.adapter),
      runtime: onServer ? 'over HTTP' : (environment?.runtime ?? 'simulated'),
      gpu: hardware.gpu,
      tensorParallel: hardware.tensorParallel,
      memoryUtilization: hardware.memoryUtilization,
      appVersion: run.appVersion,
    },
    fallbacks: fallbacksOf(rows, winner),
    run: { id: run.id, createdAt: run.createdAt, command: run.command },
  };
}

/** What an engine may use in the moment: the plan, or the fallback for what is wrong. Checked in the order of the plan. */
export function settingsFor(
  plan: BestPlan,
  state: { readonly memoryShare?: number; readonly memoryConstrained?: boolean; readonly ttftMs?: number },
): TuneSettings {
  const applies = ({ when }: Fallback): boolean => {
    if ('memoryAbove' in when) return (state.memoryShare ?? 0) > when.memoryAbove;
    if ('memoryConstrained' in when) return state.memoryConstrained === true;
    return (state.ttftMs ?? 0) > when.ttftAboveMs;
  };
  return plan.fallbacks.find((fallback) => fallback.use !== null && applies(fallback))?.use ?? plan.config;
}
