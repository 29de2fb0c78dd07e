/** Figures of a hardware check: rates against the adapter's own measured peak. */
import { KV_FORMATS, type KvFormat } from '../../core/kv/formats.ts';
import type { CheckMeasurement, CheckRun } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSpec } from '../figure.ts';
import { formatNumber, formatValue } from '../format.ts';
import { INTERVAL_MEANING, medianEstimate } from './statistics.ts';
import { deviceName } from './subject.ts';
import { sentence, type Clause } from './words.ts';

/** Decode attention by KV format, of the measured read peak; its measurements are named `decode…<format>`. */
export function checkDecodeByFormat(run: CheckRun): FigureSpec | null {
  const rates = run.measurements.filter((m) => m.unit === 'GB/s' && formatOf(m) !== null);
  if (rates.length === 0) return null;
  return {
    id: 'check_decode_by_format',
    mark: 'bar',
    title: 'Decode attention by KV format, of the measured read peak',
    subtitle: deviceName(run.environment),
    x: { label: 'KV format', unit: '', scale: 'category' },
    y: { label: 'Share of the read peak', unit: 'share', scale: 'linear' },
    references: [{ y: 1, label: 'measured read peak' }],
    series: [{ id: 'decode', label: '', colour: 0, points: rates.map(sharePoint) }],
    origin: run.origin,
    definition:
      'Bytes of K and V that decode attention reads a second, as stored in the format, over the read bandwidth that ' +
      'this adapter reached in the same check.',
    intervalMeaning: INTERVAL_MEANING,
    finding: sentence(extremes(rates)),
    notes: run.notes,
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}

/** The KV format that a measurement of decode attention is of; null for any other measurement. */
function formatOf({ id }: CheckMeasurement): KvFormat | null {
  if (!id.startsWith('decode')) return null;
  return KV_FORMATS.find((format) => id.endsWith(format)) ?? null;
}

interface Share {
  readonly format: string;
  /** Of the peak, 0…1. */
  readonly share: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly n: number;
}

function shareOf(measurement: CheckMeasurement): Share | null {
  const { value, percentOfPeak, samples } = measurement;
  if (value === null || percentOfPeak === null || value <= 0 || percentOfPeak <= 0) return null;
  const peak = (value * 100) / percentOfPeak;
  const { interval } = medianEstimate(samples);
  return {
    format: formatOf(measurement) ?? measurement.label,
    share: percentOfPeak / 100,
    interval: interval && { low: interval.low / peak, high: interval.high / peak },
    n: samples.length,
  };
}

function sharePoint(measurement: CheckMeasurement): FigurePoint {
  const x = formatOf(measurement) ?? measurement.label;
  const share = shareOf(measurement);
  const { note, value } = measurement;
  if (share === null) {
    const missing =
      value === null ? 'It could not be measured.' : 'The read peak of this adapter is not known.';
    return { x, y: null, reason: note || missing };
  }
  const detail = `${formatValue(value ?? 0, 'GB/s')}. ${note}`.trim();
  return { x, y: share.share, n: share.n, ...(share.interval ?? {}), detail };
}

function extremes(rates: readonly CheckMeasurement[]): Clause[] {
  const known = rates.flatMap((rate) => shareOf(rate) ?? []).sort((a, b) => b.share - a.share);
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last) return [];
  const words = ({ format, share, interval, n }: Share) => {
    const spread = interval
      ? `${formatNumber(100 * interval.low)} to ${formatNumber(100 * interval.high)}\u00a0%`
      : `no interval, n = ${n}`;
    return `${format} reaches ${formatValue(share, 'share')} [${spread}]`;
  };
  return [
    {
      label: '',
      text: `of the read peak, ${first === last ? words(first) : `${words(first)} and ${words(last)}`}`,
    },
  ];
}
