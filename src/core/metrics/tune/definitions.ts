/** What the numbers of a tuning mean: for tooltips, exports and the documents, written once. */
interface Definition {
  readonly title: string;
  readonly unit: string;
  readonly definition: string;
  readonly lowerIsBetter: boolean;
}

export const TUNE_METRICS = {
  score: {
    title: 'Score',
    unit: '',
    definition:
      '100 · Π gain^weight over TTFT, throughput and memory with the profile’s weights, as a geometric mean over its cells; the baseline is 100.',
    lowerIsBetter: false,
  },
  gain: {
    title: 'Gain',
    unit: 'ratio',
    definition:
      'How many times as good as the baseline beside it: baseline over measured for TTFT and memory, measured over baseline for throughput; a geometric mean over measurements.',
    lowerIsBetter: false,
  },
  ttftMs: {
    title: 'TTFT',
    unit: 'ms',
    definition: 'Time to the first token, mean of the requests of a measurement, mean over the cells.',
    lowerIsBetter: true,
  },
  tpotMs: {
    title: 'TPOT',
    unit: 'ms',
    definition: 'Time of an output token after the first, mean of the requests of a measurement.',
    lowerIsBetter: true,
  },
  outputTokensPerSecond: {
    title: 'Throughput',
    unit: 'tok/s',
    definition: 'Output tokens a second of all requests together, mean over the cells.',
    lowerIsBetter: false,
  },
  memoryBytes: {
    title: 'Memory',
    unit: 'bytes',
    definition:
      'Most that weights, work and KV given to sequences took on one GPU, in the cell that took most.',
    lowerIsBetter: true,
  },
} as const satisfies Record<string, Definition>;

/** A confidence as people say it: two thousand draws are no proof of certainty. */
export function chanceWords(confidence: number): string {
  return confidence >= 0.995 ? 'more than 99 %' : `${Math.round(100 * confidence)} %`;
}
