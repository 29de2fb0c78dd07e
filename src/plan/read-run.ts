/** The door to a plan that comes from a file: bounded, checked, or refused in one sentence. */
import * as v from 'valibot';
import { checkJson, isJsonObject, readJson, type JsonBounds, type Read } from '../core/json.ts';
import { PlanRun } from '../core/run/plan.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import { versionSentence } from '../core/scenario/version-sentence.ts';
import { issueSentence } from '../core/sentences.ts';

const BOUNDS: JsonBounds = { what: 'plan', maxCharacters: 20_000_000, maxDepth: 14, maxValues: 1_000_000 };

export function parsePlanRun(input: unknown): Read<PlanRun> {
  const read: Read<unknown> = typeof input === 'string' ? readJson(input, BOUNDS) : checkJson(input, BOUNDS);
  if (!read.ok) return read;
  if (!isJsonObject(read.value) || read.value['kind'] !== 'plan') {
    return {
      ok: false,
      sentence: 'This is no plan; a JSON object of the kind “plan” with a deployment is needed.',
    };
  }
  const sentence = versionSentence(read.value['version'], RUN_VERSION, 'run');
  if (sentence !== null) return { ok: false, sentence };
  const result = v.safeParse(PlanRun, read.value, { abortEarly: true });
  return result.success
    ? { ok: true, value: result.output }
    : { ok: false, sentence: issueSentence(result.issues, 'The plan') };
}
