/** Progress of a tuning on its way to the page: often in words, twice a second as a ranking. */
import type { TuneProgress } from '../tune/index.ts';
import type { OnTuneNews } from './tune-api.ts';

const WORDS_EVERY_MS = 100;
const PARTIAL_EVERY_MS = 500;

export function tuneNews(onNews: OnTuneNews, now: () => number): (progress: TuneProgress) => void {
  let [toldMs, partialMs] = [-Infinity, now()];
  return ({ fraction, message, partial }) => {
    const atMs = now();
    if (atMs >= partialMs + PARTIAL_EVERY_MS) {
      onNews({ fraction, message, partial: partial() });
      [toldMs, partialMs] = [atMs, now()];
    } else if (atMs >= toldMs + WORDS_EVERY_MS) {
      onNews({ fraction, message });
      toldMs = atMs;
    }
  };
}
