/** What `kvlab autopilot` answers, as JSON or as tables for people: both sides, the plans and the log without its looks. */
import type { AutopilotRun, AutopilotSide, PlanState } from '../autopilot/index.ts';
import { table } from './tables.ts';

function highest(values: readonly (number | null)[]): number {
  return values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

function sideAnswer({ summary, series, counters }: AutopilotSide) {
  return {
    peakKvUse: highest(series.kvUse),
    peakHostBytes: highest(series.hostBytes),
    finished: summary?.finished ?? 0,
    preemptions: summary?.preemptions ?? 0,
    recomputedTokens: summary?.recomputedTokens ?? 0,
    attainment: summary?.attainment ?? null,
    goodput: summary?.goodput ?? null,
    outputTokensPerSecond: summary?.outputTokensPerSecond ?? 0,
    p99TtftMs: summary?.ttftMs?.p99 ?? null,
    p95E2eMs: summary?.e2eMs?.p95 ?? null,
    meanTpotMs: summary?.tpotMs?.mean ?? null,
    durationMs: summary?.durationMs ?? 0,
    counters,
  };
}

function counted(plans: readonly PlanState[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of plans) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

export function answerOf(run: AutopilotRun, wallSeconds: number) {
  return {
    title: run.title,
    origin: run.origin,
    complete: run.complete,
    dryRun: run.scenario.dryRun,
    with: sideAnswer(run.with),
    without: run.without === null ? null : sideAnswer(run.without),
    plans: run.plans,
    planCounts: counted(run.plans),
    /** Without the looks; run.json has all of it. */
    log: run.log.filter(({ kind }) => kind !== 'telemetry'),
    sequences: run.sequences,
    limits: run.limits,
    policy: run.scenario.policy,
    notes: run.notes,
    wallSeconds,
  };
}

type Answer = ReturnType<typeof answerOf>;
type SideAnswer = Answer['with'];

const percent = (share: number | null): string => (share === null ? '—' : `${(100 * share).toFixed(1)} %`);
const milliseconds = (ms: number | null): string => (ms === null ? '—' : `${Number(ms.toPrecision(4))} ms`);

const ROWS: readonly (readonly [string, (side: SideAnswer) => string])[] = [
  ['highest KV use', ({ peakKvUse }) => percent(peakKvUse)],
  ['preemptions', ({ preemptions }) => String(preemptions)],
  ['tokens computed again', ({ recomputedTokens }) => String(recomputedTokens)],
  ['requests within the objectives', ({ attainment }) => percent(attainment)],
  ['p99 TTFT', ({ p99TtftMs }) => milliseconds(p99TtftMs)],
  ['mean TPOT', ({ meanTpotMs }) => milliseconds(meanTpotMs)],
  ['p95 E2E', ({ p95E2eMs }) => milliseconds(p95E2eMs)],
  ['output', ({ outputTokensPerSecond }) => `${Number(outputTokensPerSecond.toPrecision(4))} tok/s`],
  ['tokens quantized', ({ counters }) => String(counters.tokensQuantized)],
  ['tokens evicted', ({ counters }) => String(counters.tokensEvicted)],
  ['tokens offloaded', ({ counters }) => String(counters.tokensOffloaded)],
];

/** Plans that a person is shown; all are in --json. */
const SHOWN_PLANS = 12;

function plansText({ plans, log }: Pick<Answer, 'plans' | 'log'>): string {
  if (plans.length === 0) {
    const why = new Set(log.flatMap(({ kind, sentence }) => (kind === 'idle' ? [sentence] : [])));
    return ['No plan was made.', ...why].map((line) => `${line}\n`).join('');
  }
  const rows = plans
    .slice(0, SHOWN_PLANS)
    .map(
      ({ planId, status, atMs, actionsCompleted, actionsTotal, kvUseBefore, kvUseAfter, rollbackReason }) => [
        planId,
        `${(atMs / 1000).toFixed(1)} s`,
        status,
        `${actionsCompleted} of ${actionsTotal}`,
        `${percent(kvUseBefore)} → ${percent(kvUseAfter)}`,
        rollbackReason ?? '',
      ],
    );
  const more = plans.length - rows.length;
  return `${table(rows)}${more > 0 ? `and ${more} more\n` : ''}`;
}

export function textOf(answer: Answer): string {
  const { without } = answer;
  const head = ['', 'with', ...(without ? ['without'] : [])];
  const rows = ROWS.map(([name, show]) => [name, show(answer.with), ...(without ? [show(without)] : [])]);
  return [
    `${answer.title}${answer.dryRun ? ' (dry run: nothing was touched)' : ''}\n\n`,
    table([head, ...rows]),
    '\n',
    plansText(answer),
    ...answer.notes.map((note) => `${note}\n`),
  ].join('');
}
