/** Cost models: what a step of known work takes, worked out by hand, and how sharding, formats and speculation move it. */
import { describe, expect, test } from 'vitest';
import { findGpu, GPUS, type GpuRecord } from '../../../src/core/hardware/records.ts';
import { ARCHITECTURES, findArchitecture, type Architecture } from '../../../src/core/model/architecture.ts';
import { DEFAULT_SIMULATION } from '../../../src/core/scenario/simulate/defaults.ts';
import type { SimEngine, SimHardware } from '../../../src/core/scenario/simulate/schema.ts';
import { createStepWork, type StepWork } from '../../../src/core/schedule/work.ts';
import { ratesOfCheck } from '../../../src/sim/cost/check.ts';
import { allReduceOf, allReduceSeconds, ringAllReduceBytesPerRank } from '../../../src/sim/cost/comm.ts';
import {
  createCostModel,
  COST_MODELS,
  type CostInputs,
  type CostModel,
} from '../../../src/sim/cost/index.ts';
import { emptyBasis } from '../../../src/sim/cost/model.ts';
import { pairsSeen } from '../../../src/sim/cost/pairs.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';
import { checkRun } from '../../support/runs.ts';

function architecture(name: string): Architecture {
  const model = findArchitecture(name);
  if (!model) throw new Error(`No architecture ${name}.`);
  return model;
}

function record(id: string): GpuRecord {
  const gpu = findGpu(id);
  if (!gpu) throw new Error(`No GPU ${id}.`);
  return gpu;
}

interface Setup {
  readonly model?: string;
  readonly gpu?: string;
  readonly hardware?: Partial<SimHardware>;
  readonly engine?: Partial<SimEngine>;
}

const ROOFLINE = { kind: 'roofline', computeEfficiency: 1, memoryEfficiency: 1, overheadMs: 0 } as const;

function inputs({ model = 'Llama-3.1-8B', gpu = 'h100-sxm', hardware, engine }: Setup = {}): CostInputs {
  return {
    scenario: {
      hardware: { ...DEFAULT_SIMULATION.hardware, ...hardware },
      engine: { ...DEFAULT_SIMULATION.engine, ...engine },
    },
    model: architecture(model),
    gpu: record(gpu),
  };
}

function roofline(setup?: Setup): CostModel {
  return createCostModel(ROOFLINE, inputs(setup));
}

interface Step {
  readonly decodes?: number;
  readonly context?: number;
  /** [tokens, tokens before] of each chunk. */
  readonly chunks?: readonly (readonly [number, number])[];
  readonly sampled?: number;
  readonly draft?: number;
}

function work({ decodes = 0, context = 0, chunks = [], sampled, draft = 0 }: Step): StepWork {
  const step = createStepWork(8);
  step.decodeSequences = decodes;
  step.decodeContextTokens = decodes * context;
  step.decodeMaxContextTokens = decodes > 0 ? context : 0;
  step.prefillCount = chunks.length;
  chunks.forEach(([tokens, before], i) => {
    step.prefillTokens[i] = tokens;
    step.prefillContextTokens[i] = before;
  });
  step.sampledSequences = sampled ?? decodes + chunks.length;
  step.draftTokens = draft;
  return step;
}

const ONE = work({ decodes: 1, context: 1024 });

