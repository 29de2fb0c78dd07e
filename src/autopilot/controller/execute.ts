/**
 * One plan, carried out under guard: shadow, then canary steps, each applied, watched and judged; kept at the end, or taken
 * back to the state before.
 *
 * Boundary: it does what it was given and says what became of it; which plan, and when the next, is for the loop. Whatever
 * fails in between, what was applied so far is taken back, newest first.
 */
import type { PlannedAction, PlanState } from '../../core/run/autopilot.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import { canaryGroups, Guard, losesQuality, type QualityTest } from '../guard/index.ts';
import type { AuditLog } from '../log/index.ts';
import { percent, type Plan } from '../planner/index.ts';
import { ActionError, type Applied, type AutopilotPlant } from '../plant.ts';
import type { FaultPoint } from './options.ts';
import type { Recorder } from './recorder.ts';

export type Ending = 'kept' | 'quality' | 'service' | 'cancelled' | 'failed';

export interface Ended {
  readonly ending: Ending;
  readonly reason: string | null;
  /** What was done stays though the guard was against it: the policy's rollback is off. */
  readonly stays: boolean;
  /** Whether the plant has nothing left to serve. */
  readonly over: boolean;
  /** Of the shadow; null where none ran. */
  readonly quality: QualityTest | null;
}

/** Looks of a shadow, each at the policy's share of the sequences that are still unseen. */
const MOST_LOOKS = 3;

/** What a plan is carried out with. */
export interface Execution {
  readonly plant: AutopilotPlant;
  readonly policy: AutopilotPolicy;
  readonly log: AuditLog;
  readonly recorder: Recorder;
  readonly controlMs: number;
  readonly seed: number;
  readonly isStopped: () => boolean;
  readonly signal: AbortSignal;
  readonly faults: (point: FaultPoint) => void | Promise<void>;
  /** The plan's state changed. */
  readonly onState: (change: Partial<PlanState>) => void;
}

/** Ends a plan early; `ending` says how. */
class Halt extends Error {
  readonly ending: Ending;
  constructor(ending: Ending, reason: string) {
    super(reason);
    this.ending = ending;
  }
}

export class PlanExecution {
  readonly #with: Execution;
  readonly #plan: Plan;
  readonly #planId: string;
  readonly #guard: Guard;
  readonly #applied: Applied[] = [];
  #steps = 0;
  #over = false;
  #stays = false;

  constructor(planId: string, plan: Plan, execution: Execution) {
    this.#with = execution;
    this.#plan = plan;
    this.#planId = planId;
    this.#guard = new Guard(execution.policy, execution.plant.telemetry());
  }

  async run(): Promise<Ended> {
    try {
      await this.#perform();
      await this.#keep();
      return this.#ended('kept', null);
    } catch (error) {
      const halt = error instanceof Halt ? error : this.#haltOf(error);
      const reason = await this.#takeBack(halt);
      return this.#ended(halt.ending, reason);
    }
  }

