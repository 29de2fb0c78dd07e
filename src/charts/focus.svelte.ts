/** Which point of a figure is under the pointer or the arrow keys. Knows hits, no DOM. */
import type { Hit } from './marks.ts';

/** px within which the pointer finds a point. */
const REACH = 48;

export class FigureFocus {
  hits: readonly Hit[] = $state.raw([]);
  index: number | null = $state(null);
  current: Hit | null = $derived(this.index === null ? null : (this.hits[this.index] ?? null));

  /** Takes a new layout's hits and stays on the same point when it is still there. */
  update(hits: readonly Hit[]): void {
    const ordered = [...hits].sort(
      (a, b) => a.seriesIndex - b.seriesIndex || a.x - b.x || a.pointIndex - b.pointIndex,
    );
    const kept = this.current;
    this.hits = ordered;
    if (kept === null) return;
    const found = ordered.findIndex(
      (h) => h.seriesIndex === kept.seriesIndex && h.pointIndex === kept.pointIndex,
    );
    this.index = found < 0 ? null : found;
  }

  /** The nearest point within reach; sideways distance counts less on wide plots, where columns are what one aims at. */
  point(x: number, y: number): void {
    let best: number | null = null;
    let least = REACH;
    for (const [index, hit] of this.hits.entries()) {
      const distance = Math.hypot(hit.x - x, hit.y - y);
      if (distance < least) [best, least] = [index, distance];
    }
    this.index = best;
  }

  clear(): void {
    this.index = null;
  }

  /** Left and right walk a series, up and down change it at about the same x. True when the key was one of ours. */
  key(key: string): boolean {
    if (this.hits.length === 0) return false;
    switch (key) {
      case 'ArrowRight':
        return this.#step(1);
      case 'ArrowLeft':
        return this.#step(-1);
      case 'ArrowUp':
        return this.#changeSeries(-1);
      case 'ArrowDown':
        return this.#changeSeries(1);
      case 'Home':
        return this.#to(0);
      case 'End':
        return this.#to(this.hits.length - 1);
      case 'Escape':
        this.clear();
        return true;
      default:
        return false;
    }
  }

  #to(index: number): true {
    this.index = Math.min(this.hits.length - 1, Math.max(0, index));
    return true;
  }

  #step(by: 1 | -1): true {
    return this.#to(this.index === null ? 0 : this.index + by);
  }

  #changeSeries(by: 1 | -1): true {
    const here = this.current;
    if (here === null) return this.#to(0);
    const series = this.hits.map((hit) => hit.seriesIndex).filter((id, i, all) => all.indexOf(id) === i);
    const next = series[series.indexOf(here.seriesIndex) + by];
    if (next === undefined) return true;
    const candidates = this.hits.filter((hit) => hit.seriesIndex === next);
    const nearest = candidates.toSorted((a, b) => Math.abs(a.x - here.x) - Math.abs(b.x - here.x))[0];
    return nearest ? this.#to(this.hits.indexOf(nearest)) : true;
  }
}
