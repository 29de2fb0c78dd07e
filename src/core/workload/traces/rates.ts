/**
 * Rate series as CSV: how many requests a second come in each stretch of time, for the scenario to draw requests along.
 *
 * ServeGen's files have no header: start in seconds, rate, coefficient of variation, name of the gaps' distribution and
 * its parameters. A window without requests has empty parameters. Its Weibull gaps are drawn as Gamma gaps of the same
 * mean and variation. Plain files name their columns: time, rate and, where it is known, cv.
 * Source: alibaba/ServeGen, data/language (arXiv:2505.09999).
 */
import type { RateWindow } from '../rate-series.ts';
import { csvNames, fieldsOf, secondsOf } from './csv.ts';
import { TraceError } from './trace.ts';

interface RateColumns {
  readonly time: number;
  readonly rate: number;
  /** −1: none. */
  readonly cv: number;
}

/** Windows of one file: two years by the minute. */
export const MAX_WINDOWS = 1_048_576;
const MAX_RATE = 1e6;
const MAX_CV = 100;
const SERVEGEN: RateColumns = { time: 0, rate: 1, cv: 2 };

/** The columns of a file of rates, from its first line; null where it is none. */
export function rateColumns(firstLine: string): RateColumns | null {
  const fields = fieldsOf(firstLine);
  const number = (at: number): boolean => fields[at] !== '' && Number.isFinite(Number(fields[at]));
  if (fields.length >= 4 && number(0) && number(1) && number(2)) return SERVEGEN;
  const names = csvNames(firstLine);
  const find = (...known: string[]): number => names.findIndex((name) => known.includes(name));
  const time = find('time', 'timestamp', 'start', 'starttime', 'seconds');
  const rate = find('rate', 'requestspersecond', 'rps', 'qps', 'reqpersec');
  return time >= 0 && rate >= 0 ? { time, rate, cv: find('cv', 'burstiness') } : null;
}

/** Whether the first line is a window already. */
export function hasNoHeader(firstLine: string): boolean {
  return /^[\d.]/.test(firstLine);
}

/** The window of a line; its time is on the file's own clock. @throws TraceError */
export function rateWindow(text: string, columns: RateColumns, line: number): RateWindow {
  const fields = fieldsOf(text);
  const number = (name: string, at: number, most: number): number => {
    const value = fields[at] === undefined || fields[at] === '' ? NaN : Number(fields[at]);
    if (!(value >= 0 && value <= most)) {
      throw new TraceError(
        line,
        `the ${name} is “${fields[at] ?? ''}”; a number from 0 to ${most} is needed.`,
      );
    }
    return value;
  };
  const rate = number('rate', columns.rate, MAX_RATE);
  const cv = columns.cv < 0 || rate === 0 ? 1 : number('variation', columns.cv, MAX_CV);
  return { startSeconds: secondsOf(fields[columns.time] ?? '', 1, line), rate, cv: cv === 0 ? 0.01 : cv };
}
