/** The simulator's table for docs/measured.md. */
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
  return value >= 1000 ? `${(value / 1000).toPrecision(3)} s` : `${value.toPrecision(3)} ms`;
}

function line({ name, requests, steps, medianMs, minMs, processorMs, targetMs, note }: SimRow): string {
  const used = processorMs === null ? '' : ms(processorMs);
  const cells = [
    name,
    whole.format(requests),
    whole.format(steps),
    ms(medianMs),
    ms(minMs),
    used,
    ms(targetMs),
  ];
  return `| ${[...cells, note].join(' | ')} |`;
}

export function simMarkdown(bench: SimBench): string {
  return [
    `${bench.date}, ${bench.runtime}. Llama-3.1-8B on one H100, token budget 8,192; warm, without reading files.`,
    '',
    '| load | requests | steps | median | best | processor | goal | |',
    '| --- | --: | --: | --: | --: | --: | --: | --- |',
    ...bench.rows.map(line),
    ...bench.skipped.map((why) => `\n${why}`),
    '',
  ].join('\n');
}
