/**
 * The simulated engine as an autopilot's plant: the simulator's own loop, scheduler, block manager and cost model, with
 * hooks that an action moves.
 *
 * Quantized, evicted and offloaded tokens give whole blocks back to the pool while their sequence lives; reads of lower
 * tiers, copies for the way back and rewriting take time (links.ts); limits are the scheduler's own. With
 * `autopilot: false` nothing is hooked, and the run is that of `runSimulation`, byte for byte.
 *
 * Left out: tokens themselves. What quality costs is drawn from a given or a measured loss (shadow.ts).
 */
import { ServingCollector } from '../../core/metrics/serving/collector.ts';
import { summarizeServing } from '../../core/metrics/serving/summary.ts';
import { createRandom } from '../../core/random.ts';
import type {
  AutopilotCounters,
  AutopilotTelemetry,
  KvLimits,
  SequenceState,
} from '../../core/run/autopilot.ts';
import type { SimSummary } from '../../core/run/simulation.ts';
import type { KvAction, KvActionKind } from '../../core/scenario/autopilot/action.ts';
import { KV_ACTION_KINDS } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../../core/scenario/autopilot/schema.ts';
import { sharesPrefixes } from '../../core/scenario/simulate/fit.ts';
import { VllmScheduler } from '../../core/schedule/vllm.ts';
import { generateRequests } from '../../core/workload/generate.ts';
import { createCluster } from '../../sim/cluster.ts';
import type { ControlledParts } from '../../sim/control.ts';
import { joinObservers } from '../../sim/join-observers.ts';
import type { SimLoop } from '../../sim/loop.ts';
import { costOf, numBlocksOf, traceOf, type SimInputs } from '../../sim/repetition.ts';
import { keepLimits } from '../../sim/run-limits.ts';
import { StateDigest } from '../book/digest.ts';
import type { RangeAction } from '../book/range.ts';
import { ActionError, type Applied, type AutopilotPlant, type Priced, type ShadowSample } from '../plant.ts';
import { Ledger, rowOf, type LedgerChange } from './ledger.ts';
import { MovedLimits, type LimitAction } from './limits.ts';
import { steeredCost, TierLinks } from './links.ts';
import { shadowSamples } from './shadow.ts';
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
/** Waiting sequences that are listed. */
const MOST_WAITING = 200;
const EVENTS_A_PAUSE = 4096;

type Undo =
  | { readonly kind: 'range'; readonly action: RangeAction; readonly change: LedgerChange }
  | { readonly kind: 'limit'; readonly action: LimitAction; readonly before: KvLimits };

const NO_COUNTERS: AutopilotCounters = {
  tokensEvicted: 0,
  tokensQuantized: 0,
  tokensOffloaded: 0,
  tokensFetched: 0,
  reuseHits: 0,
  reuseMisses: 0,
  applies: 0,
  rollbacks: 0,
};

/** @throws Error in one sentence where the scenario is impossible or cannot be steered */
export function createSimulatedPlant(
  scenario: AutopilotScenario,
  options: SimulatedPlantOptions = { autopilot: true },
): SimulatedPlant {
  return new SimulatedPlant(scenario, options);
}

function isRange(action: KvAction): action is RangeAction {
  return 'sequence' in action;
}

export class SimulatedPlant implements AutopilotPlant {
  readonly origin = 'simulated';
  readonly capabilities: ReadonlySet<KvActionKind>;
  readonly costModel: string;
  readonly shape: SimulatedShape;
  readonly #scenario: AutopilotScenario;
  readonly #loop: SimLoop;
  readonly #parts: ControlledParts;
  readonly #ledger: Ledger;
  readonly #limits: MovedLimits;
  readonly #links: TierLinks;
  readonly #watch: EngineWatch;
  readonly #window: RecentWindow;
  readonly #collector: ServingCollector;
  readonly #undo = new Map<number, Undo>();
  readonly #counters: AutopilotCounters = { ...NO_COUNTERS };
  #nowMs = 0;
  #nextId = 1;
  #shadows = 0;
  #savedBytes = 0;

