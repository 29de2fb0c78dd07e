/** fig1: peak KV memory against concurrency; used, reserved and what lies between. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { memorySeries, memoryFinding, MEMORY_DEFINITION } from './memory.ts';
import { isSwept, PATHS, provenance } from './subject.ts';

export function memVsConcurrency(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.concurrency)) return null;
  const series = memorySeries(run, PATHS.concurrency);
  return {
    id: 'fig1_mem_vs_concurrency',
    mark: 'line',
    title: 'Peak KV memory by concurrency',
    x: { label: 'Requests in flight', unit: '', scale: 'log' },
    y: { label: 'Peak KV memory', unit: 'bytes', scale: 'linear' },
    series,
    definition: MEMORY_DEFINITION,
    finding: memoryFinding(series, 'request'),
    ...provenance(run),
  };
}
