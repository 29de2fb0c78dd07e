/**
 * Sarathi-Serve's scheduler: decodes never wait. Each step takes all decodes first, then goes on with prompts that have
 * begun, then begins new ones, until the step has as many tokens as its chunk budget.
 * (arXiv:2403.02310, algorithm 3; microsoft/sarathi-serve core/scheduler/sarathi_scheduler.py@96f9911)
 *
 * A prompt is admitted when all of it fits, as there; nobody is admitted in a step that preempted. Decodes count towards
 * the budget but are not cut by it. Differs from that code: blocks of a prompt are given chunk by chunk, so a running
 * prompt can find none left; it waits, and only when nothing else runs does the last of the batch give up its own.
 */
import { BatchScheduler } from './batch.ts';
import type { StepPlan } from './scheduler.ts';

export class SarathiScheduler extends BatchScheduler {
  protected fill(plan: StepPlan): void {
    this.takeDecodes(plan);
    this.takePartials(plan);
    if (plan.preempted.length === 0) this.admitChunks(plan, true);
  }
}
