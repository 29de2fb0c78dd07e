/** The policy as text and as sliders: whichever is touched last is what both show. */
import { expect, test } from 'vitest';
import { POLICY_PRESETS, policyToYaml, readPolicy } from '../../src/autopilot/policy/index.ts';
import { DEFAULT_POLICY } from '../../src/core/scenario/autopilot/policy.ts';
import { AutopilotSetup } from '../../src/state/autopilot-setup.ts';
import {
  POLICY_TARGETS,
  readTarget,
  shownTarget,
  type PolicyTarget,
} from '../../src/state/policy-targets.ts';
import { PolicyText } from '../../src/state/policy-text.svelte.ts';

function opened() {
  const setup = new AutopilotSetup();
  const text = new PolicyText(setup.draft, { readPolicy, policyToYaml });
  text.take(DEFAULT_POLICY);
  return { draft: setup.draft, text };
}

const target = (name: string): PolicyTarget => {
  const found = POLICY_TARGETS.find(({ path }) => path === `policy.${name}`);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};

test('a slider is read back in the text', () => {
  const { draft, text } = opened();
  text.set('policy.kvUseTarget', 0.7);
  expect(draft.scenario?.policy.kvUseTarget).toBe(0.7);
  expect(readPolicy(text.text)).toEqual({ ok: true, value: { ...DEFAULT_POLICY, kvUseTarget: 0.7 } });
});

test('a text moves the sliders and stays as it was typed, names and comments too', () => {
  const { draft, text } = opened();
  const typed = '# mine\nkv_use_target: 0.6\ntiers: [HBM, DDR]\n';
  text.type(typed);
  expect(draft.at('policy.kvUseTarget')).toBe(0.6);
  expect(draft.at('policy.tiers')).toEqual(['hbm', 'host']);
  expect(text.text).toBe(typed);
  text.set('policy.kvUseTarget', 0.65);
  expect(text.text).toBe(policyToYaml({ ...DEFAULT_POLICY, kvUseTarget: 0.65, tiers: ['hbm', 'host'] }));
});

test('a text that does not read stays, says why, stands in the way and changes nothing', () => {
  const { draft, text } = opened();
  text.type('kvUseTarget: 7');
  expect(text.text).toBe('kvUseTarget: 7');
  expect(text.problem).toMatch(/kvUseTarget/);
  expect(draft.scenario).toBeNull();
  expect(draft.at('policy.kvUseTarget')).toBe(0.85);
  text.set('policy.kvUseTarget', 0.5);
  expect(text.problem).toBeNull();
  expect(draft.scenario?.policy.kvUseTarget).toBe(0.5);
});

test('presets are known again', () => {
  const { text } = opened();
  for (const { policy } of POLICY_PRESETS) {
    text.take(policy);
    expect(POLICY_PRESETS.filter((known) => text.is(known.policy))).toEqual([
      expect.objectContaining({ policy }),
    ]);
  }
});

test.each([
  { name: 'kvUseTarget', text: '57', out: { ok: true, value: 0.57 } },
  {
    name: 'kvUseTarget',
    text: '120',
    out: { ok: false, sentence: 'KV use to hold is 120; the most is 100.' },
  },
  { name: 'latencyP95Ms', text: '', out: { ok: true, value: null } },
  { name: 'keepRecentTokens', text: '0', out: { ok: true, value: 0 } },
  {
    name: 'keepRecentTokens',
    text: '1.5',
    out: { ok: false, sentence: 'Newest tokens left alone is 1.5; a whole number is needed.' },
  },
])('$name typed as “$text”', ({ name, text, out }) => {
  expect(readTarget(target(name), text)).toEqual(out);
});

test('a share is shown in whole numbers whatever the floats make of it', () => {
  expect(shownTarget(target('kvUseTarget'), 0.57)).toBe(57);
  expect(shownTarget(target('latencyP95Ms'), 2000)).toBe(2000);
});
