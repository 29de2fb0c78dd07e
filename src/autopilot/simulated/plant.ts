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
import { keepLimits } from '../../sim/run-limits.ts';
import { StateDigest } from '../book/digest.ts';
import type { RangeAction } from '../book/range.ts';
import { ActionError, type Applied, type AutopilotPlant, type Priced, type ShadowSample } from '../plant.ts';
import { rowOf, type LedgerChange } from './ledger.ts';
import type { LimitAction } from './limits.ts';
import {
  createSteeredEngine,
  kvUseOf,
  limitCache,
  type SimulatedPlantOptions,
  type SteeredEngine,
} from './machine.ts';
import { shadowSamples } from './shadow.ts';

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
  readonly #scenario: AutopilotScenario;
  readonly #engine: SteeredEngine;
  readonly #undo = new Map<number, Undo>();
  readonly #counters: AutopilotCounters = { ...NO_COUNTERS };
  #nowMs = 0;
  #nextId = 1;
  #shadows = 0;
  #savedBytes = 0;

  constructor(scenario: AutopilotScenario, options: SimulatedPlantOptions) {
    this.#scenario = scenario;
    this.#engine = createSteeredEngine(scenario, options);
    this.capabilities = new Set(options.autopilot ? KV_ACTION_KINDS : []);
  }

  get linkGBps(): number {
    return this.#engine.shape.tiers[0]?.bandwidthGBps ?? Infinity;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  async advance(untilMs: number): Promise<boolean> {
    while (this.#engine.loop.advanceUntil(untilMs, EVENTS_A_PAUSE)) await Promise.resolve();
    this.#nowMs = this.#engine.loop.isOver ? Math.max(this.#nowMs, this.#engine.loop.nowMs) : untilMs;
    return !this.#engine.loop.isOver;
  }

  telemetry(): AutopilotTelemetry {
    const { manager, scheduler } = this.#engine.parts;
    const { totals } = this.#engine.collector;
    const { blockBytes, tiers } = this.#engine.shape;
    return {
      atMs: this.#nowMs,
      kvUse: kvUseOf(this.#engine.parts),
      kvBytes: manager.numActiveBlocks * blockBytes,
      kvBudgetBytes: manager.numBlocks * blockBytes,
      hostBytes: this.#engine.ledger.book.lowerBytes + this.#savedBytes,
      hostBudgetBytes: tiers.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0),
      running: scheduler.numRunning,
      waiting: scheduler.numWaiting,
      finished: this.#engine.watch.finishedRows,
      failed: this.#engine.watch.rejectedRows,
      preemptions: totals.preemptions,
      ...this.#engine.window.latencies(this.#nowMs),
      outputTokensPerSecond: this.#engine.window.tokensPerSecond(this.#nowMs),
      lookedUpTokens: totals.lookedUpTokens,
      hitTokens: totals.hitTokens,
    };
  }

  sequences(): readonly SequenceState[] {
    const { lastStepMs } = this.#engine.watch;
    const running = this.#running().map((row) =>
      this.#engine.ledger.state(row, 'running', lastStepMs, this.#engine.watch.uses(row)),
    );
    const waiting = [...this.#engine.watch.waiting]
      .slice(0, MOST_WAITING)
      .map((row) => this.#engine.ledger.state(row, 'waiting', 0, 0));
    return [...running, ...waiting];
  }

  limits(): KvLimits {
    return this.#engine.limits.now;
  }

  counters(): AutopilotCounters {
    const { hitTokens, lookedUpTokens } = this.#engine.collector.totals;
    return { ...this.#counters, reuseHits: hitTokens, reuseMisses: lookedUpTokens - hitTokens };
  }

  price(action: KvAction): Priced {
    if (!this.capabilities.has(action.kind))
      return {
        ok: false,
        sentence: `This plant runs without an autopilot; ${action.kind} is not done here.`,
      };
    if (isRange(action)) return this.#engine.ledger.price(action, this.#isRunning(action.sequence));
    const { manager } = this.#engine.parts;
    const sentence = this.#engine.limits.refusal(action, manager.prefixCaching, manager.numBlocks);
    return sentence === null
      ? { ok: true, freesBytes: 0, tokens: 0, movedBytes: 0 }
      : { ok: false, sentence };
  }

  apply(action: KvAction): Promise<Applied> {
    const priced = this.price(action);
    if (!priced.ok) return Promise.reject(new ActionError(priced.sentence));
    const id = this.#nextId++;
    const before = this.#engine.parts.manager.numActiveBlocks;
    this.#undo.set(id, isRange(action) ? this.#applyRange(action) : this.#applyLimit(action));
    this.#counters.applies++;
    // What the pool really got back, not what the price said.
    const freedBytes = (before - this.#engine.parts.manager.numActiveBlocks) * this.#engine.shape.blockBytes;
    return Promise.resolve({ id, action, freedBytes });
  }

  undo(applied: readonly Applied[]): Promise<void> {
    for (const { id } of [...applied].reverse()) {
      const undo = this.#undo.get(id);
      if (!undo) continue;
      if (undo.kind === 'limit') this.#engine.limits.now = undo.before;
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
    const state = new StateDigest().text(this.#engine.limits.text());
    this.#engine.ledger.digest(state, this.#running());
    return state.hex();
  }

  check(): void {
    this.#engine.ledger.check();
    const running = new Set(this.#running());
    const stray = this.#engine.ledger.rows().find((row) => !running.has(row));
    if (stray !== undefined) throw new Error(`r${stray} is in the book and does not run.`);
  }

  /** As a simulation sums it up. */
  summary(): SimSummary | null {
    if (this.#engine.watch.finishedRows === 0) return null;
    const { simulation } = this.#scenario;
    return summarizeServing(this.#engine.collector, {
      objectives: simulation.objectives,
      prefixCache: sharesPrefixes(simulation),
      cdfSteps: keepLimits(simulation).cdfSteps,
    });
  }

  /** Sentences about how this plant keeps its books. */
  notes(): string[] {
    const assumed = this.#engine.shape.tiers.filter((tier) => tier.assumed).map(({ tier }) => tier);
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
    const change = this.#engine.ledger.apply(action, true);
    const now = this.#nowMs;
    this.#savedBytes += change.savedBytes;
    this.#engine.links.save(now, change.savedBytes);
    if (action.kind === 'offload') this.#engine.links.send(action.tier, now, change.movedBytes);
    if (action.kind === 'fetch') this.#fetchAll(change);
    if (action.kind === 'quantize')
      this.#engine.links.rewrite(now, 2 * change.savedBytes - Math.max(0, change.freedBytes));
    this.#count(action, change.tokens);
    return { kind: 'range', action, change };
  }

  #fetchAll({ changes }: LedgerChange): void {
    for (const part of changes.flatMap(({ before }) => before)) {
      if (part.tier !== 'hbm')
        this.#engine.links.fetch(part.tier, this.#nowMs, this.#engine.ledger.book.bytesOf([part]));
    }
  }

  #undoRange(action: RangeAction, change: LedgerChange): void {
    if (!this.#engine.ledger.put(change)) return;
    this.#engine.links.restore(this.#nowMs, change.savedBytes);
    if (action.kind === 'offload') this.#engine.links.fetch(action.tier, this.#nowMs, change.movedBytes);
    if (action.kind !== 'fetch') return;
    for (const part of change.changes.flatMap(({ before }) => before)) {
      if (part.tier !== 'hbm')
        this.#engine.links.send(part.tier, this.#nowMs, this.#engine.ledger.book.bytesOf([part]));
    }
  }

  #applyLimit(action: LimitAction): Undo {
    const before = this.#engine.limits.now;
    this.#engine.limits.now = this.#engine.limits.after(action);
    limitCache(this.#engine.parts, this.#engine.limits);
    return { kind: 'limit', action, before };
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

  #running(): number[] {
    const { scheduler } = this.#engine.parts;
    return scheduler instanceof VllmScheduler ? scheduler.runningRows() : [];
  }

  #isRunning(name: string): boolean {
    const row = rowOf(name);
    return row >= 0 && this.#engine.parts.manager.blocksOf(row).length > 0;
  }
}
