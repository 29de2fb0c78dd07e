/** What a server says of itself: a watch while it goes on, and metrics that were pasted, opened or asked for once. */
import type { Scraped, WatchAnswer } from '../endpoints/index.ts';
import type { ConnectApi, Target, WatchWish } from '../workers/connect-api.ts';
import type { MeasureStatus } from './check.svelte.ts';
import type { KeepsRuns } from './connect-load.svelte.ts';
import { refusedOf, settled, type Refused } from './connect-server.svelte.ts';
import type { Fault } from './faults.ts';

type Asks = Pick<ConnectApi, 'watch' | 'scrape' | 'read' | 'cancel'>;

export class WatchSession {
  readonly #api: Asks;
  readonly #library: KeepsRuns;
  status: MeasureStatus = $state('idle');
  /** The watch so far, or as it ended. */
  answer: WatchAnswer | null = $state.raw(null);
  /** The one look that was asked for last. */
  scraped: Scraped | null = $state.raw(null);
  fault: Refused | null = $state.raw(null);
  keepFault: Fault | null = $state.raw(null);
  samples = $state(60);
  intervalSeconds = $state(1);
  pricePerHour: number | null = $state(null);

  constructor(api: Asks, library: KeepsRuns) {
    this.#api = api;
    this.#library = library;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'cancelling';
  }

  get wish(): WatchWish {
    const { samples, intervalSeconds, pricePerHour } = this;
    return { samples, intervalSeconds, pricePerHour };
  }

  async start(target: Target): Promise<void> {
    if (this.busy) return;
    this.status = 'running';
    this.fault = null;
    this.keepFault = null;
    this.answer = null;
    const outcome = await settled(() =>
      this.#api.watch(target, this.wish, (answer) => (this.answer = answer)),
    );
    if (outcome.ok) {
      this.answer = outcome.value;
      this.status = 'done';
      this.keepFault = await this.#library.keep(outcome.value.run);
      return;
    }
    this.status = 'failed';
    this.fault = refusedOf(outcome.error);
  }

  cancel(): void {
    if (this.status !== 'running') return;
    this.status = 'cancelling';
    this.#api.cancel();
  }

  look(target: Target): Promise<void> {
    return this.#scrape(() => this.#api.scrape(target));
  }

  read(text: string): Promise<void> {
    return this.#scrape(() => this.#api.read(text));
  }

  async #scrape(ask: Parameters<typeof settled<Scraped>>[0]): Promise<void> {
    this.fault = null;
    const outcome = await settled(ask);
    this.scraped = outcome.ok ? outcome.value : null;
    if (!outcome.ok) this.fault = refusedOf(outcome.error);
  }
}
