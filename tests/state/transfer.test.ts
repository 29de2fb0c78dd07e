/** Moves as the page sees them: which worker is asked for what, what is said, and the texts that people carry over. */
import { describe, expect, it } from 'vitest';
import { readSignal, writeSignal } from '../../src/state/transfer-machine.svelte.ts';
import { bridge, messageBytes, type FarEnd } from '../../src/state/transfer-pipes.ts';
import { TransferState, type TransferModel } from '../../src/state/transfer.svelte.ts';
import {
  finishedSentence,
  receiveProgress,
  sendProgress,
  sentSentence,
} from '../../src/state/transfer-words.ts';
import type {
  ArrivedSequence,
  FinishedSequence,
  HeldSequence,
  MoveText,
  Outcome,
  SendNews,
  SentSequence,
} from '../../src/workers/transfer-api.ts';
import type { TransferClient } from '../../src/workers/transfer-client.ts';
import { failed } from './doubles.ts';

const TEXT: MoveText = { prompt: 'p', output: ' a b', promptTokens: 1, outputTokens: 24, maxTokens: 160 };
const CACHE = { kvFormat: 'f32', blockSize: 16 } as const;
const HELD: HeldSequence = { text: TEXT, cache: CACHE, kvTokens: 24, kvBytes: 4096, cachedTokens: 0 };
const SENT: SentSequence = {
  ...{ bytes: 4096, pieces: 1, resentPieces: 0, totalMs: 20, stillMs: 5, meanwhileTokens: 2, text: TEXT },
};
const ARRIVED: ArrivedSequence = { text: TEXT, cache: CACHE, kvTokens: 24, bytes: 4096, model: 'm' };
const FINISHED: FinishedSequence = {
  text: { ...TEXT, outputTokens: 160 },
  ...{ newTokens: 136, recomputedTokens: 0, converted: false, check: { same: true, firstDifference: null } },
};
const MODEL: TransferModel = {
  source: { kind: 'shipped', base: 'https://host.example/' },
  ...{ weightFormat: 'f32', power: 'high-performance' },
};

const ok = <T>(value: T): Promise<Outcome<T>> => Promise.resolve({ ok: true, value });

/** Workers that answer at once and note what they were asked. */
function workers(change: Partial<TransferClient> = {}): { asked: string[]; client: () => TransferClient } {
  const asked: string[] = [];
  let made = 0;
  const client = (): TransferClient => {
    const name = `${++made}`;
    const note = <T>(what: string, value: T): Promise<Outcome<T>> => {
      asked.push(`${name} ${what}`);
      return ok(value);
    };
    return {
      load: () => note('load', {} as never),
      write: () => note('write', HELD),
      stay: () => note('stay', { ...TEXT, outputTokens: 160 }),
      send: () => note('send', SENT),
      receive: () => note('receive', ARRIVED),
      goOn: (cache) => note(`goOn in blocks of ${cache.blockSize}`, FINISHED),
      save: () => note('save', new Blob()),
      open: () => note('open', ARRIVED),
      savePrefixes: () => note('savePrefixes', { file: new Blob(), blocks: 2, tokens: 32 }),
      openPrefixes: () => note('openPrefixes', { blocks: 2, tokens: 32, offeredTokens: 48 }),
      pause: () => asked.push(`${name} pause`),
      resume: () => asked.push(`${name} resume`),
      reconnect: () => asked.push(`${name} reconnect`),
      cancel: () => asked.push(`${name} cancel`),
      end: () => asked.push(`${name} end`),
      ...change,
    };
  };
  return { asked, client };
}

const deaf: FarEnd = { send: () => true, hear: () => undefined, close: () => undefined };

function state(client: () => TransferClient, model: TransferModel | null = MODEL): TransferState {
  return new TransferState({ client, model: () => model, tabs: () => deaf });
}

