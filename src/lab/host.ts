/**
 * What the lab is told by whoever runs it: the clock, the machine, where the GPU comes from. The lab itself knows no
 * DOM, no worker and no Node, so the same code measures in a page, in a headless browser and under Dawn.
 */
import type { Gpu } from '../gpu/context.ts';
import type { PowerPreference } from './types.ts';

/** What an environment says beside the adapter. */
export interface HostFacts {
  readonly appVersion: string;
  /** Browser with version, or `Dawn in Node …`. */
  readonly runtime: string;
  readonly os: string;
  /** null where it is not told. */
  readonly hostMemoryBytes: number | null;
  readonly logicalCores: number | null;
}

export interface LabHost {
  readonly facts: HostFacts;
  readonly power: PowerPreference;
  /** Milliseconds on a clock that only goes forwards. */
  readonly now: () => number;
  /** ISO 8601, UTC. */
  readonly date: () => string;
  /** A random id for a run. */
  readonly newId: () => string;
  /** A fresh device; called again after a lost one. @throws NoAdapterError */
  readonly openGpu: (options?: { readonly subgroups?: boolean }) => Promise<Gpu>;
  /** Command line that asked for the run; null in the page. */
  readonly command: string | null;
}
