/**
 * Orca's scheduler: iteration-level. Requests join and leave the batch between steps, a prompt is computed whole in the
 * step that admits it, beside the decodes of the others (selective batching), and admission sets aside slots for the
 * longest text that a request may become. (Yu et al., OSDI 2022, algorithm 1)
 *
 * So there is no chunk, no token budget and no preemption: what was reserved is always there. Nor is there a prefix
 * cache. Left out: the pipeline of Orca's engine, which overlaps batches on several workers.
 */
import { BatchScheduler } from './batch.ts';
import { reservedTokens } from './reservation.ts';
import type { StepPlan } from './scheduler.ts';

export class OrcaScheduler extends BatchScheduler {
  protected fill(plan: StepPlan): void {
    this.takeDecodes(plan);
    while (this.waiting.size > 0 && this.running.size < this.parts.maxSequences) {
      const row = this.waiting.head;
      // Forgets what was found for another request: nothing is shared here.
      this.manager.lookup(row, 0);
      if (!this.manager.admit(row, reservedTokens(this.parts, row), this.keptFree())) return;
      this.join(plan, row, 0, this.sequences.total(row));
    }
  }
}
