import { expect, test } from 'vitest';
import { decodeLink, encodeScenarioLink } from '../../../../src/core/scenario/link.ts';
import { parseScenario, parseServing } from '../../../../src/core/scenario/parse.ts';
import { presetServing, presetSimulation, SERVE_PRESETS } from '../../../../src/core/scenario/presets.ts';
import { DEFAULT_SERVING } from '../../../../src/core/scenario/serve/defaults.ts';
import { applyAssignments } from '../../../../src/core/scenario/set.ts';
import { expandSweep } from '../../../../src/core/scenario/sweep.ts';

test('an empty serving run is the defaults', () => {
  expect(parseServing({ version: 1, kind: 'serve' })).toEqual({ ok: true, scenario: DEFAULT_SERVING });
});

test.each([
  {
    set: { workload: { trace: { name: 'azure', speed: 1 } } },
    says: 'workload.trace names a trace, but the serving lab draws its requests; set it to null.',
  },
  {
    set: { engine: { blocks: 2 }, workload: { promptTokens: { kind: 'fixed', tokens: 64 } } },
    says: 'The longest request holds 79 tokens at the least, more than the 32 of engine.blocks; set 5 blocks or more.',
  },
  {
    set: { engine: { maxContextTokens: 100 } },
    says: 'A request may have 176 tokens, more than the 100 of engine.maxContextTokens; raise it, or shorten workload.promptTokens.',
  },
  {
    set: { backends: ['paged', 'contiguous'], engine: { blocks: 16, maxContextTokens: 512 } },
    says: 'engine.maxContextTokens is 512, more than the 256 slots that a contiguous cache has for all sequences; set engine.blocks to 32 or more.',
  },
  { set: { backends: ['paged', 'paged'] }, says: 'backends names one twice; name each once.' },
  {
    set: { engine: { offload: 'host' } },
    says: 'engine.offload is host, but engine.hostMegabytes is 0; give it some, such as 64, or set engine.offload to none.',
  },
  {
    set: { ttft: { promptTokens: 10, repeats: 2 } },
    says: 'ttft.promptTokens is 10, of which no full block of 16 can be found again; set 32 or more.',
  },
  {
    set: { ttft: { promptTokens: 5000, repeats: 2 } },
    says: 'ttft.promptTokens is 5000, more than the 4095 that engine.blocks hold beside an output; set 4095 or less.',
  },
  {
    set: { workload: { requests: 4000 }, sweep: [{ path: 'workload.arrivals.users', values: [1, 2] }] },
    says: 'workload.requests is 4000 in each of 14 repetitions; the most is 20000 in all: set 1428.',
  },
  {
    set: { workload: { requests: 0 } },
    says: 'workload.requests is 0; without a trace the least is 1.',
  },
])('refused: $says', ({ set, says }) => {
  expect(parseServing({ version: 1, kind: 'serve', ...set })).toEqual({ ok: false, sentence: says });
});

test('a serving run is no experiment, and says so', () => {
  expect(parseScenario({ version: 1, kind: 'serve' })).toEqual({
    ok: false,
    sentence: 'This scenario is a serving run (kind “serve”); an experiment (kind “lab”) is needed here.',
  });
  expect(() => presetSimulation('serve-rate')).toThrow('serve-rate');
});

test.each(SERVE_PRESETS)(
  '$name goes through a link and back, and each of its points can be run',
  async ({ name }) => {
    const scenario = presetServing(name);
    const link = await encodeScenarioLink(scenario, null);
    expect(await decodeLink(link)).toEqual({ ok: true, kind: 'serve', preset: null, scenario });
    for (const point of expandSweep(scenario)) expect(point.scenario.sweep).toEqual([]);
  },
);

test('--set changes a serving run', () => {
  const changed = applyAssignments(presetServing('serve-concurrency'), ['workload.requests=8', 'sweep=[]']);
  expect(changed.ok && changed.scenario.workload.requests).toBe(8);
});
