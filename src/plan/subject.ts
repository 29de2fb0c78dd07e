/**
 * Names of a scenario looked up in the records: model, GPU, trace-free. Refuses what contradicts the records.
 *
 * Boundary: nothing is chosen here; what is null stays null. @see settle.ts
 */
import { findAnyGpu, unknownGpuSentence } from '../core/hardware/catalogue.ts';
import { derate, deratingOf } from '../core/hardware/deratings.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import { tensorRanks } from '../core/kv/stages.ts';
import type { Architecture } from '../core/model/architecture.ts';
import { findAnyModel, unknownModelSentence } from '../core/model/catalogue.ts';
import type { PlanCalibration } from '../core/run/calibration.ts';
import type { PlanScenario } from '../core/scenario/plan/schema.ts';
import { PlanError } from './error.ts';
import type { PlanSubject } from './types.ts';

/**
 * @param calibration the record that the scenario names
 * @throws PlanError for an unknown model, for settings that it can't have, and for a calibration that is not given
 */
export function subjectOf(scenario: PlanScenario, calibration?: PlanCalibration): PlanSubject {
  const model = scenario.architecture ?? modelOf(scenario.model);
  refuseRanks(scenario, model);
  refuseExperts(scenario, model);
  refuseImages(scenario, model);
  refuseCalibration(scenario, calibration);
  return { scenario, model, calibration: scenario.calibration === null ? undefined : calibration };
}

function refuseCalibration({ calibration: name }: PlanScenario, given: PlanCalibration | undefined): void {
  if (name === null || given?.name === name) return;
  const other = given === undefined ? '' : ` (what was given is “${given.name}”)`;
  throw new PlanError(
    `The plan names the calibration “${name}”, which was not given${other}; give it or set calibration to null.`,
  );
}

/** @throws PlanError with the nearest names */
export function modelOf(name: string): Architecture {
  const model = findAnyModel(name);
  if (!model) throw new PlanError(unknownModelSentence(name));
  return model;
}

/** The GPU that a scenario names, derated; null where the search looks at all. @throws PlanError */
export function gpuOf(scenario: PlanScenario): GpuRecord | null {
  const { custom, gpu } = scenario.hardware;
  const record = custom ?? (gpu === null ? null : findGpuNamed(gpu));
  return record && asPlanned(record, scenario);
}

/** A record with what its power and cooling leave of its rates: the scenario's shares, else those of its kind. */
export function asPlanned(record: GpuRecord, { hardware }: PlanScenario): GpuRecord {
  // A hardware check measured what the part really does: nothing is taken off it unless asked.
  const own = hardware.custom === null ? deratingOf(record) : null;
  const derating = hardware.derating ?? own;
  return derating === null ? record : derate(record, derating);
}

/** @throws PlanError with the nearest names */
export function findGpuNamed(name: string): GpuRecord {
  const gpu = findAnyGpu(name);
  if (!gpu) throw new PlanError(unknownGpuSentence(name));
  return gpu;
}

function refuseRanks({ hardware: { tensorParallel } }: PlanScenario, model: Architecture): void {
  if (tensorParallel === null) return;
  const ranks = tensorRanks(model);
  if (ranks.includes(tensorParallel)) return;
  const below = ranks.findLast((n) => n < tensorParallel) ?? 1;
  const above = ranks.find((n) => n > tensorParallel);
  throw new PlanError(
    `hardware.tensorParallel is ${tensorParallel}, to which the heads of ${model.name} can't be dealt; the nearest that works is ${below}${above === undefined ? '' : ` or ${above}`}.`,
  );
}

function refuseExperts({ hardware, engine }: PlanScenario, model: Architecture): void {
  const mixture = model.kinds.some(({ mlp }) => mlp.kind === 'experts');
  if (hardware.expertParallel && !mixture) {
    throw new PlanError(
      `${model.name} has no experts, so hardware.expertParallel is nothing it can have; leave it false.`,
    );
  }
  if (engine.weights === 'mxfp4' && !mixture) {
    throw new PlanError(`mxfp4 is a format of experts, and ${model.name} has none; use int4 weights.`);
  }
}

function refuseImages({ load }: PlanScenario, model: Architecture): void {
  if (load.images === null || model.encoder) return;
  throw new PlanError(
    `${model.name} takes no images, so load.images is nothing it can be given; set it to null, or plan a model with an encoder (llava-1.5-7b, qwen2.5-vl-7b).`,
  );
}
