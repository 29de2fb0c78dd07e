/** The planner of actions: it reaches the target with the least expected loss, stops there, and counts no byte twice. */
import { describe, expect, test } from 'vitest';
import { planActions, viewOf, type Plan, type PlanView } from '../../src/autopilot/planner/index.ts';
import { DEFAULT_POLICY, type AutopilotPolicy } from '../../src/core/scenario/autopilot/policy.ts';
import type { KvAction } from '../../src/core/scenario/autopilot/action.ts';
import { createRandom } from '../../src/core/random.ts';
import { DoublePlant, type DoubleOptions } from './double.ts';

const POLICY: AutopilotPolicy = {
  ...DEFAULT_POLICY,
  keepRecentTokens: 0,
  latencyP95Ms: null,
  priority: 'low',
};

const TWO: DoubleOptions = {
  sequences: [
    { name: 'old', tokens: 1024, lastUsedMs: 0 },
    { name: 'new', tokens: 1024, lastUsedMs: 900 },
  ],
  budgetTokens: 2048,
  hostTokens: 4096,
};

function viewAt(plant: DoublePlant, nowMs = 1000): PlanView {
  plant.nowMs = nowMs;
  return viewOf(plant, plant.limits());
}

function planOn(options: DoubleOptions, policy: Partial<AutopilotPolicy> = {}): Plan {
  return planActions(viewAt(new DoublePlant(options)), { ...POLICY, ...policy });
}

function freed({ actions }: Plan): number {
  return actions.reduce((sum, { freesBytes }) => sum + freesBytes, 0);
}

