/**
 * Traces of coding agents as WEKA publishes them: a line is one conversation, one JSON object with all of its requests.
 *
 * `{id, block_size, hash_id_scope, requests: [{t (seconds from the conversation's start), in, out, hash_ids}]}`. Ids are a
 * conversation's own where the scope is local, and are told apart here; where it is global they are shared. Entries of the
 * type subagent hold requests of their own; from when their times count is not written down, so they are left out and
 * counted. Source: callanjfox/kv-cache-tester docs/trace_replay_tester.md @ 19c263bd21cf, traces/trace_0079.json @
 * 3269ece0192b.
 */
import * as v from 'valibot';
import { TraceError, type TraceRequest } from './trace.ts';

const Entry = v.object({
  t: v.optional(v.pipe(v.number(), v.finite())),
  type: v.optional(v.string()),
  in: v.optional(v.number()),
  out: v.optional(v.number()),
  hash_ids: v.optional(v.array(v.pipe(v.number(), v.safeInteger())), []),
});

const Conversation = v.object({
  block_size: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536)),
  hash_id_scope: v.optional(v.string()),
  requests: v.array(Entry),
});

export interface WekaConversation {
  readonly blockTokens: number;
  /** In the order of the file; times from the conversation's start. */
  readonly requests: readonly TraceRequest[];
  readonly leftOut: number;
}

/** Whether a line begins a conversation: looks at its first names only, since the line may be megabytes long. */
export function isWeka(line: string): boolean {
  const head = line.slice(0, 2000);
  return head.startsWith('{') && /"block_size"\s*:/.test(head) && /"requests"\s*:\s*\[/.test(head);
}

/** @param numberOf names a conversation's own ids apart from those of the others @throws TraceError */
export function wekaConversation(
  text: string,
  line: number,
  numberOf: (id: number, local: boolean) => number,
): WekaConversation {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new TraceError(line, 'it is no JSON; a WEKA trace has each conversation whole in one line.');
  }
  const read = v.safeParse(Conversation, document);
  if (!read.success) {
    const [issue] = read.issues;
    throw new TraceError(line, `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  }
  const { block_size: blockTokens, hash_id_scope: scope, requests } = read.output;
  const local = scope !== 'global';
  const own = requests.filter(({ type }) => type !== 'subagent');
  return {
    blockTokens,
    leftOut: requests.length - own.length,
    requests: own.map((entry, at) => requestOf(entry, at, line, blockTokens, (id) => numberOf(id, local))),
  };
}

function requestOf(
  { t, in: input, out, hash_ids }: v.InferOutput<typeof Entry>,
  at: number,
  line: number,
  blockTokens: number,
  numberOf: (id: number) => number,
): TraceRequest {
  if (t === undefined || input === undefined || out === undefined) {
    throw new TraceError(line, `request ${at + 1} of it lacks t, in or out.`);
  }
  // The tool counts ids by its own tokenizer; those beyond the prompt can't be of it.
  const most = Math.ceil(input / blockTokens);
  return {
    arrivalSeconds: t,
    promptTokens: input,
    outputTokens: out,
    blockIds: hash_ids.slice(0, most).map(numberOf),
  };
}
