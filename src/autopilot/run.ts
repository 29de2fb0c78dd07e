/**
 * The run of an autopilot's scenario: the same requests with it and, where the scenario asks for it, without it.
 *
 * Boundary: no clock and no files; id and date are given. The plant is the simulated engine unless another is given, such
 * as the real engine in engine/.
 */
import type { AutopilotRun, AutopilotSide } from '../core/run/autopilot.ts';
import type { Environment } from '../core/run/environment.ts';
import type { SimSummary } from '../core/run/simulation.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import type { SimInputs } from '../sim/repetition.ts';
import { UNSTAMPED, type RunStamp } from '../sim/run.ts';
import { runAutopilot, type AutopilotNews, type AutopilotOptions } from './controller/index.ts';
import type { AutopilotPlant } from './plant.ts';
import { createSimulatedPlant } from './simulated/plant.ts';

/** A plant that a run can be made of. */
export interface RunPlant extends AutopilotPlant {
  /** As a simulation or a serving run sums it up; null before anything ended. */
  summary?(): SimSummary | null;
  /** Sentences about how it keeps its books. */
  notes?(): readonly string[];
  /** Lets go of what it holds, such as a GPU's memory. */
  destroy?(): void;
}

export type Side = 'with' | 'without';

export interface AutopilotRunOptions extends SimInputs, Pick<AutopilotOptions, 'signal' | 'stop' | 'faults'> {
  /** Makes the plant of one side; left out: the simulated engine. */
  readonly createPlant?: (
    scenario: AutopilotScenario,
    options: { readonly autopilot: boolean },
  ) => RunPlant | Promise<RunPlant>;
  /** What happens, and on which side. */
  readonly onNews?: (news: AutopilotNews, side: Side) => void;
  readonly stamp?: Partial<RunStamp>;
  /** Of the real engine; null for the simulated one. */
  readonly environment?: Environment | null;
  /** Called between two looks; what it returns is waited for, so that a message that cancels can come in. */
  readonly pause?: () => Promise<void> | undefined;
}

interface DoneSide {
  readonly side: AutopilotSide;
  readonly complete: boolean;
  readonly notes: readonly string[];
}

/** A plant that gives way between two looks. */
function pausing(plant: RunPlant, pause: AutopilotRunOptions['pause']): RunPlant {
  if (!pause) return plant;
  return new Proxy(plant, {
    get(target, name) {
      if (name === 'advance') {
        return async (untilMs: number): Promise<boolean> => {
          await pause();
          return target.advance(untilMs);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function plantOf(
  scenario: AutopilotScenario,
  options: AutopilotRunOptions,
  autopilot: boolean,
): Promise<RunPlant> {
  return options.createPlant
    ? options.createPlant(scenario, { autopilot })
    : createSimulatedPlant(scenario, { ...options, autopilot });
}

async function runSide(scenario: AutopilotScenario, options: AutopilotRunOptions, side: Side) {
  const plant = await plantOf(scenario, options, side === 'with');
  const { signal, stop, faults, onNews } = options;
  try {
    const outcome = await runAutopilot(pausing(plant, options.pause), scenario.policy, {
      controlMs: scenario.controlMs,
      dryRun: scenario.dryRun,
      seed: scenario.seed,
      ...(signal ? { signal } : {}),
      ...(stop && side === 'with' ? { stop } : {}),
      ...(faults ? { faults } : {}),
      ...(onNews ? { onNews: (news: AutopilotNews) => onNews(news, side) } : {}),
    });
    const done: DoneSide = {
      side: {
        series: outcome.series,
        summary: plant.summary?.() ?? null,
        counters: plant.counters(),
      },
      complete: outcome.complete,
      notes: plant.notes?.() ?? [],
    };
    return { ...done, outcome, sequences: plant.sequences(), limits: plant.limits(), origin: plant.origin };
  } finally {
    plant.destroy?.();
  }
}

/**
 * @param scenario parsed and valid
 * @throws Error in one sentence where the scenario is impossible or cannot be steered
 */
export async function runAutopilotScenario(
  scenario: AutopilotScenario,
  options: AutopilotRunOptions = {},
): Promise<AutopilotRun> {
  const own = await runSide(scenario, options, 'with');
  const isAborted = options.signal?.aborted ?? false;
  const other = scenario.compare && !isAborted ? await runSide(scenario, options, 'without') : null;
  return {
    version: RUN_VERSION,
    kind: 'autopilot',
    ...UNSTAMPED,
    id: 'autopilot',
    ...options.stamp,
    title: scenario.title,
    origin: own.origin,
    environment: options.environment ?? null,
    scenario,
    with: own.side,
    without: other?.side ?? null,
    plans: [...own.outcome.plans],
    log: [...own.outcome.log],
    sequences: own.sequences.slice(0, 10_000).map((sequence) => ({ ...sequence })),
    limits: own.limits,
    notes: [...new Set([...own.notes, ...(other?.notes ?? [])])].slice(0, 50),
    complete: own.complete && (other === null ? !scenario.compare : other.complete),
  };
}
