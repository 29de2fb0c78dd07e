/** A tuning's candidate and cell as a load on a real server: what of the settings goes with each request. */
import { DEFAULT_LOAD } from '../load/defaults.ts';
import type { LoadScenario } from '../load/schema.ts';
import type { TuneCell } from './profiles.ts';
import type { Tuning } from './resolved.ts';
import type { TuneSettings } from './schema.ts';
import { cellWorkload } from './workload.ts';

export function loadOf(
  { load, scenario }: Pick<Tuning, 'load' | 'scenario'>,
  { maxSequences, prefixCaching }: TuneSettings,
  cell: TuneCell,
): LoadScenario {
  return {
    ...DEFAULT_LOAD,
    title: scenario.title,
    seed: scenario.seed,
    // The first that the server lists, unless one was named.
    model: cell.model === 'served' ? '' : cell.model,
    workload: cellWorkload(load, cell),
    client: { ...DEFAULT_LOAD.client, maxInFlight: Math.max(maxSequences, 1) },
    sampling: { ...DEFAULT_LOAD.sampling, ...(prefixCaching ? {} : { prefixCache: false }) },
    resetCache: false,
    telemetrySeconds: 0,
    measurement: { repeats: 1, calibrationRepeats: 0, warmupRequests: 0 },
  };
}
