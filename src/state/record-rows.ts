/** Every model and GPU as rows of a picker. A room that shows them carries the whole catalogue. */
import { catalogue } from '../workers/plan-catalogue.ts';
import type { PickerRow } from './picker.ts';

const { models, gpus } = catalogue();

/** As the simulator's and the tuner's scenarios say them: models by name, GPUs by id. */
export const RECORD_ROWS: Readonly<Record<'model' | 'gpu', readonly PickerRow[]>> = {
  model: models.map((row) => ({ ...row, id: row.name, words: [row.id, ...row.words] })),
  gpu: gpus,
};

/** The row of a record that a scenario may name in any of its ways. */
export function rowOf(rows: readonly PickerRow[], named: string): PickerRow | undefined {
  return rows.find(({ id, name, words }) => id === named || name === named || words.includes(named));
}
