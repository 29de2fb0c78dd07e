/** The planner's states without a page, on the service that the worker has. */
import { expect, test, vi } from 'vitest';
import { parseRun } from '../../src/core/run/parse.ts';
import type { Run } from '../../src/core/run/schema.ts';
import { encodeScenarioLink } from '../../src/core/scenario/link.ts';
import type { PlanScenario } from '../../src/core/scenario/plan/schema.ts';
import { presetPlan } from '../../src/core/scenario/presets.ts';
import { Newest } from '../../src/state/newest.svelte.ts';
import { matching, type PickerRow } from '../../src/state/picker.ts';
import { PlanCompare } from '../../src/state/plan-compare.svelte.ts';
import { planField, PLAN_GROUPS, planParts } from '../../src/state/plan-form.ts';
import { PlanMeasured } from '../../src/state/plan-measured.svelte.ts';
import { PlanRoom } from '../../src/state/plan-room.svelte.ts';
import {
  headline,
  keyNumbers,
  lengthWords,
  memoryBar,
  money,
  planName,
  shapeOf,
} from '../../src/state/plan-words.ts';
import { PLAN } from '../../src/state/route.ts';
import { fromPosition, STEPS, toPosition } from '../../src/state/slider.ts';
import { NO_AIDS, type Outcome, type PlanDepth } from '../../src/workers/plan-api.ts';
import { createPlanService } from '../../src/workers/plan-service.ts';
import { VLLM_BENCH } from '../support/vllm-bench.ts';
import { deferred, failed, settle } from './doubles.ts';

const service = createPlanService({
  date: () => '2026-01-01T00:00:00.000Z',
  newId: () => 'plan',
  fetch: () => Promise.reject(new Error('This test asks nobody.')),
});
const plan = (scenario: PlanScenario, depth: PlanDepth = 'closed forms') =>
  service.plan(scenario, NO_AIDS, depth);
/** Of nobody: nothing is in it, and whatever is put there is taken. */
const LIBRARY = { open: () => Promise.resolve(null), keep: () => Promise.resolve(null) };
const room = (): PlanRoom => new PlanRoom({ client: service, library: LIBRARY, tab: null, memory: null });

const ROWS: readonly PickerRow[] = [
  { id: 'h100-sxm', name: 'H100 SXM5 80GB', words: ['hopper'], about: '', group: 'datacenter' },
  { id: 'a100-sxm-80', name: 'A100 SXM4 80GB', words: ['ampere'], about: '', group: 'datacenter' },
  { id: 'rtx-4090', name: 'GeForce RTX 4090', words: ['ada'], about: '', group: 'desktop' },
];

test.each([
  { typed: '', found: ['h100-sxm', 'a100-sxm-80', 'rtx-4090'], exact: false },
  { typed: 'sxm 80', found: ['h100-sxm', 'a100-sxm-80'], exact: false },
  { typed: 'RTX4090', found: ['rtx-4090'], exact: false },
  { typed: 'Hopper', found: ['h100-sxm'], exact: true },
  { typed: 'h100 sxm', found: ['h100-sxm'], exact: true },
  { typed: 'a100', found: ['a100-sxm-80'], exact: false },
  { typed: 'tpu', found: [], exact: false },
])('“$typed” finds $found', ({ typed, found, exact }) => {
  const result = matching(ROWS, typed);
  expect(result.rows.map(({ id }) => id)).toEqual(found);
  expect(result.exact).toBe(exact);
});

test('a slider gives values of two digits, keeps its ends and comes back to where it stood', () => {
  expect(fromPosition(0, 16, 131_072, true)).toBe(16);
  expect(fromPosition(STEPS, 16, 131_072, true)).toBe(131_072);
  for (const value of [20, 300, 2000, 45_000]) {
    const back = fromPosition(toPosition(value, 16, 131_072), 16, 131_072, true);
    expect(Math.abs(back - value) / value).toBeLessThan(0.04);
    expect(back).toBe(Number(back.toPrecision(2)));
  }
  expect(toPosition(1e9, 16, 131_072)).toBe(STEPS);
});

test('of the questions that come while one is asked only the newest is asked', async () => {
  const asked: number[] = [];
  let answer = deferred<Outcome<number>>();
  const newest = new Newest<number, number>((wish) => {
    asked.push(wish);
    return (answer = deferred()).promise;
  });
  for (const wish of [1, 2, 3]) newest.want(wish);
  expect(newest.working).toBe(true);
  answer.resolve({ ok: true, value: 10 });
  await settle();
  expect(asked).toEqual([1, 3]);
  expect(newest.value).toBe(10);
  answer.resolve(failed('failed', 'It cannot be.'));
  await settle();
  expect(newest.working).toBe(false);
  expect(newest.value).toBe(10);
  expect(newest.fault?.text).toBe('It cannot be.');
});

