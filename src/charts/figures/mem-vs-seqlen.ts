/** fig4: peak KV memory against prompt length. */
import type { LabRun } from '../../core/run/schema.ts';
import type { FigureSpec } from '../figure.ts';
import { MEMORY_DEFINITION, memoryFinding, memorySeries } from './memory.ts';
import { isSwept, PATHS, provenance, slicesAlong } from './subject.ts';

export function memVsSeqlen(run: LabRun): FigureSpec | null {
  if (!isSwept(run, PATHS.promptTokens)) return null;
  const slices = slicesAlong(run, PATHS.promptTokens);
  return {
    id: 'fig4_mem_vs_seqlen',
    mark: 'line',
    title: 'Peak KV memory by prompt length',
    x: { label: 'Prompt length', unit: 'tokens', scale: 'linear' },
    y: { label: 'Peak KV memory', unit: 'bytes', scale: 'linear' },
    series: memorySeries(slices),
    definition: MEMORY_DEFINITION,
    finding: memoryFinding(slices, 'token of prompt'),
    ...provenance(run),
  };
}
