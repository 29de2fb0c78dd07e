/** What only one kind of run has to tell: measurements of a check, caches of a quality run, plans of an autopilot, a watch. */
import { formatInterval, formatNumber, formatValue } from '../../charts/format.ts';
import { qualityRows } from '../../core/metrics/quality/rows.ts';
import type { AutopilotRun } from '../../core/run/autopilot.ts';
import type { ImportedRun } from '../../core/run/imported.ts';
import type { Telemetry, WatchRun } from '../../core/run/load.ts';
import type { CheckRun, QualityRun, Run } from '../../core/run/schema.ts';
import { section, type ReportPart } from './parts.ts';

const MOST_ROWS = 60;
const or = (value: number | null, unit: string): string => (value === null ? '–' : formatValue(value, unit));

function checkParts({ measurements }: CheckRun): ReportPart[] {
  const rows = measurements.map(({ label, value, unit, note }) => [label, or(value, unit), note]);
  return section('Measurements', [{ kind: 'table', head: ['', 'Value', 'How'], rows }]);
}

function qualityParts(run: QualityRun): ReportPart[] {
  const rows = qualityRows(run).map((row) => {
    const bounds = row.interval.klDivergence;
    return [
      `K ${row.kFormat}, V ${row.vFormat}${row.policy === 'none' ? '' : `, ${row.policy} ${row.budget ?? ''}`}`,
      or(row.heldBytesPerToken, 'bytes'),
      or(row.perplexity, ''),
      or(row.klDivergence, ''),
      bounds === null ? '' : formatInterval(bounds[0], bounds[1], ''),
      or(row.top1Agreement, 'share'),
      row.reason ?? row.status,
    ];
  });
  const head = [
    'Cache',
    'Bytes a token',
    'Perplexity',
    'KL divergence',
    '95 % interval',
    'Same top token',
    '',
  ];
  return section('Quality', [{ kind: 'table', head, rows }]);
}

function autopilotParts(run: AutopilotRun): ReportPart[] {
  const share = (value: number | null): string => or(value, 'share');
  const plans = run.plans
    .slice(0, MOST_ROWS)
    .map((plan) => [
      plan.planId,
      plan.status,
      `${plan.actionsCompleted} of ${plan.actionsTotal}`,
      share(plan.kvUseBefore),
      share(plan.kvUseAfter),
      or(plan.qualityDelta, ''),
      plan.rollbackReason ?? plan.cause,
    ]);
  const sides = [run.with, ...(run.without === null ? [] : [run.without])];
  const counters = (
    [
      ['Tokens evicted', 'tokensEvicted'],
      ['Tokens quantized', 'tokensQuantized'],
      ['Tokens offloaded', 'tokensOffloaded'],
      ['Tokens fetched', 'tokensFetched'],
      ['Prefix hits', 'reuseHits'],
      ['Prefix misses', 'reuseMisses'],
      ['Applies', 'applies'],
      ['Rollbacks', 'rollbacks'],
    ] as const
  ).map(([name, key]) => [name, ...sides.map(({ counters }) => formatNumber(counters[key]))]);
  return [
    ...section('Actions', [
      {
        kind: 'table',
        head: ['', 'With the autopilot', ...(run.without ? ['Without'] : [])],
        rows: counters,
      },
    ]),
    ...section('Plans', [
      plans.length === 0
        ? { kind: 'text', text: 'No plan was made.' }
        : {
            kind: 'table',
            head: ['Plan', 'Status', 'Actions', 'KV use before', 'after', 'Quality delta', 'Why'],
            rows: plans,
          },
      ...(run.plans.length > MOST_ROWS
        ? [{ kind: 'text', text: `${run.plans.length - MOST_ROWS} more plans are in the run.` } as const]
        : []),
    ]),
  ];
}

type Gauge = 'running' | 'waiting' | 'kvUsage' | 'ttftMs' | 'itlMs' | 'e2eMs' | 'queueMs';
type Counter = 'prefixLookups' | 'prefixHits' | 'preemptions' | 'promptTokens' | 'outputTokens';

