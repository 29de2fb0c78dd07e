/**
 * The run of a file that another tool wrote: its points in our definitions, which definition each figure had there, and on
 * what the importer was tested.
 *
 * It has no scenario: what a benchmark was started with is in its points' loads, as far as the tool writes it down.
 */
import * as v from 'valibot';
import { MEASURING_TOOLS, MeasuredResult } from './measured.ts';
import { RUN_VERSION } from './version.ts';

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));

export const ImportedRun = v.strictObject({
  version: v.literal(RUN_VERSION),
  kind: v.literal('imported'),
  id: text(60),
  title: text(120),
  createdAt: text(40),
  /** `simulated` for the file of a simulator; a measurement is its tool's word. */
  origin: v.picklist(['measured', 'simulated']),
  appVersion: text(40),
  command: v.nullable(text(1000)),
  tool: v.picklist(MEASURING_TOOLS),
  /** Name of the file without its folders. */
  file: text(200),
  /** On what the importer was tested: a real file, the writer's source, or neither. */
  tested: text(400),
  points: v.pipe(v.array(MeasuredResult), v.minLength(1), v.maxLength(5000)),
  notes: v.pipe(v.array(text(600)), v.maxLength(50)),
  complete: v.boolean(),
});
export type ImportedRun = v.InferOutput<typeof ImportedRun>;
