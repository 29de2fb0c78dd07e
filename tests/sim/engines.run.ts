/** Runs whose digits must be the same in every engine; bundled for the browser by engines.test.ts. */
import { crc32 } from '../../src/core/json.ts';
import { SIM_PRESETS, presetSimulation } from '../../src/core/scenario/presets.ts';
import type { SimScenario } from '../../src/core/scenario/simulate/schema.ts';
import { runSimulation } from '../../src/sim/run.ts';

const REQUESTS = 150;

/** Every preset that needs no file, cut short. */
function scenarios(): { name: string; scenario: SimScenario }[] {
  return SIM_PRESETS.flatMap(({ name }) => {
    const scenario = presetSimulation(name);
    if (scenario.workload.trace !== null) return [];
    const requests = Math.min(REQUESTS, scenario.workload.requests);
    return [{ name, scenario: { ...scenario, repeats: 1, workload: { ...scenario.workload, requests } } }];
  });
}

/** One line a preset: its name, a checksum of all of its run's JSON, and the length of that. */
export function runDigests(): string[] {
  return scenarios().map(({ name, scenario }) => {
    const text = JSON.stringify(runSimulation(scenario));
    return `${name} ${crc32(text)} ${text.length}`;
  });
}
