import { expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { LINK_NOTE } from '../../../src/core/run/card.ts';
import { DEFAULT_SCENARIO } from '../../../src/core/scenario/defaults.ts';
import {
  decodeLink,
  encodeCheckLink,
  encodeScenarioLink,
  packLink,
} from '../../../src/core/scenario/link.ts';
import { LAB_PRESETS as PRESETS, presetScenario } from '../../../src/core/scenario/presets.ts';
import { applyAssignments } from '../../../src/core/scenario/set.ts';
import { checkRun } from '../../support/runs.ts';

function changed(name: string | null, assignments: string[]) {
  const base = name === null ? DEFAULT_SCENARIO : presetScenario(name);
  const result = applyAssignments(base, assignments);
  if (!result.ok) throw new Error(result.sentence);
  return result.scenario;
}

const edits = [
  [],
  ['workload.concurrency=7', 'engine.kvFormat=int4'],
  ['title=Ümläut “quotes” <b>&amp;</b> 漢字 🧪', 'about='],
  ['sweep=[]', 'softwareAdapter={}'],
  [
    'sweep=[{"path":"workload.groups","values":[[{"name":"a","count":1,"promptTokens":9,"outputTokens":1}]]}]',
  ],
  ['objectives={"ttftMs":12.5,"tpotMs":null}', 'model=opt-1.3b', 'seed=4294967295'],
];

const cases = [null, ...PRESETS.map(({ name }) => name)].flatMap((preset) =>
  edits.map((set) => ({ preset, set, name: `${preset ?? 'the defaults'} with ${set.length} changes` })),
);

test.each(cases)('a link gives back $name exactly', async ({ preset, set }) => {
  const scenario = changed(preset, set);
  const link = await encodeScenarioLink(scenario, preset);
  expect(link).toMatch(/^s1\.[\w-]+\.[0-9a-z]+$/);
  expect(link.length).toBeLessThan(600);
  expect(await decodeLink(`#${link}`)).toEqual({ ok: true, kind: 'scenario', preset, scenario });
});

/** Random edits over presets: what people can click together must survive a link. */
test.each([1, 2, 3])('links survive a random walk over the settings (seed %i)', async (seed) => {
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[random.below(items.length)];
    if (item === undefined) throw new RangeError('Nothing to pick.');
    return item;
  };
  const draws: (() => string)[] = [
    () => `workload.concurrency=${1 + random.below(1024)}`,
    () => `workload.promptTokens=${1024 + random.below(4096)}`,
    () => `engine.kvFormat=${pick(['f32', 'f16', 'int8', 'int4', 'int2'])}`,
    () => `engine.blockSize=${pick([8, 16, 32, 64, 128])}`,
    () => `engine.eviction.budgetTokens=${16 + random.below(1000)}`,
    () => `model=${pick(['OPT-1.3B', 'Llama-3.1-8B', 'Qwen3-0.6B'])}`,
    () => `objectives.ttftMs=${random.uniform() * 1000}`,
    () => `title=${String.fromCodePoint(...Array.from({ length: 20 }, () => 32 + random.below(2000)))}`,
    () => `sweep=[{"path":"workload.outputTokens","values":[${1 + random.below(99)},5]}]`,
  ];
  let preset = pick(PRESETS).name;
  let scenario = presetScenario(preset);
  let read = 0;
  for (let i = 0; i < 40; i++) {
    if (random.below(10) === 0) {
      preset = pick(PRESETS).name;
      scenario = presetScenario(preset);
    }
    const result = applyAssignments(scenario, [pick(draws)()]);
    if (!result.ok) continue;
    scenario = result.scenario;
    const decoded = await decodeLink(await encodeScenarioLink(scenario, preset));
    expect(decoded).toEqual({ ok: true, kind: 'scenario', preset, scenario });
    read += 1;
  }
  expect(read).toBeGreaterThan(20);
});

test('a preset that is not changed gives a short link', async () => {
  const link = await encodeScenarioLink(presetScenario('block-size'), 'block-size');
  expect(link.length).toBeLessThan(100);
});

test('a pinned link of version 1 is still read', async () => {
  const link = 's1.q1YqTi1RsqpWKs8vys7JT0wBsZPz85JLi4pS85IrlazMa2trAQ.1gvkxgk';
  const result = await decodeLink(link);
  expect(result.ok && result.kind === 'scenario' && result.scenario.workload.concurrency).toBe(7);
});

const pack = (body: unknown) => packLink('s1', typeof body === 'string' ? body : JSON.stringify(body));
const DAMAGED = 'This link is cut off or damaged; ask for it again and copy all of it.';

