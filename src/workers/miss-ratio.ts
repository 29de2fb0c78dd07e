/** The cache's own question of a workload: which eviction policy misses how much, at every size. */
import type { FigureSpec } from '../charts/figure.ts';
import { accessFigures } from '../charts/figures/accesses.ts';
import { accessSummary } from '../core/metrics/accesses.ts';
import { missRatioCurves } from '../core/metrics/accesses-missratio.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import { generateRequests } from '../core/workload/generate.ts';
import { promptAccesses } from '../core/workload/prompt-accesses.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import type { OnSimProgress } from './sim-api.ts';

/** A longer log says no more about the policies, and takes longer to replay eleven times at ten sizes. */
const MAX_ACCESSES = 2_000_000;

export interface StudyStamp {
  readonly id: string;
  readonly createdAt: string;
}

/** @throws RangeError where the workload has no block twice, so that every policy misses everything */
export function missRatioFigures(
  scenario: SimScenario,
  trace: Trace | null,
  { id, createdAt }: StudyStamp,
  onProgress: OnSimProgress,
): readonly FigureSpec[] {
  const point = expandSweep(scenario)[0]?.scenario ?? scenario;
  const { blockSize } = point.engine;
  const log = promptAccesses(generateRequests(point, trace), blockSize, MAX_ACCESSES);
  if (!log.hit.includes(1)) {
    throw new RangeError(
      'No prompt block of this workload is asked for twice, so every policy misses all of them; choose shared text or a trace with block ids.',
    );
  }
  const missRatio = missRatioCurves(log, {
    onCurve: (policy, done, of) => onProgress({ fraction: done / of, message: `Replaying ${policy}` }),
  });
  return accessFigures(
    { summary: accessSummary(log), missRatio },
    {
      subtitle: `Prompt blocks of ${blockSize} tokens · ${point.title}`,
      origin: 'simulated',
      source: { runId: id, command: null, createdAt },
      notes: [
        `${log.block.length.toLocaleString('en')} accesses of the workload’s prompts in the order of arrival; what decoding adds is not in it.`,
      ],
    },
  );
}
