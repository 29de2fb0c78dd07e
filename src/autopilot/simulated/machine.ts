/**
 * The simulated engine that a plant steers, put together: the simulator's cluster of one replica, and what an autopilot
 * hooks into it. With `autopilot: false` nothing is hooked but listeners.
 */
import { ServingCollector } from '../../core/metrics/serving/collector.ts';
import type { AutopilotScenario } from '../../core/scenario/autopilot/schema.ts';
import { generateRequests } from '../../core/workload/generate.ts';
import { createCluster } from '../../sim/cluster.ts';
import type { ControlledParts, EngineControl } from '../../sim/control.ts';
import { joinObservers } from '../../sim/join-observers.ts';
import type { SimLoop } from '../../sim/loop.ts';
import { costOf, numBlocksOf, traceOf, type SimInputs } from '../../sim/repetition.ts';
import { keepLimits } from '../../sim/run-limits.ts';
import { Ledger } from './ledger.ts';
import { MovedLimits } from './limits.ts';
import { steeredCost, TierLinks } from './links.ts';
import { simulatedShape, withoutTiers, type SimulatedShape } from './shape.ts';
import { EngineWatch } from './watch.ts';
import { RecentWindow } from './window.ts';

export interface SimulatedPlantOptions extends SimInputs {
  /** false: nothing can be done to it, and it runs as the simulator alone does. */
  readonly autopilot: boolean;
}

/** Looks that the latencies of telemetry reach back. */
const WINDOW_LOOKS = 10;
/** Ids of blocks beyond those of the memory, for each of them: sequences can save up to so many times the memory. */
const SPARE = 3;

export interface SteeredEngine {
  readonly shape: SimulatedShape;
  readonly loop: SimLoop;
  readonly parts: ControlledParts;
  readonly ledger: Ledger;
  readonly limits: MovedLimits;
  readonly links: TierLinks;
  readonly watch: EngineWatch;
  readonly window: RecentWindow;
  readonly collector: ServingCollector;
}

/** Blocks in use over those of the memory. */
export function kvUseOf({ manager }: ControlledParts): number {
  return manager.numActiveBlocks / manager.numBlocks;
}

/** Prefix blocks of ended sequences beyond the limit are forgotten. */
export function limitCache({ manager }: ControlledParts, limits: MovedLimits): void {
  const most = limits.now.prefixCacheBlocks;
  if (most !== null) manager.limitIdle(most);
}

/** @throws Error in one sentence where the scenario is impossible or cannot be steered */
export function createSteeredEngine(
  scenario: AutopilotScenario,
  options: SimulatedPlantOptions,
): SteeredEngine {
  const simulation = withoutTiers({ ...scenario.simulation, seed: scenario.seed });
  const shape = simulatedShape(scenario);
  const requests = generateRequests(simulation, traceOf(simulation, options));
  const numBlocks = numBlocksOf(simulation, requests);
  const window = new RecentWindow(WINDOW_LOOKS * scenario.controlMs);
  const links = new TierLinks(shape);
  const collector = new ServingCollector({
    requests,
    blockSize: simulation.engine.blockSize,
    maxSamples: keepLimits(simulation).samples,
  });
  const attached: { parts: ControlledParts | null; ledger: Ledger | null } = { parts: null, ledger: null };
  // The hooks are asked while the loop runs, when the replica that they look into is there.
  const parts = (): ControlledParts => there(attached.parts);
  const ledger = (): Ledger => there(attached.ledger);
  const limits = new MovedLimits(simulation.engine, requests.size, () => kvUseOf(parts()));
  const plain = costOf(simulation, options);
  const cost = steeredCost(plain, ledger, () => parts().sequences, links);
  const watch = new EngineWatch(window, {
    planned: (plan) => void (cost.plan = plan),
    left: (row) => ledger().forget(row),
    stepped: () => limitCache(parts(), limits),
  });
  const hooks: Omit<EngineControl, 'attach'> = options.autopilot
    ? { limits, spareBlocks: SPARE * numBlocks, connector: links }
    : {};
  const { loop } = createCluster({
    scenario: simulation,
    requests,
    cost: options.autopilot ? cost : plain,
    numBlocks,
    observer: joinObservers(collector, watch),
    control: { ...hooks, attach: (made) => void (attached.parts = made) },
  });
  attached.ledger = new Ledger(shape, parts().manager, parts().sequences);
  return { shape, loop, parts: parts(), ledger: ledger(), limits, links, watch, window, collector };
}

function there<T>(made: T | null): T {
  if (made === null)
    throw new RangeError('The scenario has no replica; set simulation.cluster.replicas to 1.');
  return made;
}
