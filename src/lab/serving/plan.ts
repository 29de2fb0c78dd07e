/** What a serving run does, before it does it: its points on each backend, and the order of their repetitions. */
import { createRandom } from '../../core/random.ts';
import type { ServeBackend, ServeScenario } from '../../core/scenario/serve/schema.ts';
import { expandSweep } from '../../core/scenario/sweep.ts';
import { seedOf } from '../../sim/run.ts';

export interface PlannedPoint {
  readonly index: number;
  readonly backend: ServeBackend;
  readonly settings: Readonly<Record<string, number | string>>;
  readonly label: string;
  readonly scenario: ServeScenario;
}

export interface PlannedRound {
  readonly kind: 'warm-up' | 'calibration' | 'kept';
  readonly seed: number;
  /** Of its kind, from 0. */
  readonly number: number;
}

/** Every point of the sweep on every backend, the backend last. */
export function plannedPoints(scenario: ServeScenario): PlannedPoint[] {
  const { backends } = scenario;
  return expandSweep(scenario)
    .flatMap((point) => backends.map((backend) => ({ point, backend })))
    .map(({ point, backend }, index) => {
      const several = backends.length > 1;
      const named = several && point.label === 'single point' ? backend : `${point.label}, ${backend}`;
      return {
        index,
        backend,
        settings: several ? { ...point.settings, backend } : point.settings,
        label: several ? named : point.label,
        scenario: point.scenario,
      };
    });
}

/**
 * The rounds of a run in their order; every point is run once in each. Kept and calibrating rounds are each spread evenly over the run,
 * three and two as K C K C K, so that a machine that grows slower or faster does so for both alike.
 */
export function plannedRounds({ seed, measurement }: ServeScenario): PlannedRound[] {
  const { repeats, calibrationRepeats, warmupRepeats } = measurement;
  const random = createRandom(seed);
  const round = (kind: PlannedRound['kind'], number: number): PlannedRound => ({
    kind,
    number,
    seed: kind === 'kept' ? seedOf(seed, number) : random.fork(`${kind} ${number}`).nextU32(),
  });
  const rounds = (kind: PlannedRound['kind'], count: number): PlannedRound[] =>
    Array.from({ length: count }, (_, number) => round(kind, number));
  const placed = (kind: PlannedRound['kind'], count: number) =>
    rounds(kind, count).map((made, i) => ({ made, at: (i + 0.5) / count }));
  const turns = [...placed('calibration', calibrationRepeats), ...placed('kept', repeats)];
  turns.sort((a, b) => a.at - b.at);
  return [...rounds('warm-up', warmupRepeats), ...turns.map(({ made }) => made)];
}

/**
 * Rounds that a point runs one after the other before the next point begins: each kept round with the calibrating ones
 * before it. A machine that is slow for a minute is so for both. The order within a turn is turned around each time.
 */
export function plannedTurns(scenario: ServeScenario): PlannedRound[][] {
  const turns: PlannedRound[][] = [];
  let open: PlannedRound[] = [];
  for (const round of plannedRounds(scenario)) {
    open.push(round);
    if (round.kind === 'calibration') continue;
    turns.push(turns.length % 2 === 0 ? open : open.reverse());
    open = [];
  }
  return open.length === 0 ? turns : [...turns, open];
}
