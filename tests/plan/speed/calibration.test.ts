/** A plan that names a calibration gets it, or says that it is missing. */
import { expect, test } from 'vitest';
import type { PlanCalibration } from '../../../src/core/run/calibration.ts';
import { DEFAULT_PLAN } from '../../../src/core/scenario/plan/defaults.ts';
import { runPlan } from '../../../src/plan/index.ts';

const CALIBRATION: PlanCalibration = {
  version: 1,
  kind: 'plan-calibration',
  name: 'our H100',
  createdAt: '2026-11-21',
  source: 'three points of our server',
  points: 3,
  gpu: 'h100-sxm',
  engine: 'vllm',
  model: null,
  decode: 1.5,
  prefill: 1.5,
  requestMs: null,
  kvTokens: null,
  band: 1.1,
};

test('a plan is multiplied by the calibration that it names', () => {
  const scenario = { ...DEFAULT_PLAN, load: { ...DEFAULT_PLAN.load, concurrency: 16 } };
  const plain = runPlan(scenario).deployment?.speed?.tpotMs ?? NaN;
  const named = { ...scenario, calibration: 'our H100' };
  const own = runPlan(named, { calibration: CALIBRATION }).deployment?.speed;
  expect(own?.tpotMs).toBeCloseTo(1.5 * plain, 6);
  expect(own?.about).toContain('our H100');
  // Given, but not named: left alone.
  expect(runPlan(scenario, { calibration: CALIBRATION }).deployment?.speed?.tpotMs).toBe(plain);
  expect(() => runPlan(named)).toThrow(
    'The plan names the calibration “our H100”, which was not given; give it or set calibration to null.',
  );
});
