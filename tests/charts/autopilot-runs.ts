/** A run of an autopilot as it would come: one plan kept, one rolled back, one stopped; with and without. */
import { DEFAULT_AUTOPILOT } from '../../src/core/scenario/autopilot/defaults.ts';
import type {
  AutopilotCounters,
  AutopilotRun,
  AutopilotSeries,
  AutopilotSide,
  PlanState,
} from '../../src/core/run/autopilot.ts';
import { RUN_VERSION } from '../../src/core/run/version.ts';

const LOOKS = 40;
const NO_COUNTERS: AutopilotCounters = {
  tokensEvicted: 0,
  tokensQuantized: 0,
  tokensOffloaded: 0,
  tokensFetched: 0,
  reuseHits: 0,
  reuseMisses: 0,
  applies: 0,
  rollbacks: 0,
};

function series(
  read: (look: number) => Partial<Record<keyof AutopilotSeries, number | null>>,
): AutopilotSeries {
  const looks = Array.from({ length: LOOKS }, (_, look) => read(look));
  const column = (name: keyof AutopilotSeries) => looks.map((look) => look[name] ?? null);
  return {
    timeMs: looks.map((_, look) => 500 * look),
    kvUse: column('kvUse'),
    hostBytes: column('hostBytes'),
    running: column('running'),
    waiting: column('waiting'),
    preemptions: column('preemptions'),
    p95Ms: column('p95Ms'),
    ttftP95Ms: column('ttftP95Ms'),
    outputTokensPerSecond: column('outputTokensPerSecond'),
  };
}

const side = (of: AutopilotSeries, counters: Partial<AutopilotCounters> = {}): AutopilotSide => ({
  series: of,
  summary: null,
  counters: { ...NO_COUNTERS, ...counters },
});

const steered = series((look) => ({
  kvUse: Math.min(0.85, 0.3 + 0.03 * look),
  hostBytes: look > 20 ? 2e9 : 0,
  running: 4 + Math.floor(look / 4),
  waiting: 0,
  preemptions: 0,
  p95Ms: look < 4 ? null : 900 + 10 * look,
  ttftP95Ms: look < 2 ? null : 120,
  outputTokensPerSecond: 400 + 5 * look,
}));

const left = series((look) => ({
  kvUse: Math.min(1, 0.3 + 0.03 * look),
  hostBytes: 0,
  running: 4 + Math.floor(look / 4),
  waiting: look > 25 ? look - 25 : 0,
  preemptions: look > 25 ? look - 25 : 0,
  p95Ms: look < 4 ? null : 900 + 80 * look,
  ttftP95Ms: look < 2 ? null : 120 + 40 * look,
  outputTokensPerSecond: 400,
}));

const plan = (own: Partial<PlanState> & Pick<PlanState, 'planId' | 'atMs'>): PlanState => ({
  status: 'completed',
  cause: 'KV use is 88 %, above the target of 85 %.',
  actions: [
    {
      action: { kind: 'quantize', sequence: 'r3', from: 0, to: 4096, format: 'int8' },
      freesBytes: 2 ** 29,
      risk: 2048,
      riskOrigin: 'assumed',
      reason: 'Coldest tokens of the longest sequence.',
    },
    {
      action: { kind: 'offload', sequence: 'r5', from: 0, to: 2048, tier: 'host' },
      freesBytes: 2 ** 28,
      risk: 1638.4,
      riskOrigin: 'measured',
      reason: 'Last used 4 s ago.',
    },
  ],
  actionsCompleted: 2,
  actionsTotal: 2,
  kvUseBefore: 0.88,
  kvUseAfter: 0.82,
  qualityDelta: 0.01,
  qualityUpper: 0.03,
  rollbackReason: null,
  guard: { plans: 1, successRate: 1, rollbackRate: 0 },
  ...own,
});

export function autopilotRun(own: Partial<AutopilotRun> = {}): AutopilotRun {
  return {
    version: RUN_VERSION,
    kind: 'autopilot',
    id: 'autopilot-1',
    title: 'A rising load',
    createdAt: '2026-01-02T03:04:05.000Z',
    origin: 'simulated',
    appVersion: 'test',
    command: null,
    environment: null,
    scenario: { ...DEFAULT_AUTOPILOT, title: 'A rising load' },
    with: side(steered, { tokensQuantized: 4096, tokensOffloaded: 2048, applies: 3, rollbacks: 1 }),
    without: side(left),
    plans: [
      plan({ planId: 'plan-1', atMs: 8000 }),
      plan({
        planId: 'plan-2',
        atMs: 12_000,
        status: 'rolledBack',
        kvUseAfter: 0.88,
        qualityDelta: 0.4,
        qualityUpper: 0.6,
        rollbackReason: 'Quality lost 0.4 on the shadow, more than 0.05.',
        guard: { plans: 2, successRate: 0.5, rollbackRate: 0.5 },
      }),
      plan({ planId: 'plan-3', atMs: 16_000, status: 'cancelled', actionsCompleted: 1, kvUseAfter: null }),
    ],
    log: [
      entry(0, 8000, 'plan', 'plan-1', 'Planned 2 actions.'),
      entry(1, 8100, 'shadow', 'plan-1', 'Tried on 1 sequence.'),
      entry(2, 8200, 'apply', 'plan-1', 'Applied 1 of 2.', 'a1b2'),
      entry(3, 9200, 'keep', 'plan-1', 'Kept.'),
      entry(4, 12_500, 'rollback', 'plan-2', 'Rolled back: quality.', 'a1b2'),
    ],
    sequences: [
      {
        name: 'r3',
        tokens: 6000,
        bytes: 6e8,
        gpuBytes: 5e8,
        phase: 'running',
        lastUsedMs: 19_500,
        uses: 40,
        pinned: false,
        parts: [
          { from: 0, to: 4096, tier: 'hbm', format: 'int8' },
          { from: 4096, to: 6000, tier: 'hbm', format: 'f16' },
        ],
      },
      {
        name: 'r5',
        tokens: 4000,
        bytes: 5e8,
        gpuBytes: 2e8,
        phase: 'waiting',
        lastUsedMs: 15_000,
        uses: 12,
        pinned: true,
        parts: [
          { from: 0, to: 2048, tier: 'host', format: 'f16' },
          { from: 3000, to: 4000, tier: 'hbm', format: 'f16' },
        ],
      },
    ],
    limits: { maxSequences: 64, tokenBudget: 2048, admissionBelowUse: 1, prefixCacheBlocks: null },
    notes: [],
    complete: true,
    ...own,
  };
}

function entry(
  sequence: number,
  atMs: number,
  kind: AutopilotRun['log'][number]['kind'],
  planId: string,
  sentence: string,
  state: string | null = null,
): AutopilotRun['log'][number] {
  return { sequence, atMs, kind, planId, sentence, actions: [], state };
}
