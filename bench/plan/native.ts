/** The planner's bench as a table; it fails where a search takes longer than it may. */
import { MOST_MS, type PlanRowOfCase } from './cases.ts';

export interface PlanBench {
  readonly result: { readonly device: string; readonly rows: readonly PlanRowOfCase[] };
  readonly markdown: string;
}

const ms = (value: number): string => `${value.toFixed(0)} ms`;

/** @throws Error naming the searches that are too slow */
export function planBench(
  rows: readonly PlanRowOfCase[],
  { date, runtime, cpu }: { readonly date: string; readonly runtime: string; readonly cpu: string },
): PlanBench {
  const device = `${cpu}, ${runtime}`;
  const lines = rows.map(
    ({ name, gpus, candidates, infeasible, firstMs, medianMs }) =>
      `| ${name} | ${gpus} | ${candidates} (${infeasible}) | ${ms(firstMs)} | ${ms(medianMs)} |`,
  );
  const markdown = [
    `Planner, ${device}, ${date}: full searches in a worker; at most ${MOST_MS} ms is asserted.`,
    '',
    '| search | GPUs | settings (of them not possible) | first, in a fresh worker | median of 8 more |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
  const slow = rows.filter(({ firstMs, medianMs }) => !(firstMs <= MOST_MS && medianMs <= MOST_MS));
  if (slow.length > 0) {
    const names = slow.map(({ name, firstMs, medianMs }) => `${name}: ${ms(firstMs)}, then ${ms(medianMs)}`);
    throw new Error(`${markdown}\nThe bar of ${MOST_MS} ms is missed by ${names.join('; ')}.`);
  }
  return { result: { device, rows }, markdown };
}
