/**
 * One place that sequences leave and come to: writes one, sends it while it writes on, takes one, goes on with it, and
 * keeps it or a prefix cache as a file.
 *
 * Boundary: one loaded model on one device. Where the pipes lead is the page's. One task on the GPU at a time; receiving
 * is none, because what comes waits in host memory.
 */
import { decodeFile, decodeTrailer, fileParts } from '../../core/transfer/file.ts';
import { TransferError } from '../../core/transfer/error.ts';
import {
  packPrefixes,
  packSequence,
  partBytes,
  unpackPrefixes,
  unpackSequence,
} from '../../core/transfer/package.ts';
import { TransferReceiver } from '../../core/transfer/receiver.ts';
import { TransferSender } from '../../core/transfer/sender.ts';
import type { SequenceSnapshot } from '../../core/transfer/types.ts';
import { concludeReceiver, driveReceiver, driveSender, type Pipe } from '../../engine/transfer/drive.ts';
import { sequenceFeed } from '../../engine/transfer/feed.ts';
import { identityOf } from '../../engine/transfer/fingerprint.ts';
import { LiveMove } from '../../engine/transfer/live.ts';
import { exportPrefixes, importPrefixes } from '../../engine/transfer/prefixes.ts';
import { snapshotSequence } from '../../engine/transfer/snapshot.ts';
import type { ModelLabContext } from '../model/context.ts';
import { promptIds } from '../model/prompts.ts';
import { continueSequence } from './continuation.ts';
import { Home } from './home.ts';
import { arrivedSequence, moveText } from './text.ts';
import type {
  ArrivedSequence,
  FinishedSequence,
  HeldSequence,
  MoveCache,
  MoveText,
  OpenedPrefixes,
  ReceiveNews,
  SavedPrefixes,
  SendNews,
  SentSequence,
  WriteWish,
} from './types.ts';

export type MoverContext = Pick<ModelLabContext, 'gpu' | 'model' | 'tokenizer' | 'facts'> & {
  readonly now: () => number;
  /** 16 and 8 random hexadecimal digits. */
  readonly newTransfer: () => string;
  readonly newReceiver: () => number;
};

interface Hooks<News> {
  readonly signal: AbortSignal;
  readonly onNews: (news: News) => void;
}

/** Bytes of a sequence that this page takes. */
const MOST_BYTES = 2 ** 30;

export class Mover {
  readonly #context: MoverContext;
  readonly #home: Home;
  /** The sequence that stands still here; the engine is home's. */
  #held: { readonly row: number; readonly wish: WriteWish } | null = null;
  #arrived: SequenceSnapshot | null = null;
  #sender: TransferSender | null = null;
  #receiver: TransferReceiver | null = null;

  constructor(context: MoverContext) {
    this.#context = context;
    this.#home = new Home(context);
  }

