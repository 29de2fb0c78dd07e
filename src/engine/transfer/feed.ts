/** What a sender is given of a sequence, and when: ahead of time while it writes on, the rest when it stands still. */
import { partBytes } from '../../core/transfer/package.ts';
import type { TransferSender } from '../../core/transfer/sender.ts';
import type { StepReport } from '../engine-types.ts';
import type { Feed } from './drive.ts';
import type { LiveEngine, LiveMove } from './live.ts';

/** Bytes that may wait to be sent before more are read off the GPU. */
const LEAD_BYTES = 4 * 1024 * 1024;
/** Tokens before its end at which a sequence stops to write: it is to move, not to finish here. */
const KEEP_TOKENS = 4;

export interface FeedOptions {
  /** False: it stands still from the start. */
  readonly live: boolean;
  /** Told of each step that was made meanwhile, and when it stood still. */
  readonly onStep?: (report: StepReport) => void;
  readonly onStill?: () => void;
}

export interface SteppingEngine extends LiveEngine {
  step(): Promise<StepReport | null>;
}

/** @param maxTokens of the sequence's output */
export function sequenceFeed(
  engine: SteppingEngine,
  move: LiveMove,
  sender: TransferSender,
  maxTokens: number,
  { live, onStep, onStill }: FeedOptions,
): Feed {
  const still = async (): Promise<'end'> => {
    onStill?.();
    const { blocks, trailer } = await move.finish();
    for (const block of blocks) sender.push(block);
    sender.close(partBytes(trailer));
    return 'end';
  };
  return async () => {
    if (!live || maxTokens - move.tokens <= KEEP_TOKENS) return still();
    if (sender.waitingBytes < LEAD_BYTES) for (const block of await move.advance(16)) sender.push(block);
    // What it has written so far is over there; the rest is less than a block.
    if (sender.status === 'sending' && sender.waitingBytes === 0) return still();
    const report = await engine.step();
    if (report) onStep?.(report);
    return report ? 'more' : still();
  };
}
