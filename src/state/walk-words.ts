/** What a recorded run says in sentences: a block event, a step, a block's standing. One wording for page and tests. */
import { RECORDED_KINDS, type RecordedKind } from '../sim/recorder-history.ts';
import type { BlockEvent, HistoryReader, RequestPhase } from '../sim/recorder-reader.ts';

export type NameOf = (request: number) => string;

export const requestNumber: NameOf = (request) => `request ${request}`;

/** A, B, C … for runs so small that each request is known by name. */
export const requestLetter: NameOf = (request) => `request ${String.fromCharCode(65 + (request % 26))}`;

const count = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

export function formatMs(ms: number): string {
  if (ms >= 60_000) return `${(ms / 60_000).toFixed(2)} min`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(3)} s`;
  return `${Number(ms.toFixed(2))} ms`;
}

/** `block 3 is given to request B`. */
export function eventSentence(event: BlockEvent, nameOf: NameOf): string {
  const who = nameOf(event.request);
  switch (event.kind) {
    case 'alloc':
      return `Block ${event.block} is given to ${who}.`;
    case 'hit':
      return `Block ${event.block} is found: ${who} refers to it instead of computing text ${event.id} again.`;
    case 'cache':
      return `Block ${event.block} is full: it can be found as text ${event.id}.`;
    case 'evict':
      return `Block ${event.block} loses text ${event.id}, because ${who} needs room.`;
    case 'drop':
      return `Block ${event.block} loses text ${event.id}, which another block holds too.`;
    case 'free':
      return event.heir < 0
        ? `Block ${event.block} is given back by ${who}; nobody refers to it now.`
        : `Block ${event.block} is given back by ${who}; ${nameOf(event.heir)} still refers to it.`;
    case 'load':
      return `Block ${event.block} of ${who} gets its contents from tier ${event.tier} below the GPU’s memory.`;
    default:
      return event.kind satisfies never;
  }
}

export function phaseSentence(phase: RequestPhase, who: string): string {
  switch (phase.kind) {
    case 'arrived':
      return `${who} arrives and waits.`;
    case 'admitted':
      return phase.tokens > 0
        ? `${who} enters the batch; ${count(phase.tokens, 'token')} of its text are in the cache already.`
        : `${who} enters the batch; nothing of its text is in the cache.`;
    case 'chunk':
      return `${who} computes ${count(phase.tokens, 'token')} of its prompt.`;
    case 'prefilled':
      return `${who} has its prompt computed and decodes from now on.`;
    case 'preempted':
      return `${who} is preempted: it gives up its blocks and ${count(phase.tokens, 'computed token')}, and waits again.`;
    case 'finished':
      return `${who} has all its tokens and gives its blocks back.`;
    default:
      return phase.kind satisfies never;
  }
}

/** Events of one step counted by kind. */
export function countEvents(reader: HistoryReader, step: number): Record<RecordedKind, number> {
  const counts = { alloc: 0, free: 0, hit: 0, cache: 0, evict: 0, drop: 0, load: 0 };
  const { kind } = reader.history.events;
  const end = reader.momentOf(step);
  for (let i = reader.momentOf(step - 1); i < end; i++) {
    const name = RECORDED_KINDS[kind[i] ?? 0];
    if (name !== undefined) counts[name]++;
  }
  return counts;
}

/** The pool after a step, in one or two sentences: what a screen reader says, and what stands beneath the canvas. */
export function stepSentence(reader: HistoryReader, step: number): string {
  const { numBlocks, steps } = reader.history;
  if (step < 0) return `Before the first step: ${count(numBlocks, 'block')}, all free and empty.`;
  const [active, cached] = [steps.active[step] ?? 0, steps.cached[step] ?? 0];
  const { alloc, free, hit, evict } = countEvents(reader, step);
  const parts = [
    ...(alloc > 0 ? [`${count(alloc, 'block')} given out`] : []),
    ...(hit > 0 ? [`${hit.toLocaleString('en')} found in the cache`] : []),
    ...(evict > 0 ? [`${evict.toLocaleString('en')} evicted`] : []),
    ...(free > 0 ? [`${free.toLocaleString('en')} given back`] : []),
  ];
  const happened = parts.length === 0 ? 'no block changed hands' : parts.join(', ');
  const empty = numBlocks - active - cached;
  return (
    `Step ${step.toLocaleString('en')}, ends at ${formatMs(steps.endMs[step] ?? 0)}: ${happened}. ` +
    `${active.toLocaleString('en')} of ${count(numBlocks, 'block')} in use, ` +
    `${cached.toLocaleString('en')} free with contents, ${empty.toLocaleString('en')} free and empty.`
  );
}

/** How a block stands at a moment. */
export function blockSentence(reader: HistoryReader, block: number, moment: number, nameOf: NameOf): string {
  const state = reader.stateAt(moment);
  const contents = state.contents[block] ?? -1;
  const holders = reader.holdersOf(block, moment);
  const holds = contents < 0 ? '' : `, holds text ${contents}`;
  if (holders.length === 0) {
    return contents < 0
      ? `Block ${block}: free and empty.`
      : `Block ${block}: free, still holds text ${contents}.`;
  }
  const names = holders.slice(0, 6).map(nameOf);
  const more = holders.length > 6 ? ` and ${holders.length - 6} more` : '';
  return `Block ${block}: ${count(holders.length, 'reference')}, ${names.join(', ')}${more}${holds}.`;
}
