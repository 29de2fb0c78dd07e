/** A visitor's score against the built-in policies, on the prompt blocks of a workload. Loaded when it is first asked for. */
import { compareScores } from '../autopilot/score/compare.ts';
import { parseScore } from '../autopilot/score/parse.ts';
import { recomputeCost } from '../core/eviction/blocks/recompute-cost.ts';
import { expandSweep } from '../core/scenario/sweep.ts';
import { generateRequests } from '../core/workload/generate.ts';
import { promptAccesses } from '../core/workload/prompt-accesses.ts';
import type { ComparedScore, ScoreWish } from './autopilot-api.ts';

/** A longer log says no more about the policies, and takes longer to replay twelve times. */
const MAX_ACCESSES = 300_000;

/** @throws RangeError in one sentence for a text that does not read, or a workload that asks for no block twice */
export function scoreAgainst({ simulation, text, share }: ScoreWish): ComparedScore {
  const score = parseScore(text);
  if (!score.ok) throw new RangeError(score.sentence);
  const point = expandSweep(simulation)[0]?.scenario ?? simulation;
  if (point.workload.trace !== null) {
    throw new RangeError(
      'This workload is a trace in a file of its own; choose accesses that need none, such as those of a story with shared prompts.',
    );
  }
  const { blockSize } = point.engine;
  const log = promptAccesses(generateRequests(point, null), blockSize, MAX_ACCESSES);
  if (!log.hit.includes(1)) {
    throw new RangeError(
      'No prompt block of this workload is asked for twice, so every policy misses all of them; choose accesses of a story with shared prompts.',
    );
  }
  const blocks = log.names.length;
  const capacity = Math.max(1, Math.round(share * blocks));
  const cost = recomputeCost(blockSize);
  const depths = log.depth;
  const comparison = compareScores(
    score.value,
    {
      keys: log.block,
      ...(depths === null ? {} : { depths, costs: Float64Array.from(depths, (depth) => cost(depth)) }),
    },
    capacity,
    point.seed,
  );
  return { ...comparison, title: point.title, blocks, blockSize, accesses: log.block.length };
}
