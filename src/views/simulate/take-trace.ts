/** A trace file becomes the workload of the scenario that is being edited. */
import type { Json } from '../../core/json.ts';
import type { SimFiles } from '../../state/sim-files.svelte.ts';

/** The scenario that is being edited, of any kind with a workload. */
export interface TakesTraces {
  readonly draft: { at(path: string): Json | undefined };
  set(path: string, value: Json): void;
}

export async function takeTrace(files: SimFiles, setup: TakesTraces, file: File): Promise<void> {
  const facts = await files.takeTrace(file);
  if (facts === null) return;
  const speed = setup.draft.at('workload.trace.speed');
  setup.set('workload.trace', {
    name: file.name.slice(0, 200),
    speed: typeof speed === 'number' ? speed : 1,
  });
}

/** The first file of a drop, or null for something else that was dragged. */
export function droppedFile(event: DragEvent): File | null {
  return event.dataTransfer?.files[0] ?? null;
}
