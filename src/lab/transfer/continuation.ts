/** A sequence that came goes on in an engine of its own, and is compared with one that was never left. */
import type { SequenceSnapshot } from '../../core/transfer/types.ts';
import { createEngine } from '../../engine/engine.ts';
import { adoptSequence } from '../../engine/transfer/adopt.ts';
import { settingsOf } from './home.ts';
import type { MoverContext } from './mover.ts';
import { moveText } from './text.ts';
import type { FinishedSequence, MoveCache, MoveText } from './types.ts';

export interface ContinueOptions {
  readonly cache: MoveCache;
  readonly check: boolean;
  readonly signal: AbortSignal;
  readonly onNews: (text: MoveText) => void;
}

/** @throws TransferError, RequestError, the GPU's own errors; the sequence that came stays as it is */
export async function continueSequence(
  context: MoverContext,
  arrived: SequenceSnapshot,
  { cache, check, signal, onNews }: ContinueOptions,
): Promise<FinishedSequence> {
  const { sequence, shape, kv } = arrived;
  const { promptIds, maxTokens } = sequence;
  const engine = await createEngine(
    context.gpu,
    context.model,
    settingsOf(context, cache, promptIds.length + maxTokens),
    context,
  );
  try {
    const row = await adoptSequence(engine, arrived);
    const text = () => moveText({ promptIds, output: engine.outputOf(row), maxTokens }, context.tokenizer);
    let recomputedTokens = 0;
    while (!signal.aborted) {
      const report = await engine.step();
      if (!report) break;
      const joined = report.joined.indexOf(row);
      if (joined >= 0) recomputedTokens = kv.tokens - (report.joinedCachedTokens[joined] ?? 0);
      onNews(text());
    }
    signal.throwIfAborted();
    const output = [...engine.outputOf(row)];
    return {
      text: text(),
      newTokens: output.length - sequence.output.length,
      recomputedTokens,
      converted: shape.format !== cache.kvFormat,
      check: check ? compared(output, await neverLeft(context, arrived)) : null,
    };
  } finally {
    engine.destroy();
  }
}

/** The whole request in one engine with the cache that it began in. */
async function neverLeft(context: MoverContext, { sequence, shape }: SequenceSnapshot): Promise<number[]> {
  const { promptIds, maxTokens, sampling, stopTokens, forced } = sequence;
  const cache = { kvFormat: shape.format, blockSize: shape.blockSize };
  const settings = settingsOf(context, cache, promptIds.length + maxTokens);
  const engine = await createEngine(context.gpu, context.model, settings, context);
  try {
    return await engine.generate({
      ...{ promptIds, maxTokens, sampling, stopTokens },
      ...(forced ? { forced } : {}),
    });
  } finally {
    engine.destroy();
  }
}

function compared(
  output: readonly number[],
  expected: readonly number[],
): NonNullable<FinishedSequence['check']> {
  const at = expected.findIndex((token, i) => token !== output[i]);
  const differs = at >= 0 || output.length !== expected.length;
  return {
    same: !differs,
    firstDifference: differs ? (at >= 0 ? at : Math.min(output.length, expected.length)) : null,
  };
}