describe('a plan for memory', () => {
  test('nothing is planned at the target or below', () => {
    const plan = planOn({ ...TWO, budgetTokens: 2410 });
    expect(plan).toMatchObject({ actions: [], reaches: true, causeKind: 'none' });
    expect(plan.sentence).toContain('nothing to do');
  });

  test('stops at the target: one block less would not reach it', () => {
    for (const target of [0.95, 0.9, 0.8, 0.7]) {
      const plan = planOn(TWO, { kvUseTarget: target, actionPriority: ['evict'] });
      const need = 2048 * 16 * (1 - target);
      expect(plan.reaches).toBe(true);
      expect(freed(plan)).toBeGreaterThanOrEqual(need);
      expect(freed(plan)).toBeLessThan(need + 16 * 16);
    }
  });

  test('a worked example: the oldest tokens of the least recently used sequence, in int8', () => {
    const plan = planOn(TWO, { kvUseTarget: 0.9, actionPriority: ['quantize'] });
    // 2048 · 16 B · 10 % = 3276.8 B must go; int8 frees 8 B a token: 409.6 tokens, 416 in whole blocks.
    expect(plan.actions.map(({ action }) => action)).toEqual([
      { kind: 'quantize', sequence: 'old', from: 0, to: 416, format: 'int8' },
    ]);
    expect(plan.actions[0]).toMatchObject({ freesBytes: 3328, risk: 416 * 0.25, riskOrigin: 'assumed' });
    expect(plan.cause).toBe('KV use is 100 % of the budget; the target is 90 %.');
    expect(plan.sentence).toContain('brings the KV use to 89.8 %');
  });

  test('a stronger format never looks safer, and is taken only where the weaker does not reach', () => {
    const near = planOn(TWO, { kvUseTarget: 0.6, actionPriority: ['quantize'] });
    expect(near.actions.every(({ action }) => action.kind === 'quantize' && action.format === 'int8')).toBe(
      true,
    );
    const far = planOn(TWO, { kvUseTarget: 0.4, actionPriority: ['quantize'] });
    const formats = new Set(
      far.actions.map(({ action }) => (action.kind === 'quantize' ? action.format : '')),
    );
    expect(formats).toEqual(new Set(['int8', 'int4']));
    expect(far.reaches).toBe(true);
    const risk = (format: string) => {
      const found = far.actions.find(({ action }) => action.kind === 'quantize' && action.format === format);
      return (found?.risk ?? 0) / (found && 'from' in found.action ? found.action.to - found.action.from : 1);
    };
    expect(risk('int4')).toBeGreaterThan(risk('int8'));
  });

  test('the same view gives the same plan, to the byte', () => {
    const options = { ...TWO, sequences: [...TWO.sequences, { name: 'third', tokens: 700 }] };
    const text = () => JSON.stringify(planOn(options, { kvUseTarget: 0.4 }));
    expect(text()).toBe(text());
  });

  test('room is made for what comes while the plan is carried out, unless the priority is low', () => {
    const view = { ...viewAt(new DoublePlant({ ...TWO, budgetTokens: 2500 })), growthBytes: 0.1 * 2500 * 16 };
    const need = (priority: AutopilotPolicy['priority'], growthBytes = view.growthBytes) =>
      freed(planActions({ ...view, growthBytes }, { ...POLICY, priority, actionPriority: ['evict'] }));
    // 81.9 % are in use: within the target, and above what medium keeps with 10 % more to come.
    expect(need('low')).toBe(0);
    expect(need('medium')).toBeGreaterThanOrEqual(16 * (2048 + 250 - 0.83 * 2500));
    expect(need('medium', 0)).toBe(0);
    expect(planActions(view, { ...POLICY, priority: 'medium' }).cause).toContain(
      '10 % more comes while a plan is carried out',
    );
  });

  test('a measured risk takes the place of the assumed one', () => {
    const plant = new DoublePlant(TWO);
    const measured = new Map([['quantize int8', 5]]);
    const plan = planActions(
      { ...viewAt(plant), measured },
      { ...POLICY, quantizationScales: [0.5], actionPriority: ['quantize', 'evict'] },
    );
    expect(plan.actions.map(({ action }) => action.kind)).toEqual(['evict']);
    const only = planActions(
      { ...viewAt(plant), measured },
      { ...POLICY, quantizationScales: [0.5], actionPriority: ['quantize'] },
    );
    expect(only.actions[0]).toMatchObject({ riskOrigin: 'measured' });
  });

  test('what was put aside after a rollback is not planned, and the sentence says so', () => {
    const view = { ...viewAt(new DoublePlant(TWO)), barred: new Set(['quantize int8', 'quantize int4']) };
    const plan = planActions(view, { ...POLICY, actionPriority: ['quantize'] });
    expect(plan).toMatchObject({ actions: [], reaches: false });
    expect(plan.sentence).toContain('put aside after a rollback: quantize int8, quantize int4');
  });

  test('formats never compound: a range that is int8 already is not made int8 again', () => {
    const plant = new DoublePlant(TWO);
    plant.book.apply({ kind: 'quantize', sequence: 'old', from: 0, to: 1024, format: 'int8' });
    plant.book.apply({ kind: 'quantize', sequence: 'new', from: 0, to: 1024, format: 'int8' });
    const plan = planActions(viewAt(plant), { ...POLICY, kvUseTarget: 0.4, actionPriority: ['quantize'] });
    expect(plan.reaches).toBe(true);
    expect(plan.actions.every(({ action }) => action.kind === 'quantize' && action.format === 'int4')).toBe(
      true,
    );
    expect(freed(plan)).toBeLessThan(2048 * 16 * 0.1 + 16 * 16);
  });

  test('eviction leaves the first block, which every later token looks at', () => {
    const plan = planOn(TWO, { kvUseTarget: 0.05, actionPriority: ['evict'] });
    expect(plan.actions.map(({ action }) => action)).toEqual([
      { kind: 'evict', sequence: 'old', from: 16, to: 1024 },
      { kind: 'evict', sequence: 'new', from: 16, to: expect.any(Number) },
    ]);
  });

  test('ranges begin and end at blocks of the plant', () => {
    const plan = planOn({ ...TWO, blockTokens: 48 }, { kvUseTarget: 0.7, actionPriority: ['offload'] });
    for (const { action } of plan.actions) {
      if (!('from' in action)) continue;
      expect([action.from % 48, action.to % 48]).toEqual([0, 0]);
    }
  });

  test('where offload would risk least and finds no room, the others take its place', () => {
    const riskWeights = { evict: 1, offload: 0.1, quantize: 0.9 };
    const plan = planOn(
      { ...TWO, hostTokens: 256 },
      { kvUseTarget: 0.6, riskWeights, actionPriority: ['offload', 'quantize', 'evict'] },
    );
    expect(plan.reaches).toBe(true);
    const kinds = new Set(plan.actions.map(({ action }) => action.kind));
    expect(kinds).toEqual(new Set(['offload', 'quantize']));
  });

  test('offload keeps to what the link can read back in each step without slowing it too much', () => {
    // 8 tokens a second of 2 sequences: 250 ms a token, of which a quarter may be spent reading: 62.5 ms · 0.1 kB/ms.
    const busy = { ...TWO, service: () => ({ outputTokensPerSecond: 8, running: 2 }) };
    const view = { ...viewAt(new DoublePlant(busy)), linkGBps: 0.0001 };
    const policy: AutopilotPolicy = {
      ...POLICY,
      kvUseTarget: 0.5,
      maxLatencyRatio: 1.25,
      watchMs: 1e6,
      actionPriority: ['offload'],
    };
    const moved = freed(planActions(view, policy));
    expect(moved).toBeLessThanOrEqual(6250);
    expect(moved).toBeGreaterThan(6250 - 64 * 16);
    expect(freed(planActions(view, { ...policy, maxLatencyRatio: 1.5 }))).toBeGreaterThan(10_000);
  });

  test('a tier that is full is passed over for the next', () => {
    const options = { ...TWO, hostTokens: 128 };
    const plan = planOn(options, { kvUseTarget: 0.7, actionPriority: ['offload'] });
    expect(plan.reaches).toBe(false);
    expect(freed(plan)).toBeLessThanOrEqual(128 * 16);
    expect(plan.sentence).toContain('is not reached');
  });
});

