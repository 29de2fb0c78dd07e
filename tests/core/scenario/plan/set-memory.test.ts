/** Every term of a plan's memory can be set by path, though a scenario names only those that were given. */
import { expect, test } from 'vitest';
import { DEFAULT_PLAN } from '../../../../src/core/scenario/plan/defaults.ts';
import { MEMORY_TERMS } from '../../../../src/core/scenario/plan/schema.ts';
import { applyAssignments } from '../../../../src/core/scenario/set.ts';

test.each(MEMORY_TERMS)('memory.%s', (term) => {
  const changed = applyAssignments(DEFAULT_PLAN, [`memory.${term}=2e9`, 'memory.graphs=1e9']);
  expect(changed.ok && changed.scenario.memory).toEqual(
    term === 'graphs' ? { graphs: 1e9 } : { [term]: 2e9, graphs: 1e9 },
  );
});

test('another name, or a number below nothing, is refused in words', () => {
  expect(applyAssignments(DEFAULT_PLAN, ['memory.cache=1'])).toMatchObject({
    ok: false,
    sentence: expect.stringContaining('memory.cache is not a setting') as string,
  });
  expect(applyAssignments(DEFAULT_PLAN, ['memory.weights=-1'])).toMatchObject({
    ok: false,
    sentence: expect.stringContaining('memory.weights is -1') as string,
  });
});
