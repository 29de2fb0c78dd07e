/** The accesses of a workload: shared blocks are one block, private ones are each their own. */
import { expect, test } from 'vitest';
import { requestTable } from '../../../src/core/schedule/requests.ts';
import { promptAccesses } from '../../../src/core/workload/prompt-accesses.ts';

const TABLE = requestTable([
  { arrivalMs: 0, promptTokens: 14, outputTokens: 1, blockIds: [7, 8] },
  { arrivalMs: 5, promptTokens: 9, outputTokens: 1, blockIds: [7, 9] },
  { arrivalMs: 6, promptTokens: 3, outputTokens: 1 },
]);

test('full prompt blocks from head to tail, hits where they were asked for before', () => {
  const log = promptAccesses(TABLE, 4, 100);
  expect([...log.block]).toEqual([0, 1, 2, 0, 3]);
  expect([...(log.depth ?? [])]).toEqual([0, 1, 2, 0, 1]);
  expect([...log.hit]).toEqual([0, 0, 0, 1, 0]);
  expect([...log.time]).toEqual([0, 0, 0, 5, 5]);
  expect(log.names).toHaveLength(4);
});

test('the log ends with the last request that fits', () => {
  expect([...promptAccesses(TABLE, 4, 4).block]).toEqual([0, 1, 2]);
});
