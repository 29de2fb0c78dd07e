/** The experiment over a fake of the engine: which tokens it forces, what it compares, what it keeps. */
import { describe, expect, it, vi } from 'vitest';
import { POLICIES } from '../../../src/core/eviction/policies.ts';
import { qualityRows } from '../../../src/core/metrics/quality/rows.ts';
import { parseRun } from '../../../src/core/run/parse.ts';
import type { QualityRun } from '../../../src/core/run/quality.ts';
import { REFERENCE_CELL } from '../../../src/core/scenario/quality/cells.ts';
import { parseQuality } from '../../../src/core/scenario/parse.ts';
import type { QualityScenario } from '../../../src/core/scenario/quality/schema.ts';
import { wholeGroups } from '../../../src/lab/quality/emulator.ts';
import { judge, klDivergence, logProbabilities } from '../../../src/lab/quality/logits.ts';
import { measureRecall } from '../../../src/lab/quality/measure.ts';
import { evictedBy } from '../../../src/lab/quality/pictures.ts';
import { runQuality } from '../../../src/lab/quality/run.ts';
import { bytesPerToken, engineSettings } from '../../../src/lab/quality/settings.ts';
import { recallQuestions } from '../../../src/lab/quality/tasks.ts';
import { CONFIG, FakeEngine, fakeContext } from './fake-engine.ts';

function scenario(layer: object): QualityScenario {
  const parsed = parseQuality({ version: 1, kind: 'quality', ...layer });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.scenario;
}

const TASKS = {
  recall: { distances: [16, 128], depths: [0, 1], samples: 3, contextTokens: 192 },
  text: { sequences: 3, promptTokens: 32, scoredTokens: 8 },
  attentionSequences: 2,
  speed: { sequences: 2, tokens: 12 },
};

async function run(
  asked: QualityScenario,
  textIds: readonly number[] | null = null,
  stopAfter = Infinity,
): Promise<{ run: QualityRun; engines: FakeEngine[]; partial: number }> {
  const engines: FakeEngine[] = [];
  const stop = new AbortController();
  let partial = 0;
  const context = fakeContext(stop.signal, () => undefined);
  const result = await runQuality(asked, context, {
    textIds,
    onPartial: () => {
      if (++partial >= stopAfter) stop.abort();
    },
    open: () => (settings, hooks) => {
      const engine = new FakeEngine(settings, hooks);
      engines.push(engine);
      return Promise.resolve(engine);
    },
  });
  return { run: result, engines, partial };
}

describe('a quality run', () => {
  const asked = scenario({
    cache: { kFormats: ['int8', 'int2'], policies: ['none', 'streaming-llm'], budgets: [32] },
    tasks: TASKS,
  });

  it('measures every cell on the same tokens, against the full cache', async () => {
    const { run: result, engines, partial } = await run(asked);
    expect(partial).toBe(4);
    expect(engines.every(({ destroyed }) => destroyed)).toBe(true);
    expect(parseRun(JSON.stringify(result)).ok).toBe(true);
    const [full, int8, int2, window] = qualityRows(result);
    expect(full).toMatchObject({ recall: { '16': 1, '128': 1 }, klDivergence: 0, top1Agreement: 1 });
    expect(window).toMatchObject({ recall: { '16': 1, '128': 0 }, policy: 'streaming-llm', budget: 32 });
    expect(int8?.klDivergence).toBeGreaterThan(0);
    expect(int2?.klDivergence).toBeGreaterThan(int8?.klDivergence ?? 1);
    expect(int2?.attentionError).toBeCloseTo(0.25, 6);
    expect(full?.tpotMs).toBe(2);
    expect(window?.heldBytesPerToken).toBeCloseTo((1536 / 3) * (32 / 192), 6);
    expect(result.points[0]?.text[0]?.nll).toHaveLength(8);
    expect(result.pictures.map(({ cell }) => cell)).toEqual(['f32', 'f32 · streaming-llm 32']);
  });

  it('gives the same samples each time', async () => {
    expect((await run(asked)).run.points).toEqual((await run(asked)).run.points);
  });

  it('keeps the finished cells when it is cancelled', async () => {
    const { run: result } = await run(asked, null, 2);
    expect(result.complete).toBe(false);
    expect(result.points).toHaveLength(2);
    expect(result.notes.join()).toContain('Cancelled');
  });

  it('scores a given text, and says how much of it there is', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => 3 + (i % 50));
    const { run: result } = await run(asked, ids);
    expect(result.model.text).toBe('given');
    expect(result.points[0]?.text).toHaveLength(2);
    expect(result.notes.join()).toContain('enough for 2 of 3');
  });

  it('refuses a text that is too short in one sentence', async () => {
    await expect(run(asked, [1, 2, 3])).rejects.toThrow('The text has 3 tokens and one sequence takes 41');
  });

  it('refuses more tokens than the model reads', async () => {
    const long = scenario({ tasks: { ...TASKS, recall: { ...TASKS.recall, contextTokens: 2000 } } });
    await expect(run(long)).rejects.toThrow('2000 tokens and ledger-test reads 1024');
  });
});

