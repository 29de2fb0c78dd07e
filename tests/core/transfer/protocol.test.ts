/** Sender and receiver on bad channels: what arrives is what was sent, whatever happens on the way. */
import { describe, expect, it } from 'vitest';
import { crc32Bytes } from '../../../src/core/crc32.ts';
import { createRandom } from '../../../src/core/random.ts';
import { decodeFrame, encodeFrame } from '../../../src/core/transfer/frames.ts';
import { drawnBlocks, HEADER, Network, QUIET, type Trouble } from './network.ts';

const BAD: Trouble = { lost: 0.15, doubled: 0.1, damaged: 0.1, spreadMs: 40 };
const HOUR_MS = 3_600_000;

function give(network: Network, blocks: readonly Uint8Array[]): void {
  blocks.slice(0, -1).forEach((block) => network.sender.push(block));
  network.sender.close(blocks.at(-1) ?? new Uint8Array([1]));
}

describe('a transfer', () => {
  it('sends each piece once on a good channel, and ends', () => {
    const network = new Network(1, QUIET);
    const blocks = drawnBlocks(network.random, 20, 1000);
    give(network, blocks);
    network.run(HOUR_MS);
    expect(network.sender.status).toBe('done');
    expect(network.receiver.status).toBe('done');
    expect(network.taken).toEqual(blocks);
    const { progress } = network.sender;
    expect(progress).toMatchObject({ resentPieces: 0, damagedFrames: 0, arrivedBytes: progress.totalBytes });
  });

  it.each(Array.from({ length: 32 }, (_, seed) => seed))(
    'arrives whole although messages are lost, doubled, reordered and damaged (seed %i)',
    (seed) => {
      const network = new Network(seed, BAD, { windowPieces: 1 + (seed % 20) });
      const blocks = drawnBlocks(network.random, 1 + network.random.below(25), 1500);
      give(network, blocks);
      network.run(HOUR_MS);
      expect(network.sender.status).toBe('done');
      expect(network.taken).toEqual(blocks);
    },
  );

  it.each(Array.from({ length: 16 }, (_, seed) => seed))(
    'goes on behind what arrived after cuts in the middle (seed %i)',
    (seed) => {
      const network = new Network(seed, seed % 2 === 0 ? QUIET : BAD);
      const blocks = drawnBlocks(network.random, 30, 1500);
      give(network, blocks);
      let cuts = 0;
      const isDone = () => network.sender.status === 'done';
      for (let until = 5; !isDone() && until < HOUR_MS; until = network.nowMs + 60) {
        network.run(until);
        if (cuts >= 4 || isDone()) continue;
        const before = network.receiver.progress.bytes;
        network.cut();
        network.run(network.nowMs + 2000);
        expect(network.receiver.progress.bytes).toBe(before);
        network.mend();
        cuts++;
      }
      expect(cuts).toBeGreaterThan(0);
      expect(network.sender.status).toBe('done');
      expect(network.taken).toEqual(blocks);
      // What had arrived is not sent a second time; a bad channel doubles by itself.
      if (seed % 2 === 0) expect(network.receiver.progress.doubledPieces).toBe(0);
    },
  );

  it('begins again with a receiver that lost everything', () => {
    const network = new Network(3, QUIET, { windowPieces: 4 });
    const blocks = drawnBlocks(network.random, 30, 1500);
    give(network, blocks);
    network.run(20);
    expect(network.taken.length).toBeGreaterThan(0);
    expect(network.sender.status).toBe('sending');
    network.cut();
    network.receiver = network.newReceiver();
    network.taken = [];
    network.mend();
    network.run(HOUR_MS);
    expect(network.sender.status).toBe('done');
    expect(network.taken).toEqual(blocks);
  });

  it('waits for a consumer that does not take, in bounded memory, and goes on when it does', () => {
    const window = 8;
    const network = new Network(4, QUIET, { windowPieces: window });
    const blocks = Array.from({ length: 50 }, (_, i) => new Uint8Array(200).fill(i));
    give(network, blocks);
    network.takes = false;
    network.run(20_000);
    expect(network.sender.status).toBe('sending');
    expect(network.mostHeld).toBeLessThanOrEqual((window + 2) * 100);
    const pieces = network.sender.progress.arrivedBytes / 100;
    expect(pieces).toBeLessThanOrEqual(window + 2);
    network.takes = true;
    network.run(HOUR_MS);
    expect(network.taken).toEqual(blocks);
  });

  it('carries a block that is larger than the window', () => {
    const network = new Network(5, QUIET, { windowPieces: 3 });
    const blocks = drawnBlocks(createRandom(8), 3, 9000);
    give(network, blocks);
    network.run(HOUR_MS);
    expect(network.taken).toEqual(blocks);
  });

  it('sends blocks that come while it runs, as a sequence that is still writing gives them', () => {
    const network = new Network(6, BAD);
    const blocks = drawnBlocks(network.random, 12, 700);
    let given = 0;
    network.run(HOUR_MS, () => {
      if (network.random.uniform() > 0.2 || given >= blocks.length) return;
      const block = blocks[given++] ?? new Uint8Array();
      if (given === blocks.length) network.sender.close(block);
      else network.sender.push(block);
    });
    expect(network.sender.status).toBe('done');
    expect(network.taken).toEqual(blocks);
  });

  it.each(['sender', 'receiver'] as const)('stands still while the %s pauses, and goes on', (side) => {
    const network = new Network(7, QUIET, { windowPieces: 2 });
    const blocks = drawnBlocks(network.random, 30, 1500);
    give(network, blocks);
    network.run(12);
    network[side].pause();
    network.run(network.nowMs + 50);
    const held = network.receiver.progress.bytes;
    network.run(network.nowMs + 5000);
    expect(network.receiver.progress.bytes).toBe(held);
    expect(network.sender.paused).toBe(side === 'sender' ? 'here' : 'there');
    network[side].resume();
    network.run(HOUR_MS);
    expect(network.taken).toEqual(blocks);
  });

  it('tells the sender in one sentence why it is not wanted', () => {
    const network = new Network(8, QUIET, { judge: ({ model }) => `No ${model.name} here.` });
    give(network, [new Uint8Array([1, 2])]);
    network.run(HOUR_MS);
    expect(network.sender).toMatchObject({ status: 'failed', reason: 'No test here.' });
  });

  it('does not end before what came is in use', () => {
    const network = new Network(9, QUIET);
    give(network, [new Uint8Array([1, 2])]);
    Object.defineProperty(network.receiver, 'settle', { value: () => undefined, configurable: true });
    network.run(10_000);
    expect(network.receiver.status).toBe('whole');
    expect(network.sender.status).toBe('sending');
    Reflect.deleteProperty(network.receiver, 'settle');
    network.run(HOUR_MS);
    expect(network.sender.status).toBe('done');
  });

  it('finds a block that was damaged before it was sent', () => {
    const network = new Network(10, QUIET);
    const block = new Uint8Array(500).fill(7);
    network.sender.push(block);
    block[400] = 8;
    network.sender.close(new Uint8Array([1]));
    network.run(HOUR_MS);
    expect(network.sender.reason).toMatch(/^Block 0 came whole, and its checksum is not/);
  });

  it('of two receivers on one channel only the first is served', () => {
    const network = new Network(11, QUIET);
    const other = network.newReceiver();
    const blocks = drawnBlocks(network.random, 5, 500);
    give(network, blocks);
    const own = network.receiver;
    const heard = own.receive.bind(own);
    own.receive = (bytes, nowMs) => {
      other.receive(bytes, nowMs);
      heard(bytes, nowMs);
      other.take();
      other.settle();
      for (const late of other.poll()) network.sender.receive(late, nowMs);
    };
    network.run(HOUR_MS);
    expect([own.status, other.status].filter((status) => status === 'done')).toHaveLength(1);
  });
});

