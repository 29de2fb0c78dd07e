/**
 * The cost models, one table: what makes the model that a scenario names. Adding one is a file and a line here.
 *
 * A measured table and a hardware check are files beside the scenario: they are given as inputs, and a scenario that
 * names one without it is refused by name.
 */
import type { GpuRecord } from '../../core/hardware/records.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import type { CheckRun } from '../../core/run/schema.ts';
import type { CostSettings } from '../../core/scenario/simulate/schema.ts';
import { createCheckCost } from './check.ts';
import { createLinear } from './linear.ts';
import type { CostModel } from './model.ts';
import { createRoofline, type CostScenario } from './roofline.ts';

export type { CostModel } from './model.ts';

export interface CostInputs {
  readonly scenario: CostScenario;
  readonly model: Architecture;
  readonly gpu: GpuRecord;
  /** Makes the model of a measured table, by the name that the scenario gives it. */
  readonly table?: (name: string) => CostModel | undefined;
  /** A hardware check, by the name that the scenario gives it. */
  readonly check?: (name: string) => CheckRun | undefined;
}

/** A scenario names a file that was not given beside it. */
export class CostFileMissingError extends Error {
  readonly code = 'cost-file-missing';
  constructor(what: string, name: string) {
    super(
      `The scenario takes its times from the ${what} “${name}”, which was not given; add it or use the roofline.`,
    );
    this.name = 'CostFileMissingError';
  }
}

type Kind = CostSettings['kind'];
type Factory<K extends Kind> = (
  settings: Extract<CostSettings, { kind: K }>,
  inputs: CostInputs,
) => CostModel;

export const COST_MODELS: { readonly [K in Kind]: Factory<K> } = {
  roofline: createRoofline,
  linear: createLinear,
  table: ({ name }, { table }) => {
    const model = table?.(name);
    if (!model) throw new CostFileMissingError('profile', name);
    return model;
  },
  check: ({ name }, inputs) => {
    const check = inputs.check?.(name);
    if (!check) throw new CostFileMissingError('hardware check', name);
    return createCheckCost(check, inputs);
  },
};

/**
 * The cost model of a scenario. @throws CostFileMissingError, CheckLacksError
 */
export function createCostModel(settings: CostSettings, inputs: CostInputs): CostModel {
  switch (settings.kind) {
    case 'roofline':
      return COST_MODELS.roofline(settings, inputs);
    case 'linear':
      return COST_MODELS.linear(settings, inputs);
    case 'table':
      return COST_MODELS.table(settings, inputs);
    case 'check':
      return COST_MODELS.check(settings, inputs);
    default:
      return settings satisfies never;
  }
}