describe('an empty or impossible plan says so', () => {
  test.each<[string, DoubleOptions, Partial<AutopilotPolicy>, string]>([
    [
      'no sequences',
      { sequences: [], budgetTokens: 1, service: () => ({ kvUse: 1, kvBytes: 16 }) },
      {},
      'no sequence holds any KV',
    ],
    [
      'all pinned',
      { ...TWO, sequences: TWO.sequences.map((s) => ({ ...s, pinned: true })) },
      {},
      '2 of 2 sequences are pinned',
    ],
    ['all recent', TWO, { keepRecentTokens: 4096 }, '2 of 2 sequences hold no more than keepRecentTokens'],
    ['all short', TWO, { minSequenceTokens: 2000 }, '2 of 2 sequences are shorter than minSequenceTokens'],
    [
      'no action for memory',
      TWO,
      { actionPriority: ['fetch'] },
      'all that the policy allows is done already',
    ],
    [
      'too few actions',
      TWO,
      { kvUseTarget: 0.3, maxActions: 1, actionPriority: ['evict'] },
      'maxActions is 1',
    ],
    ['too much kept', TWO, { kvUseTarget: 0.1, actionPriority: ['quantize'] }, 'is not reached'],
  ])('%s', (_, options, policy, words) => {
    const plan = planOn(options, policy);
    expect(plan.reaches).toBe(false);
    expect(plan.sentence).toContain(words);
    expect(plan.sentence).toMatch(/\.$/);
  });
});

