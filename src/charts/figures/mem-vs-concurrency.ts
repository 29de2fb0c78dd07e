/** fig1: peak KV memory against concurrency; used, reserved and what lies between. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { MEMORY_DEFINITION, memoryFinding, memorySeries } from './memory.ts';
import { isSwept, PATHS, provenance, slicesAlong } from './subject.ts';

export function memVsConcurrency(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.concurrency)) return null;
  const slices = slicesAlong(run, PATHS.concurrency);
  return {
    id: 'fig1_mem_vs_concurrency',
    mark: 'line',
    title: 'Peak KV memory by concurrency',
    x: { label: 'Requests in flight', unit: '', scale: 'linear' },
    y: { label: 'Peak KV memory', unit: 'bytes', scale: 'linear' },
    series: memorySeries(slices),
    definition: MEMORY_DEFINITION,
    finding: memoryFinding(slices, 'request'),
    ...provenance(run),
  };
}