test('an answer comes at once from closed forms, and from the simulator when nothing moves', async () => {
  vi.useFakeTimers();
  try {
    const opened = room();
    opened.ask(presetPlan('plan-laptop'));
    opened.ask(presetPlan('plan-moe-gpt-oss'));
    await vi.advanceTimersByTimeAsync(100);
    expect(opened.answer.value?.depth).toBe('closed forms');
    expect(opened.answer.value?.run.scenario.model).toBe('gpt-oss-120b');
    await vi.advanceTimersByTimeAsync(1000);
    expect(opened.answer.value?.depth).toBe('simulated');
  } finally {
    vi.useRealTimers();
  }
});

test('an answer in words: GPUs, money, six numbers with an origin, a bar that adds up', async () => {
  const outcome = await plan(presetPlan('plan-chat-8b'));
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { run, figures } = outcome.value;
  const { deployment } = run;
  if (deployment === null) throw new Error('A plan is expected.');
  expect(headline(run)).toMatch(/^\d+ × H100 SXM.*, \$[\d.,]+ an hour$/);
  expect(shapeOf(deployment.choice)).toMatch(/replicas? · .*weights · .* KV$/);
  const numbers = keyNumbers(deployment, 0.99);
  expect(numbers.map(({ label }) => label)).toEqual([
    'First token',
    'Per token',
    'Output',
    'Cost',
    'KV cache',
    'Quality',
  ]);
  expect(numbers.every(({ value, origin }) => value !== '' && origin !== '')).toBe(true);
  const bar = memoryBar(deployment.memory);
  expect(bar?.parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 3);
  expect(bar?.parts.some(({ id }) => id === 'kv')).toBe(true);
  expect(figures.map(({ id }) => id)).toContain('plan_memory');
});

test('what does not fit says so, by how much, and what would', async () => {
  const scenario = presetPlan('plan-chat-8b');
  const outcome = await plan({
    ...scenario,
    model: 'llama-3.1-70b',
    hardware: { ...scenario.hardware, gpu: 'rtx-4090', count: 1 },
    engine: { ...scenario.engine, weights: 'bf16' },
  });
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { run } = outcome.value;
  expect(run.feasible).toBe(false);
  expect(headline(run)).toBe('It does not fit');
  expect(run.deployment?.memory.remedies.length).toBeGreaterThan(0);
});

test.each([
  { dollars: 4210.4, text: '$4,210' },
  { dollars: 5.978, text: '$5.98' },
  { dollars: 0.4836, text: '$0.484' },
  { dollars: 0.0000969, text: '$0.0000969' },
])('$dollars dollars are $text', ({ dollars, text }) => {
  expect(money(dollars)).toBe(text);
});

test('lengths in words', () => {
  expect(lengthWords({ kind: 'fixed', tokens: 2048 })).toBe('2,048 tokens');
  expect(lengthWords({ kind: 'uniform', min: 16, max: 64 })).toBe('uniform, 16 to 64 tokens');
  expect(lengthWords({ kind: 'quantiles', points: [] })).toBe('quantiles lengths');
});

test('every setting of the form has words, and a typed one is read', () => {
  const opened = room();
  const { draft } = opened.setup;
  const parts = PLAN_GROUPS.flatMap(({ paths }) => paths).flatMap((path) => planParts(draft.document, path));
  expect(parts.length).toBeGreaterThan(25);
  expect(parts.filter(({ path, label }) => label === path)).toEqual([]);
  const field = planField(draft.document, 'load.rate');
  if (field === null) throw new Error('The rate has a field.');
  draft.type(field, 'many');
  expect(draft.scenario).toBeNull();
  draft.type(field, '25');
  expect(draft.scenario?.load.rate).toBe(25);
});

test('a load changes its kind and nothing else; a row becomes the plan', async () => {
  const opened = room();
  opened.chooseLoad('concurrency');
  expect(opened.loadKind).toBe('concurrency');
  opened.chooseLoad('most');
  expect(opened.setup.draft.scenario?.load).toMatchObject({ rate: null, concurrency: null });
  const outcome = await service.fleet(presetPlan('plan-laptop'), NO_AIDS);
  if (!outcome.ok) throw new Error(outcome.error.message);
  const [row] = outcome.value.rows;
  if (row === undefined) throw new Error('A fleet has rows.');
  opened.takeRow(row);
  expect(opened.setup.draft.scenario?.hardware).toMatchObject({
    gpu: row.choice.gpu,
    count: row.choice.gpus,
  });
});

