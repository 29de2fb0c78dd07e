/** Acts by hand: the form of each kind, the script that grows and is read, what the whole of it does. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readActScript } from '../../src/autopilot/act/script.ts';
import type { ActCommand } from '../../src/core/scenario/autopilot/action.ts';
import { DEFAULT_AUTOPILOT } from '../../src/core/scenario/autopilot/defaults.ts';
import { AUTOPILOT_PRESETS } from '../../src/core/scenario/presets.ts';
import '../../src/core/all-records.ts';
import { ACT_KINDS, actFields, readAct, type ActKind } from '../../src/state/act-form.ts';
import { actScripts } from '../../src/state/act-scripts.ts';
import { ActHand, scriptText } from '../../src/state/act-hand.svelte.ts';
import { createAutopilotService } from '../../src/workers/autopilot-service.ts';

const service = createAutopilotService({
  now: () => 0,
  date: () => '2026-01-01T00:00:00.000Z',
  newId: () => 'an-autopilot',
  appVersion: '0',
  sleep: () => Promise.resolve(),
});

const EVERY: Readonly<Record<ActKind, readonly [texts: Record<string, string>, command: ActCommand]>> = {
  submit: [
    { sequence: 'a', tokens: '512', pinned: 'true' },
    { kind: 'submit', sequence: 'a', tokens: 512, pinned: true },
  ],
  finish: [{ sequence: 'a' }, { kind: 'finish', sequence: 'a' }],
  report: [{}, { kind: 'report' }],
  reset: [{}, { kind: 'reset' }],
  quantize: [
    { sequence: 'a', from: '0', to: '256', format: 'int4' },
    { kind: 'quantize', sequence: 'a', from: 0, to: 256, format: 'int4' },
  ],
  evict: [
    { sequence: 'a', from: '16', to: '32' },
    { kind: 'evict', sequence: 'a', from: 16, to: 32 },
  ],
  offload: [
    { sequence: 'a', from: '0', to: '16', tier: 'host' },
    { kind: 'offload', sequence: 'a', from: 0, to: 16, tier: 'host' },
  ],
  fetch: [
    { sequence: 'a', from: '0', to: '16' },
    { kind: 'fetch', sequence: 'a', from: 0, to: 16 },
  ],
  prefixCache: [{ blocks: '' }, { kind: 'prefixCache', blocks: null }],
  concurrency: [{ maxSequences: '8' }, { kind: 'concurrency', maxSequences: 8 }],
  admission: [{ belowUse: '0.9' }, { kind: 'admission', belowUse: 0.9 }],
  chunk: [{ tokenBudget: '512' }, { kind: 'chunk', tokenBudget: 512 }],
};

test.each(ACT_KINDS)(
  '$kind: its fields make its command, and its line in a script is read back',
  ({ kind }) => {
    const [texts, command] = EVERY[kind];
    expect(readAct(kind, texts)).toEqual({ ok: true, command });
    expect(readActScript(scriptText([command]))).toEqual({ ok: true, value: [command] });
    expect(actFields(kind).every(({ field }) => field.label !== field.path)).toBe(true);
  },
);

test.each([
  {
    kind: 'submit',
    texts: { sequence: '', tokens: '9' },
    sentence: 'Sequence is empty; give it a name such as a.',
  },
  { kind: 'submit', texts: { sequence: 'a', tokens: 'x' }, sentence: 'Tokens is “x”; a number is needed.' },
  { kind: 'admission', texts: { belowUse: '7' }, sentence: 'KV use below is 7; the most is 1.' },
] as const)('$kind with $texts is refused in a sentence', ({ kind, texts, sentence }) => {
  expect(readAct(kind, texts)).toEqual({ ok: false, sentence });
});

test('names that YAML would read as something else are quoted', () => {
  const command: ActCommand = { kind: 'finish', sequence: 'true' };
  const odd: ActCommand = { kind: 'finish', sequence: 'r 1: #2' };
  expect(readActScript(scriptText([command, odd]))).toEqual({ ok: true, value: [command, odd] });
});

async function settled(hand: ActHand): Promise<void> {
  while (hand.answer.working) await new Promise((resolve) => setTimeout(resolve));
}

test('the whole script is done anew after each change, and a line taken back is as if it had never been', async () => {
  const hand = new ActHand(service, readActScript);
  hand.add({ kind: 'submit', sequence: 'a', tokens: 4096 });
  hand.perform(DEFAULT_AUTOPILOT);
  await settled(hand);
  const before = hand.answer.value?.report;
  hand.add({ kind: 'quantize', sequence: 'a', from: 0, to: 2048, format: 'int8' });
  hand.perform(DEFAULT_AUTOPILOT);
  await settled(hand);
  expect(hand.answer.value?.lines.map(({ ok }) => ok)).toEqual([true, true]);
  expect(hand.answer.value?.report.kvBytes).toBeLessThan(before?.kvBytes ?? 0);
  hand.undo();
  hand.perform(DEFAULT_AUTOPILOT);
  await settled(hand);
  expect(hand.answer.value?.report).toEqual(before);
});

test('a line that is refused says why and changes nothing', async () => {
  const hand = new ActHand(service, readActScript);
  hand.add({ kind: 'evict', sequence: 'nobody', from: 0, to: 16 });
  hand.perform(DEFAULT_AUTOPILOT);
  await settled(hand);
  const [line] = hand.answer.value?.lines ?? [];
  expect(line?.ok).toBe(false);
  expect(line?.sentence).toContain('nobody');
  expect(hand.answer.value?.report.kvUse).toBe(0);
});

test('a text is read as it is typed; one that does not read keeps the lines before', () => {
  const hand = new ActHand(service, readActScript);
  const text = '# two lines\n- {kind: submit, sequence: a, tokens: 64}\n- {kind: report}\n';
  hand.type(text);
  expect(hand.commands.map(({ kind }) => kind)).toEqual(['submit', 'report']);
  expect(hand.text).toBe(text);
  hand.type('- {kind: submit');
  expect(hand.problem).not.toBeNull();
  expect(hand.text).toBe('- {kind: submit');
  expect(hand.commands.length).toBe(2);
  hand.undo();
  expect(hand.problem).toBeNull();
  expect(hand.text).toBe('- {kind: submit, sequence: a, tokens: 64}\n');
  hand.type('');
  expect(hand.commands).toEqual([]);
});

test('scripts that come with the page: what they show, and the scenario whose cache they are written for', () => {
  const folder = new URL('../../scenarios/acts/', import.meta.url);
  const texts = Object.fromEntries(
    readdirSync(folder).map((name) => [
      `../scenarios/acts/${name}`,
      readFileSync(new URL(name, folder), 'utf8'),
    ]),
  );
  const scripts = actScripts(texts);
  expect(scripts.length).toBe(Object.keys(texts).length);
  for (const { text, about, story } of scripts) {
    expect(about).toMatch(/\.$/);
    expect(AUTOPILOT_PRESETS.map(({ name }) => name)).toContain(story);
    expect(readActScript(text).ok).toBe(true);
  }
});
