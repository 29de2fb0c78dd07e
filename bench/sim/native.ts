/** The simulator's bench in Node: recorded traces, and a million drawn requests. */
import { cpus } from 'node:os';
import { readTrace } from '../../src/core/workload/traces/read.ts';
import { referenceText, whyNoReferenceData } from '../../tests/reference-data.ts';
import { MILLION, SIM_CASES, timeCase, type Clocks, type SimRow } from './cases.ts';
import { simMarkdown, type SimBench } from './report.ts';

export interface SimBenchRequest {
  readonly date: string;
  /** Cases whose name holds this. */
  readonly only: string;
}

const clocks: Clocks = {
  now: () => performance.now(),
  processor: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** The million, and the most memory that the process had on the way. */
function million(): SimRow {
  let peak = 0;
  const row = timeCase(MILLION, null, clocks, () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  });
  return { ...row, note: `in Node; at most ${Math.round(peak / 1e6)} MB` };
}

export function kvlabSimBench({ date, only }: SimBenchRequest): { result: SimBench; markdown: string } {
  const rows: SimRow[] = [];
  const skipped: string[] = [];
  for (const one of SIM_CASES.filter(({ name }) => name.includes(only))) {
    const missing = one.trace === null ? null : whyNoReferenceData(one.trace);
    if (missing !== null) {
      skipped.push(`${one.name}: skipped, ${missing}.`);
      continue;
    }
    process.stderr.write(`${one.name}…\n`);
    rows.push(timeCase(one, one.trace === null ? null : readTrace(referenceText(one.trace)), clocks));
  }
  if (MILLION.name.includes(only)) {
    process.stderr.write(`${MILLION.name}…\n`);
    rows.push(million());
  }
  const [cpu] = cpus();
  const runtime = `Node ${process.version}, ${cpus().length} cores${cpu ? ` (${cpu.model.trim()})` : ''}`;
  const result = { date, runtime, rows, skipped };
  return { result, markdown: simMarkdown(result) };
}

/** The result with a row that was timed elsewhere. */
export function withRow(bench: SimBench, row: SimRow | null): { result: SimBench; markdown: string } {
  const result = row === null ? bench : { ...bench, rows: [...bench.rows, row] };
  return { result, markdown: simMarkdown(result) };
}
