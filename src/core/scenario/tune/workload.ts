/** The requests of one measurement: some users, each with the next request when the one before is answered. */
import type { SimWorkload } from '../simulate/schema.ts';
import type { TuneCell } from './profiles.ts';
import type { TuneLoad } from './resolved.ts';

function between(most: number, spread: number): { readonly min: number; readonly max: number } {
  return { min: Math.max(1, Math.ceil(most * (1 - spread))), max: Math.max(1, most) };
}

/**
 * Prompts of a cell have its context at the most, and at the least that less the spread; outputs likewise. The part that
 * prompts have in common is inside of them.
 */
export function cellWorkload(
  { users, requests, spread, shared }: TuneLoad,
  { context, output }: Pick<TuneCell, 'context' | 'output'>,
): SimWorkload {
  const prompt = between(context, spread);
  const systemTokens = Math.min(Math.floor(context * shared), prompt.min - 1);
  const own = { min: prompt.min - systemTokens, max: prompt.max - systemTokens };
  return {
    requests,
    arrivals: { kind: 'closed', users: Math.min(users, requests), thinkSeconds: 0 },
    promptTokens: { kind: 'uniform', ...own },
    outputTokens: { kind: 'uniform', ...between(output, spread) },
    sharing: systemTokens > 0 ? { kind: 'system', prompts: 1, systemTokens, exponent: 0 } : { kind: 'none' },
    trace: null,
    highPriorityShare: 0,
  };
}
