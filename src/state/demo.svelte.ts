/** The finished run that ships with the page: a run file like any other, fetched and read through the same door. */
import type { Run } from '../core/run/schema.ts';
import { parseRun } from '../core/run/parse.ts';
import type { Fault } from './faults.ts';

/** Fetches a file beside the page as text; null where there is none. */
export type FetchText = (path: string) => Promise<string | null>;

export const DEMO_PATH = './runs/demo.json';

export class DemoRun {
  readonly #fetchText: FetchText;
  run: Run | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  #asked: Promise<void> | null = null;

  constructor(fetchText: FetchText) {
    this.#fetchText = fetchText;
  }

  /** Fetched once, however often it is asked for. */
  load(): Promise<void> {
    this.#asked ??= this.#read();
    return this.#asked;
  }

  async #read(): Promise<void> {
    const text = await this.#fetchText(DEMO_PATH).catch(() => null);
    if (text === null) {
      this.fault = {
        code: 'no-demo',
        text: 'The run that ships with this page is missing; measure one yourself.',
      };
      return;
    }
    const parsed = parseRun(text);
    if (parsed.ok) this.run = parsed.run;
    else this.fault = { code: 'bad-demo', text: parsed.sentence };
  }
}
