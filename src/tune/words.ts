/** Sentences of a search, and names. */
import type { TuneRow, TuneRunCell } from '../core/run/tune.ts';
import type { Tuning } from '../core/scenario/tune/resolved.ts';

/** What the score does not see, where the winner has fewer bits or fewer tokens than the baseline. */
export function qualityNote(winner: TuneRow | undefined, { baseline }: Tuning): string[] {
  if (winner === undefined) return [];
  const { kvFormat, weights, eviction, strategy, evictionTokens } = winner.settings;
  const changed = [
    ...(kvFormat === baseline.kvFormat ? [] : [`KV in ${kvFormat}`]),
    ...(weights === baseline.weights ? [] : [`weights in ${weights}`]),
    ...(eviction === baseline.eviction ? [] : [`eviction by ${eviction}`]),
    ...(strategy === 'sliding-window' ? [`a window of ${evictionTokens} tokens`] : []),
  ];
  if (changed.length === 0) return [];
  return [`The score sees no quality: what ${changed.join(', ')} may cost is the quality lab’s to measure.`];
}

/** What a model makes of prefix caching. */
export function prefixNote({ stateful }: Tuning): string[] {
  if (stateful === null) return [];
  return [
    `Prefix caching is off in all settings: ${stateful} has layers that keep a state, of which no prefix can be found again.`,
  ];
}

/** Few cells leave little to halve: everybody is measured once, whatever that is of the whole. Empty where it pays. */
export function shareNote(planned: number, share: number): string[] {
  if (planned <= share) return [];
  const percent = (part: number): string => `${Math.round(100 * part)} %`;
  return [
    `Measuring each setting once and the better ones again is ${percent(planned)} of so small a grid, more than the ${percent(share)} of budget.share; more cells or repeats would make halving pay.`,
  ];
}

export function cellName({ model, context, output }: TuneRunCell): string {
  return `${model} ${context} ${output}`;
}
