/** The simulator's table for the README. */
import type { SimRow } from './cases.ts';

export interface SimBench {
  readonly date: string;
  readonly runtime: string;
  readonly rows: readonly SimRow[];
  /** Why a case did not run. */
  readonly skipped: readonly string[];
}

const whole = new Intl.NumberFormat('en-US');

function ms(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toPrecision(3)} ms`;
}

function line({ name, requests, steps, medianMs, minMs, targetMs, note }: SimRow): string {
  const perStep = `${((1000 * medianMs) / steps).toFixed(2)} µs`;
  const cells = [
    name,
    whole.format(requests),
    whole.format(steps),
    ms(medianMs),
    ms(minMs),
    perStep,
    ms(targetMs),
  ];
  return `| ${[...cells, note].join(' | ')} |`;
}

export function simMarkdown(bench: SimBench): string {
  return [
    `${bench.date}, ${bench.runtime}. Llama-3.1-8B on one H100, token budget 8,192; warm, without reading files.`,
    '',
    '| load | requests | steps | median | best | a step | goal | |',
    '| --- | --: | --: | --: | --: | --: | --: | --- |',
    ...bench.rows.map(line),
    ...bench.skipped.map((why) => `\n${why}`),
    '',
  ].join('\n');
}
