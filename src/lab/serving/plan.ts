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
 * The rounds of a run; every point is run once in each. Calibration stands between the kept rounds, so that a machine that
 * grows slower or faster does so for both.
 */
export function plannedRounds({ seed, measurement }: ServeScenario): PlannedRound[] {
  const { repeats, calibrationRepeats, warmupRepeats } = measurement;
  const random = createRandom(seed);
  const round = (kind: PlannedRound['kind'], number: number): PlannedRound => ({
    kind,
    number,
    seed: kind === 'kept' ? seedOf(seed, number) : random.fork(`${kind} ${number}`).nextU32(),
  });
  const rounds = Array.from({ length: warmupRepeats }, (_, i) => round('warm-up', i));
  let [kept, calibrations] = [0, 0];
  while (kept < repeats || calibrations < calibrationRepeats) {
    const behind = calibrations * repeats <= kept * calibrationRepeats;
    if (calibrations < calibrationRepeats && behind) rounds.push(round('calibration', calibrations++));
    else if (kept < repeats) rounds.push(round('kept', kept++));
    else rounds.push(round('calibration', calibrations++));
  }
  return rounds;
}
