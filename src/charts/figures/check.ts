/** Figures of a hardware check: rates against the adapter's own measured peak. */
import type { CheckMeasurement, CheckRun } from '../../core/run/schema.ts';
import type { FigurePoint, FigureSpec } from '../figure.ts';
import { formatNumber, formatValue } from '../format.ts';
import { INTERVAL_MEANING, medianEstimate } from './statistics.ts';
import { deviceName } from './subject.ts';
import { sentence, type Clause } from './words.ts';

/** Decode attention by KV format, as % of the measured read peak; measurements are named `decode.<format>`. */
export function checkDecodeByFormat(run: CheckRun): FigureSpec | null {
  const rates = run.measurements.filter((m) => m.id.startsWith('decode.') && m.unit === 'GB/s');
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
    finding: sentence(best(rates)),
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}

function formatOf(measurement: CheckMeasurement): string {
  return measurement.id.slice('decode.'.length);
}

function sharePoint(measurement: CheckMeasurement): FigurePoint {
  const { value, percentOfPeak, samples, note } = measurement;
  const x = formatOf(measurement);
  if (value === null || percentOfPeak === null || value <= 0) {
    return { x, y: null, reason: note || 'It could not be measured.' };
  }
  const peak = value / (percentOfPeak / 100);
  const spread = medianEstimate(samples);
  const interval =
    spread?.low == null || spread.high === null ? {} : { low: spread.low / peak, high: spread.high / peak };
  const detail = `${formatValue(value, 'GB/s')}. ${note}`.trim();
  return { x, y: percentOfPeak / 100, n: samples.length, ...interval, detail };
}

function best(rates: readonly CheckMeasurement[]): Clause[] {
  const known = rates
    .flatMap((m) => (m.percentOfPeak === null || m.value === null ? [] : [{ m, percent: m.percentOfPeak }]))
    .sort((a, b) => b.percent - a.percent);
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last) return [];
  const words = ({ m, percent }: typeof first) => {
    const spread = medianEstimate(m.samples);
    const interval =
      spread?.low == null || spread.high === null
        ? `n = ${m.samples.length}: too few for an interval`
        : `95 % interval ${formatNumber((spread.low / spread.value) * percent)} to ${formatNumber((spread.high / spread.value) * percent)} %`;
    return `${formatOf(m)} reads at ${formatNumber(percent)} % of the peak (${interval})`;
  };
  const text = first === last ? words(first) : `${words(first)}, ${words(last)}`;
  return [{ label: '', text }];
}
