/**
 * Replays an audit log on a plant that stands where the logged one began: serves on to the same moments, does and takes
 * back the same, and compares the digest behind each change.
 *
 * A simulated engine replays to the byte. A real one does not: its clock is the GPU's.
 */
import type { AuditEntry } from '../../core/run/autopilot.ts';
import type { Applied, AutopilotPlant } from '../plant.ts';

export interface Replay {
  /** Entries with a digest, and those whose digest came out again. */
  readonly compared: number;
  readonly equal: number;
  /** The first entry that came out differently or could not be done, in a sentence; null: none. */
  readonly difference: string | null;
}

function sameAction(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What was applied last and fits the entry's actions, newest first. */
function takeBack(applied: Applied[], { actions }: AuditEntry): Applied[] {
  return actions.flatMap((action) => {
    const at = applied.findLastIndex((done) => sameAction(done.action, action));
    return at < 0 ? [] : applied.splice(at, 1);
  });
}

async function repeat(entry: AuditEntry, plant: AutopilotPlant, applied: Applied[]): Promise<void> {
  if (plant.nowMs < entry.atMs) await plant.advance(entry.atMs);
  if (entry.kind === 'apply') {
    for (const action of entry.actions) applied.push(await plant.apply(action));
  } else if (entry.kind === 'rollback' || entry.kind === 'cancel') {
    const undone = takeBack(applied, entry);
    if (undone.length > 0) await plant.undo(undone);
  } else if (entry.kind === 'keep') {
    plant.keep(applied.splice(0));
  }
}

export async function replayLog(log: readonly AuditEntry[], plant: AutopilotPlant): Promise<Replay> {
  const applied: Applied[] = [];
  let [compared, equal] = [0, 0];
  let difference: string | null = null;
  for (const entry of log) {
    try {
      await repeat(entry, plant, applied);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      difference = `Entry ${entry.sequence} (${entry.kind}) could not be done again: ${reason}`;
      break;
    }
    if (entry.state === null) continue;
    compared++;
    if (plant.digest() === entry.state) equal++;
    else
      difference ??= `Entry ${entry.sequence} (${entry.kind} at ${entry.atMs} ms) left another state than the log says.`;
  }
  return { compared, equal, difference };
}
