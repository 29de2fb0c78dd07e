/** The door to a calibration that comes from a file: bounded, checked, or refused in one sentence. */
import * as v from 'valibot';
import { checkJson, isJsonObject, readJson, type JsonBounds, type Read } from '../../core/json.ts';
import { PlanCalibration } from '../../core/run/calibration.ts';
import { RUN_VERSION } from '../../core/run/version.ts';
import { versionSentence } from '../../core/scenario/version-sentence.ts';
import { issueSentence } from '../../core/sentences.ts';

const BOUNDS: JsonBounds = { what: 'calibration', maxCharacters: 20_000, maxDepth: 4, maxValues: 100 };

export function parseCalibration(input: unknown): Read<PlanCalibration> {
  const read: Read<unknown> = typeof input === 'string' ? readJson(input, BOUNDS) : checkJson(input, BOUNDS);
  if (!read.ok) return read;
  if (!isJsonObject(read.value) || read.value['kind'] !== 'plan-calibration') {
    return {
      ok: false,
      sentence:
        'This is no calibration; a JSON object of the kind “plan-calibration” is needed, as validate --calibrate writes it.',
    };
  }
  const sentence = versionSentence(read.value['version'], RUN_VERSION, 'run');
  if (sentence !== null) return { ok: false, sentence };
  const result = v.safeParse(PlanCalibration, read.value, { abortEarly: true });
  return result.success
    ? { ok: true, value: result.output }
    : { ok: false, sentence: issueSentence(result.issues, 'The calibration') };
}
