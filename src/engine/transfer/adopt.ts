/**
 * A sequence of another engine into this one: its tokens into the queue, its KV beside it in host memory until the
 * scheduler admits it. From there on it is a sequence like any other, and goes on with its next token.
 */
import { convertKv, layoutOf, wordsOfRing, wordsPerBlock } from '../../core/transfer/kv.ts';
import { TransferError } from '../../core/transfer/error.ts';
import type { SequenceSnapshot } from '../../core/transfer/types.ts';
import type { GenerationRequest } from '../engine-types.ts';
import { checkRequest } from '../rules.ts';
import { createSequence } from '../sequence-state.ts';
import { identityOf } from './fingerprint.ts';
import type { EngineInside, TransferEngine } from './inside.ts';
import { checkMovable, shapeOf } from './snapshot.ts';

/**
 * Format and block size may differ: the KV is converted first.
 * @returns the sequence's number in this engine
 * @throws TransferError, RequestError; nothing is queued then
 */
export async function adoptSequence(
  engine: TransferEngine,
  { model, shape, sequence, kv }: SequenceSnapshot,
  hooks: Pick<GenerationRequest, 'onLogits'> = {},
): Promise<number> {
  const before = engine.inside;
  checkMovable(before);
  await checkModel(before, model);
  const { promptIds, output, maxTokens, sampling, stopTokens, forced } = sequence;
  const request: GenerationRequest = {
    ...{ promptIds, maxTokens, sampling, stopTokens, ...hooks },
    ...(forced ? { forced } : {}),
  };
  checkRequest(before.model.config, before.settings, request);
  checkTokens(before, { model, shape, sequence, kv });
  const converted = convertKv(kv, shape, shapeOf(before));
  // The engine may have been reset while the model was looked at.
  const { session, book, now } = engine.inside;
  const row = session.requests.add(promptIds, maxTokens, now());
  const state = createSequence(row, request, []);
  state.output.push(...output);
  state.planned = output.length;
  book.add(state);
  session.sequences.addGenerated(row, output.length);
  session.connector.arrivals.add(row, converted);
  session.scheduler.add(row);
  return row;
}

/** @throws TransferError where the KV is another model's */
export async function checkModel(
  { gpu, model }: Pick<EngineInside, 'gpu' | 'model'>,
  theirs: SequenceSnapshot['model'],
): Promise<void> {
  const own = await identityOf(gpu, model);
  if (own.fingerprint === theirs.fingerprint) return;
  const names = own.name === theirs.name ? `another ${own.name}` : `${theirs.name}, and this is ${own.name}`;
  throw new TransferError(
    'other-model',
    `The KV was computed by ${names} (fingerprints ${theirs.fingerprint} and ${own.fingerprint}); load the same model, with its weights in the same format, on both sides.`,
  );
}

function checkTokens(
  { model }: EngineInside,
  { shape, sequence, kv }: Pick<SequenceSnapshot, 'shape' | 'sequence' | 'kv'> & { readonly model: object },
): void {
  const { promptIds, output, maxTokens } = sequence;
  const known = promptIds.length + output.length;
  const wrong = output.find((id) => !Number.isInteger(id) || id < 0 || id >= model.config.vocab);
  if (wrong !== undefined || output.length >= maxTokens || kv.tokens >= known) {
    throw new TransferError(
      'damaged',
      `A sequence of ${promptIds.length} + ${output.length} tokens with ${kv.tokens} of them in its KV and ${maxTokens} to come in all can’t go on; export it again.`,
    );
  }
  const blocks = Math.ceil(kv.tokens / layoutOf(shape).shape.blockSize);
  const words = wordsPerBlock(shape);
  const ring = kv.tokens > 0 ? wordsOfRing(shape) : 0;
  const whole =
    kv.blocks.length === blocks &&
    kv.blocks.every((block) => block.length === words) &&
    (kv.ring?.length ?? 0) === ring;
  if (!whole) {
    throw new TransferError(
      'damaged',
      `${kv.tokens} tokens need ${blocks} blocks of ${words} words and ${ring} words of a ring; ${kv.blocks.length} blocks and ${kv.ring?.length ?? 0} came. Export it again.`,
    );
  }
}