test('a config.json becomes the model; one that lacks a field says which and changes nothing', async () => {
  const opened = room();
  expect(await opened.takeConfig('{"model_type":"llama"}', 'mine')).toBe(false);
  expect(opened.recordFault?.text).toMatch(/config\.json of mine/);
  expect(opened.setup.draft.at('architecture')).toBeNull();
  const config = {
    model_type: 'llama',
    hidden_size: 2048,
    num_hidden_layers: 16,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 8192,
    vocab_size: 128_256,
    max_position_embeddings: 131_072,
    tie_word_embeddings: true,
  };
  const stranger = JSON.stringify({ ...config, model_type: 'wavelet' });
  expect(await opened.takeConfig(stranger, 'mine')).toBe(false);
  expect(opened.recordFault?.text).toMatch(/“wavelet”, an architecture that is not known/);
  expect(await opened.takeConfig(stranger, 'mine', true)).toBe(true);
  expect(await opened.takeConfig(JSON.stringify(config), 'mine')).toBe(true);
  expect(opened.setup.draft.scenario?.architecture?.hidden).toBe(2048);
  opened.chooseModel('llama-3.1-8b');
  expect(opened.setup.draft.at('architecture')).toBeNull();
});

test('a repository that does not answer gives its sentence', async () => {
  const opened = room();
  expect(await opened.fetchConfig('nobody/nothing')).toBe(false);
  expect(opened.recordFault?.text).toMatch(/nobody\/nothing|huggingface/);
  expect(opened.fetching).toBeNull();
});

test('a link opens the same plan; a bad one changes nothing', async () => {
  const here = room();
  here.setup.set('load.rate', 33);
  const link = await here.setup.link();
  expect(link).toMatch(/^\/plan\?link=s1\./);
  const there = room();
  await there.setup.follow({ ...PLAN, link: link?.replace('/plan?link=', '') ?? null });
  expect(there.setup.draft.scenario).toEqual(here.setup.draft.scenario);
  await there.setup.follow({ ...PLAN, link: 's1.cut.off' });
  expect(there.setup.problem).toMatch(/damaged/);
  expect(there.setup.draft.scenario?.load.rate).toBe(33);
  await there.setup.follow({ ...PLAN, story: 'plan-laptop' });
  expect(there.setup.story).toBe('plan-laptop');
});

test('two plans are compared field by field, from a link too', async () => {
  const compare = new PlanCompare((first, second) => service.compare(first, second, NO_AIDS));
  const [a, b] = await Promise.all([
    encodeScenarioLink(presetPlan('plan-laptop'), null),
    encodeScenarioLink(presetPlan('plan-moe-gpt-oss'), null),
  ]);
  await compare.openLinks(a, b);
  await vi.waitFor(() => expect(compare.result.value).not.toBeNull());
  const model = compare.result.value?.differences.find(({ path }) => path === 'choice.model');
  expect(model).toMatchObject({ same: false, a: 'llama-3.2-1b', b: 'gpt-oss-120b' });
  expect(await compare.link()).toMatch(/^\/plan\/compare\?link=s1\..*&with=s1\./);
  await compare.openLinks(a, 's1.broken');
  expect(compare.problem).not.toBeNull();
  expect(compare.b?.model).toBe('gpt-oss-120b');
});

test('measured results are set beside the plan; a file cut in half is one sentence', async () => {
  const outcome = await plan(presetPlan('plan-chat-8b'));
  if (!outcome.ok) throw new Error(outcome.error.message);
  const measured = new PlanMeasured(service.measured, service.recalibrate);
  const text = JSON.stringify(VLLM_BENCH);
  measured.take([{ name: 'bench.json', text }]);
  measured.compare(outcome.value.run, NO_AIDS);
  await vi.waitFor(() => expect(measured.result.value).not.toBeNull());
  expect(measured.result.value?.read).toEqual([{ name: 'bench.json', tool: 'vllm', points: 1 }]);
  const terms = measured.result.value?.validation.points[0]?.terms ?? [];
  expect(terms.map(({ metric }) => metric)).toContain('tpotMs');
  measured.take([{ name: 'bench.json', text: text.slice(0, 120) }]);
  measured.compare(outcome.value.run, NO_AIDS);
  await vi.waitFor(() => expect(measured.result.fault).not.toBeNull());
  expect(measured.result.fault?.text).toMatch(/^bench\.json: .*cut/);
});

