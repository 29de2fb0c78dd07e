/**
 * Figures that follow a slider: each is drawn in a task of its own, so that none of them holds a frame up. While they are
 * being shown only the newest wish is remembered.
 */
import type { FigureSpec } from '../charts/figure.ts';

export class StaggeredFigures {
  specs: readonly FigureSpec[] = $state.raw([]);
  #wanted: readonly FigureSpec[] | null = null;

  show(specs: readonly FigureSpec[]): void {
    const idle = this.#wanted === null;
    this.#wanted = specs;
    if (idle) void this.#work();
  }

  async #work(): Promise<void> {
    for (let wanted = this.#wanted; wanted !== null;) {
      for (let done = 1; done <= wanted.length; done++) {
        await new Promise((resolve) => setTimeout(resolve));
        const before = this.specs;
        this.specs = wanted.flatMap((spec, i) =>
          i < done ? spec : (before.find(({ id }) => id === spec.id) ?? []),
        );
      }
      this.specs = wanted;
      if (this.#wanted === wanted) this.#wanted = null;
      wanted = this.#wanted;
    }
  }
}
