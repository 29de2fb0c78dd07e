/**
 * Traces as CSV: Azure's (TIMESTAMP, ContextTokens, GeneratedTokens), BurstGPT's and plain ones, whose columns are found
 * by name.
 *
 * Fields are numbers and times without commas, in quotes or not, so a line is split at its commas. Times are dates or
 * seconds, milliseconds where the column's name says so (arrival_ms).
 */
import { NO_BLOCK_IDS, TraceError, type TraceRequest } from './trace.ts';

export interface Columns {
  readonly time: number;
  /** Seconds of one unit of a plain number in the time column. */
  readonly timeUnit: number;
  readonly prompt: number;
  readonly output: number;
}

/** Names by which files of the field call the three columns, in lower case without separators. */
const NAMES = {
  time: ['timestamp', 'arrivedat', 'arrivaltime', 'arrivalseconds', 'arrival', 'time'],
  prompt: [
    'contexttokens',
    'numprefilltokens',
    'prompttokens',
    'inputlength',
    'inputtokens',
    'requesttokens',
    'prompt',
  ],
  output: ['generatedtokens', 'numdecodetokens', 'outputtokens', 'outputlength', 'responsetokens', 'output'],
} as const;

/** Names of a header line in lower case, letters only. */
export function csvNames(header: string): string[] {
  return fieldsOf(header).map((name) => name.toLowerCase().replace(/[^a-z]/g, ''));
}

/** Fields of a line, without spaces and quotes around them. */
export function fieldsOf(line: string): string[] {
  return line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
}

/**
 * BurstGPT's header: Timestamp (seconds), Model, Request tokens, Response tokens, Total tokens, Log Type; version 3 has a
 * session and a time beside them. Source: HPMLL/BurstGPT README.
 */
export function isBurstGpt(header: string): boolean {
  const names = csvNames(header);
  return names.includes('requesttokens') && names.includes('responsetokens');
}

/** @throws TraceError where a column is missing */
export function csvColumns(header: string, line: number): Columns {
  const names = csvNames(header);
  const find = (kind: keyof typeof NAMES, suffix = ''): number =>
    names.findIndex((name) => NAMES[kind].some((known) => name === known + suffix));
  const need = (kind: keyof typeof NAMES): number => {
    const at = find(kind);
    if (at < 0)
      throw new TraceError(line, `it has no ${kind} column; name one ${NAMES[kind].slice(0, 3).join(', ')}.`);
    return at;
  };
  const milliseconds = find('time', 'ms');
  const time = milliseconds >= 0 ? milliseconds : need('time');
  return { time, timeUnit: milliseconds >= 0 ? 0.001 : 1, prompt: need('prompt'), output: need('output') };
}

/** Days from 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", public domain. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719468
  );
}

/** Seconds of a plain number, or of a date with fractions as long as they come: `2023-11-16 18:15:46.6805900`. */
export function secondsOf(text: string, unit: number, line: number): number {
  if (/^[-+\d.eE]+$/.test(text) && Number.isFinite(Number(text))) return Number(text) * unit;
  const match = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d(?:\.\d+)?)/.exec(text);
  if (!match) throw new TraceError(line, `“${text.slice(0, 40)}” is neither seconds nor a date with a time.`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return daysFromCivil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/** The request of a line; its arrival is on the file's own clock. @throws TraceError */
export function csvRequest(text: string, columns: Columns, line: number): TraceRequest {
  const fields = fieldsOf(text);
  const field = (at: number): string => {
    const value = fields[at];
    if (!value) throw new TraceError(line, `it has ${fields.length} fields; field ${at + 1} is missing.`);
    return value;
  };
  return {
    arrivalSeconds: secondsOf(field(columns.time), columns.timeUnit, line),
    promptTokens: Number(field(columns.prompt)),
    outputTokens: Number(field(columns.output)),
    blockIds: NO_BLOCK_IDS,
  };
}
