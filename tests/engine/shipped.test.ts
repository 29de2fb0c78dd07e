/** The model that ships with the page: its files, its card, and that its weights do what the card says. */
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AutoTokenizer, env } from '@huggingface/transformers';
import { LEDGER_TOKENS, recallTask, type RecallTask } from '../../src/core/workload/recall.ts';
import { memorySource } from '../../src/engine/files/byte-source.ts';
import { argmaxTwin, forwardTwin } from '../../src/engine/forward.twin.ts';
import { SHIPPED_MODEL, shippedModelUrl, type ShippedModelCard } from '../../src/engine/shipped.ts';
import { readHostWeights } from '../../src/engine/weights/host.ts';
import { openModelFolder } from '../../src/engine/weights/open.ts';

const folder = new URL(`../../public/${SHIPPED_MODEL.folder}`, import.meta.url);
const bytesOf = (file: string) => new Uint8Array(readFileSync(new URL(file, folder)));
const json = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
const card = json('card.json') as ShippedModelCard;

const open = () =>
  openModelFolder({
    name: SHIPPED_MODEL.id,
    file: (name) =>
      Promise.resolve(
        SHIPPED_MODEL.files.some((file) => file === name) ? memorySource(name, bytesOf(name)) : null,
      ),
  });

const tokenizer = async () => {
  env.allowRemoteModels = false;
  env.localModelPath = new URL('../', folder).pathname;
  return AutoTokenizer.from_pretrained(SHIPPED_MODEL.id);
};

describe('files', () => {
  test('all are there and the weights are below 4 MB', () => {
    for (const file of SHIPPED_MODEL.files) expect(statSync(new URL(file, folder)).size).toBeGreaterThan(0);
    expect(statSync(new URL(SHIPPED_MODEL.weights, folder)).size).toBeLessThanOrEqual(4e6);
    expect(shippedModelUrl('config.json', 'https://host.example/sub/')).toBe(
      `https://host.example/sub/${SHIPPED_MODEL.folder}config.json`,
    );
  });

  test('a Llama with grouped queries, heads that need no padding and 512 positions', async () => {
    const { config } = await open();
    expect(config.family).toBe('llama');
    expect(config.vocab).toBe(LEDGER_TOKENS.length);
    expect(config.kvHeads).toBeGreaterThanOrEqual(2);
    expect(config.queryHeads / config.kvHeads).toBeGreaterThanOrEqual(2);
    expect(config.headDim % 16).toBe(0);
    expect(config.maxPositionTokens).toBeGreaterThanOrEqual(512);
    expect(card.parameters).toBe(484_864);
  });

  test('Hugging Face reads its tokenizer: whole words, BOS first, the same text back', async () => {
    const words = await tokenizer();
    const ids = words.encode(SHIPPED_MODEL.examplePrompt);
    expect(ids[0]).toBe(LEDGER_TOKENS.indexOf('<s>'));
    expect(ids.slice(1)).toEqual(SHIPPED_MODEL.examplePrompt.split(' ').map((w) => LEDGER_TOKENS.indexOf(w)));
    expect(words.decode(ids, { skip_special_tokens: true })).toBe(SHIPPED_MODEL.examplePrompt);
    expect(words.encode('zebra.')).toEqual([1, LEDGER_TOKENS.indexOf('<unk>'), LEDGER_TOKENS.indexOf('.')]);
  });
});

describe('recall', () => {
  const answer = async (tasks: readonly RecallTask[], windowTokens = 0) => {
    const source = await open();
    const weights = await readHostWeights(source);
    return tasks.filter(({ ids, answerId }) => {
      const logits = forwardTwin({ ...source.config, windowTokens }, weights, ids).at(-1) ?? [];
      return argmaxTwin(logits) === answerId;
    }).length;
  };
  const tasks = (distanceTokens: number, contextTokens: number, count: number) =>
    Array.from({ length: count }, (_, i) =>
      recallTask({ seed: 1000 + i, distanceTokens, depth: (i % 3) / 2, contextTokens }),
    );

  test('the example on the page is answered', async () => {
    const ids = (await tokenizer()).encode(SHIPPED_MODEL.examplePrompt);
    const source = await open();
    const logits = forwardTwin(source.config, await readHostWeights(source), ids).at(-1) ?? [];
    expect(LEDGER_TOKENS[argmaxTwin(logits)]).toBe(SHIPPED_MODEL.exampleAnswer);
  });

  test('facts come back with the whole cache, and not from outside a plain window', async () => {
    const near = tasks(96, 128, 12);
    expect(await answer(near)).toBeGreaterThanOrEqual(11);
    // Chance is 1 in 64: three of twelve would happen once in a thousand runs.
    expect(await answer(near, 16)).toBeLessThanOrEqual(2);
  }, 60_000);

  test('a fact far back, in the longest context', async () => {
    expect(await answer(tasks(448, 512, 2))).toBe(2);
  }, 60_000);
});

describe('card', () => {
  const { evaluation } = card;
  const at = (distance: number) => evaluation.full.recall.find((row) => row.distance === distance);

  test('says that it recalls up to 448 tokens back', () => {
    for (const distance of [8, 16, 32, 64, 96, 128, 192, 256, 320, 384, 448]) {
      expect(at(distance)?.share, `distance ${distance}`).toBeGreaterThanOrEqual(0.95);
    }
    expect(evaluation.full.copying.share).toBeGreaterThan(0.9);
  });

  test('says that nothing is left outside a plain window but chance', () => {
    for (const { windowTokens, recall } of evaluation.windows) {
      // The answer's prediction stands one before the answer, so a fact exactly a window back is still seen.
      const outside = recall.filter(({ distance }) => distance > windowTokens);
      const total = outside.reduce((sum, row) => sum + row.total, 0);
      const right = outside.reduce((sum, row) => sum + row.right, 0);
      const expected = total * evaluation.chance;
      expect(outside.length).toBeGreaterThan(2);
      expect(right, `window ${windowTokens}`).toBeLessThan(expected + 3 * Math.sqrt(expected));
      for (const { distance, share } of recall.filter(({ distance }) => distance <= windowTokens)) {
        expect(share, `window ${windowTokens}, distance ${distance}`).toBeGreaterThan(0.9);
      }
    }
  });

  test('its prose is better with the whole cache than with a window', () => {
    const smallest = evaluation.windows[0];
    expect(evaluation.full.perplexity.interval[1]).toBeLessThan(smallest?.perplexity.interval[0] ?? 0);
    expect(evaluation.full.homes.share).toBeGreaterThan(0.95);
    expect(smallest?.homes.share).toBeLessThan(0.6);
    // Agreement is near: a window keeps it.
    expect(smallest?.agreement.share).toBeGreaterThan(0.95);
  });

  test('counts every head of every layer when it speaks of sinks', () => {
    const { firstFourTokens, bosAlone } = evaluation.attentionSinks;
    expect(firstFourTokens).toHaveLength(3);
    firstFourTokens.forEach((heads, layer) => {
      expect(heads).toHaveLength(4);
      heads.forEach((mass, head) => {
        expect(mass).toBeLessThanOrEqual(1);
        expect(bosAlone[layer]?.[head]).toBeLessThanOrEqual(mass + 1e-4);
      });
    });
  });
});
