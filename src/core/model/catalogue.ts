/**
 * Every model that there is a record of: the small tables of records.ts and architecture.ts, and the others in catalogue/.
 *
 * Boundary: whoever imports this carries the whole table, so the first screen does not: rooms load it with themselves
 * (all-records.ts), the planner and the command line always. A model of no record comes through config/, from its config.json.
 */
import * as v from 'valibot';
import { NameIndex, orList } from '../names.ts';
import { Architecture, ARCHITECTURES } from './architecture.ts';
import dense from './catalogue/dense.json' with { type: 'json' };
import mixtures from './catalogue/mixtures.json' with { type: 'json' };
import more from './catalogue/more.json' with { type: 'json' };
import vision from './catalogue/vision.json' with { type: 'json' };
import { modelKey } from './names.ts';

/** The small tables first. */
export const ALL_MODELS: readonly Architecture[] = [
  ...ARCHITECTURES,
  ...[dense, mixtures, more, vision].flatMap((rows) => v.parse(v.array(Architecture), rows)),
];

const index = new NameIndex(ALL_MODELS, modelKey);

/**
 * A model by id, name, alias or repository (`meta-llama/Llama-3.1-8B-Instruct`), in any case. What is trained on from a
 * model and keeps its shapes (`-Instruct`, `-Chat`, `-it`, `-Base`) counts as the model.
 */
export function findAnyModel(name: string): Architecture | undefined {
  return index.find(name);
}

/** The models whose names are nearest to an unknown one. */
export function nearestModels(name: string, count = 3): readonly Architecture[] {
  return index.nearest(name, count);
}

/** A refusal with its remedy. */
export function unknownModelSentence(name: string): string {
  const near = nearestModels(name).map(({ id }) => id);
  return `The model “${name.slice(0, 80)}” is not known; the nearest are ${orList(near)}, or give its config.json.`;
}
