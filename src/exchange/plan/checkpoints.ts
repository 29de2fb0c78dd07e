/** Checkpoints in a format that an engine reads and cannot make: settings ask for their names. */
import type { PlanChoice } from '../../core/run/plan.ts';
import { quoted } from './shell.ts';
import type { RenderSubject } from './subject.ts';

/** What to look for on a hub, by weight format; formats that are not there are made while the engine loads. */
export type Checkpoints = Readonly<Partial<Record<PlanChoice['weights'], string>>>;

/** A word of the shell: the repository, or a variable that refuses to be empty where a quantized checkpoint is needed. */
export function checkpointWord({ choice, repository }: RenderSubject, checkpoints: Checkpoints): string {
  const checkpoint = checkpoints[choice.weights];
  if (checkpoint === undefined) return quoted(repository);
  const wanted = `name a checkpoint of ${repository} in ${checkpoint}`.replace(/[^\w ./,-]/g, ' ');
  return `"\${${choice.weights.toUpperCase()}_MODEL:?${wanted}}"`;
}

export function checkpointNotes(
  engine: string,
  { choice, repository }: RenderSubject,
  checkpoints: Checkpoints,
): string[] {
  const checkpoint = checkpoints[choice.weights];
  return checkpoint === undefined
    ? []
    : [
        `${engine} reads ${choice.weights} weights and does not make them: it needs a checkpoint of ${repository} in ${checkpoint}.`,
      ];
}
