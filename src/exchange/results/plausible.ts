/** Numbers that no server has: a file that was mended by hand, or times in another unit than its tool writes. */
import {
  MEASURED_STATISTICS,
  MEASURED_TIMES,
  type MeasuredResult,
  type MeasuredStatistic,
  type MeasuredTime,
} from '../../core/run/measured.ts';

const NAMES: Readonly<Record<MeasuredTime, string>> = {
  ttftMs: 'TTFT',
  tpotMs: 'TPOT',
  itlMs: 'ITL',
  e2eMs: 'end to end',
};

/** A microsecond to eleven days, in milliseconds. */
const TIMES = [1e-3, 1e9] as const;
const RATES = [1e-6, 1e12] as const;
const TOKENS = [1e-3, 1e12] as const;
const BYTES = [1, 1e18] as const;

interface Bounded {
  readonly name: string;
  readonly value: number | null;
  readonly bounds: readonly [number, number];
}

function numbersOf({ load, memory, ...result }: MeasuredResult): Bounded[] {
  const times = MEASURED_TIMES.flatMap((time) =>
    MEASURED_STATISTICS.map((statistic) => ({
      name: `${NAMES[time]} (${statistic}, ms)`,
      value: result[time][statistic],
      bounds: TIMES,
    })),
  );
  return [
    ...times,
    { name: 'output tokens a second', value: result.outputTokensPerSecond, bounds: RATES },
    { name: 'requests a second', value: result.requestsPerSecond, bounds: RATES },
    { name: 'offered requests a second', value: load.requestsPerSecond, bounds: RATES },
    { name: 'requests in flight', value: load.concurrency, bounds: TOKENS },
    { name: 'prompt tokens', value: load.promptTokens, bounds: TOKENS },
    { name: 'output tokens', value: load.outputTokens, bounds: TOKENS },
    { name: 'KV tokens', value: memory.kvTokens, bounds: TOKENS },
    { name: 'bytes of weights', value: memory.weightsBytes, bounds: BYTES },
    { name: 'bytes in use', value: memory.peakBytes, bounds: BYTES },
  ];
}

/** The first percentile that is below the one before it. */
function fallingOf(result: MeasuredResult): string | null {
  const rising = MEASURED_STATISTICS.filter((statistic) => statistic !== 'mean');
  for (const time of MEASURED_TIMES) {
    let before: { readonly statistic: MeasuredStatistic; readonly value: number } | null = null;
    for (const statistic of rising) {
      const value = result[time][statistic];
      if (value === null) continue;
      if (before !== null && value < before.value) {
        return `${NAMES[time]} with a ${statistic} of ${value} ms, less than its ${before.statistic}, ${before.value} ms`;
      }
      before = { statistic, value };
    }
  }
  return null;
}

/** One sentence about the first number that can't be; null: all can. Zero stands for what was not seen. */
export function impossible(result: MeasuredResult): string | null {
  const wrong = numbersOf(result).find(
    ({ value, bounds: [least, most] }) => value !== null && value !== 0 && (value < least || value > most),
  );
  const what = wrong === undefined ? fallingOf(result) : `${wrong.name}: ${String(wrong.value)}`;
  return what === null
    ? null
    : `The result “${result.label}” has ${what}, which can’t be; export it again, or mend its unit.`;
}
