/** The policy of an autopilot: its text, its presets. */
export { policyFrom, policySentence, policyToYaml, POLICY_BOUNDS, readPolicy } from './read.ts';
export { POLICY_PRESETS, type PolicyPreset } from './presets.ts';
