/**
 * Every GPU that five existing tools name has a record here, under the name that they give it.
 *
 * Names: h9-tec/KV-planner `gpu_specs.py` (0.1 @4fad5c3, 0.3 @c977ce1) and its laptop factors; Siddhant-K-code/kv-cache-profiler
 * README; Keyvanhardani/kvcache-autotune `multi_model_benchmark.py` (memory for RTX 3070, 4060, 4070); sagellm's cost
 * estimate (A100) and kv-optkit's guesses by size (A100, A6000). Rates are ours: theirs were partly with sparsity or of two GPUs.
 */
import { describe, expect, test } from 'vitest';
import { findAnyGpu } from '../../../src/core/hardware/catalogue.ts';
import { deratedShare, DERATINGS } from '../../../src/core/hardware/deratings.ts';

/** Name, GB, and the L2 that the tool gives where it is the maker's. */
const KV_PLANNER: readonly (readonly [string, number, number | null])[] = [
  ['H100-SXM-80GB', 80, 50],
  ['H100-PCIe-80GB', 80, 50],
  ['H100-NVL-94GB', 94, 50],
  ['H200-SXM-141GB', 141, 50],
  ['A100-SXM-80GB', 80, 40],
  ['A100-SXM-40GB', 40, 40],
  ['A100-PCIe-80GB', 80, 40],
  ['A10G', 24, 6],
  ['L40S', 48, 96],
  ['L4', 24, 48],
  ['V100-SXM-32GB', 32, 6],
  ['RTX-5090', 32, 96],
  ['RTX-5080', 16, 64],
  ['RTX-5070-Ti', 16, null],
  ['RTX-5070', 12, 48],
  ['RTX-5060-Laptop', 8, 32],
  ['RTX-4090', 24, 72],
  ['RTX-4080-Super', 16, 64],
  ['RTX-4080', 16, 64],
  ['RTX-4070-Ti-Super', 16, 48],
  ['RTX-4070-Ti', 12, 48],
  ['RTX-4070-Super', 12, 48],
  ['RTX-4070', 12, 36],
  ['RTX-4060-Ti', 16, 32],
  ['RTX-4060', 8, 24],
  ['RTX-3090-Ti', 24, 6],
  ['RTX-3090', 24, 6],
  ['RTX-3080-Ti', 12, 6],
  ['RTX-3080-12GB', 12, 6],
  ['RTX-3080', 10, 5],
  ['RTX-3070-Ti', 8, 4],
  ['RTX-3070', 8, 4],
  ['RTX-3060-Ti', 8, 4],
  ['MI300X', 192, null],
  ['MI250X', 128, 16],
  ['MI210', 64, 8],
  // Memory that a program gets; theirs is what is printed on the box, and of two GPUs for the superchip.
  ['B200-SXM-192GB', 180, null],
  ['GB200-Superchip', 186, null],
  // The names of 0.1.
  ['H100-80GB', 80, 50],
  ['A100-80GB', 80, 40],
  ['A100-40GB', 40, 40],
  ['V100-32GB', 32, 6],
  ['GB200-NVL72', 186, null],
];

describe('KV-planner', () => {
  test.each(KV_PLANNER)('%s: %i GB', (name, memoryGB, l2MB) => {
    const gpu = findAnyGpu(name);
    expect(gpu?.memoryGB).toBe(memoryGB);
    if (l2MB !== null) expect(gpu?.l2MB).toBe(l2MB);
    // Each row carries what its rows do.
    expect(gpu?.architecture).toBeTruthy();
    expect(gpu?.tdpW).toBeGreaterThan(0);
    expect(gpu?.l2MB).toBeGreaterThan(0);
    expect(gpu?.year).toBeGreaterThanOrEqual(2017);
  });

  test('its laptop factors, the disputed one apart', () => {
    const shares = Object.values(DERATINGS).map((preset) => [deratedShare(preset), preset.disputed] as const);
    expect(shares.map(([share, disputed]) => [Number(share.toFixed(4)), disputed])).toEqual([
      [0.21, false],
      [0.336, false],
      [0.504, false],
      [0.072, true],
    ]);
  });
});

describe('the other four', () => {
  test.each([
    'RTX 4090',
    'A100 80GB',
    'A100',
    'A6000',
    'Tesla T4',
    'T4',
    'V100',
    'RTX 4060',
    'RTX 4070',
    'RTX 3070',
    'H100',
  ])('%s', (name) => {
    expect(findAnyGpu(name)).toBeDefined();
  });
});