  constructor(scenario: AutopilotScenario, options: SimulatedPlantOptions) {
    const simulation = withoutTiers({ ...scenario.simulation, seed: scenario.seed });
    const requests = generateRequests(simulation, traceOf(simulation, options));
    const numBlocks = numBlocksOf(simulation, requests);
    this.#scenario = scenario;
    this.shape = simulatedShape(scenario);
    this.capabilities = new Set(options.autopilot ? KV_ACTION_KINDS : []);
    this.#window = new RecentWindow(WINDOW_LOOKS * scenario.controlMs);
    this.#links = new TierLinks(this.shape);
    this.#limits = new MovedLimits(simulation.engine, requests.size, () => this.#use());
    this.#collector = new ServingCollector({
      requests,
      blockSize: simulation.engine.blockSize,
      maxSamples: keepLimits(simulation).samples,
    });
    const attached: { parts: ControlledParts | null } = { parts: null };
    const plain = costOf(simulation, options);
    const cost = steeredCost(
      plain,
      () => this.#ledger,
      () => this.#parts.sequences,
      this.#links,
    );
    this.#watch = new EngineWatch(this.#window, {
      planned: (plan) => void (cost.plan = plan),
      left: (row) => this.#ledger.forget(row),
      stepped: () => this.#limitCache(),
    });
    const { loop } = createCluster({
      scenario: simulation,
      requests,
      cost: options.autopilot ? cost : plain,
      numBlocks,
      observer: joinObservers(this.#collector, this.#watch),
      control: {
        ...(options.autopilot
          ? { limits: this.#limits, spareBlocks: SPARE * numBlocks, connector: this.#links }
          : {}),
        attach: (parts) => void (attached.parts = parts),
      },
    });
    this.#loop = loop;
    this.costModel = `${plain.name}. ${plain.about}`;
    if (attached.parts === null)
      throw new RangeError('The scenario has no replica; set simulation.cluster.replicas to 1.');
    this.#parts = attached.parts;
    this.#ledger = new Ledger(this.shape, this.#parts.manager, this.#parts.sequences);
  }

  get linkGBps(): number {
    return this.shape.tiers[0]?.bandwidthGBps ?? Infinity;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get numRequests(): number {
    return this.#collector.times.table.size;
  }

  get numDone(): number {
    return this.#loop.numDone;
  }

  async advance(untilMs: number): Promise<boolean> {
    while (this.#loop.advanceUntil(untilMs, EVENTS_A_PAUSE)) await Promise.resolve();
    this.#nowMs = this.#loop.isOver ? Math.max(this.#nowMs, this.#loop.nowMs) : untilMs;
    return !this.#loop.isOver;
  }

  telemetry(): AutopilotTelemetry {
    const { manager, scheduler } = this.#parts;
    const { totals } = this.#collector;
    const { blockBytes, tiers } = this.shape;
    return {
      atMs: this.#nowMs,
      kvUse: this.#use(),
      kvBytes: manager.numActiveBlocks * blockBytes,
      kvBudgetBytes: manager.numBlocks * blockBytes,
      hostBytes: this.#ledger.book.lowerBytes + this.#savedBytes,
      hostBudgetBytes: tiers.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0),
      running: scheduler.numRunning,
      waiting: scheduler.numWaiting,
      finished: this.#watch.finishedRows,
      failed: this.#watch.rejectedRows,
      preemptions: totals.preemptions,
      ...this.#window.latencies(this.#nowMs),
      outputTokensPerSecond: this.#window.tokensPerSecond(this.#nowMs),
      lookedUpTokens: totals.lookedUpTokens,
      hitTokens: totals.hitTokens,
    };
  }

  sequences(): readonly SequenceState[] {
    const { lastStepMs } = this.#watch;
    const running = this.#running().map((row) =>
      this.#ledger.state(row, 'running', lastStepMs, this.#watch.uses(row)),
    );
    const waiting = [...this.#watch.waiting]
      .slice(0, MOST_WAITING)
      .map((row) => this.#ledger.state(row, 'waiting', 0, 0));
    return [...running, ...waiting];
  }

  limits(): KvLimits {
    return this.#limits.now;
  }

  counters(): AutopilotCounters {
    const { hitTokens, lookedUpTokens } = this.#collector.totals;
    return { ...this.#counters, reuseHits: hitTokens, reuseMisses: lookedUpTokens - hitTokens };
  }

  price(action: KvAction): Priced {
    if (!this.capabilities.has(action.kind))
      return {
        ok: false,
        sentence: `This plant runs without an autopilot; ${action.kind} is not done here.`,
      };
    if (isRange(action)) return this.#ledger.price(action, this.#isRunning(action.sequence));
    const { manager } = this.#parts;
    const sentence = this.#limits.refusal(action, manager.prefixCaching, manager.numBlocks);
    return sentence === null
      ? { ok: true, freesBytes: 0, tokens: 0, movedBytes: 0 }
      : { ok: false, sentence };
  }

  apply(action: KvAction): Promise<Applied> {
    const priced = this.price(action);
    if (!priced.ok) return Promise.reject(new ActionError(priced.sentence));
    const id = this.#nextId++;
    const before = this.#parts.manager.numActiveBlocks;
    this.#undo.set(id, isRange(action) ? this.#applyRange(action) : this.#applyLimit(action));
    this.#counters.applies++;
    // What the pool really got back, not what the price said.
    const freedBytes = (before - this.#parts.manager.numActiveBlocks) * this.shape.blockBytes;
    return Promise.resolve({ id, action, freedBytes });
  }

  undo(applied: readonly Applied[]): Promise<void> {
    for (const { id } of [...applied].reverse()) {
      const undo = this.#undo.get(id);
      if (!undo) continue;
      if (undo.kind === 'limit') this.#limits.now = undo.before;
      else this.#undoRange(undo.action, undo.change);
      this.#letGo(id);
    }
    if (applied.length > 0) this.#counters.rollbacks++;
    return Promise.resolve();
  }

  keep(applied: readonly Applied[]): void {
    for (const { id } of applied) this.#letGo(id);
  }

  shadow(
    actions: readonly KvAction[],
    fraction: number,
    signal: AbortSignal,
  ): Promise<readonly ShadowSample[]> {
    if (signal.aborted) return Promise.resolve([]);
    const random = createRandom(this.#scenario.seed).fork(`shadow ${this.#shadows++}`);
    return Promise.resolve(shadowSamples(actions, fraction, this.#scenario.simulatedLoss, random));
  }

  digest(): string {
    const state = new StateDigest().text(this.#limits.text());
    this.#ledger.digest(state, this.#running());
    return state.hex();
  }

  check(): void {
    this.#ledger.check();
    const running = new Set(this.#running());
    const stray = this.#ledger.rows().find((row) => !running.has(row));
    if (stray !== undefined) throw new Error(`r${stray} is in the book and does not run.`);
  }

  /** As a simulation sums it up. */
  summary(): SimSummary | null {
    if (this.#watch.finishedRows === 0) return null;
    const { simulation } = this.#scenario;
    return summarizeServing(this.#collector, {
      objectives: simulation.objectives,
      prefixCache: sharesPrefixes(simulation),
      cdfSteps: keepLimits(simulation).cdfSteps,
    });
  }

  /** Sentences about how this plant keeps its books. */
  notes(): string[] {
    const assumed = this.shape.tiers.filter((tier) => tier.assumed).map(({ tier }) => tier);
    return [
      ...(this.#scenario.simulation.cluster.tiers.length > 0
        ? [
            'The cluster’s tiers hold what the autopilot offloads; blocks of the prefix cache do not go there.',
          ]
        : []),
      ...(assumed.length > 0
        ? [`Capacity and latency of ${assumed.join(', ')} are assumed; simulation.cluster.tiers sets them.`]
        : []),
      this.#scenario.simulatedLoss === null
        ? 'Shadows draw from the loss that was measured on the shipped model; that of eviction is assumed.'
        : 'Shadows draw from the loss that the scenario gives (simulatedLoss).',
    ];
  }

  #applyRange(action: RangeAction): Undo {
    const change = this.#ledger.apply(action, true);
    const now = this.#nowMs;
    this.#savedBytes += change.savedBytes;
    this.#links.save(now, change.savedBytes);
    if (action.kind === 'offload') this.#links.send(action.tier, now, change.movedBytes);
    if (action.kind === 'fetch') this.#fetchAll(change);
    if (action.kind === 'quantize')
      this.#links.rewrite(now, 2 * change.savedBytes - Math.max(0, change.freedBytes));
    this.#count(action, change.tokens);
    return { kind: 'range', action, change };
  }

  #fetchAll({ changes }: LedgerChange): void {
    for (const part of changes.flatMap(({ before }) => before)) {
      if (part.tier !== 'hbm') this.#links.fetch(part.tier, this.#nowMs, this.#ledger.book.bytesOf([part]));
    }
  }

  #undoRange(action: RangeAction, change: LedgerChange): void {
    if (!this.#ledger.put(change)) return;
    this.#links.restore(this.#nowMs, change.savedBytes);
    if (action.kind === 'offload') this.#links.fetch(action.tier, this.#nowMs, change.movedBytes);
    if (action.kind !== 'fetch') return;
    for (const part of change.changes.flatMap(({ before }) => before)) {
      if (part.tier !== 'hbm') this.#links.send(part.tier, this.#nowMs, this.#ledger.book.bytesOf([part]));
    }
  }

  #applyLimit(action: LimitAction): Undo {
    const before = this.#limits.now;
    this.#limits.now = this.#limits.after(action);
    this.#limitCache();
    return { kind: 'limit', action, before };
  }

  #limitCache(): void {
    const most = this.#limits.now.prefixCacheBlocks;
    if (most !== null) this.#parts.manager.limitIdle(most);
  }

  #letGo(id: number): void {
    const undo = this.#undo.get(id);
    if (undo?.kind === 'range') this.#savedBytes -= undo.change.savedBytes;
    this.#undo.delete(id);
  }

  #count(action: RangeAction, tokens: number): void {
    const counter = (
      {
        evict: 'tokensEvicted',
        quantize: 'tokensQuantized',
        offload: 'tokensOffloaded',
        fetch: 'tokensFetched',
      } as const
    )[action.kind];
    this.#counters[counter] += tokens;
  }

  #use(): number {
    const { manager } = this.#parts;
    return manager.numActiveBlocks / manager.numBlocks;
  }

  #running(): number[] {
    const { scheduler } = this.#parts;
    return scheduler instanceof VllmScheduler ? scheduler.runningRows() : [];
  }

  #isRunning(name: string): boolean {
    const row = rowOf(name);
    return row >= 0 && this.#parts.manager.blocksOf(row).length > 0;
  }
}
