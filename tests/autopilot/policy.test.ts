/** A policy as text: YAML or JSON, partial, with the names that people write; refused in a sentence. */
import { describe, expect, test } from 'vitest';
import { POLICY_PRESETS, policyToYaml, readPolicy } from '../../src/autopilot/policy/index.ts';
import { DEFAULT_POLICY } from '../../src/core/scenario/autopilot/policy.ts';

function read(text: string) {
  const policy = readPolicy(text);
  if (!policy.ok) throw new Error(policy.sentence);
  return policy.value;
}

function refusal(text: string): string {
  const policy = readPolicy(text);
  return policy.ok ? 'it was taken' : policy.sentence;
}

describe('what is read', () => {
  test('an empty text is the default policy', () => {
    expect(read('')).toEqual(DEFAULT_POLICY);
    expect(read('# nothing\n')).toEqual(DEFAULT_POLICY);
  });

  test('YAML and JSON, partial over the defaults', () => {
    expect(read('kvUseTarget: 0.7\nriskWeights:\n  evict: 2\n')).toEqual({
      ...DEFAULT_POLICY,
      kvUseTarget: 0.7,
      riskWeights: { ...DEFAULT_POLICY.riskWeights, evict: 2 },
    });
    expect(read('{"kvUseTarget": 0.7}').kvUseTarget).toBe(0.7);
    expect(read('latencyP95Ms: null').latencyP95Ms).toBeNull();
  });

  test('the names that people write', () => {
    const policy = read(
      'tiers: [HBM, DDR, CXL, NVMe]\nactionPriority: [EVICT, OFFLOAD, prefix_cache]\neviction: age_decay\nkv_use_target: .8',
    );
    expect(policy.tiers).toEqual(['hbm', 'host', 'cxl', 'nvme']);
    expect(policy.actionPriority).toEqual(['evict', 'offload', 'prefixCache']);
    expect(policy.kvUseTarget).toBe(0.8);
    expect(read('tiers: [GPU, RAM, SSD]').tiers).toEqual(['hbm', 'host', 'nvme']);
  });

  test.each(POLICY_PRESETS)(
    'preset $name has a sentence and comes back from its YAML',
    ({ about, policy }) => {
      expect(about).toMatch(/\.$/);
      expect(read(policyToYaml(policy))).toEqual(policy);
    },
  );
});

describe('what is refused', () => {
  test.each([
    ['kvUseTarget: 1.5', 'kvUseTarget is 1.5; the most is 1.'],
    ['kvUseTarget: high', 'kvUseTarget is "high"; a number is needed.'],
    ['kvUseTraget: .8', 'kvUseTraget is not a field of a policy; kvUseTarget is the nearest.'],
    ['tiers: [DDR, HBM]', 'policy.tiers begins with host; the first tier is the GPU'],
    ['tiers: [HBM, tape]', 'tiers.1 is "tape"; choose one of'],
    ['canarySteps: [.5, .25, 1]', 'canarySteps has 0.25 after 0.5'],
    ['canarySteps: [.5]', 'ends with 0.5; the last step is 1'],
    ['actionPriority: [evict, evict]', 'names evict twice'],
    ['actionPriority: [delete]', 'actionPriority.0 is "delete"; choose one of'],
    ['eviction: age +', 'policy.eviction: The expression ends where a value should stand'],
    ['eviction: lruu', 'policy.eviction: lruu is not known'],
    ['quantizationScales: [.3]', 'quantizationScales.0 is 0.3; choose one of 0.5, 0.25, 0.125'],
    ['maxActions: 0', 'maxActions is 0; the least is 1.'],
    ['kvUseTarget: .8\nkv_use_target: .9', 'kvUseTarget stands twice'],
    ['- 1\n- 2', 'A policy is a list of fields'],
    ['riskWeights: {evict: 1', 'neither YAML nor JSON'],
    ['a: &a 1\nkvUseTarget: *a', 'neither YAML nor JSON'],
    ['__proto__: {}', 'is not allowed as a name'],
    ['kvUseTarget: .nan', 'a finite number is needed'],
    [`# ${'x'.repeat(20_000)}`, 'at most 20000 are read'],
    [`tiers: ${'['.repeat(9000)}`, ''],
  ])('%s', (text, words) => {
    const sentence = refusal(text);
    expect(sentence).not.toBe('it was taken');
    expect(sentence).toMatch(/\.$/);
    expect(sentence).toContain(words);
  });
});