const hostile: { name: string; link: () => Promise<string> | string; says: string | RegExp }[] = [
  { name: 'nothing', link: () => '', says: 'This is no KV Lab link; open the page without it.' },
  { name: 'words', link: () => '#section-2', says: 'This is no KV Lab link; open the page without it.' },
  {
    name: 'another letter',
    link: () => 'x1.abc.def',
    says: 'This is no KV Lab link; open the page without it.',
  },
  { name: 'version 0', link: () => 's0.abc.def', says: DAMAGED },
  {
    name: 'a newer version',
    link: () => 's2.anything-it-likes+%%',
    says: 'This link was made by a newer KV Lab (version 2; 1 is read here); update.',
  },
  { name: 'no payload', link: () => 's1', says: DAMAGED },
  { name: 'no base64', link: () => 's1.a.b', says: DAMAGED },
  { name: 'no deflate', link: () => 's1.AAAAAAAA.b', says: DAMAGED },
  {
    name: '64 kB and more',
    link: () => `s1.${'A'.repeat(65_536)}.b`,
    says: 'This link has 65541 characters; at most 65536 are read.',
  },
  { name: '64 kB of noise', link: () => `s1.${'A'.repeat(65_000)}.b`, says: DAMAGED },
  {
    name: 'a bomb of 5 MB',
    link: () => pack(`{"set":{"about":"${'0'.repeat(5_000_000)}"}}`),
    says: 'This link unpacks to more than 65536 bytes; no scenario needs that.',
  },
  {
    name: 'deep nesting',
    link: () => pack(`{"set":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
    says: 'This link is nested 30001 levels deep; at most 12 are read.',
  },
  {
    name: '__proto__',
    link: () => pack('{"set":{"__proto__":{"polluted":1}}}'),
    says: 'set.__proto__ is not allowed as a name; remove it.',
  },
  {
    name: '__proto__ as the document',
    link: () => pack('{"__proto__":{"set":{}}}'),
    says: '__proto__ is not allowed as a name; remove it.',
  },
  {
    name: 'constructor',
    link: () => pack('{"set":{"constructor":{"prototype":{}}}}'),
    says: 'set.constructor is not allowed as a name; remove it.',
  },
  {
    name: 'no JSON',
    link: () => pack('{"set":'),
    says: 'This link is not valid JSON; check for a missing bracket or quote.',
  },
  { name: 'a list', link: () => pack('[]'), says: DAMAGED },
  { name: 'no differences', link: () => pack('{}'), says: DAMAGED },
  { name: 'a preset that is a number', link: () => pack({ preset: 5, set: {} }), says: DAMAGED },
  {
    name: 'a context of 10^9',
    link: () => pack({ set: { workload: { promptTokens: 1e9 } } }),
    says: 'workload.promptTokens is 1000000000; the most is 1048576.',
  },
  {
    name: 'numbers out of range',
    link: () => pack('{"set":{"seed":1e999}}'),
    says: 'set.seed is Infinity; a finite number is needed.',
  },
  {
    name: 'a negative layer count',
    link: () => pack({ set: { model: { layers: -1 } } }),
    says: 'model.layers is -1; the least is 1.',
  },
  {
    name: 'a context of 10^9 in a sweep',
    link: () => pack({ set: { sweep: [{ path: 'workload.promptTokens', values: [1e9] }] } }),
    says: 'Sweep point “promptTokens 1000000000”: workload.promptTokens is 1000000000; the most is 1048576.',
  },
  {
    name: 'an unknown preset',
    link: () => pack({ preset: 'free-lunch', of: 1, set: {} }),
    says: 'This link builds on the experiment “free-lunch”, which is not known here; update KV Lab.',
  },
  {
    name: 'a preset that has changed',
    link: () => pack({ preset: 'block-size', of: 1, set: {} }),
    says: 'The experiment “block-size” has changed since this link was made; ask for a new link.',
  },
  {
    name: 'a newer scenario inside',
    link: () => pack({ set: { version: 2 } }),
    says: 'version is 2; it must be 1.',
  },
  {
    name: 'a card that is a lab run',
    link: () => packLink('c1', '{"kind":"lab"}'),
    says: /^This run has no version/,
  },
  { name: 'a card of a newer version', link: () => packLink('c1', '{"version":9}'), says: /newer than 1/ },
];

test.each(hostile)('$name gets one sentence and changes nothing', async ({ link, says }) => {
  const before = JSON.stringify(DEFAULT_SCENARIO);
  const result = await decodeLink(await link());
  expect(result.ok).toBe(false);
  if (!result.ok) expect(result.sentence).toMatch(typeof says === 'string' ? exactly(says) : says);
  expect(JSON.stringify(DEFAULT_SCENARIO)).toBe(before);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

test('a link that was cut off anywhere, or changed in one character, is damaged', async () => {
  const link = await encodeScenarioLink(changed('block-size', ['workload.concurrency=3']), 'block-size');
  for (let length = 3; length < link.length; length++) {
    const result = await decodeLink(link.slice(0, length));
    expect(result.ok, link.slice(0, length)).toBe(false);
  }
  const random = createRandom(4);
  for (let i = 0; i < 200; i++) {
    const at = 3 + random.below(link.length - 3);
    const letter = 'ABCDEFGHabcdefgh0123456789'.charAt(random.below(26));
    if (link[at] === letter || link[at] === '.') continue;
    const result = await decodeLink(link.slice(0, at) + letter + link.slice(at + 1));
    if (result.ok) expect(result).toEqual(await decodeLink(link));
  }
});

test('a check card travels without samples and is marked as its sender’s word', async () => {
  const check = checkRun();
  const link = await encodeCheckLink(check);
  expect(link).toMatch(/^c1\./);
  const result = await decodeLink(link);
  if (!result.ok || result.kind !== 'check') throw new Error('not read');
  expect(result.run.received).toBe('link');
  expect(result.run.notes).toEqual([LINK_NOTE, 'Measured on a software adapter.']);
  expect(result.run.measurements[0]).toMatchObject({ id: 'read', value: 2.01235, samples: [] });
  expect(result.run.measurements[1]).toMatchObject({ value: null, note: 'shader-f16 is missing.' });
  expect(result.run.environment.limits).toEqual({ maxBufferSize: 268435456 });
  expect(result.run.environment.adapter).toEqual(check.environment.adapter);
  const again = await decodeLink(await encodeCheckLink(result.run));
  expect(again.ok && again.kind === 'check' && again.run.notes).toEqual(result.run.notes);
});