describe('limits', () => {
  const busy = { service: () => ({ p95Ms: 5000, running: 40 }) };

  test('over the target of latency one limit is tightened, the first that the policy names', () => {
    const options = { ...TWO, budgetTokens: 4096, ...busy };
    const one = (actionPriority: AutopilotPolicy['actionPriority']) =>
      planOn(options, { latencyP95Ms: 2000, actionPriority }).actions.map(({ action }) => action);
    expect(one(['chunk', 'concurrency'])).toEqual([{ kind: 'chunk', tokenBudget: 1024 }]);
    expect(one(['concurrency', 'chunk'])).toEqual([{ kind: 'concurrency', maxSequences: 32 }]);
    const none = planOn(options, { latencyP95Ms: 2000, actionPriority: ['evict'] });
    expect(none.sentence).toContain('fetch, chunk and concurrency do');
  });

  test('over the target of latency a queue tightens no concurrency, and loosens a limit that makes it', () => {
    const service = () => ({ p95Ms: 5000, running: 4, waiting: 9 });
    const policy: AutopilotPolicy = { ...POLICY, latencyP95Ms: 2000, actionPriority: ['concurrency'] };
    const plant = new DoublePlant({ ...TWO, budgetTokens: 4096, service });
    const initial = plant.limits();
    plant.nowMs = 1000;
    const actions = () => planActions(viewOf(plant, initial), policy).actions.map(({ action }) => action);
    expect(actions()).toEqual([]);
    void plant.apply({ kind: 'concurrency', maxSequences: 4 });
    expect(actions()).toEqual([{ kind: 'concurrency', maxSequences: 5 }]);
  });

  test('far below the targets what was tightened is loosened, and what was offloaded comes back', () => {
    const plant = new DoublePlant({ ...TWO, budgetTokens: 8192 });
    const initial = plant.limits();
    void plant.apply({ kind: 'chunk', tokenBudget: 512 });
    void plant.apply({ kind: 'admission', belowUse: 0.5 });
    plant.book.apply({ kind: 'offload', sequence: 'old', from: 0, to: 512, tier: 'host' });
    plant.nowMs = 1000;
    const policy: AutopilotPolicy = { ...POLICY, actionPriority: ['fetch', 'chunk', 'admission'] };
    const plan = planActions(viewOf(plant, initial), policy);
    expect(plan.actions.map(({ action }) => action)).toEqual([
      { kind: 'fetch', sequence: 'old', from: 0, to: 512 },
      { kind: 'chunk', tokenBudget: 1024 },
      { kind: 'admission', belowUse: 1 },
    ]);
  });

  test('what does not reach the target keeps more from coming', () => {
    const plan = planOn(
      { ...TWO, service: () => ({ running: 10 }) },
      {
        kvUseTarget: 0.5,
        maxActions: 20,
        keepRecentTokens: 900,
        actionPriority: ['evict', 'admission', 'concurrency'],
      },
    );
    expect(plan.reaches).toBe(false);
    const kinds = plan.actions.map(({ action }) => action.kind);
    expect(kinds).toContain('admission');
    expect(plan.actions.find(({ action }) => action.kind === 'concurrency')?.action).toEqual({
      kind: 'concurrency',
      maxSequences: 5,
    });
  });
});

type Way = (sequence: string, tokens: number, scale: number) => { action: KvAction; risk: number } | null;

/** All ways to treat each sequence whole: the least risk that frees enough, by trying all. */
function leastRisk(view: PlanView, need: number, weights: AutopilotPolicy['riskWeights']): number {
  const quantize = (format: 'int8' | 'int4', smaller: number): Way => {
    return (sequence, to, scale) => ({
      action: { kind: 'quantize', sequence, from: 0, to, format },
      risk: to * weights.quantize * (scale - smaller),
    });
  };
  const ways: Way[] = [
    () => null,
    (sequence, to) => ({
      action: { kind: 'evict', sequence, from: 16, to },
      risk: (to - 16) * weights.evict,
    }),
    (sequence, to) => ({
      action: { kind: 'offload', sequence, from: 0, to, tier: 'host' },
      risk: to * weights.offload,
    }),
    quantize('int8', 0.5),
    quantize('int4', 0.25),
  ];
  let best = Infinity;
  const walk = (at: number, freedBytes: number, risk: number): void => {
    const state = view.sequences[at];
    if (!state) {
      if (freedBytes >= need) best = Math.min(best, risk);
      return;
    }
    const scale = state.parts[0]?.format === 'int8' ? 0.5 : 1;
    for (const way of ways) {
      const tried = way(state.name, state.tokens, scale);
      const priced = tried === null ? null : view.price(tried.action);
      if (tried === null) walk(at + 1, freedBytes, risk);
      else if (priced?.ok) walk(at + 1, freedBytes + priced.freesBytes, risk + tried.risk);
    }
  };
  walk(0, 0, 0);
  return best;
}