const GAUGES: readonly (readonly [string, Gauge, string])[] = [
  ['Running', 'running', ''],
  ['Waiting', 'waiting', ''],
  ['KV use', 'kvUsage', 'share'],
  ['TTFT, mean since the start', 'ttftMs', 'ms'],
  ['ITL, mean since the start', 'itlMs', 'ms'],
  ['E2E, mean since the start', 'e2eMs', 'ms'],
  ['Queue, mean since the start', 'queueMs', 'ms'],
];
const COUNTERS: readonly (readonly [string, Counter])[] = [
  ['Prefix lookups', 'prefixLookups'],
  ['Prefix hits', 'prefixHits'],
  ['Preemptions', 'preemptions'],
  ['Prompt tokens', 'promptTokens'],
  ['Output tokens', 'outputTokens'],
];

function meanOf(samples: readonly Telemetry[], name: Gauge): number | null {
  const values = samples.flatMap((sample) => sample[name] ?? []);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What a counter grew by; null where it is missing or the server was started anew in between. */
export function grown(samples: readonly Telemetry[], name: Counter): number | null {
  const values = samples.flatMap((sample) => sample[name] ?? []);
  const [first, last] = [values[0], values.at(-1)];
  return first === undefined || last === undefined || values.length < 2 || last < first ? null : last - first;
}

/** A watch beside another, or its first half beside its second. */
function watchParts(run: WatchRun, baseline: Run | null): ReportPart[] {
  const half = Math.floor(run.samples.length / 2);
  const other = baseline?.kind === 'watch' ? baseline.samples : null;
  // The halves share the sample between them, so that no growth of a counter is lost.
  const [before, after] = other
    ? [other, run.samples]
    : [run.samples.slice(0, half + 1), run.samples.slice(half)];
  const gauges = GAUGES.map(([name, key, unit]) => [
    name,
    or(meanOf(before, key), unit),
    or(meanOf(after, key), unit),
  ]);
  const counters = COUNTERS.map(([name, key]) => [
    `${name}, grown by`,
    or(grown(before, key), ''),
    or(grown(after, key), ''),
  ]);
  const rows = [...gauges, ...counters].filter((row) => row.slice(1).some((text) => text !== '–'));
  const head = other ? ['', 'Before', 'After'] : ['', 'First half', 'Second half'];
  return section('Before and after', [
    { kind: 'table', head, rows },
    {
      kind: 'text',
      text: `${run.samples.length} samples. A server’s own means are since it was started, so they move slowly.`,
    },
  ]);
}

function importedParts({ points }: ImportedRun): ReportPart[] {
  const head = ['', 'Requests', 'TTFT p50', 'TTFT p99', 'TPOT p50', 'TPOT p99', 'E2E p50', 'Output'];
  const rows = points
    .slice(0, MOST_ROWS)
    .map((point) => [
      point.label,
      or(point.requests.finished, ''),
      or(point.ttftMs.p50, 'ms'),
      or(point.ttftMs.p99, 'ms'),
      or(point.tpotMs.p50, 'ms'),
      or(point.tpotMs.p99, 'ms'),
      or(point.e2eMs.p50, 'ms'),
      or(point.outputTokensPerSecond, 'tok/s'),
    ]);
  const translated = [...new Set(points.flatMap((point) => point.translated))];
  return [
    ...section('Results', [{ kind: 'table', head, rows }]),
    ...section(
      'What became of its figures',
      translated.length === 0 ? [] : [{ kind: 'list', items: translated }],
    ),
  ];
}

export function kindParts(run: Run, baseline: Run | null): ReportPart[] {
  switch (run.kind) {
    case 'check':
      return checkParts(run);
    case 'quality':
      return qualityParts(run);
    case 'autopilot':
      return autopilotParts(run);
    case 'watch':
      return watchParts(run, baseline);
    case 'imported':
      return importedParts(run);
    case 'lab':
    case 'simulate':
    case 'serve':
    case 'load':
    case 'plan':
    case 'tune':
      return [];
    default:
      return run satisfies never;
  }
}