describe('a move on the page', () => {
  it('to another pool uses one worker, and goes on in the cache that was chosen', async () => {
    const { asked, client } = workers();
    const transfer = state(client);
    await transfer.write();
    expect(transfer.send).toBe('held');
    await transfer.move();
    expect(asked).toEqual(['1 load', '1 write', '1 receive', '1 send', '1 goOn in blocks of 32']);
    expect(transfer).toMatchObject({ send: 'sent', receive: 'finished', fault: null });
  });

  it('to another worker loads the model there too, once', async () => {
    const { asked, client } = workers();
    const transfer = state(client);
    transfer.form.way = 'worker';
    for (let i = 0; i < 2; i++) {
      await transfer.write();
      await transfer.move();
    }
    expect(asked.filter((what) => what.endsWith('load'))).toEqual(['1 load', '2 load']);
    expect(asked.slice(-2)).toEqual(['1 send', '2 goOn in blocks of 32']);
    transfer.end();
    expect(asked.slice(-2)).toEqual(['1 end', '2 end']);
    expect(transfer).toMatchObject({ send: 'idle', text: null, hasWorkers: false });
  });

  it('that is refused says why, and the sequence stands still where it was and may stay', async () => {
    const { client } = workers({
      send: () => Promise.resolve(failed('transfer', 'Another model is there.')),
    });
    const transfer = state(client);
    transfer.form.way = 'tab';
    await transfer.write();
    await transfer.move();
    expect(transfer).toMatchObject({ send: 'held', fault: { text: 'Another model is there.' } });
    await transfer.stay();
    expect(transfer.text?.outputTokens).toBe(160);
  });

  it('without a model, or to a machine that is not connected, says what to do first', async () => {
    const none = state(workers().client, null);
    await none.write();
    expect(none.fault?.text).toBe('No model is loaded: load one above first.');
    expect(none.busy).toBe(false);
    const transfer = state(workers().client);
    transfer.form.way = 'machine';
    await transfer.take();
    expect(transfer.fault?.text).toMatch(/^The other machine is not connected/);
    expect(transfer.busy).toBe(false);
  });

  it('takes what does not read for what it is', () => {
    const { form } = state(workers().client);
    form.numbers.holdAt = '200';
    expect(form.wish).toEqual({
      ok: false,
      sentence: 'It moves after 200 tokens and has 160 in all; move it earlier.',
    });
    form.numbers.holdAt = 'x';
    expect(form.problemOf('holdAt')).toBe('Move after is “x”: a whole number is needed.');
    form.numbers.holdAt = '2';
    form.asIds = true;
    form.prompt = '1, 2 3';
    expect(form.wish.ok && form.wish.value.prompt).toEqual({ kind: 'ids', ids: [1, 2, 3] });
    form.prompt = '1, two';
    expect(form.wish).toMatchObject({ sentence: '“two” is no token id; write whole numbers.' });
  });

  it('opens a prefix cache and says how much of it fitted', async () => {
    const transfer = state(workers().client);
    await transfer.openPrefixes(new Blob());
    expect(transfer.prefixNote).toBe(
      '32 of 48 tokens of the file lie in 2 blocks here now. The other 16 were cached here already, or found no empty block.',
    );
  });
});

describe('offers and answers', () => {
  const SDP = 'v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n';

  it('come back from their texts, with whatever spaces a mail put in', () => {
    const text = writeSignal(SDP, 'offer');
    expect(readSignal(` ${text.slice(0, 30)}\n ${text.slice(30)} `, 'offer')).toEqual({
      ok: true,
      value: SDP,
    });
  });

  it.each([
    ['', 'Paste the offer of the other machine first.'],
    [writeSignal(SDP, 'answer'), 'That is an answer; the offer of the other machine belongs here.'],
    ['hello', 'That text of 5 characters is no offer of KV Lab; it begins with kvlab-offer.'],
    [
      'kvlab-offer.%%%',
      'The offer was not copied whole; copy it again from its first to its last character.',
    ],
  ])('%j is one sentence', (text, sentence) => {
    expect(readSignal(text, 'offer')).toEqual({ ok: false, sentence });
  });
});

describe('a bridge', () => {
  it('carries bytes both ways, nothing else and nothing too large', async () => {
    const { port1, port2 } = new MessageChannel();
    const sent: number[] = [];
    let hear: (bytes: Uint8Array<ArrayBuffer>) => void = () => undefined;
    const far: FarEnd = {
      send: (bytes) => sent.push(bytes.length) > 0,
      hear: (listener) => (hear = listener),
      close: () => undefined,
    };
    const joined = bridge(port1, far);
    const heard = new Promise<unknown>((resolve) => (port2.onmessage = ({ data }) => resolve(data)));
    for (const message of [
      new Uint8Array(3),
      'text',
      { a: 1 },
      new Uint8Array(2 ** 20),
      new Uint8Array(5).buffer,
    ])
      port2.postMessage(message);
    hear(new Uint8Array([7]));
    expect(await heard).toEqual(new Uint8Array([7]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toEqual([3, 5]);
    joined.close();
    expect(messageBytes(null)).toBeNull();
  });
});

/** A number and its unit hang together by a space that does not break. */
const plain = (text: string): string => text.replaceAll('\u00a0', ' ').replaceAll('\u202f', ' ');

describe('words', () => {
  const news: SendNews = {
    ...{
      status: 'sending',
      paused: null,
      arrivedBytes: 2048,
      totalBytes: 4096,
      resentPieces: 0,
      silentMs: 10,
    },
    text: TEXT,
  };

  it.each([
    [null, 'Starting'],
    [{ ...news, status: 'offering', silentMs: null }, 'Offered; waiting for somebody to take it'],
    [news, '2 KiB have arrived'],
    [{ ...news, resentPieces: 3 }, '2 KiB have arrived, 3 pieces again'],
    [{ ...news, paused: 'there' }, 'Paused there; 2 KiB are over there'],
    [{ ...news, silentMs: 8000 }, 'Nothing heard for 8 s; 2 KiB had arrived'],
  ] as const)('of a sender %#', (said, message) => {
    expect(plain(sendProgress(said).message)).toBe(message);
  });

  it('of what came, what moved and how it ended', () => {
    expect(receiveProgress(null).message).toBe('Waiting for a sequence of the same model');
    expect(plain(sentSentence(SENT))).toBe(
      '4 KiB moved in 20 ms; the sequence stood still for 5 ms of it. It wrote 2 more tokens meanwhile.',
    );
    expect(finishedSentence(FINISHED)).toBe(
      'It wrote 136 tokens here, nothing of it computed again. All tokens are those of the same text without a move.',
    );
    const check = { same: false, firstDifference: 40 };
    expect(finishedSentence({ ...FINISHED, converted: true, check })).toMatch(
      /From token 41 on they differ from the same text without a move: the other format rounds/,
    );
  });
});