describe('roofline', () => {
  test('one decode reads all weights once and its KV', () => {
    // H100: 3,350 GB/s. Weights but the embedding: (8,030,261,248 − 128,256·4,096)·2 B, and 128 KiB a token of KV.
    const readMs = ((8_030_261_248 - 128_256 * 4096) * 2) / 3.35e12 / 1e-3;
    const ms = roofline().stepMs(ONE);
    expect(ms).toBeGreaterThan(readMs);
    // Small kernels, attention's start and the sampler: 24 + 30 launches of 3 µs a layer at the most.
    expect(ms).toBeLessThan(readMs + 32 * 0.08 + 0.1);
  });

  test('a long prompt is bound by arithmetic', () => {
    const chunk = work({ chunks: [[8192, 0]], sampled: 0 });
    const linear = (2 * 218_103_808 * 32 * 8192) / 989.5e12;
    const attention = (4 * 32 * 32 * 128 * (8192 * 8193)) / 2 / (989.5e12 * (0.54 / 0.85));
    const seconds = roofline().stepMs(chunk) / 1000;
    expect(seconds).toBeGreaterThan(linear + attention);
    expect(seconds).toBeLessThan((linear + attention) * 1.2);
  });

  test('an empty step takes the host’s time only', () => {
    const cost = createCostModel({ ...ROOFLINE, overheadMs: 2.5 }, inputs());
    expect(cost.stepMs(work({}))).toBe(2.5);
  });

  test('the output layer runs for sampled tokens only', () => {
    const cost = roofline();
    const half = work({ chunks: [[512, 0]], sampled: 0 });
    const whole = work({ chunks: [[512, 0]], sampled: 1 });
    // 128,256 × 4,096 in bf16, and eight launches of the sampler.
    const headMs = (128_256 * 4096 * 2) / 3.35e12 / 1e-3;
    expect(cost.stepMs(whole) - cost.stepMs(half)).toBeGreaterThan(headMs);
    expect(cost.stepMs(whole) - cost.stepMs(half)).toBeLessThan(headMs + 0.03);
  });

  test('more of anything never takes less', () => {
    for (const model of [
      'Llama-3.1-8B',
      'DeepSeek-V3',
      'gpt-oss-20b',
      'Llama-4-Scout',
      'Nemotron-H-56B',
      'Qwen3.5-27B',
    ]) {
      const cost = roofline({ model });
      let last = 0;
      for (let decodes = 1; decodes <= 256; decodes += 5) {
        const ms = cost.stepMs(work({ decodes, context: 700 }));
        expect(ms, `${model}, ${decodes} decodes`).toBeGreaterThanOrEqual(last);
        last = ms;
      }
      const chunk = (tokens: number, before: number) => cost.stepMs(work({ chunks: [[tokens, before]] }));
      expect(chunk(2048, 0), model).toBeGreaterThan(chunk(1024, 0));
      expect(chunk(1024, 8192), model).toBeGreaterThanOrEqual(chunk(1024, 0));
    }
  });

  test('each answer counts as assumed', () => {
    const cost = roofline();
    cost.stepMs(ONE);
    cost.stepMs(ONE);
    expect(cost.basis).toEqual({ ...emptyBasis(), assumed: 2 });
  });

  test('its name and its sentence say what it rests on', () => {
    const cost = createCostModel(DEFAULT_SIMULATION.cost, inputs({ hardware: { tensorParallel: 4 } }));
    expect(cost.name).toBe('roofline, H100 SXM5 80GB × 4 (tensor parallel 4), Llama-3.1-8B');
    expect(cost.about).toContain('85 % and 89 % for linear layers (measured: ai-dynamo/aiconfigurator');
    expect(cost.about).toContain('All-reduces, custom or NCCL: 16 KiB 5 µs, 128 MiB 596 µs, measured.');
    const other = createCostModel(DEFAULT_SIMULATION.cost, inputs({ gpu: 'mi300x' }));
    expect(other.about).toContain('80 % and 89 % for linear layers (assumed, not measured on it)');
  });
});

test('what it says fits into a run, for every model on every GPU', () => {
  for (const model of ARCHITECTURES) {
    for (const gpu of GPUS) {
      const scenario = { ...inputs({ hardware: { tensorParallel: 8, pipelineParallel: 16 } }).scenario };
      const { name, about } = createCostModel(DEFAULT_SIMULATION.cost, { scenario, model, gpu });
      expect(`${name}. ${about}`.length, `${model.name}, ${gpu.name}`).toBeLessThanOrEqual(400);
    }
  }
});

describe('formats', () => {
  test('fp8 weights halve the reading of a small batch, and double the rate of a large one', () => {
    const bf16 = roofline();
    const fp8 = roofline({ engine: { weights: 'fp8' } });
    const small = fp8.stepMs(ONE) / bf16.stepMs(ONE);
    expect(small).toBeGreaterThan(0.5);
    // The output layer stays in bf16.
    expect(small).toBeLessThan(0.7);
    const prompt = work({ chunks: [[8192, 0]] });
    expect(fp8.stepMs(prompt) / bf16.stepMs(prompt)).toBeLessThan(0.75);
  });

  test('int4 weights are read as a quarter and multiplied as bf16', () => {
    const prompt = work({ chunks: [[8192, 0]] });
    const ratio = roofline({ engine: { weights: 'int4' } }).stepMs(prompt) / roofline().stepMs(prompt);
    expect(ratio).toBeGreaterThan(0.98);
    expect(ratio).toBeLessThanOrEqual(1);
    expect(roofline({ engine: { weights: 'int4' } }).stepMs(ONE)).toBeLessThan(0.55 * roofline().stepMs(ONE));
  });

  test('a smaller KV format reads less where contexts are long', () => {
    const long = work({ decodes: 64, context: 8192 });
    const [bf16, fp8, int4] = (['bf16', 'fp8', 'int4'] as const).map((kvFormat) =>
      roofline({ engine: { kvFormat } }).stepMs(long),
    );
    // 64 · 8,192 · 128 KiB at the bandwidth.
    const halfMs = (64 * 8192 * 65_536) / 3.35e12 / 1e-3;
    expect((bf16 ?? NaN) - (fp8 ?? NaN)).toBeCloseTo(halfMs, -1);
    expect(int4).toBeLessThan(fp8 ?? 0);
  });
});

