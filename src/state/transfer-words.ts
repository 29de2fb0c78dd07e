/** Moves in words. */
import { formatValue } from '../charts/format.ts';
import type {
  ArrivedSequence,
  FinishedSequence,
  HeldSequence,
  ReceiveNews,
  SendNews,
  SentSequence,
} from '../workers/transfer-api.ts';
import type { MoveWay } from './transfer-form.svelte.ts';

export const WAY_NAMES: Readonly<Record<MoveWay, string>> = {
  pool: 'Pool',
  worker: 'Worker',
  tab: 'Tab',
  machine: 'Machine',
  file: 'File',
};

export const WAY_HELP: Readonly<Record<MoveWay, string>> = {
  pool: 'Two engines on one GPU, each with a pool of its own, perhaps in another format and block size.',
  worker: 'Two workers, each with a device and a model of its own.',
  tab: 'Open this page in a second tab, choose Receive there, then move the sequence from here.',
  machine: 'A data channel between two browsers, with an offer and an answer that you carry over yourself.',
  file: 'The sequence stops here and goes on wherever its file is opened, with the same model.',
};

/** After so long without a word the other side counts as silent. */
const SILENT_MS = 4000;

const bytes = (value: number): string => formatValue(value, 'bytes');
const duration = (ms: number): string => formatValue(ms, 'ms');

export function heldSentence({ text, kvTokens, kvBytes, cachedTokens, cache }: HeldSequence): string {
  const found = cachedTokens > 0 ? ` ${cachedTokens} prompt tokens were found in the prefix cache.` : '';
  return `It stands still after ${text.outputTokens} of ${text.maxTokens} tokens: KV of ${kvTokens} tokens in ${cache.kvFormat}, ${bytes(kvBytes)}.${found}`;
}

export function sendProgress(news: SendNews | null): { fraction: number | null; message: string } {
  if (news === null) return { fraction: null, message: 'Starting' };
  const { status, arrivedBytes, totalBytes, silentMs, resentPieces, paused } = news;
  const again = resentPieces > 0 ? `, ${resentPieces} pieces again` : '';
  const fraction = totalBytes === null || totalBytes === 0 ? null : arrivedBytes / totalBytes;
  if (status === 'offering') {
    const message =
      silentMs === null
        ? 'Offered; waiting for somebody to take it'
        : 'Offered again; waiting for the other side';
    return { fraction: null, message };
  }
  if (paused !== null)
    return { fraction, message: `Paused ${paused}; ${bytes(arrivedBytes)} are over there` };
  if (silentMs !== null && silentMs > SILENT_MS)
    return {
      fraction,
      message: `Nothing heard for ${Math.round(silentMs / 1000)} s; ${bytes(arrivedBytes)} had arrived`,
    };
  return { fraction, message: `${bytes(arrivedBytes)} have arrived${again}` };
}

export function receiveProgress(news: ReceiveNews | null): { fraction: number | null; message: string } {
  if (news === null || news.status === 'waiting')
    return { fraction: null, message: 'Waiting for a sequence of the same model' };
  const held = news.paused ? 'Paused; ' : '';
  return { fraction: null, message: `${held}${bytes(news.bytes)} in ${news.blocks} blocks are here` };
}

export function sentSentence({
  bytes: moved,
  totalMs,
  stillMs,
  meanwhileTokens,
  resentPieces,
}: SentSequence): string {
  const wrote =
    meanwhileTokens > 0
      ? ` It wrote ${meanwhileTokens} more tokens meanwhile.`
      : ' It wrote nothing meanwhile.';
  const again = resentPieces > 0 ? ` ${resentPieces} pieces were sent again.` : '';
  return `${bytes(moved)} moved in ${duration(totalMs)}; the sequence stood still for ${duration(stillMs)} of it.${wrote}${again}`;
}

export function arrivedSentence({ text, kvTokens, bytes: came, cache }: ArrivedSequence): string {
  return `It came with ${text.outputTokens} of ${text.maxTokens} tokens and KV of ${kvTokens} tokens in ${cache.kvFormat}, blocks of ${cache.blockSize}, ${bytes(came)}.`;
}

export function finishedSentence({
  newTokens,
  recomputedTokens,
  converted,
  check,
}: FinishedSequence): string {
  const from =
    recomputedTokens === 0
      ? 'nothing of it computed again'
      : `${recomputedTokens} tokens of KV computed again, because their blocks did not come`;
  const begin = `It wrote ${newTokens} tokens here, ${from}${converted ? ', its KV converted' : ''}.`;
  if (check === null) return begin;
  if (check.same) return `${begin} All tokens are those of the same text without a move.`;
  const why = converted
    ? 'the other format rounds what it stores'
    : 'which should not be; please report it with the model’s name';
  return `${begin} From token ${(check.firstDifference ?? 0) + 1} on they differ from the same text without a move: ${why}.`;
}
