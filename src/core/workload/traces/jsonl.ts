/**
 * Traces as JSON lines: `{timestamp (ms), input_length, output_length, hash_ids}`, as Mooncake publishes them and as
 * vLLM replays use them. An id names all text up to the end of its block; Mooncake's blocks have 512 tokens and count a
 * last, partial one, replay files have 16 and count full ones only.
 * Source: kvcache-ai/Mooncake, FAST25-release/traces.
 */
import * as v from 'valibot';
import { TraceError, type TraceRequest } from './trace.ts';

const Row = v.object({
  timestamp: v.pipe(v.number(), v.finite()),
  input_length: v.number(),
  output_length: v.number(),
  hash_ids: v.optional(v.array(v.pipe(v.number(), v.safeInteger())), []),
});

/** @throws TraceError */
export function jsonlRequest(text: string, line: number): TraceRequest {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new TraceError(line, 'it is no JSON.');
  }
  const row = v.safeParse(Row, document);
  if (!row.success) {
    const [issue] = row.issues;
    throw new TraceError(line, `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  }
  const { timestamp, input_length, output_length, hash_ids } = row.output;
  return {
    arrivalSeconds: timestamp / 1000,
    promptTokens: input_length,
    outputTokens: output_length,
    blockIds: hash_ids,
  };
}
