/** Acts by hand: each demonstration does what its comment says; ranges, limits and refusals on the bench. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { actBench, runActScript, type ActAnswer } from '../../src/autopilot/act/index.ts';
import { readActScript } from '../../src/autopilot/act/script.ts';
import { DEFAULT_AUTOPILOT } from '../../src/core/scenario/autopilot/defaults.ts';
import type { ActCommand } from '../../src/core/scenario/autopilot/action.ts';
import { AUTOPILOT_LAYERS } from '../../src/core/scenario/autopilot/stories.ts';
import { parseAutopilot } from '../../src/core/scenario/parse.ts';
import '../../src/core/all-records.ts';

const FOLDER = new URL('../../scenarios/acts/', import.meta.url);

function demonstration(name: string): { readonly scenario: string; readonly answers: readonly ActAnswer[] } {
  const text = readFileSync(new URL(name, FOLDER), 'utf8');
  const scenario = /kvlab -- act (\S+) --script/.exec(text)?.[1] ?? '';
  const parsed = parseAutopilot(AUTOPILOT_LAYERS[scenario] ?? { kind: 'lab' });
  const script = readActScript(text);
  if (!parsed.ok) throw new Error(parsed.sentence);
  if (!script.ok) throw new Error(script.sentence);
  return { scenario, answers: runActScript(parsed.scenario, script.value) };
}

const refusedIn = (answers: readonly ActAnswer[]): number[] =>
  answers.filter(({ ok }) => !ok).map(({ line }) => line);
const reportsIn = (answers: readonly ActAnswer[]) => answers.flatMap(({ report }) => report ?? []);

/** Bytes of a token of Llama-3.1-8B: 65,536 elements in 16 bits. */
const TOKEN = 131_072;
const INT8 = 65_536 + (65_536 / 128) * 4;
const INT4 = 65_536 / 2 + (65_536 / 32) * 4;

describe('demonstrations', () => {
  it('there is one for each action and one for all', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(
      ['admission', 'chunk', 'combined', 'concurrency', 'evict', 'offload', 'prefix-cache', 'quantize'].map(
        (name) => `${name}.yaml`,
      ),
    );
  });

  it('quantize: the bytes are those of the formats, and int4 is made from int8', () => {
    const [before, after] = reportsIn(demonstration('quantize.yaml').answers);
    expect(before?.kvBytes).toBe(32_000 * TOKEN);
    expect(after?.kvBytes).toBe(8000 * TOKEN + 16_000 * INT8 + 8000 * INT4);
    expect(after?.counters.tokensQuantized).toBe(32_000);
  });

  it('evict: 18,000 tokens go', () => {
    const [, after] = reportsIn(demonstration('evict.yaml').answers);
    expect(after?.kvBytes).toBe(22_000 * TOKEN);
    expect(after?.sequences[0]?.parts.map(({ from, to }) => [from, to])).toEqual([
      [0, 1000],
      [19_000, 40_000],
    ]);
  });

  it('offload: bytes are in one tier at a time', () => {
    const reports = reportsIn(demonstration('offload.yaml').answers);
    expect(reports.map(({ tierBytes }) => [tierBytes.hbm, tierBytes.host])).toEqual([
      [25_000 * TOKEN, 25_000 * TOKEN],
      [30_000 * TOKEN, 20_000 * TOKEN],
    ]);
  });

  it('prefix-cache: a quarter of the prompt is found again', () => {
    const [kept, after] = reportsIn(demonstration('prefix-cache.yaml').answers);
    expect(kept?.cachedBlocks).toBe(1000);
    expect(after?.counters).toMatchObject({ reuseHits: 4000, reuseMisses: 28_000 });
  });

  it('concurrency and admission refuse, and let in again', () => {
    expect(refusedIn(demonstration('concurrency.yaml').answers)).toEqual([4]);
    const { answers } = demonstration('admission.yaml');
    expect(refusedIn(answers)).toEqual([3]);
    expect(answers[2]?.sentence).toBe(
      'KV use is 53.6 %, and sequences start below 50.0 %; make room, or raise admission.',
    );
  });

  it('chunk: the same prompt in more steps', () => {
    const sentences = demonstration('chunk.yaml').answers.map(({ sentence }) => sentence);
    expect(sentences[0]).toContain('in 2 steps of at most 8192');
    expect(sentences[2]).toContain('in 16 steps of at most 1024');
  });

  it('combined: every kind of command, the pinned sequence untouched, empty in the end', () => {
    const { answers } = demonstration('combined.yaml');
    expect(new Set(answers.map(({ command }) => command.kind)).size).toBe(12);
    expect(refusedIn(answers)).toEqual([9]);
    const [full, after, empty] = reportsIn(answers);
    expect(full?.kvBytes).toBe(72_000 * TOKEN);
    expect(after?.kvBytes).toBe((10_000 + 20_000 + 2000) * TOKEN + 20_000 * INT8);
    expect(after?.tierBytes.host).toBe(12_000 * TOKEN);
    expect(after?.limits).toMatchObject({ maxSequences: 64, admissionBelowUse: 0.9, tokenBudget: 2048 });
    expect(empty).toMatchObject({
      kvBytes: 0,
      sequences: [],
      limits: { maxSequences: 256, admissionBelowUse: 1 },
    });
    expect(empty?.digest).not.toBe(after?.digest);
  });
});

