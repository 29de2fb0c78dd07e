/**
 * The hooks of somebody who steers a replica while it runs: limits that move, memory that sequences save, KV that is read
 * over a link. Nothing of it is there unless it is asked for, and without an action nothing changes.
 *
 * Boundary: types. Who steers is src/autopilot/simulated.
 */
import type { BlockManager } from '../core/kv/block-manager.ts';
import type { Scheduler } from '../core/schedule/scheduler.ts';
import type { Sequences } from '../core/schedule/sequences.ts';
import type { LiveLimits } from '../core/schedule/vllm-config.ts';
import type { SimConnector } from './connector.ts';

/** What a replica is made of, for whoever looks into it and changes it between two events. */
export interface ControlledParts {
  readonly manager: BlockManager;
  readonly sequences: Sequences;
  readonly scheduler: Scheduler;
}

export interface EngineControl {
  /** Left out: the scenario's, all along. */
  readonly limits?: LiveLimits;
  /** Ids beyond the blocks of the memory, for `BlockManager.setCredit`; left out: none. */
  readonly spareBlocks?: number;
  readonly connector?: SimConnector;
  attach(parts: ControlledParts): void;
}
