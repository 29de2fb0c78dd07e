/** The audit log: what the autopilot saw, planned, did and took back, in order, with the cache's digest behind each change. */
import type { AuditEntry } from '../../core/run/autopilot.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';

export interface LogLine {
  readonly kind: AuditEntry['kind'];
  readonly atMs: number;
  readonly sentence: string;
  readonly planId?: string;
  readonly actions?: readonly KvAction[];
  readonly state?: string;
}

/** As the schema of a run allows; looks stop being logged well before, so that actions always are. */
const MOST_LOOKS = 50_000;
const MOST_SENTENCE = 400;

export class AuditLog {
  readonly entries: AuditEntry[] = [];
  readonly #onEntry: (entry: AuditEntry) => void;
  #looks = 0;
  #lastIdle = '';

  constructor(onEntry: (entry: AuditEntry) => void = () => {}) {
    this.#onEntry = onEntry;
  }

  add({ kind, atMs, sentence, planId, actions, state }: LogLine): void {
    if (kind === 'telemetry' && ++this.#looks > MOST_LOOKS) return;
    const entry: AuditEntry = {
      sequence: this.entries.length,
      atMs,
      kind,
      planId: planId ?? null,
      sentence: sentence.slice(0, MOST_SENTENCE),
      actions: [...(actions ?? [])],
      state: state ?? null,
    };
    this.entries.push(entry);
    this.#onEntry(entry);
  }

  /** Why nothing is done; the same reason is said once. */
  idle(atMs: number, sentence: string, reason: string): void {
    if (reason === this.#lastIdle) return;
    this.#lastIdle = reason;
    this.add({ kind: 'idle', atMs, sentence });
  }

  /** Something was done: the next reason to do nothing is news again. */
  busy(): void {
    this.#lastIdle = '';
  }
}
