/**
 * Whether host memory for evicted KV helps a load, by simulation: the same requests with and without it.
 *
 * Offloading can make things worse: what is loaded back waits for the link, and a tier that is too small is thrown out
 * before it is asked for again. So the answer is a comparison, and "do not offload" is one.
 */
import type { PlanChoice } from '../core/run/plan.ts';
import type { SimSummary } from '../core/run/simulation.ts';
import { simulatePlan, type SimulationOptions } from './simulate.ts';
import type { LoadContext } from './context.ts';
import type { Sized } from './size.ts';
import type { PlanSubject } from './types.ts';

export interface OffloadAdvice {
  /** Gigabytes a GPU that the plan should have; 0: none. */
  readonly offloadGB: number;
  /** What the comparison said; null where there was nothing to compare. */
  readonly note: string | null;
}

/** Engines that load evicted KV back from the host: vLLM and SGLang through connectors (LMCache, HiCache). */
const LOADS_BACK: readonly PlanChoice['engine'][] = ['vllm', 'sglang'];
/** Host memory that is tried: as many times the pool. */
const TIMES_THE_POOL = 4;
/** Time to the first token must fall by this share before another part is worth having. */
const WORTH = 0.05;
/** A pool that is never so full evicts nothing. */
const PRESSED = 0.9;

function withOffload(sized: Sized, offloadGB: number): Sized {
  const { candidate } = sized;
  return { ...sized, candidate: { ...candidate, choice: { ...candidate.choice, offloadGB } } };
}

function words(summary: SimSummary): string {
  const hits =
    summary.prefixHitRatio === null
      ? ''
      : `, ${(summary.prefixHitRatio * 100).toFixed(0)} % of the prompts found`;
  return `TTFT ${(summary.ttftMs?.mean ?? 0).toFixed(0)} ms${hits}`;
}

/** @param kvBytes of the pool of one GPU */
export function adviseOffload(
  sized: Sized,
  subject: PlanSubject,
  context: LoadContext,
  kvBytes: number,
  options: SimulationOptions,
): OffloadAdvice {
  const { engine } = subject.scenario;
  const { choice, gpu } = sized.candidate;
  const shares = context.prefix !== null && choice.prefixCaching;
  if (!shares || !LOADS_BACK.includes(choice.engine) || gpu.serving.hostGBps === null) {
    return { offloadGB: choice.offloadGB, note: null };
  }
  const tried = engine.offloadGB ?? Math.max(1, Math.round((TIMES_THE_POOL * kvBytes) / 1e9));
  if (tried === 0) return { offloadGB: 0, note: null };
  const without = simulatePlan(withOffload(sized, 0), subject, options);
  if (
    engine.offloadGB === null &&
    without.summary.peakKvBlocks + cached(without.summary) < PRESSED * without.blocks
  ) {
    return { offloadGB: 0, note: null };
  }
  const { summary } = simulatePlan(withOffload(sized, tried), subject, options);
  const [on, off] = [summary.ttftMs?.mean ?? Infinity, without.summary.ttftMs?.mean ?? Infinity];
  const helps = on < off * (1 - WORTH);
  const compared = `${words(summary)} with ${tried} GB of host memory a GPU for evicted KV, ${words(without.summary)} without`;
  if (engine.offloadGB !== null) {
    return {
      offloadGB: tried,
      note: `${helps ? 'Offloading helps' : 'Offloading does not help'} (simulated): ${compared}.`,
    };
  }
  return helps
    ? { offloadGB: tried, note: `Offload (simulated): ${compared}.` }
    : { offloadGB: 0, note: `Do not offload (simulated): ${compared}.` };
}

/** Blocks that the cache would have liked to keep: every prompt's that was not found. */
function cached({ prefixHitRatio, kvBlocks }: SimSummary): number {
  return prefixHitRatio === null ? 0 : (1 - prefixHitRatio) * kvBlocks;
}
