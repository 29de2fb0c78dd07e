/** The doors under random damage: every document is read or refused in one sentence, and nothing is thrown. */
import { loadPoints } from '../../src/core/scenario/load/points.ts';
import { expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import { parseRun } from '../../src/core/run/parse.ts';
import { valueAt, withValueAt } from '../../src/core/scenario/layer.ts';
import { decodeLink, packLink } from '../../src/core/scenario/link.ts';
import { cellsOf } from '../../src/core/scenario/quality/cells.ts';
import type { AnyScenario } from '../../src/core/scenario/kinds.ts';
import { parseAnyScenario, parseSimulation } from '../../src/core/scenario/parse.ts';
import {
  presetPlan,
  PRESETS,
  presetQuality,
  presetServing,
  presetTuning,
  presetScenario,
  presetSimulation,
} from '../../src/core/scenario/presets.ts';
import { applyAssignments } from '../../src/core/scenario/set.ts';
import { expandSweep } from '../../src/core/scenario/sweep.ts';
import { generateRequests } from '../../src/core/workload/generate.ts';
import { checkRun, labRun, point } from '../support/runs.ts';

const ODD: readonly Json[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e9,
  1e308,
  -1e308,
  2 ** 53,
  '',
  'x',
  '__proto__',
  '<img src=x onerror=alert(1)>',
  'x'.repeat(5000),
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  [1, 'two', false],
  '\u0000',
  '\ud800',
];

function pick<T>(items: readonly T[], random: Random): T {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new RangeError('Nothing to pick.');
  return item;
}

/** Every path of a document. */
function paths(value: Json, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]: [string, Json | undefined]) => {
    // Names with dots (reductions) can't be reached by a dotted path.
    if (child === undefined || name.includes('.')) return [];
    const path = prefix === '' ? name : `${prefix}.${name}`;
    return [path, ...paths(child, path)];
  });
}

function damaged(document: Json, random: Random): Json {
  let result = document;
  for (let i = 0; i <= random.below(3); i++) {
    const known = paths(result);
    if (known.length > 0) result = withValueAt(result, pick(known, random), pick(ODD, random)) ?? result;
  }
  return result;
}

type Answer = { readonly ok: true } | { readonly ok: false; readonly sentence: string };

const LENGTHS = { kind: 'lognormal', mu: 5, sigma: 1, min: 1, max: 2000 };
const SHAPES: readonly JsonObject[] = [
  { kind: 'constant', rate: 2 },
  { kind: 'gamma', rate: 2, cv: 3 },
  { kind: 'on-off', rate: 2, onSeconds: 1, offSeconds: 5 },
  { kind: 'mmpp', rates: [1, 9], leave: [0.5, 0.5] },
  { kind: 'closed', users: 3, thinkSeconds: 1 },
  {
    kind: 'series',
    points: [
      [0, 1],
      [5, 3],
      [9, 0],
    ],
  },
].flatMap((arrivals): JsonObject[] => [
  { arrivals, promptTokens: LENGTHS, sharing: { kind: 'none' } },
  { arrivals, outputTokens: LENGTHS, sharing: { kind: 'agents', systemTokens: 9, branching: 3, depth: 3 } },
  { arrivals, sharing: { kind: 'sessions', systemTokens: 9, turns: 4, thinkSeconds: 2 } },
  { arrivals, sharing: { kind: 'system', prompts: 9, systemTokens: 99, exponent: 1 } },
]);

/** 1 when the answer is a refusal, whose sentence must be one. */
function refusal(answer: Answer, what: unknown): number {
  if (answer.ok) return 0;
  const shown = JSON.stringify(what).slice(0, 300);
  expect(answer.sentence, shown).toMatch(/^[^\n]{10,400}[.?]$/);
  return 1;
}

const documents: { name: string; document: Json; door: (input: unknown) => Answer }[] = [
  ...PRESETS.map(({ name, layer }) => ({ name, document: layer, door: parseAnyScenario })),
  { name: 'a lab run', document: labRun([point(), point()]), door: parseRun },
  { name: 'a check run', document: checkRun(), door: parseRun },
];

