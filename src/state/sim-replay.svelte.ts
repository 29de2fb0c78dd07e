/** A recorded run and what the simulator makes of it. */
import type { FigureSpec } from '../charts/figure.ts';
import { replayFigures } from '../charts/figures/replay.ts';
import type { ReplayReport } from '../core/run/replay.ts';
import type { NamedFile } from '../workers/sim-api.ts';
import { SimTask, type SimPort } from './sim-session.svelte.ts';

export class SimReplay {
  readonly task: SimTask<ReplayReport>;
  /** Files so far: a recording, its workload and a profile may come one after the other. */
  files: readonly NamedFile[] = $state.raw([]);
  report: ReplayReport | null = $state.raw(null);
  figures: readonly FigureSpec[] = $state.raw([]);

  constructor(port: SimPort) {
    this.task = new SimTask(port);
  }

  /** Adds files; one of the same path replaces what was there. */
  take(files: readonly NamedFile[]): void {
    const replaced = (path: string) => files.some((file) => file.path === path);
    this.files = [...this.files.filter(({ path }) => !replaced(path)), ...files];
    this.#forget();
  }

  clear(): void {
    this.files = [];
    this.#forget();
  }

  async start(createdAt: string): Promise<void> {
    const report = await this.task.ask((api, onProgress) => api.replay(this.files, onProgress));
    if (report === null) return;
    this.report = report;
    this.figures = replayFigures(report, { command: null, createdAt });
  }

  cancel(): void {
    this.task.cancel();
  }

  #forget(): void {
    this.task.clear();
    this.report = null;
    this.figures = [];
  }
}
