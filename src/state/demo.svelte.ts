/** The finished run that ships with the page: a run file like any other, fetched and read through the same door. */
import type { FigureSpec } from '../charts/figure.ts';
import type { Run } from '../core/run/schema.ts';
import type { MakesFigures, ReadsRuns } from './desk-port.ts';
import { faultFromUnknown, type Fault } from './faults.ts';

/** Fetches a file beside the page as text; null where there is none. */
export type FetchText = (path: string) => Promise<string | null>;

export const DEMO_PATH = './runs/demo.json';
/** The first screen shows this figure where the run has it, else its first. */
const FIRST_FIGURE = 'fig2_tps_vs_concurrency';

export class DemoRun {
  readonly #fetchText: FetchText;
  readonly #desk: ReadsRuns & MakesFigures;
  run: Run | null = $state.raw(null);
  /** The figure for the first screen. */
  figure: FigureSpec | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  #asked: Promise<void> | null = null;

  constructor(fetchText: FetchText, desk: ReadsRuns & MakesFigures) {
    this.#fetchText = fetchText;
    this.#desk = desk;
  }

  /** Fetched once, however often it is asked for. */
  load(): Promise<void> {
    this.#asked ??= this.#read();
    return this.#asked;
  }

  async #read(): Promise<void> {
    try {
      const text = await this.#fetchText(DEMO_PATH);
      if (text === null)
        throw new Error('The run that ships with this page is missing; measure one yourself.');
      const read = await this.#desk.readRun(text);
      if (!read.ok) throw new Error(read.sentence);
      const figures = await this.#desk.figures(read.run, null);
      this.figure = figures.find(({ id }) => id === FIRST_FIGURE) ?? figures[0] ?? null;
      this.run = read.run;
    } catch (thrown) {
      this.fault = faultFromUnknown(thrown);
    }
  }
}
