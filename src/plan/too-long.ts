/** Requests that are longer than the model takes, or than the engine is started for. */
import type { LoadContext } from './context.ts';
import type { PlanSubject } from './types.ts';

function most({ scenario, model }: PlanSubject): { readonly tokens: number; readonly of: string } {
  const given = scenario.engine.maxModelTokens;
  return given !== null && given < model.maxPositionTokens
    ? { tokens: given, of: 'engine.maxModelTokens' }
    : { tokens: model.maxPositionTokens, of: model.name };
}

/** Why not even the shortest request can be served; null where some can. */
export function tooLong(subject: PlanSubject, { lengths }: LoadContext): string | null {
  const { tokens, of } = most(subject);
  const shortest = lengths.totals[0] ?? 0;
  return shortest > tokens
    ? `A request has ${shortest} tokens at the least, more than the ${tokens} of ${of}; shorten load.promptTokens or load.outputTokens to that.`
    : null;
}

/** What share of the requests is too long, in a sentence; none where all can be served. */
export function tooLongNotes(
  subject: PlanSubject,
  { lengths: { totals, maxPrompt, maxOutput } }: LoadContext,
): string[] {
  const { tokens, of } = most(subject);
  if (maxPrompt + maxOutput <= tokens) return [];
  const over = totals.filter((total) => total > tokens).length / Math.max(1, totals.length);
  const share = over < 0.001 ? 'less than 0.1 %' : `${(over * 100).toFixed(1)} %`;
  return [
    `The longest request may have ${maxPrompt + maxOutput} tokens; ${share} of the requests are longer than the ${tokens} of ${of} and would be refused.`,
  ];
}
