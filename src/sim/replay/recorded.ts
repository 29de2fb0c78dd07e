/**
 * Reads a recorded run of a vLLM engine, as casys-kaist/LLMServingSim's bench writes it.
 *
 *   meta.json        the engine's settings            (its meaning: settings.ts)
 *   requests.jsonl   one request a line: lengths, and seconds of the engine's clock when it was queued, scheduled, gave
 *                    its first and its last token
 *   timeseries.csv   t, running, waiting, kv_cache_pct at the end of each tick; may be missing
 *   config.json      what a simulator was told of the machine; may be missing
 *
 * Takes texts, not paths. Only what is asked for is checked; further fields are passed over.
 */
import * as v from 'valibot';
import { csvRows, ProfileError } from '../cost/table-files.ts';

/** A file of a recorded run that is not what it should be. */
export class RecordedError extends Error {
  readonly code = 'recorded';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'RecordedError';
  }
}

export interface RecordedRequest {
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Seconds of the engine's clock; null where the request did not get that far. */
  readonly queued: number | null;
  readonly firstToken: number | null;
  readonly lastToken: number | null;
}

export interface RecordedTick {
  /** Seconds of the recorder's clock at the tick's end. */
  readonly t: number;
  readonly running: number;
  readonly waiting: number;
  readonly kvUsagePercent: number | null;
}

const MAX_CHARACTERS = 200_000_000;
const MAX_REQUESTS = 1_000_000;

const tokens = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100_000_000));
const time = v.nullable(v.pipe(v.number(), v.finite()));
const Line = v.object({
  input_toks: tokens,
  output_toks: tokens,
  queued_ts: time,
  first_token_ts: time,
  last_token_ts: time,
});

/** @throws RecordedError */
export function readJson(file: string, text: string): unknown {
  if (text.length > MAX_CHARACTERS) {
    throw new RecordedError(`${file} has ${text.length} characters; ${MAX_CHARACTERS} are the most.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new RecordedError(`${file} is no JSON.`);
  }
}

/** @throws RecordedError with the line */
export function readRequests(text: string): RecordedRequest[] {
  const requests: RecordedRequest[] = [];
  text.split('\n').forEach((raw, at) => {
    const line = raw.trim();
    if (line === '') return;
    if (requests.length >= MAX_REQUESTS)
      throw new RecordedError(`requests.jsonl has more than ${MAX_REQUESTS} requests.`);
    requests.push(requestOf(line, at + 1));
  });
  if (requests.length === 0) throw new RecordedError('requests.jsonl has no request.');
  return requests;
}

function requestOf(line: string, number: number): RecordedRequest {
  const where = `requests.jsonl, line ${number}`;
  const parsed = v.safeParse(Line, readJson(where, line));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new RecordedError(`${where}: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  }
  const { input_toks, output_toks, queued_ts, first_token_ts, last_token_ts } = parsed.output;
  return {
    promptTokens: input_toks,
    outputTokens: output_toks,
    queued: queued_ts,
    firstToken: first_token_ts,
    lastToken: last_token_ts,
  };
}

/**
 * Ticks of timeseries.csv. A KV usage that is 0 in every tick was not recorded: requests ran, and they had blocks.
 * @throws RecordedError with the line
 */
export function readTicks(text: string): RecordedTick[] {
  try {
    const header = (text.split('\n', 1)[0] ?? '').trim().split(',');
    const rows = csvRows('timeseries.csv', text, ['t', 'running', 'waiting']);
    const hasUsage = header.includes('kv_cache_pct') && rows.some((row) => row.number('kv_cache_pct') > 0);
    return rows.map((row) => ({
      t: row.number('t'),
      running: row.number('running'),
      waiting: row.number('waiting'),
      kvUsagePercent: hasUsage ? row.number('kv_cache_pct') : null,
    }));
  } catch (error) {
    if (error instanceof ProfileError) throw new RecordedError(error.message);
    throw error;
  }
}
