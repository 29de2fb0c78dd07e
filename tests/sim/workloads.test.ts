/** Every kind of workload through the simulator: all requests end, in the order and at the times that they were drawn for. */
import { describe, expect, test } from 'vitest';
import type { SimRepetition } from '../../src/core/run/simulation.ts';
import { parseSimulation } from '../../src/core/scenario/parse.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { generateRequests } from '../../src/core/workload/generate.ts';
import { runSimulation } from '../../src/sim/index.ts';

function scenario(workload: object, layer: object = {}): SimScenario {
  const parsed = parseSimulation({
    version: 1,
    kind: 'simulate',
    workload: {
      requests: 60,
      promptTokens: { kind: 'uniform', min: 20, max: 400 },
      outputTokens: { kind: 'uniform', min: 2, max: 60 },
      ...workload,
    },
    ...layer,
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

function run(of: SimScenario): SimRepetition {
  const [point] = runSimulation(of).points;
  const [repetition] = point?.repetitions ?? [];
  if (!repetition) throw new Error(point?.reason ?? 'no point');
  expect(repetition.summary.finished).toBe(of.workload.requests);
  return repetition;
}

const ARRIVALS = [
  { kind: 'constant', rate: 5 },
  { kind: 'poisson', rate: 5 },
  { kind: 'gamma', rate: 5, cv: 3 },
  { kind: 'on-off', rate: 10, onSeconds: 2, offSeconds: 3 },
  { kind: 'mmpp', rates: [2, 20], leave: [0.5, 0.5] },
  { kind: 'closed', users: 4, thinkSeconds: 0.2 },
  {
    kind: 'series',
    points: [
      [0, 1],
      [10, 9],
      [20, 0],
    ],
  },
];
const SHARING = [
  { kind: 'none' },
  { kind: 'system', prompts: 4, systemTokens: 160, exponent: 1 },
  { kind: 'sessions', systemTokens: 40, turns: 4, thinkSeconds: 1 },
  { kind: 'agents', systemTokens: 40, branching: 3, depth: 3 },
];

describe.each(ARRIVALS)('$kind arrivals', (arrivals) => {
  test.each(SHARING)('with sharing $kind', (sharing) => {
    const of = scenario({ arrivals, sharing });
    const table = generateRequests(of, null);
    const { requests } = run(of);
    table.after.forEach((parent, row) => {
      const drawn = table.arrivalMs[row] ?? NaN;
      const from = parent < 0 ? 0 : (requests.endMs[parent] ?? NaN);
      expect(requests.arrivalMs[row]).toBeCloseTo(from + drawn, 6);
    });
  });
});

test('a closed loop never has more in flight than users', () => {
  const { series } = run(scenario({ arrivals: { kind: 'closed', users: 4, thinkSeconds: 0 } }));
  const inFlight = series.running.map((running, i) => (running ?? 0) + (series.waiting[i] ?? 0));
  expect(Math.max(...inFlight)).toBe(4);
});

test('a turn finds what the turn before it read and wrote', () => {
  const sharing = { kind: 'sessions', systemTokens: 40, turns: 4, thinkSeconds: 1 };
  const { requests } = run(scenario({ sharing, arrivals: { kind: 'poisson', rate: 2 } }));
  requests.cachedTokens.forEach((cached, row) => {
    if (row % 4 === 0) return;
    const history = (requests.promptTokens[row - 1] ?? 0) + (requests.outputTokens[row - 1] ?? 0);
    // Whole blocks; the last token that was generated never had its KV computed.
    expect(cached).toBe(Math.floor((history - 1) / 16) * 16);
  });
});

test('engines beside each other see the same arrivals and lengths', () => {
  const workload = { sharing: SHARING[1], arrivals: ARRIVALS[2] };
  const runs = [
    run(scenario(workload)),
    run(scenario(workload, { engine: { tokenBudget: 512, cachePolicy: 'sieve', blockSize: 32 } })),
    run(scenario(workload, { engine: { scheduler: 'orca', maxModelTokens: 2048 } })),
    run(scenario(workload, { hardware: { gpu: 'l4' }, cluster: { replicas: 2 } })),
  ];
  for (const { requests } of runs) {
    expect(requests.arrivalMs).toEqual(runs[0]?.requests.arrivalMs);
    expect(requests.promptTokens).toEqual(runs[0]?.requests.promptTokens);
    expect(requests.outputTokens).toEqual(runs[0]?.requests.outputTokens);
  }
});

test('high priorities wait less where the engine asks for them', () => {
  const workload = { requests: 300, highPriorityShare: 0.2, arrivals: { kind: 'poisson', rate: 60 } };
  const engine = { maxSequences: 8 };
  const of = scenario(workload, { engine: { ...engine, priorities: 'priority' } });
  const { priority } = generateRequests(of, null);
  const meanQueue = ({ requests }: SimRepetition, wanted: number): number => {
    const waits = requests.startMs.flatMap((start, row) =>
      priority[row] === wanted ? [(start ?? NaN) - (requests.arrivalMs[row] ?? NaN)] : [],
    );
    return waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
  };
  const [fair, ranked] = [run(scenario(workload, { engine })), run(of)];
  expect(meanQueue(ranked, 1)).toBeLessThan(0.3 * meanQueue(fair, 1));
  expect(meanQueue(ranked, 0)).toBeGreaterThan(meanQueue(fair, 0));
});