describe('parallelism', () => {
  test('two ranks take a little more than half, and what they say to each other', () => {
    const one = roofline({ model: 'Llama-3.1-70B', gpu: 'h200-sxm' }).stepMs(ONE);
    const two = roofline({ model: 'Llama-3.1-70B', gpu: 'h200-sxm', hardware: { tensorParallel: 2 } }).stepMs(
      ONE,
    );
    // 160 all-reduces of 16 KiB at 4.3 µs; launches and norms are not divided.
    expect(two).toBeGreaterThan(one / 2 + 160 * 0.0043);
    expect(two).toBeLessThan(one / 2 + 160 * 0.005 + 80 * 0.05);
  });

  test('measured all-reduces are taken where there are some', () => {
    const h100 = record('h100-sxm');
    expect(allReduceOf(h100, 8)).toMatchObject({ like: h100.name, measured: true });
    // A group in between talks as the next larger one.
    expect(allReduceOf(h100, 3)).toEqual(allReduceOf(h100, 4));
  });

  test('elsewhere it is that of a GPU with such links, messages scaled by their rates', () => {
    const b200 = allReduceOf(record('b200-sxm'), 8);
    const h100 = allReduceOf(record('h100-sxm'), 8);
    expect(b200).toMatchObject({ like: 'H100 SXM5 80GB', measured: false });
    const message = 2 ** 26;
    expect(allReduceSeconds(2 * message, 8, b200)).toBeCloseTo(allReduceSeconds(message, 8, h100), 9);
    // PCIe 4.0 through the host, as the L40S has it.
    const overHost = allReduceOf(record('rtx-4090'), 2);
    expect(overHost).toMatchObject({ like: 'L40S', measured: false });
    expect(allReduceSeconds(message, 2, overHost)).toBeCloseTo(
      allReduceSeconds(message, 2, allReduceOf(record('l40s'), 2)),
      9,
    );
  });

  test('a prompt of 8,192 tokens spends 0.09 s on the all-reduces of eight H100, not 0.34 s', () => {
    const reduce = allReduceOf(record('h100-sxm'), 8);
    const bytes = 8192 * 8192 * 2;
    // Two bytes an element: NCCL's 0.578 ms, 406 GB/s of the link's 450.
    expect(160 * allReduceSeconds(bytes, 8, reduce)).toBeCloseTo(160 * 0.578e-3, 2);
  });

  test('no all-reduce is faster than the link', () => {
    for (const gpu of GPUS) {
      const { allReduce, linkGBps, hostGBps } = gpu.serving;
      for (const { ranks, bytes, us } of allReduce?.points ?? []) {
        const bus = ringAllReduceBytesPerRank(bytes.at(-1) ?? 0, ranks) / ((us.at(-1) ?? 0) * 1e3);
        expect(bus, `${gpu.name}, ${ranks} ranks`).toBeLessThan(linkGBps ?? hostGBps ?? 0);
        if (linkGBps !== null) expect(bus, `${gpu.name}, ${ranks} ranks`).toBeGreaterThan(linkGBps / 2);
      }
    }
  });

  test('a pipeline of four computes a large batch a quarter at a time', () => {
    const batch = work({ decodes: 256, context: 2048 });
    const one = roofline({ model: 'Llama-3.1-70B', gpu: 'h200-sxm' });
    const four = roofline({ model: 'Llama-3.1-70B', gpu: 'h200-sxm', hardware: { pipelineParallel: 4 } });
    const quarter = work({ decodes: 64, context: 2048 });
    const handOver = 3 * (0.01 + 0.1);
    expect(four.stepMs(batch)).toBeGreaterThan(one.stepMs(quarter));
    expect(four.stepMs(batch)).toBeLessThan(one.stepMs(quarter) + handOver);
    // One sequence goes through all stages, with nobody behind it.
    expect(four.stepMs(ONE)).toBeGreaterThan(one.stepMs(ONE));
  });
});

