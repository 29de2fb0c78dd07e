/** What must be alike in the browser and in Node: digits, and links that one writes and the other reads. Needs no GPU. */
import { expect, test } from 'vitest';
import { decodeLink, encodeScenarioLink } from '../../src/core/scenario/link.ts';
import { anyPresetScenario, PRESETS } from '../../src/core/scenario/presets.ts';
import { digits, PINNED } from './digits.ts';

test('computes the pinned digits', () => {
  expect(digits()).toEqual(PINNED);
});

const LINK_KINDS = {
  lab: 'scenario',
  simulate: 'simulation',
  quality: 'quality',
  serve: 'serve',
  plan: 'plan',
  tune: 'tune',
  load: 'load',
  autopilot: 'autopilot',
};

test.each(PRESETS)('a link to $name survives this engine’s compression', async ({ name }) => {
  const scenario = { ...anyPresetScenario(name), title: 'Another title' };
  const link = await encodeScenarioLink(scenario, name);
  expect(await decodeLink(link)).toEqual({
    ok: true,
    kind: LINK_KINDS[scenario.kind],
    preset: name,
    scenario,
  });
});

test('a link that Node wrote is read', async () => {
  const result = await decodeLink('s1.q1YqTi1RsqpWKs8vys7JT0wBsZPz85JLi4pS85IrlazMa2trAQ.1gvkxgk');
  expect(result.ok && result.kind === 'scenario' && result.scenario.workload.concurrency).toBe(7);
});

test('a bomb is stopped while it unpacks', async () => {
  const zeros = new Blob([new Uint8Array(4_000_000)])
    .stream()
    .pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(zeros).arrayBuffer());
  const payload = btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
  expect(await decodeLink(`s1.${payload}.0`)).toEqual({
    ok: false,
    sentence: 'This link unpacks to more than 65536 bytes; no scenario needs that.',
  });
});