test('a calibration brings the plan to what was measured, is kept, and is asked for where it is missing', async () => {
  const memory = new Map<string, string>();
  const store = {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => void memory.set(key, value),
    removeItem: (key: string) => void memory.delete(key),
  };
  const ports = { client: service, library: LIBRARY, tab: null, memory: store };
  const here = new PlanRoom(ports);
  const outcome = await plan(presetPlan('plan-chat-8b'));
  if (!outcome.ok) throw new Error(outcome.error.message);
  here.measured.take([{ name: 'bench.json', text: JSON.stringify(VLLM_BENCH) }]);
  const calibration = await here.measured.recalibrate(outcome.value.run, 'mine');
  if (calibration === null) throw new Error(here.measured.calibrationFault?.text);
  const { beforePercent = 0, afterPercent = 100 } = here.measured.calibrated ?? {};
  expect(afterPercent).toBeLessThan(beforePercent);
  here.aids.keep(calibration);

  const next = new PlanRoom(ports);
  expect(next.aids.calibrations.map(({ name }) => name)).toEqual(['mine']);
  const scenario = { ...presetPlan('plan-chat-8b'), calibration: 'mine' };
  const with_ = await service.plan(scenario, next.aids.of('mine'), 'closed forms');
  expect(with_.ok).toBe(true);
  const without = await plan(scenario);
  expect(without.ok ? '' : without.error.message).toMatch(/calibration “mine”, which was not given/);
  next.aids.forget('mine');
  expect(new PlanRoom(ports).aids.calibrations).toEqual([]);
});

test('a trace is the load; one that does not read is refused with its line', async () => {
  const opened = room();
  const lines = Array.from({ length: 40 }, (_, i) => `${i * 0.25},${500 + i},${100 + i}`);
  const file = new File([`timestamp,prompt_tokens,output_tokens\n${lines.join('\n')}\n`], 'mine.csv');
  await opened.takeTrace(file);
  expect(opened.aids.fault).toBeNull();
  const { scenario } = opened.setup.draft;
  expect(scenario?.load).toMatchObject({ trace: 'mine.csv', rate: null, concurrency: null });
  if (!scenario) throw new Error('The scenario reads.');
  const outcome = await service.plan(scenario, opened.aids.of(null), 'closed forms');
  if (!outcome.ok) throw new Error(outcome.error.message);
  expect(outcome.value.run.deployment?.speed?.requestsPerSecond).toBeCloseTo(4, 0);
  await opened.takeTrace(new File(['timestamp,prompt_tokens,output_tokens\n0,many,1\n'], 'bad.csv'));
  expect(opened.aids.fault?.text).toMatch(/^bad\.csv: .*line 2/i);
  expect(opened.aids.trace?.name).toBe('mine.csv');
  opened.dropTrace();
  expect(opened.setup.draft.at('load.trace')).toBeNull();
});

test('a plan is written in every kind of file, and reads back from two of them', async () => {
  const outcome = await plan(presetPlan('plan-laptop'));
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { run } = outcome.value;
  for (const kind of ['json', 'yaml'] as const) {
    const text = await service.file(run, kind);
    if (!text.ok) throw new Error(text.error.message);
    expect(await service.readPlan(text.value)).toEqual({ ok: true, value: run });
  }
  const html = await service.file(run, 'html');
  expect(html.ok && html.value).toContain('<svg');
});

test('settings come for every engine, and a command that measures the plan', async () => {
  const outcome = await plan(presetPlan('plan-chat-8b'));
  if (!outcome.ok) throw new Error(outcome.error.message);
  const texts = await service.settings({ run: outcome.value.run, repository: 'me/my-weights' });
  if (!texts.ok) throw new Error(texts.error.message);
  const vllm = texts.value.find(({ target }) => target === 'vllm');
  expect(vllm?.text).toMatch(/vllm serve/);
  expect(texts.value.find(({ target }) => target === 'bench-vllm')?.text).toMatch(/vllm bench serve/);
  expect(texts.value.every(({ text, notes }) => text !== '' || notes.length > 0)).toBe(true);
});

test('a plan is kept under its name, or under its model and GPUs', async () => {
  const kept: Run[] = [];
  const full = { code: 'quota', text: 'This browser’s storage is full.' };
  const library = {
    ...LIBRARY,
    keep: (run: Run) => Promise.resolve(kept.push(run) > 2 ? full : null),
  };
  const here = new PlanRoom({ client: service, library, tab: null, memory: null });
  const outcome = await plan(presetPlan('plan-chat-8b'));
  if (!outcome.ok) throw new Error(outcome.error.message);
  const { run } = outcome.value;
  expect(await here.keep(run, '  Mine ')).toBeNull();
  expect(await here.keep(run, ' ')).toBeNull();
  expect(kept).toEqual([
    { ...run, title: 'Mine' },
    { ...run, title: planName(run) },
  ]);
  expect(planName(run)).toMatch(/ on \d+ × H100/);
  expect(await here.keep(run, 'x'.repeat(300))).toBe(full);
  expect(parseRun(kept[2])).toMatchObject({ ok: true, run: { title: 'x'.repeat(120) } });
});
