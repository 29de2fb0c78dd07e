/** The serving engine that a scenario describes, as its run drives it. What it is made of is in cluster.ts. */
import type { SimRepetition } from '../core/run/simulation.ts';
import { createCluster, type ClusterParts } from './cluster.ts';

export interface Engine {
  readonly numDone: number;
  /** Handles at most so many events; false when nothing is left to happen. */
  advance(maxEvents: number): boolean;
  /** What went down to each tier and came back. */
  tiers(): SimRepetition['tiers'];
  /** Sentences about what it saw. */
  notes(): string[];
}

export type EngineParts = ClusterParts;

export function createEngine(parts: EngineParts): Engine {
  const { loop, traffic, verdicts } = createCluster(parts);
  return {
    get numDone() {
      return loop.numDone;
    },
    advance: (maxEvents) => loop.advance(maxEvents),
    tiers: traffic,
    notes: verdicts,
  };
}