  /** Begins a sequence and stands still after `holdAt` tokens. @throws WishError and the engine's own errors */
  async write(wish: WriteWish, { signal, onNews }: Hooks<MoveText>): Promise<HeldSequence> {
    const { model, tokenizer } = this.#context;
    const [ids = []] = promptIds([wish.prompt], model.config, tokenizer);
    await this.#home.clear(this.#held?.row ?? null);
    this.#held = null;
    const engine = await this.#home.open(wish.cache, ids.length + wish.maxTokens);
    const row = engine.submit({
      promptIds: ids,
      maxTokens: wish.maxTokens,
      sampling: { temperature: wish.temperature, topP: 1, topK: 0, seed: wish.seed },
      stopTokens: [],
    });
    this.#held = { row, wish };
    let cachedTokens = 0;
    while (engine.outputOf(row).length < wish.holdAt && !signal.aborted) {
      const report = await engine.step();
      if (!report) break;
      const joined = report.joined.indexOf(row);
      if (joined >= 0) cachedTokens = report.joinedCachedTokens[joined] ?? 0;
      onNews(this.#text(row));
    }
    await engine.settle();
    const kvTokens = engine.residentTokens(row);
    const { cache } = wish;
    const kvBytes = Math.ceil(kvTokens / cache.blockSize) * cache.blockSize * engine.kvBytesPerToken;
    return { text: this.#text(row), cache, kvTokens, kvBytes, cachedTokens };
  }

  /** The held sequence goes on here, as though nothing had been planned. */
  async stay({ signal, onNews }: Hooks<MoveText>): Promise<MoveText> {
    const { row } = this.#need();
    const engine = this.#home.engine;
    while (!signal.aborted && (await engine.step())) onNews(this.#text(row));
    await engine.settle();
    const text = this.#text(row);
    if (text.outputTokens >= text.maxTokens) this.#held = null;
    return text;
  }

  /** @throws TransferError where the other side refused; the sequence then stands still here, and may stay or go again */
  async send(pipe: Pipe, live: boolean, { signal, onNews }: Hooks<SendNews>): Promise<SentSequence> {
    const { row, wish } = this.#need();
    const { engine } = this.#home;
    const { now, newTransfer } = this.#context;
    const move = await LiveMove.start(engine, row);
    const sender = (this.#sender = new TransferSender(newTransfer(), partBytes(move.header)));
    const startMs = now();
    const before = move.tokens;
    let stillFromMs = startMs;
    const feed = sequenceFeed(engine, move, sender, wish.maxTokens, {
      live,
      onStill: () => (stillFromMs = now()),
    });
    const onProgress = () => onNews(this.#sendNews(sender, row));
    try {
      await driveSender(sender, pipe, feed, { now, signal, onProgress });
    } finally {
      this.#sender = null;
    }
    const endMs = now();
    const text = this.#text(row);
    await this.#home.clear(row);
    this.#held = null;
    const { knownBytes, pieces, resentPieces } = sender.progress;
    return {
      ...{ bytes: knownBytes, pieces, resentPieces, text },
      ...{
        totalMs: endMs - startMs,
        stillMs: endMs - stillFromMs,
        meanwhileTokens: text.outputTokens - before,
      },
    };
  }

  /** Takes a sequence of the same model. @throws TransferError */
  async receive(pipe: Pipe, { signal, onNews }: Hooks<ReceiveNews>): Promise<ArrivedSequence> {
    const { now, newReceiver, gpu, model } = this.#context;
    const { fingerprint } = await identityOf(gpu, model);
    const receiver = (this.#receiver = new TransferReceiver({
      receiver: newReceiver(),
      mostBytes: MOST_BYTES,
      judge: (header) => {
        if (header.kind !== 'sequence') return 'A sequence is waited for here, and that is a prefix cache.';
        if (header.model.fingerprint === fingerprint) return null;
        const theirs = header.model.name === model.config.name ? 'other weights of it' : header.model.name;
        return `The receiving side runs ${model.config.name}, and the KV is of ${theirs}; load the same model, with its weights in the same format, on both sides.`;
      },
    }));
    const onProgress = () => onNews(receiveNews(receiver, now()));
    const blocks: Uint8Array[] = [];
    try {
      await driveReceiver(receiver, pipe, (more) => void blocks.push(...more), { now, signal, onProgress });
      const { header } = receiver;
      const trailer = decodeTrailer(blocks.pop() ?? new Uint8Array());
      if (!header)
        throw new TransferError('damaged', 'It ended before it was offered; start the transfer again.');
      const arrived = this.#arrive(unpackSequence({ header, blocks, trailer }));
      receiver.settle();
      return arrived;
    } catch (error) {
      receiver.refuse(error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      concludeReceiver(receiver, pipe, { now, signal });
      this.#receiver = null;
    }
  }

  /** The sequence that came, in an engine with another cache; checked against one that was never left, where asked. */
  async goOn(
    cache: MoveCache,
    check: boolean,
    { signal, onNews }: Hooks<MoveText>,
  ): Promise<FinishedSequence> {
    const arrived = this.#arrived;
    if (!arrived)
      throw new TransferError('no-sequence', 'No sequence has come yet; receive one or open its file.');
    return continueSequence(this.#context, arrived, { cache, check, signal, onNews });
  }

  /** The held sequence, or the one that came, as a file. */
  async save(): Promise<Blob> {
    const snapshot = this.#held ? await snapshotSequence(this.#home.engine, this.#held.row) : this.#arrived;
    if (!snapshot)
      throw new TransferError('no-sequence', 'There is no sequence to keep; write or receive one first.');
    return new Blob(fileParts(packSequence(snapshot)), { type: 'application/octet-stream' });
  }

  /** @throws TransferError for a file that is none of ours, damaged, or of another model */
  async open(file: Blob): Promise<ArrivedSequence> {
    const snapshot = unpackSequence(decodeFile(new Uint8Array(await file.arrayBuffer())));
    await this.#home.checkModel(snapshot.model);
    return this.#arrive(snapshot);
  }

  /** What the engine here has cached, from the texts that were written since the model was loaded. */
  async savePrefixes(): Promise<SavedPrefixes> {
    const snapshot = await exportPrefixes(this.#home.engine);
    if (snapshot.entries.length === 0)
      throw new TransferError('no-sequence', 'Nothing is cached yet; write a text of a block or more first.');
    const file = new Blob(fileParts(packPrefixes(snapshot)), { type: 'application/octet-stream' });
    const blocks = snapshot.entries.length;
    return { file, blocks, tokens: blocks * snapshot.shape.blockSize };
  }

  /** Puts a kept prefix cache into the engine that the next text is written in. */
  async openPrefixes(file: Blob, cache: MoveCache): Promise<OpenedPrefixes> {
    const snapshot = unpackPrefixes(decodeFile(new Uint8Array(await file.arrayBuffer())));
    await this.#home.clear(this.#held?.row ?? null);
    this.#held = null;
    return importPrefixes(await this.#home.open(cache, 1), snapshot);
  }

  pause(): void {
    this.#sender?.pause();
    this.#receiver?.pause();
  }

  resume(): void {
    this.#sender?.resume();
    this.#receiver?.resume();
  }

  /** The pipe leads somewhere else, or works again. */
  reconnect(): void {
    this.#sender?.reconnect();
  }

  destroy(): void {
    this.#home.destroy();
  }

  #arrive(snapshot: SequenceSnapshot): ArrivedSequence {
    this.#arrived = snapshot;
    return arrivedSequence(snapshot, this.#context.tokenizer);
  }

  #text(row: number): MoveText {
    return moveText(this.#home.sequence(row), this.#context.tokenizer);
  }

  #sendNews(sender: TransferSender, row: number): SendNews {
    const { arrivedBytes, totalBytes, resentPieces } = sender.progress;
    const silentMs = sender.heardMs === 0 ? null : this.#context.now() - sender.heardMs;
    const { status, paused } = sender;
    return { status, paused, arrivedBytes, totalBytes, resentPieces, silentMs, text: this.#text(row) };
  }

  #need(): { readonly row: number; readonly wish: WriteWish } {
    if (this.#held) return this.#held;
    throw new TransferError('no-sequence', 'No sequence stands still here; write one first.');
  }
}

function receiveNews(receiver: TransferReceiver, nowMs: number): ReceiveNews {
  const { bytes, blocks } = receiver.progress;
  const silentMs = receiver.heardMs === 0 ? null : nowMs - receiver.heardMs;
  return { status: receiver.status, paused: receiver.paused, bytes, blocks, silentMs };
}
