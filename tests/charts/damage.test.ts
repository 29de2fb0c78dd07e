import { expect, it } from 'vitest';
import { figuresFor } from '../../src/charts/figures/index.ts';
import { renderSvg } from '../../src/charts/svg.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import type { LabRun, Point, Repetition } from '../../src/core/run/schema.ts';
import { SCENARIOS, toyRun, type ScenarioName } from './runs.ts';

/** One of the ways in which real runs are incomplete: cut sweeps, lost clocks, failed requests, empty caches. */
function damagedRepetition(repetition: Repetition, random: Random): Repetition {
  const { requests, steps, peakMemory } = repetition;
  switch (random.below(7)) {
    case 0:
      return { ...repetition, steps: [] };
    case 1:
      return { ...repetition, requests: [] };
    case 2:
      return { ...repetition, steps: steps.map((step) => ({ ...step, gpuMs: null })) };
    case 3:
      return {
        ...repetition,
        requests: requests.map((r) => ({ ...r, endMs: null, error: 'The device was lost.' })),
      };
    case 4:
      return {
        ...repetition,
        steps: steps.slice(0, 1 + random.below(5)).map((step) => ({ ...step, wallMs: 0 })),
      };
    case 5:
      return { ...repetition, peakMemory: { ...peakMemory, usedBytes: 0, reservedBytes: 0 } };
    default:
      return repetition;
  }
}

function damagedPoint(point: Point, random: Random): Point {
  const repetitions = point.repetitions.slice(0, random.below(6)).map((r) => damagedRepetition(r, random));
  switch (random.below(5)) {
    case 0:
      return { ...point, status: 'failed', reason: 'Out of memory.', repetitions: [] };
    case 1:
      return { ...point, status: 'skipped', reason: null, repetitions: [] };
    case 2:
      return { ...point, status: 'shrunk', reason: 'Ran smaller.', repetitions };
    default:
      return { ...point, repetitions };
  }
}

function damaged(run: LabRun, random: Random): LabRun {
  const points = run.points.filter(() => random.below(8) > 0).map((point) => damagedPoint(point, random));
  return { ...run, points, complete: false };
}

it.each(Object.keys(SCENARIOS) as ScenarioName[])(
  '%s, however damaged, draws without a made-up number',
  (name) => {
    const run = toyRun(name, { repeats: 3 });
    for (let seed = 1; seed <= 12; seed++) {
      const random = createRandom(seed);
      const specs = figuresFor(damaged(run, random), damaged(run, random));
      for (const spec of specs) {
        const words = `${name} ${seed} ${spec.id}`;
        for (const { y, reason } of spec.series.flatMap((series) => series.points)) {
          expect(y === null ? (reason ?? '').length > 5 : Number.isFinite(y), words).toBe(true);
        }
        expect(spec.finding, words).not.toMatch(/NaN|Infinity|undefined|null|unknown/);
        const yScale = seed % 2 === 0 ? 'log' : 'linear';
        expect(renderSvg(spec, { yScale }), words).not.toMatch(/NaN|Infinity|undefined|>null/);
      }
    }
  },
);
