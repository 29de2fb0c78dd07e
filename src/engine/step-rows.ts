/** Which rows of a step belong to whom, for those who look into it. */
import type { StepRows } from './engine-types.ts';
import type { StepBatch } from './step-batch.ts';

export function stepRows(batch: StepBatch): readonly StepRows[] {
  return batch.members.map(({ sequence, firstRow, tokens, position }) => ({
    request: sequence.row,
    firstRow,
    tokens,
    position,
  }));
}
