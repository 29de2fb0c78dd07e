/** Records by the names that people give them, for whoever asks before there is a scenario. */
import { findAnyGpu, unknownGpuSentence } from '../core/hardware/catalogue.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import type { Read } from '../core/json.ts';
import type { Architecture } from '../core/model/architecture.ts';
import { findAnyModel, unknownModelSentence } from '../core/model/catalogue.ts';

/** A model by id, name, alias or repository; else the nearest ones in a sentence. */
export function findModelRecord(name: string): Read<Architecture> {
  const value = findAnyModel(name);
  return value ? { ok: true, value } : { ok: false, sentence: unknownModelSentence(name) };
}

/** A GPU by id, name or alias; else the nearest ones in a sentence. */
export function findGpuRecord(name: string): Read<GpuRecord> {
  const value = findAnyGpu(name);
  return value ? { ok: true, value } : { ok: false, sentence: unknownGpuSentence(name) };
}