describe('kinds of layers', () => {
  test('a window stops the growth with the context', () => {
    const cost = roofline({ model: 'Mistral-7B-v0.1' });
    const at = (context: number) => cost.stepMs(work({ decodes: 32, context }));
    expect(at(4096)).toBeGreaterThan(at(1024));
    expect(at(32_768)).toBeCloseTo(at(4096), 10);
    expect(
      roofline({ model: 'Mistral-7B-v0.3' }).stepMs(work({ decodes: 32, context: 32_768 })),
    ).toBeGreaterThan(2 * at(32_768));
  });

  test('a state costs the same at every length', () => {
    const nemotron = architecture('Nemotron-H-56B');
    const states = { ...nemotron, kinds: nemotron.kinds.filter(({ mixer }) => mixer.kind === 'mamba') };
    const cost = createCostModel(ROOFLINE, { ...inputs(), model: states });
    const at = (context: number) => cost.stepMs(work({ decodes: 16, context }));
    expect(at(100)).toBe(at(100_000));
  });

  test('a mixture reads the experts that a step draws: few for one token, all for many', () => {
    const cost = roofline({ model: 'Qwen3-30B-A3B' });
    const one = cost.stepMs(work({ decodes: 1, context: 16 }));
    const many = cost.stepMs(work({ decodes: 256, context: 16 }));
    // 8 of 128 experts of 48 layers, 3 · 2,048 · 768 each, in bf16.
    const expertMs = (count: number) => (count * 48 * 3 * 2048 * 768 * 2) / 3.35e12 / 1e-3;
    expect(many - one).toBeGreaterThan(0.95 * expertMs(120));
    expect(many - one).toBeLessThan(1.4 * expertMs(120));
  });

  test('latent attention reads 576 elements a token, whatever the heads', () => {
    const deepseek = architecture('DeepSeek-V3');
    const [dense] = deepseek.kinds;
    if (!dense) throw new Error('DeepSeek-V3 has dense layers.');
    const cost = createCostModel(ROOFLINE, {
      ...inputs(),
      model: { ...deepseek, kinds: [{ ...dense, layers: 1 }] },
    });
    const grown =
      cost.stepMs(work({ decodes: 64, context: 9000 })) - cost.stepMs(work({ decodes: 64, context: 1000 }));
    // 64 · 8,000 tokens · 1,152 B, and 2 · 128 heads · (512 + 576) FLOP a token at attention's rate.
    const readMs = (64 * 8000 * 1152) / 3.35e12 / 1e-3;
    expect(grown).toBeGreaterThan(readMs);
    expect(grown).toBeLessThan(2.5 * readMs);
  });
});

test('draft tokens are verified beside the own ones', () => {
  const cost = roofline();
  const plain = cost.stepMs(work({ decodes: 256, context: 1024 }));
  const drafted = cost.stepMs(work({ decodes: 256, context: 1024, draft: 4 }));
  const prompt = cost.stepMs(work({ decodes: 256, context: 1024, chunks: [[1024, 0]] }));
  expect(drafted).toBeGreaterThan(plain);
  // 1,280 tokens either way; the prompt has attention of its own, the drafts have logits.
  expect(Math.abs(drafted / prompt - 1)).toBeLessThan(0.25);
});

describe('decodes beside a chunk', () => {
  test.each([
    { gpu: 'rtx-4090', least: 1.3 },
    { gpu: 'h100-sxm', least: 1.01 },
  ])('cost more on $gpu than in a step of their own', ({ gpu, least }) => {
    const cost = roofline({ gpu });
    const chunks = [[512, 0]] as const;
    const apart =
      cost.stepMs(work({ decodes: 64, context: 4096, chunks })) - cost.stepMs(work({ chunks, sampled: 65 }));
    const attention = (64 * 4096 * 131_072) / (record(gpu).bandwidthGBps * 1e6);
    expect(apart).toBeGreaterThan(least * attention);
  });
});

describe('pairs of a chunk', () => {
  /** Counted one by one. */
  function counted(visible: (position: number) => number, before: number, tokens: number): number {
    let pairs = 0;
    for (let position = before; position < before + tokens; position++) pairs += visible(position);
    return pairs;
  }

  test.each([
    [0, 1],
    [0, 100],
    [30, 70],
    [64, 64],
    [500, 37],
  ])('after %i tokens, %i of them', (before, tokens) => {
    expect(pairsSeen('all', 0, before, tokens)).toBe(counted((p) => p + 1, before, tokens));
    expect(pairsSeen('window', 64, before, tokens)).toBe(counted((p) => Math.min(p + 1, 64), before, tokens));
    expect(pairsSeen('chunk', 64, before, tokens)).toBe(counted((p) => (p % 64) + 1, before, tokens));
    expect(pairsSeen('none', 0, before, tokens)).toBe(0);
  });
});

