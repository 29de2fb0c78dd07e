/** Which format a trace has, seen from its first line. */
import { csvColumns, csvNames, isBurstGpt } from './csv.ts';
import { jsonlRequest } from './jsonl.ts';
import { hasNoHeader, rateColumns } from './rates.ts';
import { BlockTokens } from './block-tokens.ts';
import { TraceError } from './trace.ts';
import { isWeka } from './weka.ts';

export const TRACE_FORMATS = {
  azure: 'Azure CSV',
  mooncake: 'Mooncake JSON lines (an id for each 512 tokens)',
  'vllm-replay': 'replay JSON lines (an id for each 16 tokens)',
  jsonl: 'JSON lines',
  csv: 'CSV',
  rates: 'CSV of rates',
  servegen: 'ServeGen CSV of rates',
  burstgpt: 'BurstGPT CSV',
  weka: 'WEKA conversations (an id for each 64 tokens)',
} as const;
export type TraceFormat = keyof typeof TRACE_FORMATS;

/** The format, or null for a line that begins no trace. */
export function detectTrace(firstLine: string): TraceFormat | null {
  const line = firstLine.replace(/^\uFEFF/, '').trim();
  try {
    if (line.startsWith('{')) return isWeka(line) ? 'weka' : jsonlFormat(line);
    if (rateColumns(line)) return hasNoHeader(line) ? 'servegen' : 'rates';
    csvColumns(line, 1);
    if (isBurstGpt(line)) return 'burstgpt';
    return csvNames(line).includes('contexttokens') ? 'azure' : 'csv';
  } catch (error) {
    if (error instanceof TraceError) return null;
    throw error;
  }
}

function jsonlFormat(line: string): TraceFormat {
  const tokens = new BlockTokens();
  tokens.look(jsonlRequest(line, 1), 1);
  if (tokens.tokens === 512) return 'mooncake';
  return tokens.tokens === 16 ? 'vllm-replay' : 'jsonl';
}