test.each(documents)('$name under random damage', ({ name, document, door }) => {
  const random = createRandom(99).fork(name);
  let refused = 0;
  for (let i = 0; i < 150; i++) {
    const input = damaged(document, random);
    refused += refusal(door(input), input);
    refused += refusal(door(JSON.stringify(input)), input);
  }
  expect(refused).toBeGreaterThan(100);
});

test('text cut off or with changed characters', () => {
  const random = createRandom(100);
  const text = JSON.stringify(PRESETS[0]?.layer);
  for (let i = 0; i < 300; i++) {
    const at = random.below(text.length);
    const input =
      text.slice(0, at) + (i % 2 === 0 ? '' : String.fromCharCode(random.below(256)) + text.slice(at + 1));
    refusal(parseAnyScenario(input), input);
    refusal(parseRun(input), input);
  }
});

test('links with damaged bodies', async () => {
  const random = createRandom(101);
  let refused = 0;
  for (let i = 0; i < 150; i++) {
    const body = damaged(
      { preset: null, set: { workload: { concurrency: 3 }, sweep: [], version: 1 } },
      random,
    );
    refused += refusal(await decodeLink(await packLink('s1', JSON.stringify(body))), body);
    const card = damaged(checkRun(), random);
    refused += refusal(await decodeLink(await packLink('c1', JSON.stringify(card))), card);
  }
  expect(refused).toBeGreaterThan(100);
});

const experiment = presetScenario('mixed-lengths-llama-3.2-1b');
const simulation = presetSimulation('ten-blocks');
const quality = presetQuality('quality-outliers');
const serving = presetServing('serve-rate');
const plan = presetPlan('plan-chat-8b');
const tuning = presetTuning('tune-rag-8b');
const expand = (scenario: AnyScenario): number => {
  switch (scenario.kind) {
    case 'quality':
      return cellsOf(scenario).length;
    case 'lab':
      return expandSweep(scenario).length;
    case 'simulate':
      return expandSweep(scenario).length;
    case 'serve':
      return expandSweep(scenario).length;
    case 'plan':
    case 'tune':
    case 'autopilot':
      return 1;
    case 'load':
      return loadPoints(scenario).length;
  }
};

test.each([experiment, simulation, quality, serving, plan, tuning])(
  'assignments of odd values to every setting of $title',
  (scenario) => {
    const random = createRandom(102);
    for (const path of paths(scenario)) {
      for (let i = 0; i < 6; i++) {
        const assignment = `${path}=${JSON.stringify(pick(ODD, random))}`;
        const answer = applyAssignments(scenario, [assignment]);
        refusal(answer, assignment);
        // Whatever is let in can be expanded.
        if (answer.ok) expect(expand(answer.scenario)).toBeGreaterThan(0);
      }
    }
  },
);

const EXTREMES = [0, 1e-6, 1e-3, 0.01, 0.5, 1, 2, 10, 64, 1000, 1e5, 1e6, 1e7, 1e8];

/** Some numbers replaced by extreme ones that the schema may allow. */
function stretched(document: JsonObject, random: Random): Json {
  const numbers = paths(document).filter((path) => typeof valueAt(document, path) === 'number');
  let result: Json = document;
  for (let i = 0; i <= random.below(2); i++) {
    result = withValueAt(result, pick(numbers, random), pick(EXTREMES, random)) ?? result;
  }
  return result;
}

/** A workload that the doors let in is drawn in no time, or refused in a sentence: nothing hangs. */
test('odd workloads are drawn or refused', () => {
  const random = createRandom(103);
  let drawn = 0;
  for (let i = 0; i < 1500; i++) {
    const workload = stretched(pick(SHAPES, random), random);
    const parsed = parseSimulation({ version: 1, workload });
    if (!parsed.ok) continue;
    const { scenario } = parsed;
    if (scenario.workload.trace !== null) continue;
    const small = { ...scenario, workload: { ...scenario.workload, requests: 200 } };
    try {
      const table = generateRequests(small, null);
      expect([...table.arrivalMs, ...table.promptTokens].every(Number.isFinite)).toBe(true);
      drawn += 1;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
  expect(drawn).toBeGreaterThan(100);
});
