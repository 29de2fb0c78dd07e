/**
 * What the autopilot learns from its plans: the risk of a class of actions once it is measured, and which classes were
 * rolled back and are put aside, twice as long each time.
 */
import type { PlannedAction } from '../../core/run/autopilot.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import { losesQuality, type QualityTest } from '../guard/index.ts';
import { classOf, type ActionClass, type Learned } from '../planner/index.ts';

/** Positions that must have been shadowed before a measured risk takes the place of the policy's. */
const LEAST_POSITIONS = 128;
/** A measured risk is never nothing, so that fewer tokens are still better than more. */
const LEAST_RISK = 0.001;
/** A class is put aside for so many cool-downs the first time; at least a second, where there is no cool-down. */
const COOLDOWNS = 4;
const LEAST_BAR_MS = 1000;

export class Memory {
  readonly #policy: AutopilotPolicy;
  readonly #losses = new Map<ActionClass, { loss: number; positions: number }>();
  readonly #barredUntil = new Map<ActionClass, number>();
  readonly #rollbacks = new Map<ActionClass, number>();

  constructor(policy: AutopilotPolicy) {
    this.#policy = policy;
  }

  learned(nowMs: number): Learned {
    const barred = [...this.#barredUntil].filter(([, until]) => until > nowMs).map(([name]) => name);
    return { barred: new Set(barred), measured: this.#measured() };
  }

  /** Loss over maxQualityDelta, for each class of which enough was seen. */
  #measured(): ReadonlyMap<ActionClass, number> {
    const budget = Math.max(this.#policy.maxQualityDelta, LEAST_RISK);
    const known = [...this.#losses].filter(([, { positions }]) => positions >= LEAST_POSITIONS);
    return new Map(
      known.map(([name, { loss, positions }]) => [name, Math.max(LEAST_RISK, loss / positions / budget)]),
    );
  }

  /** The loss of a plan with one class of lossy actions is that class's; all its plans count, by their positions. */
  measured(actions: readonly PlannedAction[], { delta, samples }: QualityTest): void {
    const lossy = actions.map(({ action }) => action).filter(losesQuality);
    const [only, ...others] = new Set(lossy.map(classOf));
    if (only === undefined || others.length > 0) return;
    const sum = this.#losses.get(only) ?? { loss: 0, positions: 0 };
    this.#losses.set(only, { loss: sum.loss + samples * delta, positions: sum.positions + samples });
  }

  /** Puts the class that is suspected most aside. @returns it */
  rolledBack(actions: readonly PlannedAction[], forQuality: boolean, nowMs: number): ActionClass | null {
    const suspect = forQuality ? riskiest(actions) : slowest(actions);
    if (suspect === null) return null;
    const times = this.#rollbacks.get(suspect) ?? 0;
    this.#rollbacks.set(suspect, times + 1);
    const aside = Math.max(LEAST_BAR_MS, COOLDOWNS * this.#policy.cooldownMs) * 2 ** Math.min(times, 20);
    this.#barredUntil.set(suspect, nowMs + aside);
    return suspect;
  }
}

/** Of the lossy classes the one with the most risk for each byte that it frees. */
function riskiest(actions: readonly PlannedAction[]): ActionClass | null {
  const sums = new Map<ActionClass, { risk: number; freed: number }>();
  for (const { action, risk, freesBytes } of actions) {
    if (!losesQuality(action)) continue;
    const sum = sums.get(classOf(action)) ?? { risk: 0, freed: 0 };
    sums.set(classOf(action), { risk: sum.risk + risk, freed: sum.freed + freesBytes });
  }
  let worst: { name: ActionClass; density: number } | null = null;
  for (const [name, { risk, freed }] of sums) {
    const density = risk / Math.max(1, freed);
    if (worst === null || density > worst.density) worst = { name, density };
  }
  return worst?.name ?? null;
}

/** What costs time: reading over a link before anything else. */
function slowest(actions: readonly PlannedAction[]): ActionClass | null {
  const classes = actions.map(({ action }) => classOf(action));
  return classes.find((name) => name === 'offload') ?? classes[0] ?? null;
}
