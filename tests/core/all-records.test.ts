/** Every room finds every record, and a scenario that names one reads wherever scenarios are read. */
import { beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => {
  vi.resetModules();
});

/** Of the catalogue, and of no small table. */
const LARGER = { model: 'Qwen3-14B', gpu: 'rtx-4070' };

test('with every record loaded, each name means what the catalogue says', async () => {
  const { findGpu, knownGpus } = await import('../../src/core/hardware/records.ts');
  const { architectureNames, findArchitecture } = await import('../../src/core/model/architecture.ts');
  expect(findGpu(LARGER.gpu)).toBeUndefined();
  await import('../../src/core/all-records.ts');
  const { ALL_GPUS, findAnyGpu } = await import('../../src/core/hardware/catalogue.ts');
  const { ALL_MODELS, findAnyModel } = await import('../../src/core/model/catalogue.ts');
  expect(knownGpus()).toHaveLength(ALL_GPUS.length);
  expect(architectureNames()).toHaveLength(ALL_MODELS.length);
  for (const { id, name, aliases } of ALL_GPUS) {
    for (const word of [id, name, ...aliases]) expect(findGpu(word)?.id, word).toBe(findAnyGpu(word)?.id);
    expect(findGpu(id)?.id).toBe(id);
  }
  for (const { id, name } of ALL_MODELS) {
    expect(findArchitecture(id)?.id).toBe(id);
    expect(findArchitecture(name)?.id).toBe(findAnyModel(name)?.id);
  }
});

test.each([
  { kind: 'simulate', layer: { model: LARGER.model } },
  { kind: 'tune', layer: { models: [LARGER.model] } },
] as const)('a link of kind $kind that names a larger record opens before any room has', async (made) => {
  const { parseAnyScenario } = await import('../../src/index.ts');
  const parsed = parseAnyScenario({
    version: 1,
    kind: made.kind,
    hardware: { gpu: 'h100-sxm5-80gb' },
    ...made.layer,
  });
  if (!parsed.ok) throw new Error(parsed.sentence);
  const { encodeScenarioLink } = await import('../../src/core/scenario/link.ts');
  const link = await encodeScenarioLink(parsed.scenario, null);
  vi.resetModules();
  const { findArchitecture } = await import('../../src/core/model/architecture.ts');
  const { decodeLink } = await import('../../src/core/scenario/link.ts');
  expect(findArchitecture(LARGER.model)).toBeUndefined();
  expect(await decodeLink(link)).toMatchObject({ ok: true, scenario: parsed.scenario });
});

test.each(['../../src/index.ts', '../../src/sim/index.ts', '../../src/plan/index.ts'])(
  'the entry %s carries every record',
  async (entry) => {
    await import(entry);
    const { findGpu } = await import('../../src/core/hardware/records.ts');
    expect(findGpu(LARGER.gpu)?.id).toBe(LARGER.gpu);
  },
);

test.each([
  ['4090', 'rtx-4090'],
  ['3090', 'rtx-3090'],
  ['5090', 'rtx-5090'],
  ['3090 ti', 'rtx-3090-ti'],
  ['4090 Laptop', 'rtx-4090-laptop'],
])('%s is the %s', async (number, id) => {
  const { findAnyGpu } = await import('../../src/core/hardware/catalogue.ts');
  expect(findAnyGpu(number)?.id).toBe(id);
});

test('a number that is of no series is no GPU', async () => {
  const { findAnyGpu } = await import('../../src/core/hardware/catalogue.ts');
  expect(findAnyGpu('123')).toBeUndefined();
  expect(findAnyGpu('40900')).toBeUndefined();
});