describe('the bench', () => {
  it('holds no more than the budget, and refusals change nothing', () => {
    const bench = actBench({
      ...DEFAULT_AUTOPILOT,
      simulation: {
        ...DEFAULT_AUTOPILOT.simulation,
        hardware: { ...DEFAULT_AUTOPILOT.simulation.hardware, kvBlocks: 100 },
      },
    });
    const refused = (command: ActCommand, sentence: RegExp): void => {
      const before = bench.report();
      const answer = bench.do(command);
      expect(answer.ok).toBe(false);
      expect(answer.sentence).toMatch(sentence);
      expect(bench.report()).toEqual(before);
    };
    refused({ kind: 'submit', sequence: 'a', tokens: 1601 }, /1601 tokens of a need .* submit 1600/);
    expect(bench.do({ kind: 'submit', sequence: 'a', tokens: 1600 })).toMatchObject({ ok: true, kvUse: 1 });
    refused({ kind: 'submit', sequence: 'a', tokens: 1 }, /a sequence a already/);
    refused({ kind: 'finish', sequence: 'b' }, /no sequence b; there is a/);
    refused({ kind: 'evict', sequence: 'a', from: 0, to: 1601 }, /a has 1600 tokens/);
    bench.do({ kind: 'quantize', sequence: 'a', from: 0, to: 1600, format: 'int8' });
    refused({ kind: 'quantize', sequence: 'a', from: 0, to: 800, format: 'int8' }, /formats do not add up/);
  });
});

describe('a script', () => {
  it.each([
    ['{kind: reset}', /a list of commands/],
    ['- {kind: dance}', /Command 1: kind is "dance"; choose one of/],
    ['- {kind: reset}\n- {kind: evict, sequence: a, from: 0}', /Command 2: to is missing/],
    ['- {kind: evict, sequence: a, from: -1, to: 3}', /Command 1: from is -1; the least is 0/],
    ['- {kind: reset, now: true}', /Command 1: now is not part of/],
    ['- [', /neither YAML nor JSON/],
    ['- &a {kind: reset}\n- *a', /neither YAML nor JSON/],
  ])('%s', (text, sentence) => {
    const read = readActScript(text);
    expect(read.ok).toBe(false);
    if (!read.ok) expect(read.sentence).toMatch(sentence);
  });

  it('is JSON as well', () => {
    expect(readActScript('[{"kind": "reset"}]')).toEqual({ ok: true, value: [{ kind: 'reset' }] });
  });
});
