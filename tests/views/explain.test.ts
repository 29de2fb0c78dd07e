/** The text of the worked example against the run that it tells. */
import { expect, test } from 'vitest';
import { presetSimulation } from '../../src/core/scenario/presets.ts';
import { recordBlocks } from '../../src/sim/record.ts';
import { HistoryReader } from '../../src/sim/recorder-reader.ts';
import { CHAPTERS } from '../../src/views/explain/chapters.ts';
import { tablesAt } from '../../src/views/explain/tables.ts';

const { history } = recordBlocks(presetSimulation('ten-blocks'));
const reader = new HistoryReader(history);
const textOf = (step: number) => CHAPTERS.find((chapter) => chapter.step === step)?.text.join(' ') ?? '';
const tables = (step: number) =>
  Object.fromEntries(
    tablesAt(reader, reader.momentOf(step), [0, 1, 2, 3]).map(({ name, blocks }) => [name, blocks]),
  );
const queue = (step: number) => reader.freeBlocks(reader.stateAt(reader.momentOf(step)));

test('there is a chapter for the start and for each step, in order', () => {
  expect(CHAPTERS.map(({ step }) => step)).toEqual([
    -1,
    ...Array.from({ length: reader.numSteps }, (_, i) => i),
  ]);
});

test('block tables are as the text has them', () => {
  expect(textOf(0)).toContain(`${tables(0)['A']?.join(' → ')} is its block table`);
  // Token 9 is in block 2, slot 1.
  expect(textOf(0)).toContain(`block ${tables(0)['A']?.[Math.floor(9 / 4)]}, slot ${9 % 4}`);
  expect(tables(2)['B']).toEqual([0, 1, 2, 5, 6, 7]);
  expect(tables(4)).toEqual({ B: [0, 1, 2, 5, 6, 7], C: [0, 1, 2, 8] });
  const alone = (tables(4)['B']?.length ?? 0) + (tables(4)['C']?.length ?? 0);
  const held = new Set([...(tables(4)['B'] ?? []), ...(tables(4)['C'] ?? [])]).size;
  expect([alone, held]).toEqual([10, 7]);
  expect(tables(8)['D']).toEqual([0, 1, 2, 3, 4]);
});

test('the queue is as the text has it', () => {
  expect(queue(1).slice(-5)).toEqual([4, 3, 2, 1, 0]);
  expect(queue(5)).toEqual([4, 3]);
  expect(queue(6)).toEqual([]);
  expect(textOf(9)).toContain(`The queue is ${queue(9).join(', ')}:`);
});

test('eviction and preemption happen where the text says', () => {
  expect(reader.eventsOf(6).filter(({ kind }) => kind === 'evict')).toMatchObject([
    { block: 3, request: 3, id: 3 },
  ]);
  const phases = reader.phasesOf(3);
  expect(phases.find(({ kind }) => kind === 'preempted')).toMatchObject({ step: 7 });
  expect(phases.filter(({ kind }) => kind === 'admitted').map(({ tokens }) => tokens)).toEqual([12, 16]);
  expect(phases.filter(({ kind }) => kind === 'chunk').map(({ tokens }) => tokens)).toEqual([4, 1]);
  const { contents } = reader.stateAt(reader.numEvents);
  expect(contents.filter((text) => text >= 0)).toHaveLength(8);
});