describe('over random caches', () => {
  test('no plan of whole sequences reaches the target at less risk', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed).fork('least');
      const sequences = Array.from({ length: 4 }, (_, i) => ({
        name: `s${i}`,
        tokens: 16 * (8 + random.below(64)),
      }));
      const tokens = sequences.reduce((sum, sequence) => sum + sequence.tokens, 0);
      const riskWeights = {
        evict: 0.2 + random.uniform(),
        offload: 0.2 + random.uniform(),
        quantize: 0.2 + random.uniform(),
      };
      const plant = new DoublePlant({ sequences, budgetTokens: tokens, hostTokens: 4 * tokens });
      const kvUseTarget = 0.3 + 0.6 * random.uniform();
      for (const { name, tokens: to } of sequences) {
        const action = { kind: 'quantize', sequence: name, from: 0, to, format: 'int8' } as const;
        if (random.below(3) === 0) plant.book.apply(action);
      }
      const view = viewAt(plant);
      const plan = planActions(view, { ...POLICY, riskWeights, kvUseTarget, maxActions: 100 });
      expect(plan.reaches, plan.sentence).toBe(true);
      const risk = plan.actions.reduce((sum, action) => sum + action.risk, 0);
      // Two blocks: one by which the last action may be too long, one that eviction leaves.
      const slack = 32 * Math.max(...Object.values(riskWeights));
      const need = view.telemetry.kvBytes - 16 * tokens * kvUseTarget;
      const least = need <= 0 ? 0 : leastRisk(view, need, riskWeights);
      expect(risk, `seed ${seed}`).toBeLessThanOrEqual(least + slack);
    }
  });

  test('ranges never overlap, keep to the policy, and free what they say', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = createRandom(seed).fork('ranges');
      const sequences = Array.from({ length: 1 + random.below(12) }, (_, i) => ({
        name: `s${i}`,
        tokens: 1 + random.below(2000),
        pinned: random.below(5) === 0,
        lastUsedMs: random.below(1000),
        uses: 1 + random.below(50),
      }));
      const tokens = sequences.reduce((sum, sequence) => sum + sequence.tokens, 0);
      const plant = new DoublePlant({
        sequences,
        budgetTokens: tokens,
        hostTokens: random.below(tokens) + 1,
      });
      const policy: AutopilotPolicy = {
        ...POLICY,
        kvUseTarget: 0.1 + 0.9 * random.uniform(),
        keepRecentTokens: random.below(300),
        maxActions: 1 + random.below(20),
        minSequenceTokens: random.below(400),
        eviction:
          ['lru', 'lfu', 'position', '-position', 'age / frequency', 'suffix'][random.below(6)] ?? 'lru',
        riskWeights: { evict: random.uniform(), offload: random.uniform(), quantize: random.uniform() },
      };
      const before = plant.telemetry();
      const plan = planActions(viewAt(plant), policy);
      expect(plan.actions.length).toBeLessThanOrEqual(policy.maxActions);
      const touched = new Map<string, [number, number][]>();
      for (const { action, freesBytes } of plan.actions) {
        if (!('from' in action)) throw new Error('only ranges are asked for');
        const sequence = sequences.find(({ name }) => name === action.sequence);
        expect(sequence?.pinned).toBe(false);
        expect(sequence?.tokens).toBeGreaterThanOrEqual(policy.minSequenceTokens);
        expect(action.to).toBeLessThanOrEqual((sequence?.tokens ?? 0) - policy.keepRecentTokens);
        const ranges = touched.get(action.sequence) ?? [];
        for (const [from, to] of ranges) expect(action.to <= from || action.from >= to).toBe(true);
        touched.set(action.sequence, [...ranges, [action.from, action.to]]);
        const { freedBytes } = await plant.apply(action);
        expect(freedBytes).toBe(freesBytes);
      }
      plant.check();
      const use = plant.telemetry().kvUse;
      expect(plan.reaches).toBe(use <= policy.kvUseTarget || before.kvUse <= policy.kvUseTarget);
    }
  });
});