  #ended(ending: Ending, reason: string | null): Ended {
    return {
      ending,
      reason,
      stays: this.#stays,
      over: this.#over,
      quality: this.#guard.quality,
    };
  }

  /** What was cut short by a stop is no failure. */
  #haltOf(error: unknown): Halt {
    return this.#with.isStopped()
      ? new Halt('cancelled', 'It was stopped.')
      : new Halt('failed', messageOf(error));
  }

  async #perform(): Promise<void> {
    const { policy, seed, onState } = this.#with;
    const groups = canaryGroups(this.#plan.actions, policy.canarySteps, seed);
    onState({ status: 'executing' });
    for (const [step, group] of groups.entries()) {
      // The first shadow speaks for the whole plan; later ones for what is still untouched.
      await this.#shadow(step === 0 ? this.#plan.actions : group);
      await this.#applyAll(group);
      if (!this.#over) await this.#watch(step + 1, groups.length);
    }
    if (this.#applied.length === 0) throw new Halt('failed', 'None of the actions could be done any more.');
  }

  /** Between any two steps: a stop, or a fault of a test. */
  async #between(before: FaultPoint['before']): Promise<void> {
    if (before !== 'undo' && this.#with.isStopped()) throw new Halt('cancelled', 'It was stopped.');
    await this.#with.faults({ planId: this.#planId, before, index: this.#steps++ });
  }

  /** Looks at sequences that no shadow has shown yet, until the samples say enough; at most a few times. */
  async #shadow(planned: readonly PlannedAction[]): Promise<void> {
    const lossy = planned.map(({ action }) => action).filter(losesQuality);
    for (let look = 0; look < MOST_LOOKS; look++) {
      const open = lossy.filter(
        (action) => !('sequence' in action && this.#guard.isShadowed(action.sequence)),
      );
      if (open.length === 0) break;
      const before = this.#guard.quality?.samples ?? 0;
      await this.#look(open);
      const { verdict, quality } = this.#guard;
      if (verdict === 'harmful') break;
      if (verdict === 'unknown') {
        throw new Halt(
          'failed',
          'No touched sequence could be shadowed, so nobody knows what it would lose.',
        );
      }
      if (verdict === 'proven' || verdict === 'hopeful' || quality?.samples === before) break;
    }
    const breach = this.#guard.qualityBreach();
    if (breach !== null) throw new Halt('quality', breach);
  }

  async #look(actions: readonly KvAction[]): Promise<void> {
    await this.#between('shadow');
    const { plant, policy, log, signal, onState } = this.#with;
    this.#guard.addSamples(await plant.shadow(actions, policy.shadowFraction, signal));
    const { quality, verdict } = this.#guard;
    if (this.#with.isStopped()) throw new Halt('cancelled', 'It was stopped.');
    if (quality === null) return;
    onState({ qualityDelta: quality.delta, qualityUpper: quality.upper });
    log.add({
      kind: 'shadow',
      atMs: plant.nowMs,
      planId: this.#planId,
      actions,
      sentence: `${quality.samples} positions of ${quality.sequences} shadowed ${quality.sequences === 1 ? 'sequence loses' : 'sequences lose'} ${rounded(quality.delta)} (${rounded(quality.lower)} to ${rounded(quality.upper)} at every look): ${verdict}; maxQualityDelta is ${policy.maxQualityDelta}.`,
    });
  }

  /** One step's actions; one line and one digest for all that were done, also where the next could not be. */
  async #applyAll(group: readonly PlannedAction[]): Promise<void> {
    const first = this.#applied.length;
    let expected = 0;
    try {
      for (const planned of group) if (await this.#apply(planned.action)) expected += planned.freesBytes;
    } finally {
      const done = this.#applied.slice(first);
      const freed = done.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
      const { plant, log } = this.#with;
      const sentence = `${done.length} of ${group.length} actions of this step freed ${freed} bytes; ${expected} were expected.`;
      const actions = done.map(({ action }) => action);
      const line = { atMs: plant.nowMs, planId: this.#planId, actions, sentence };
      if (done.length > 0) log.add({ kind: 'apply', ...line, state: plant.digest() });
    }
  }

  /** @returns whether it was done */
  async #apply(action: KvAction): Promise<boolean> {
    await this.#between('apply');
    const { plant, log, onState } = this.#with;
    try {
      this.#with.recorder.growth.disturbed();
      this.#applied.push(await plant.apply(action));
      onState({ actionsCompleted: this.#applied.length });
      return true;
    } catch (error) {
      // A sequence that ended since the plan was made needs no action: the others go on.
      if (!(error instanceof ActionError)) throw error;
      const sentence = `${action.kind} is left out: ${error.message}`;
      log.add({ kind: 'fail', atMs: plant.nowMs, planId: this.#planId, sentence });
      return false;
    }
  }

  async #watch(step: number, steps: number): Promise<void> {
    await this.#between('watch');
    const { plant, policy, log, recorder, controlMs } = this.#with;
    const until = plant.nowMs + policy.watchMs;
    while (plant.nowMs < until && !this.#over) {
      const before = plant.nowMs;
      this.#over = !(await plant.advance(Math.min(until, before + controlMs)));
      const breach = this.#guard.serviceBreach(recorder.look());
      if (breach !== null) throw new Halt('service', breach);
      if (this.#with.isStopped()) throw new Halt('cancelled', 'It was stopped.');
      if (plant.nowMs <= before) break;
    }
    const sentence = `Step ${step} of ${steps} was watched for ${policy.watchMs} ms: KV use ${percent(plant.telemetry().kvUse)}, no guardrail was hit.`;
    log.add({ kind: 'watch', atMs: plant.nowMs, planId: this.#planId, sentence });
  }

  async #keep(): Promise<void> {
    await this.#between('keep');
    const { plant, log } = this.#with;
    plant.keep(this.#applied);
    log.add({
      kind: 'keep',
      atMs: plant.nowMs,
      planId: this.#planId,
      sentence: `${this.#applied.length} actions are kept; KV use is ${percent(plant.telemetry().kvUse)}.`,
      state: plant.digest(),
    });
  }

  /** @returns the reason, with what became of what was done */
  async #takeBack({ ending, message }: Halt): Promise<string> {
    const { plant, policy, log } = this.#with;
    const count = this.#applied.length;
    this.#stays = !policy.rollback && (ending === 'quality' || ending === 'service') && count > 0;
    const line = { atMs: plant.nowMs, planId: this.#planId };
    if (this.#stays) {
      plant.keep(this.#applied);
      const reason = `${message} The policy’s rollback is off: ${count} ${count === 1 ? 'action stays' : 'actions stay'}.`;
      log.add({ kind: 'fail', ...line, sentence: reason, state: plant.digest() });
      return reason;
    }
    await this.#undo();
    const actions = this.#applied.map(({ action }) => action).reverse();
    const sentence =
      count === 0 ? `${message} Nothing had been touched.` : `${message} ${count} actions were taken back.`;
    log.add({ kind: KINDS[ending], ...line, actions, sentence, state: plant.digest() });
    return message;
  }

  async #undo(): Promise<void> {
    try {
      await this.#between('undo');
    } catch (error) {
      // A fault on the way back must not keep the way back from being gone.
      const sentence = `A fault before the rollback: ${messageOf(error)}`;
      this.#with.log.add({ kind: 'fail', atMs: this.#with.plant.nowMs, planId: this.#planId, sentence });
    }
    this.#with.recorder.growth.disturbed();
    if (this.#applied.length > 0) await this.#with.plant.undo(this.#applied);
  }
}

const KINDS = {
  kept: 'keep',
  quality: 'rollback',
  service: 'rollback',
  cancelled: 'cancel',
  failed: 'rollback',
} as const satisfies Record<Ending, string>;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function rounded(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}