describe('frames', () => {
  const envelope = { transfer: 'a1b2c3d4e5f60718', receiver: 77 };

  it('come back as they went', () => {
    for (const frame of [
      { type: 'offer', header: new TextEncoder().encode(JSON.stringify(HEADER)) },
      {
        type: 'piece',
        number: 5,
        block: 2,
        offset: 64,
        blockBytes: 100,
        blockCrc: 3e9,
        payload: new Uint8Array(36),
      },
      { type: 'finish', pieces: 9, blocks: 3 },
      { type: 'stop', sentence: 'Enough.' },
      { type: 'ack', serial: 4, next: 10, limit: 40, paused: true, beyond: [12, 15, 600] },
      { type: 'done' },
      { type: 'refuse', sentence: 'Not this.' },
    ] as const) {
      expect(decodeFrame(encodeFrame(envelope, frame))).toEqual({ kind: 'frame', envelope, frame });
    }
  });

  it('are refused with any one bit turned, and any byte missing', () => {
    const bytes = encodeFrame(envelope, { type: 'finish', pieces: 9, blocks: 3 });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const turned = bytes.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeFrame(turned).kind, `bit ${bit}`).toBe('damaged');
    }
    for (let length = 0; length < bytes.length; length++)
      expect(decodeFrame(bytes.subarray(0, length)).kind).toBe('damaged');
  });

  it('of another version say so', () => {
    const bytes = encodeFrame(envelope, { type: 'done' });
    bytes[4] = 9;
    new DataView(bytes.buffer).setUint32(
      8,
      crc32Bytes(bytes.subarray(12), crc32Bytes(bytes.subarray(0, 8))),
      true,
    );
    expect(decodeFrame(bytes)).toEqual({ kind: 'version', version: 9 });
  });
});
