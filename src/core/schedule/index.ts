/** The schedulers by name. Adding one is a file, a name in the scenario's schema and a line here. */
import type { SchedulerName } from '../scenario/simulate/schema.ts';
import { OrcaScheduler } from './orca.ts';
import type { SchedulerParts } from './parts.ts';
import { SarathiScheduler } from './sarathi.ts';
import type { Scheduler } from './scheduler.ts';
import { SpeculativeScheduler } from './speculative.ts';
import { StaticScheduler } from './static.ts';
import { VllmScheduler } from './vllm.ts';

export type SchedulerFactory = (parts: SchedulerParts) => Scheduler;

/** @throws RangeError where speculation is asked of a scheduler that has none. */
function withoutSpeculation(name: SchedulerName, create: SchedulerFactory): SchedulerFactory {
  return (parts) => {
    if (parts.speculation) {
      throw new RangeError(
        `The ${name} scheduler does not speculate; use vllm or sarathi, or no speculation.`,
      );
    }
    return create(parts);
  };
}

export const SCHEDULERS: Readonly<Record<SchedulerName, SchedulerFactory>> = {
  vllm: (parts) =>
    parts.speculation
      ? new SpeculativeScheduler(parts, parts.speculation, 'batch')
      : new VllmScheduler(parts),
  sarathi: (parts) =>
    parts.speculation
      ? new SpeculativeScheduler(parts, parts.speculation, 'decodes-first')
      : new SarathiScheduler(parts),
  orca: withoutSpeculation('orca', (parts) => new OrcaScheduler(parts)),
  static: withoutSpeculation('static', (parts) => new StaticScheduler(parts, false)),
  'static-bucketed': withoutSpeculation('static-bucketed', (parts) => new StaticScheduler(parts, true)),
};

/** Those that page their KV and so can share prefixes, load from tiers and be preempted. */
export const PAGED_SCHEDULERS: Readonly<Record<SchedulerName, boolean>> = {
  vllm: true,
  sarathi: true,
  orca: false,
  static: false,
  'static-bucketed': false,
};

export type { SchedulerParts, SpeculationSettings } from './parts.ts';
