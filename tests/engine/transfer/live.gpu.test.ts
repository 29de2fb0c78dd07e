/** A sequence that moves over a channel while it writes: through a MessagePort, with a cut in the middle. */
import { beforeAll, describe, expect, it } from 'vitest';
import { TransferReceiver } from '../../../src/core/transfer/receiver.ts';
import { TransferSender } from '../../../src/core/transfer/sender.ts';
import { decodeTrailer } from '../../../src/core/transfer/file.ts';
import { partBytes, unpackSequence } from '../../../src/core/transfer/package.ts';
import type { SequenceSnapshot } from '../../../src/core/transfer/types.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { adoptSequence } from '../../../src/engine/transfer/adopt.ts';
import {
  concludeReceiver,
  driveReceiver,
  driveSender,
  portPipe,
  type Pipe,
} from '../../../src/engine/transfer/drive.ts';
import { sequenceFeed } from '../../../src/engine/transfer/feed.ts';
import { LiveMove } from '../../../src/engine/transfer/live.ts';
import { loadModel } from '../../../src/engine/weights/loader.ts';
import { randomModel } from '../../../src/engine/weights/random.ts';
import type { LoadedModel } from '../../../src/engine/weights-types.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { openTestGpu } from '../../support/gpu.ts';
import { greedy, makeEngine } from '../support.ts';
import { SMALL_MODEL } from './model.ts';

const TOKENS = 90;
const PROMPT = Array.from({ length: 50 }, (_, i) => (i * 29 + 3) % SMALL_MODEL.vocab);

let gpu: Gpu;
let model: LoadedModel;
let expected: number[];
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await loadModel(gpu, randomModel(SMALL_MODEL, 5), { weightFormat: 'f32', budgetBytes: 2 ** 28 });
  const engine = await makeEngine(gpu, model);
  expected = await engine.generate(greedy(PROMPT, TOKENS));
  engine.destroy();
});

const hooks = (signal = new AbortController().signal) => ({ now: () => performance.now(), signal });

/** Everything that comes over a pipe, as one snapshot. */
async function receive(receiver: TransferReceiver, pipe: Pipe): Promise<SequenceSnapshot> {
  const blocks: Uint8Array[] = [];
  await driveReceiver(receiver, pipe, (more) => void blocks.push(...more), hooks());
  const { header } = receiver;
  if (!header) throw new Error('Nothing was offered.');
  return unpackSequence({
    header,
    blocks: blocks.slice(0, -1),
    trailer: decodeTrailer(blocks.at(-1) ?? new Uint8Array()),
  });
}

interface Moved {
  readonly tokens: number[];
  /** Output tokens before, and steps while it moved. */
  readonly before: number;
  readonly during: number;
  readonly sender: TransferSender;
}

/** @param pipes of the two sides @param onSender may cut and mend */
async function move(
  source: Engine,
  target: Engine,
  pipes: readonly [Pipe, Pipe],
  live: boolean,
  onSender: (sender: TransferSender) => void = () => undefined,
): Promise<Moved> {
  const row = source.submit(greedy(PROMPT, TOKENS));
  while (source.outputOf(row).length < 5) await source.step();
  const before = source.outputOf(row).length;
  const leaving = await LiveMove.start(source, row);
  const sender = new TransferSender('00000000000000aa', partBytes(leaving.header), { pieceBytes: 1000 });
  onSender(sender);
  const receiver = new TransferReceiver({ receiver: 5, judge: () => null, windowPieces: 8 });
  const end = new AbortController();
  const [snapshot] = await Promise.all([
    receive(receiver, pipes[1]).then((came) => {
      receiver.settle();
      concludeReceiver(receiver, pipes[1], hooks(end.signal));
      return came;
    }),
    driveSender(sender, pipes[0], sequenceFeed(source, leaving, sender, TOKENS, { live }), hooks()),
  ]);
  end.abort();
  leaving.release();
  while (await source.step()) source.check();
  const adopted = await adoptSequence(target, snapshot);
  while (await target.step()) target.check();
  const during = snapshot.sequence.output.length - before;
  return { tokens: [...target.outputOf(adopted)], before, during, sender };
}

describe('a sequence that moves over a channel', () => {
  it.each([true, false])('through a MessagePort, writing on meanwhile: %s', async (live) => {
    const [source, target] = [await makeEngine(gpu, model), await makeEngine(gpu, model, { blockSize: 32 })];
    const { port1, port2 } = new MessageChannel();
    const moved = await move(source, target, [portPipe(port1), portPipe(port2)], live);
    expect(moved.tokens).toEqual(expected);
    if (live) expect(moved.during).toBeGreaterThan(1);
    else expect(moved.during).toBeLessThanOrEqual(1);
    expect(moved.sender.progress.resentPieces).toBe(0);
    for (const end of [port1, port2]) end.close();
    for (const engine of [source, target]) engine.destroy();
  });

  it('through one that is cut for a while: it goes on behind what had arrived', async () => {
    const [source, target] = [await makeEngine(gpu, model), await makeEngine(gpu, model)];
    const { port1, port2 } = new MessageChannel();
    const pipe = portPipe(port1);
    let [messages, isCut] = [0, false];
    let sending: TransferSender | null = null;
    const cutting: Pipe = {
      ...pipe,
      send(bytes) {
        if (++messages === 12) {
          isCut = true;
          setTimeout(() => {
            isCut = false;
            sending?.reconnect();
          }, 120);
        }
        if (!isCut) pipe.send(bytes);
      },
    };
    const moved = await move(
      source,
      target,
      [cutting, portPipe(port2)],
      false,
      (sender) => (sending = sender),
    );
    expect(messages).toBeGreaterThan(12);
    expect(moved.tokens).toEqual(expected);
    for (const end of [port1, port2]) end.close();
    for (const engine of [source, target]) engine.destroy();
  });

  it('that nobody takes: it is cancelled, and the sequence goes on where it is', async () => {
    const source = await makeEngine(gpu, model);
    const row = source.submit(greedy(PROMPT, TOKENS));
    while (source.outputOf(row).length < 5) await source.step();
    const leaving = await LiveMove.start(source, row);
    const sender = new TransferSender('00000000000000ab', partBytes(leaving.header));
    const { port1, port2 } = new MessageChannel();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    const driven = driveSender(
      sender,
      portPipe(port1),
      sequenceFeed(source, leaving, sender, TOKENS, { live: true }),
      hooks(stop.signal),
    );
    await expect(driven).rejects.toMatchObject({ name: 'AbortError' });
    while (await source.step()) source.check();
    expect(source.outputOf(row)).toEqual(expected);
    for (const end of [port1, port2]) end.close();
    source.destroy();
  });
});
