/**
 * The control loop: look at the cache, plan, carry the plan out under guard, cool down, look again.
 *
 * One plan at a time. Deterministic on a deterministic plant: the loop has no clock but the plant's.
 */
import type { PlanState, PlanStatus } from '../../core/run/autopilot.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import { AuditLog } from '../log/index.ts';
import { planActions, viewOf, type Plan } from '../planner/index.ts';
import type { AutopilotPlant } from '../plant.ts';
import { PlanExecution, type Ended, type Ending } from './execute.ts';
import { Memory } from './memory.ts';
import type { AutopilotNews, AutopilotOptions, AutopilotOutcome } from './options.ts';
import { Recorder } from './recorder.ts';

export type { AutopilotNews, AutopilotOptions, AutopilotOutcome, FaultPoint } from './options.ts';

const STATUS: Readonly<Record<Ending, PlanStatus>> = {
  kept: 'completed',
  quality: 'rolledBack',
  service: 'rolledBack',
  cancelled: 'cancelled',
  failed: 'failed',
};

/** Looks in a row in which the plant's clock stands still. */
const MOST_STILL = 1000;
/** Of a run, as its schema allows. */
const MOST_PLANS = 10_000;

class Loop {
  readonly #plant: AutopilotPlant;
  readonly #policy: AutopilotPolicy;
  readonly #options: AutopilotOptions;
  readonly #onNews: (news: AutopilotNews) => void;
  readonly #log: AuditLog;
  readonly #recorder: Recorder;
  readonly #memory: Memory;
  readonly #initialLimits;
  readonly #plans: PlanState[] = [];
  readonly #ended = { plans: 0, kept: 0, rolledBack: 0 };
  readonly #stopped: AbortSignal;
  #coolUntil = -Infinity;

  constructor(plant: AutopilotPlant, policy: AutopilotPolicy, options: AutopilotOptions) {
    this.#plant = plant;
    this.#policy = policy;
    this.#options = options;
    this.#onNews = options.onNews ?? (() => {});
    this.#log = new AuditLog((entry) => this.#onNews({ kind: 'log', entry }));
    this.#recorder = new Recorder(plant, this.#log, this.#onNews);
    this.#memory = new Memory(policy);
    this.#initialLimits = plant.limits();
    this.#stopped = AbortSignal.any([options.signal, options.stop].filter((signal) => signal !== undefined));
  }