test('linear: one constant for each sum', () => {
  const cost = createCostModel(
    {
      kind: 'linear',
      baseMs: 5,
      perTokenMs: 0.01,
      perPrefillPairMs: 1e-6,
      perContextTokenMs: 1e-4,
      perSequenceMs: 0.02,
    },
    inputs(),
  );
  const step = work({ decodes: 10, context: 1000, chunks: [[100, 50]] });
  const pairs = 100 * 50 + 5050;
  expect(cost.stepMs(step)).toBeCloseTo(5 + 0.01 * 110 + 1e-6 * pairs + 1e-4 * 10_000 + 0.02 * 10, 12);
  expect(cost.basis.assumed).toBe(1);
});

describe('the visitor’s own GPU', () => {
  const measurement = { label: '', percentOfPeak: null, note: '', samples: [] };
  const check = checkRun({
    measurements: [
      { ...measurement, id: 'read-bandwidth', unit: 'GB/s', value: 100 },
      { ...measurement, id: 'fma-f32', unit: 'GFLOP/s', value: 4000 },
      { ...measurement, id: 'decode.f16', unit: 'GB/s', value: 80 },
      { ...measurement, id: 'dispatch-overhead', unit: 'µs', value: 10 },
      { ...measurement, id: 'submit-latency', unit: 'ms', value: 0.5 },
    ],
  });

  test('rates are the measured ones', () => {
    expect(ratesOfCheck(check, 'bf16')).toMatchObject({
      weightBytes: 100e9,
      kvBytes: 80e9,
      linearFlops: 2000e9,
      kernelSeconds: 10 * 1e-6,
      hostSeconds: 0.5e-3,
    });
    expect(ratesOfCheck(check, 'int8').kvBytes).toBe(100e9);
  });

  test('its steps are slower than an H100’s, and count as extrapolated', () => {
    const settings = { kind: 'check', name: 'mine' } as const;
    const cost = createCostModel(settings, { ...inputs({ model: 'Llama-3.2-1B' }), check: () => check });
    const readMs = (2 * (1_235_814_400 - 2048)) / 100e9 / 1e-3;
    const ms = cost.stepMs(ONE);
    expect(ms).toBeGreaterThan(readMs);
    expect(ms).toBeLessThan(readMs * 1.5);
    expect(cost.basis).toEqual({ ...emptyBasis(), extrapolated: 1 });
    expect(cost.name).toMatch(/^hardware check, .*, Llama-3\.2-1B$/);
  });

  test('a check without bandwidth is refused in a sentence', () => {
    const settings = { kind: 'check', name: 'mine' } as const;
    expect(() => createCostModel(settings, { ...inputs(), check: () => checkRun() })).toThrow(
      'The hardware check has no read bandwidth; run the check again and let it finish.',
    );
  });
});

test.each([
  [{ kind: 'table', name: 'rtx' } as const, 'the profile “rtx”, which was not given'],
  [{ kind: 'check', name: 'mine' } as const, 'the hardware check “mine”, which was not given'],
])('a file that was not given is refused by name', (settings, says) => {
  expect(() => createCostModel(settings, inputs())).toThrow(says);
});

test('a table that was given is used', () => {
  const given = roofline();
  expect(createCostModel({ kind: 'table', name: 'x' }, { ...inputs(), table: () => given })).toBe(given);
  expect(Object.keys(COST_MODELS).sort()).toEqual(['check', 'linear', 'roofline', 'table']);
});

/** H100: every measured all-reduce of its table, elements of two bytes. */
describe('all-reduces against the measured tables', () => {
  const table = 'kernels/h100_sxm_nccl2.27.3.csv';
  const missing = whyNoReferenceData(table);
  test.skipIf(missing !== null)(
    `NCCL's large messages are within 6 %${missing ? `: skipped, ${missing}` : ''}`,
    () => {
      let compared = 0;
      for (const row of referenceText(table).trim().split(/\r?\n/)) {
        const [operation, ranks, elements, ms] = row.split(',');
        const bytes = Number(elements) * 2;
        if (operation !== 'all_reduce' || !(bytes >= 2 ** 23)) continue;
        const ours = allReduceSeconds(bytes, Number(ranks), allReduceOf(record('h100-sxm'), Number(ranks)));
        expect(Math.abs((ours * 1000) / Number(ms) - 1), row).toBeLessThan(0.06);
        compared++;
      }
      expect(compared).toBeGreaterThan(15);
    },
  );
});
