/** Numbers as people read them: one rule per unit, used by ticks, hover, tables, findings and files alike. */
import { format } from 'd3-format';

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const whole = format(',.0f');
const threeDigits = format('.3~r');

/** How a unit is shown on one axis: every value is divided by `divisor` and carries `suffix`. */
export interface DisplayUnit {
  readonly divisor: number;
  readonly suffix: string;
}

const MS_UNITS: readonly DisplayUnit[] = [
  { divisor: 1e-6, suffix: 'ns' },
  { divisor: 1e-3, suffix: 'µs' },
  { divisor: 1, suffix: 'ms' },
  { divisor: 1e3, suffix: 's' },
];

/** Three significant digits below 1000, whole numbers with separators above; a real minus sign. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return format('.2~e')(value);
  return size >= 999.5 ? whole(value) : threeDigits(value);
}

/** The unit in which `reference` (an axis' largest value, or the value itself) reads best. */
export function displayUnit(unit: string, reference: number): DisplayUnit {
  const size = Math.abs(reference);
  if (unit === 'bytes') {
    let power = 0;
    while (power < BYTE_UNITS.length - 1 && size >= 1024 ** (power + 1)) power++;
    return { divisor: 1024 ** power, suffix: BYTE_UNITS[power] ?? 'B' };
  }
  if (unit === 'ms') {
    const fitting = MS_UNITS.filter((u) => size >= u.divisor * (u.suffix === 's' ? 10 : 1));
    return fitting.at(-1) ?? (size === 0 ? { divisor: 1, suffix: 'ms' } : { divisor: 1e-6, suffix: 'ns' });
  }
  if (unit === 'share') return { divisor: 0.01, suffix: '%' };
  if (unit === 'ratio') return { divisor: 1, suffix: '×' };
  return { divisor: 1, suffix: unit };
}

/** `12.3 MiB`, `840 µs`, `97.5 %`, `1.31 ×`, `1,024 tokens`, `$9.25/h`. */
export function formatValue(value: number, unit: string): string {
  const shown = displayUnit(unit, value);
  const text = unit === 'ratio' ? formatRatio(value) : formatNumber(value / shown.divisor);
  return withSuffix(text, shown.suffix);
}

/** Money has its sign in front: `$9.25/h`. */
function withSuffix(text: string, suffix: string): string {
  if (suffix.startsWith('$')) return `$${text}${suffix.slice(1)}`;
  return suffix === '' ? text : `${text}\u00a0${suffix}`;
}

/** A value in the unit that suits `reference`: one unit for a whole sentence, that of its figure's axis. */
export function formatLike(value: number, unit: string, reference: number): string {
  const { divisor, suffix } = displayUnit(unit, reference);
  return withSuffix(formatNumber(value / divisor), suffix);
}

/** Near 1 what counts is the distance from 1: 1.004 is not 1. */
function formatRatio(value: number): string {
  return value > 0.9 && value < 1.1 ? format('.3~f')(value) : formatNumber(value);
}

/** Any x of a point: a category stands as it is. */
export function formatX(x: number | string, unit: string): string {
  return typeof x === 'string' ? x : formatValue(x, unit);
}

/** `10.1 MiB to 12.3 MiB`, with one unit for both ends when they share it. */
export function formatInterval(low: number, high: number, unit: string): string {
  const shown = displayUnit(unit, Math.max(Math.abs(low), Math.abs(high)));
  const suffix = shown.suffix === '' ? '' : `\u00a0${shown.suffix}`;
  if (unit === 'ratio') return `${formatRatio(low)} to ${formatRatio(high)}${suffix}`;
  const [from, to] = distinct(low / shown.divisor, high / shown.divisor);
  return `${from} to ${to}${suffix}`;
}

/** As many digits as it takes to tell two ends apart, five at most. */
function distinct(low: number, high: number): [string, string] {
  const plain: [string, string] = [formatNumber(low), formatNumber(high)];
  if (plain[0] !== plain[1] || low === high || Math.abs(high) >= 1000) return plain;
  const four: [string, string] = [format('.4~r')(low), format('.4~r')(high)];
  return four[0] !== four[1] ? four : [format('.5~r')(low), format('.5~r')(high)];
}