  async run(): Promise<AutopilotOutcome> {
    let more = true;
    let still = 0;
    while (more && !this.#isAborted()) {
      const before = this.#plant.nowMs;
      more = await this.#plant.advance(before + this.#options.controlMs);
      this.#recorder.look();
      still = this.#plant.nowMs > before ? 0 : still + 1;
      if (still > MOST_STILL) throw new Error(`The plant’s clock stands at ${before} ms; it must go on.`);
      if (more && !(await this.#steer())) more = false;
    }
    return {
      plans: this.#plans,
      log: this.#log.entries,
      series: this.#recorder.series,
      counters: this.#plant.counters(),
      complete: !more && !this.#isAborted(),
    };
  }

  #isAborted(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  #isStopped(): boolean {
    return this.#stopped.aborted;
  }

  /** @returns whether the plant has anything left to serve */
  async #steer(): Promise<boolean> {
    const now = this.#plant.nowMs;
    if (this.#isStopped()) {
      this.#log.idle(now, 'The autopilot was stopped; the cache serves on.', 'stopped');
      return true;
    }
    if (now < this.#coolUntil || this.#plans.length >= MOST_PLANS) return true;
    const known = viewOf(this.#plant, this.#initialLimits, this.#memory.learned(now));
    const view = { ...known, growthBytes: this.#recorder.growth.bytesPerMs * this.#planMs() };
    const plan = planActions(view, this.#policy);
    if (plan.actions.length === 0) {
      const reason = plan.causeKind === 'none' ? 'none' : `${plan.causeKind} nothing`;
      const cause = plan.causeKind === 'none' ? '' : `${plan.cause} `;
      this.#log.idle(now, `${cause}${plan.sentence}`, reason);
      return true;
    }
    const over = await this.#carryOut(plan);
    this.#coolUntil = this.#plant.nowMs + this.#policy.cooldownMs;
    return !over;
  }

  /** From a plan until the next one can be made. */
  #planMs(): number {
    const { canarySteps, watchMs, cooldownMs } = this.#policy;
    return canarySteps.length * watchMs + cooldownMs + this.#options.controlMs;
  }

  async #carryOut(plan: Plan): Promise<boolean> {
    const at = this.#plans.length;
    const planId = `plan-${at + 1}`;
    this.#log.busy();
    this.#change(at, this.#newPlan(planId, plan));
    this.#log.add({
      kind: 'plan',
      atMs: this.#plant.nowMs,
      planId,
      actions: plan.actions.map(({ action }) => action),
      sentence: `${plan.cause} ${plan.sentence}`,
      state: this.#plant.digest(),
    });
    if (this.#options.dryRun) return false;
    const execution = new PlanExecution(planId, plan, {
      plant: this.#plant,
      policy: this.#policy,
      log: this.#log,
      recorder: this.#recorder,
      controlMs: this.#options.controlMs,
      seed: (this.#options.seed ?? 1) + at,
      isStopped: () => this.#isStopped(),
      signal: this.#stopped,
      faults: this.#options.faults ?? (() => {}),
      onState: (change) => this.#change(at, change),
    });
    const ended = await execution.run();
    this.#learn(plan, ended);
    this.#finish(at, ended);
    this.#plant.check();
    return ended.over;
  }

  #learn(plan: Plan, { ending, quality }: Ended): void {
    if (quality !== null) this.#memory.measured(plan.actions, quality);
    if (ending === 'quality' || ending === 'service') {
      this.#memory.rolledBack(plan.actions, ending === 'quality', this.#plant.nowMs);
    }
  }

  #finish(at: number, { ending, reason, stays }: Ended): void {
    const ended = this.#ended;
    const status = stays ? 'failed' : STATUS[ending];
    ended.plans++;
    if (ending === 'kept') ended.kept++;
    if (status === 'rolledBack') ended.rolledBack++;
    this.#change(at, {
      status,
      kvUseAfter: this.#plant.telemetry().kvUse,
      rollbackReason: reason?.slice(0, 300) ?? null,
      guard: {
        plans: ended.plans,
        successRate: ended.kept / ended.plans,
        rollbackRate: ended.rolledBack / ended.plans,
      },
    });
  }

  #newPlan(planId: string, plan: Plan): PlanState {
    const { plans, kept, rolledBack } = this.#ended;
    const rate = (count: number) => (plans === 0 ? 0 : count / plans);
    return {
      planId,
      status: 'pending',
      atMs: this.#plant.nowMs,
      cause: `${plan.cause} ${plan.sentence}`.slice(0, 300),
      actions: [...plan.actions],
      actionsCompleted: 0,
      actionsTotal: plan.actions.length,
      kvUseBefore: this.#plant.telemetry().kvUse,
      kvUseAfter: null,
      qualityDelta: null,
      qualityUpper: null,
      rollbackReason: null,
      guard: { plans, successRate: rate(kept), rollbackRate: rate(rolledBack) },
    };
  }

  #change(at: number, change: Partial<PlanState>): void {
    const before = this.#plans[at];
    // A new plan comes whole.
    const plan = before ? { ...before, ...change } : (change as PlanState);
    this.#plans[at] = plan;
    this.#onNews({ kind: 'plan', plan });
  }
}

/**
 * Steers a plant until nothing is left to serve, or until it is cancelled.
 * @throws Error where the plant's state does not add up after a plan
 */
export function runAutopilot(
  plant: AutopilotPlant,
  policy: AutopilotPolicy,
  options: AutopilotOptions,
): Promise<AutopilotOutcome> {
  return new Loop(plant, policy, options).run();
}
