/**
 * The figures of a run, built one at a time between frames: intervals are bootstrapped from raw samples, and together
 * they would hold the page up.
 */
import type { FigureSpec } from '../charts/figure.ts';
import { compareFigures } from '../charts/figures/compare.ts';
import { CHECK_FIGURES, LAB_FIGURES } from '../charts/figures/index.ts';
import type { Run } from '../core/run/schema.ts';

const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** One task for each figure that this kind of run may offer. */
function tasks(run: Run): readonly (() => FigureSpec | null)[] {
  return run.kind === 'lab'
    ? LAB_FIGURES.map((build) => () => build(run))
    : CHECK_FIGURES.map((build) => () => build(run));
}

export class FigureList {
  specs: readonly FigureSpec[] = $state.raw([]);
  working = $state(false);
  #asked = 0;

  /** Shows the figures of another run; those that are on screen stay until their successors are ready. */
  show(run: Run, other: Run | null): void {
    void this.#build(run, other, ++this.#asked);
  }

  async #build(run: Run, other: Run | null, asked: number): Promise<void> {
    this.working = true;
    const built: FigureSpec[] = [];
    const beside = other === null ? [] : tasks(other);
    for (const [index, build] of tasks(run).entries()) {
      await nextTask();
      if (asked !== this.#asked) return;
      const spec = build();
      const second = spec === null ? null : (beside[index]?.() ?? null);
      if (spec === null) continue;
      built.push(second === null || other === null ? spec : pair(run, spec, other, second));
    }
    this.specs = built;
    this.working = false;
  }
}

function pair(run: Run, spec: FigureSpec, other: Run, second: FigureSpec): FigureSpec {
  if (spec.id !== second.id) return spec;
  const [name, otherName] = run.title === other.title ? ['A', 'B'] : [run.title, other.title];
  return compareFigures({ name, spec }, { name: otherName, spec: second });
}
