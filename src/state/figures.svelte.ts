/** The figures of a run, computed at the desk: intervals are bootstrapped from raw samples and take their time. */
import type { FigureSpec } from '../charts/figure.ts';
import type { Run } from '../core/run/schema.ts';
import type { MakesFigures } from './desk-port.ts';
import { faultFromUnknown, type Fault } from './faults.ts';

export class FigureList {
  readonly #desk: MakesFigures;
  specs: readonly FigureSpec[] = $state.raw([]);
  working = $state(false);
  fault: Fault | null = $state.raw(null);
  #wanted: { readonly run: Run; readonly other: Run | null } | null = null;

  constructor(desk: MakesFigures) {
    this.#desk = desk;
  }

  /**
   * Shows the figures of a run; those on screen stay until their successors are ready. While the desk is at work,
   * only the newest wish is remembered, so that a live run can never outpace it.
   */
  show(run: Run, other: Run | null): void {
    const idle = this.#wanted === null;
    this.#wanted = { run, other };
    if (idle) void this.#work();
  }

  async #work(): Promise<void> {
    this.working = true;
    for (let wanted = this.#wanted; wanted !== null;) {
      try {
        await this.#present(await this.#desk.figures(wanted.run, wanted.other));
        this.fault = null;
      } catch (thrown) {
        this.fault = faultFromUnknown(thrown);
      }
      if (this.#wanted === wanted) this.#wanted = null;
      wanted = this.#wanted;
    }
    this.working = false;
  }

  /** One figure after the other, each in a task of its own, so that a dozen of them never hold the page up. */
  async #present(specs: readonly FigureSpec[]): Promise<void> {
    for (let done = 1; done <= specs.length; done++) {
      const before = this.specs;
      this.specs = specs.flatMap((spec, i) =>
        i < done ? spec : (before.find(({ id }) => id === spec.id) ?? []),
      );
      await new Promise((resolve) => setTimeout(resolve));
    }
    this.specs = specs;
  }
}