it('asks other models to copy: the last two tokens stood before the answer', () => {
  const asked = scenario({ tasks: TASKS });
  const questions = recallQuestions(asked, { name: 'other', vocab: 1000 });
  expect(questions).toHaveLength(12);
  for (const { ids, answerId, distance, candidates } of questions) {
    const answerAt = ids.length - distance;
    expect(ids[answerAt]).toBe(answerId);
    expect(ids.slice(answerAt - 2, answerAt)).toEqual(ids.slice(-2));
    expect(candidates).toContain(answerId);
    expect(ids.length).toBeLessThan(TASKS.recall.contextTokens);
  }
});

it('finds whole groups of tokens in the rows of a step, aligned to positions', () => {
  const sequences = [
    { request: 0, firstRow: 0, tokens: 1, position: 64 },
    { request: 1, firstRow: 1, tokens: 70, position: 0 },
    { request: 2, firstRow: 71, tokens: 60, position: 20 },
  ];
  expect(wholeGroups(sequences)).toEqual([1, 33, 83]);
});

it('counts the bytes of mixed formats and of few bits', () => {
  const base = { policy: 'none', budget: null, variant: null } as const;
  const bytes = (cell: object) =>
    bytesPerToken({ kFormat: 'f32', vFormat: 'f32', ...base, ...cell }, CONFIG, 16);
  // 2 layers, 2 heads of 16: 64 bytes a head and part in f32.
  expect(bytes({})).toBe(2 * 2 * (64 + 64));
  expect(bytes({ kFormat: 'int8', vFormat: 'f16' })).toBe(2 * 2 * (16 + 4 + 32));
  const variant = { bits: 2, axis: 'channel', rotated: false, outlierGain: 1 } as const;
  expect(bytes({ variant })).toBe(2 * 2 * ((16 * 3) / 8 + 64));
});

it('strikes out what the policy’s reference drops', () => {
  const heads = [[Float32Array.of(1), Float32Array.of(0.1, 0.9), Float32Array.of(0.6, 0.1, 0.3)]];
  const shape = { groupSize: 1, blockSize: 16 };
  const cell = (policy: keyof typeof POLICIES, budget: number) => ({ policy: policy as 'tova', budget });
  expect(evictedBy(cell('tova', 2), heads, 0, 3, shape)).toEqual([1]);
  expect(evictedBy(cell('h2o', 2), heads, 0, 3, shape)).toEqual([1]);
  expect(evictedBy(cell('knorm', 2), heads, 0, 3, shape)).toBeNull();
  expect(evictedBy(cell('tova', 8), heads, 0, 3, shape)).toBeNull();
});

it('judges logits: share of the candidates, and divergences that are not negative', () => {
  const logits = Float32Array.of(0, Math.log(3), 9);
  const { right, probability } = judge(logits, 1, [0, 1]);
  expect(right).toBe(1);
  expect(probability).toBeCloseTo(0.75, 6);
  const p = logProbabilities(Float32Array.of(0, 0));
  const q = logProbabilities(Float32Array.of(0, Math.log(3)));
  expect(klDivergence(p, q)).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 6);
  expect(klDivergence(p, p)).toBe(0);
});

it.each(['behind', 'inside'] as const)(
  'judges the question behind the cut, the prompt knowing it %s',
  async (question) => {
    const asked = scenario({ tasks: { ...TASKS, recall: { ...TASKS.recall, samples: 1, question } } });
    const questions = recallQuestions(asked, CONFIG);
    const engine = new FakeEngine(engineSettings(asked, REFERENCE_CELL, CONFIG, true), {});
    const submit = vi.spyOn(engine, 'submit');
    await measureRecall(engine, questions, asked.tasks, { signal: new AbortController().signal });
    submit.mock.calls.forEach(([{ promptIds, forced }], i) => {
      const { ids = [], answerId } = questions[i] ?? {};
      expect(promptIds).toEqual(question === 'inside' ? ids : ids.slice(0, -2));
      expect(forced).toEqual([...ids.slice(-2), answerId]);
    });
    expect(submit).toHaveBeenCalledTimes(questions.length);
  },
);
