import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findModel, shapeOf } from '../../../src/core/model/records.ts';
import { parseAnyScenario, parseScenario } from '../../../src/core/scenario/parse.ts';
import {
  anyPresetScenario,
  LAB_PRESETS,
  PRESETS,
  presetScenario,
  presetSimulation,
} from '../../../src/core/scenario/presets.ts';
import { reduceForSoftware } from '../../../src/core/scenario/reduce.ts';
import type { Scenario } from '../../../src/core/scenario/schema.ts';
import { expandSweep } from '../../../src/core/scenario/sweep.ts';
import { estimateSeconds, workOf } from '../../../src/core/scenario/work.ts';

const folder = new URL('../../../scenarios/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

/** SwiftShader on two cores, 2026: reads 2 GB/s, attends at about 1 GFLOP/s, takes some milliseconds a step. */
const SOFTWARE = { readBytesPerSecond: 2e9, attentionFlopsPerSecond: 1e9, secondsPerStep: 4e-3 };

function reduced(scenario: Scenario): Scenario {
  const result = reduceForSoftware(scenario);
  if (!result.ok) throw new Error(result.sentence);
  return result.scenario;
}

test('every file is a preset and every preset a file', () => {
  expect(PRESETS.map(({ name }) => `${name}.json`).sort()).toEqual(files.sort());
});

test.each(files)('%s parses from its text', (file) => {
  const parsed = parseAnyScenario(readFileSync(new URL(file, folder), 'utf8'));
  expect(parsed).toEqual({ ok: true, scenario: anyPresetScenario(file.replace('.json', '')) });
});

test.each(LAB_PRESETS)('$name says what it measures and uses the shape of a known model', ({ name }) => {
  const { about, model } = presetScenario(name);
  expect(about).toContain('It measures attention and the KV cache only');
  const record = findModel(model.name);
  expect(record && shapeOf(record)).toEqual(model);
});

test.each(LAB_PRESETS)('$name is made small enough for a software adapter, and says so', ({ name }) => {
  const full = presetScenario(name);
  const result = reduceForSoftware(full);
  expect(result.ok && result.notes[0]).toMatch(/^Made smaller because the adapter is software: .*full size/);
  const seconds = estimateSeconds(reduced(full), SOFTWARE);
  expect(seconds).toBeGreaterThan(10);
  expect(seconds).toBeLessThan(60);
  expect(estimateSeconds(full, SOFTWARE)).toBeGreaterThan(10 * seconds);
});

test.each(LAB_PRESETS)('$name holds at most 256 MiB on a software adapter', ({ name }) => {
  for (const { scenario } of expandSweep(reduced(presetScenario(name)))) {
    expect(workOf(scenario).reservedBytes).toBeLessThan(256 * 2 ** 20);
  }
});

test('a preset of one kind is not given out as another', () => {
  expect(() => presetSimulation('block-size')).toThrow(
    '“block-size” is an experiment on a GPU; a simulation is',
  );
  expect(() => presetScenario('ten-blocks')).toThrow(
    '“ten-blocks” is a simulation; an experiment is needed here.',
  );
  expect(() => presetScenario('free-lunch')).toThrow(/There is no scenario “free-lunch”; known: concurrency/);
});

test('the values people know', () => {
  for (const model of ['llama-3.2-1b', 'opt-1.3b']) {
    const concurrency = presetScenario(`concurrency-${model}`);
    expect(concurrency.sweep).toEqual([{ path: 'workload.concurrency', values: [1, 2, 4, 8, 16] }]);
    expect(concurrency.workload).toMatchObject({ promptTokens: 512, outputTokens: 64 });
    const length = presetScenario(`sequence-length-${model}`);
    expect(length.sweep).toEqual([{ path: 'workload.promptTokens', values: [128, 512, 1024, 2048, 4096] }]);
    expect(length.workload.outputTokens).toBe(64);
    const mixed = expandSweep(presetScenario(`mixed-lengths-${model}`));
    const lengths = mixed.map(({ scenario }) =>
      scenario.workload.groups.map(({ promptTokens }) => promptTokens),
    );
    expect(lengths).toEqual([[128], [4096], [128, 4096]]);
  }
});

/** Ten tokens in blocks of 8 with a shared prefix of 8: two sequences, worked by hand. */
test('counts the work of a small point', () => {
  const parsed = parseScenario({
    version: 1,
    model: { name: 'tiny', layers: 2, queryHeads: 2, kvHeads: 1, headDim: 64 },
    engine: { blockSize: 8, kvFormat: 'f32', prefillChunkTokens: 16 },
    workload: { concurrency: 2, promptTokens: 10, outputTokens: 2, sharedPrefixTokens: 8 },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const bytesPerToken = 2 * 64 * 4 * 2;
  const flopsPerPair = 4 * 2 * 2 * 64;
  expect(workOf(parsed.scenario)).toEqual({
    sequences: 2,
    prefillTokens: 10 + 2,
    decodeTokens: 4,
    steps: 2 + 2,
    prefillFlops: (55 + (55 - 36)) * flopsPerPair,
    decodeFlops: 2 * (11 + 12) * flopsPerPair,
    decodeReadBytes: 2 * (11 + 12) * bytesPerToken,
    usedBytes: (24 - 8) * bytesPerToken,
    reservedBytes: (32 - 8) * bytesPerToken,
  });
});

test('a contiguous reservation shares nothing and holds the longest', () => {
  const parsed = parseScenario({
    version: 1,
    model: { name: 'tiny', layers: 1, queryHeads: 1, kvHeads: 1, headDim: 64 },
    engine: { layout: 'contiguous', blockSize: 16, kvFormat: 'f32', maxContextTokens: 100 },
    workload: { concurrency: 3, promptTokens: 10, outputTokens: 2, sharedPrefixTokens: 8 },
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const work = workOf(parsed.scenario);
  expect(work.usedBytes).toBe(36 * 512);
  expect(work.reservedBytes).toBe(3 * 112 * 512);
  expect(work.prefillTokens).toBe(30);
});
