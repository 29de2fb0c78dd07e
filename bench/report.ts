/** What the bench found, and the Markdown table for docs/measured.md. */

export interface BenchRow {
  readonly format: string;
  readonly layout: 'paged' | 'contiguous';
  readonly tier: string;
  readonly variant: string;
  readonly medianMs: number;
  readonly minMs: number;
  readonly gbps: number;
  readonly gflops: number;
  readonly maxAbsError: number;
  /** Median over rounds of this row's time over another's of the same round; null where there is nothing to compare. */
  readonly overFirstFormat: number | null;
  readonly overContiguous: number | null;
  readonly overSubgroups: number | null;
}

export interface PeerRow {
  /** Whether past and present cache are one buffer. */
  readonly cache: 'shared' | 'separate';
  readonly medianMs: number;
  /** Median of ours (append and attention, submit to done) in the same rounds. */
  readonly oursMs: number;
  /** How many times as long the peer takes; median over rounds. */
  readonly ratio: number;
  /** Largest difference between its output and ours. */
  readonly maxAbsDifference: number;
}

export interface CaseResult {
  readonly name: string;
  readonly rows: readonly BenchRow[];
  readonly peers: readonly PeerRow[];
  /** Why the peer did not run, or what failed. */
  readonly notes: readonly string[];
}

export interface BenchResult {
  readonly date: string;
  readonly device: string;
  readonly runtime: string;
  readonly clock: string;
  readonly readPeakGbps: number;
  readonly fmaPeakGflops: number;
  readonly cases: readonly CaseResult[];
}

const ratio = (value: number | null): string => (value === null ? '' : value.toFixed(2));
const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

export function markdown(result: BenchResult): string {
  const { readPeakGbps, fmaPeakGflops } = result;
  const head = [
    `${result.date}, ${result.device}, ${result.runtime}, ${result.clock}.`,
    `Measured peaks: read ${digits(readPeakGbps)} GB/s, f32 FMA ${digits(fmaPeakGflops)} GFLOP/s.`,
  ];
  return [head.join(' '), '', ...result.cases.flatMap((of) => caseLines(of, result)), ''].join('\n');
}

function caseLines({ name, rows, peers, notes }: CaseResult, peaks: BenchResult): string[] {
  return [
    `**${name}**`,
    '',
    `| format | layout | tier | ms | GB/s | of read peak | GFLOP/s | of FMA peak | / ${rows[0]?.format ?? 'first'} | paged / contiguous | no-subgroups / subgroups | max error |`,
    '| --- | --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...rows.map((row) => rowLine(row, peaks)),
    ...(peers.length > 0 ? ['', ...peers.map(peerLine)] : []),
    ...notes.map((note) => `\n${note}`),
    '',
  ];
}

function rowLine(row: BenchRow, { readPeakGbps, fmaPeakGflops }: BenchResult): string {
  const cells = [
    row.format,
    row.layout,
    row.tier,
    digits(row.medianMs),
    digits(row.gbps),
    percent(row.gbps / readPeakGbps),
    digits(row.gflops),
    percent(row.gflops / fmaPeakGflops),
    ratio(row.overFirstFormat),
    ratio(row.overContiguous),
    ratio(row.overSubgroups),
    row.maxAbsError.toExponential(1),
  ];
  return `| ${cells.join(' | ')} |`;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

function peerLine({ cache, medianMs, oursMs, ratio: times, maxAbsDifference }: PeerRow): string {
  return (
    `- onnxruntime-web GroupQueryAttention (WebGPU, f32, ${cache} cache): ${digits(medianMs)} ms; ours, append and ` +
    `attention: ${digits(oursMs)} ms; **${digits(times)} times faster**; outputs differ by at most ${maxAbsDifference.toExponential(1)}.`
  );
}
