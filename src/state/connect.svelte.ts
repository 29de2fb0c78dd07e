/** Everything the room Connect knows: the server, the load, the watch, what is done to the server's cache. */
import type { ServerAct } from '../endpoints/index.ts';
import type { ConnectApi } from '../workers/connect-api.ts';
import { LoadSession, type KeepsRuns } from './connect-load.svelte.ts';
import { refusedOf, ServerLink, settled, type Refused, type ServerMemory } from './connect-server.svelte.ts';
import { LoadSetup } from './connect-setup.ts';
import { WatchSession } from './connect-watch.svelte.ts';
import { SimFiles, type ReadsTraces } from './sim-files.svelte.ts';

export interface ConnectPorts {
  readonly api: ConnectApi;
  /** Says what a trace file holds; the requests are drawn where the load is sent. */
  readonly traces: ReadsTraces;
  readonly library: KeepsRuns;
  readonly memory: ServerMemory;
}

/** One thing done to a server's cache, as it came out. */
export interface Acted {
  readonly act: ServerAct;
  readonly sentence: string;
  readonly ok: boolean;
}

export class ConnectRoom {
  readonly setup: LoadSetup;
  readonly files: SimFiles;
  readonly server: ServerLink;
  readonly load: LoadSession;
  readonly watch: WatchSession;
  /** Newest first. */
  acted: readonly Acted[] = $state.raw([]);
  acting = $state(false);
  actFault: Refused | null = $state.raw(null);
  readonly #api: ConnectApi;

  constructor({ api, traces, library, memory }: ConnectPorts) {
    this.#api = api;
    this.setup = new LoadSetup(memory.tab);
    this.files = new SimFiles(traces);
    this.server = new ServerLink(api, memory);
    this.load = new LoadSession(api, library);
    this.watch = new WatchSession(api, library);
  }

  get busy(): boolean {
    return this.load.busy || this.watch.busy;
  }

  async start(): Promise<void> {
    const { scenario } = this.setup.draft;
    if (scenario === null || this.busy) return;
    await this.load.start(this.server.target, scenario, this.files.trace);
    this.#told(this.load.fault);
  }

  async startWatch(): Promise<void> {
    if (this.busy) return;
    await this.watch.start(this.server.target);
    this.#told(this.watch.fault);
  }

  async look(): Promise<void> {
    if (this.busy) return;
    await this.watch.look(this.server.target);
    this.#told(this.watch.fault);
  }

  async act(act: ServerAct, slot: number, file: string): Promise<void> {
    if (this.acting) return;
    this.acting = true;
    const outcome = await settled(() => this.#api.act(this.server.target, { act, slot, file }));
    this.acting = false;
    const sentence = outcome.ok ? outcome.value : refusedOf(outcome.error).text;
    this.acted = [{ act, sentence, ok: outcome.ok }, ...this.acted].slice(0, 20);
    this.actFault = outcome.ok ? null : refusedOf(outcome.error);
  }

  /** A tuning through the server, for the room Tune: it runs where loads are sent. */
  get tuner(): Pick<ConnectApi, 'tune' | 'cancel'> {
    return this.#api;
  }

  /** What a browser refuses to a load or a watch is the server's to show. */
  #told(fault: Refused | null): void {
    if (fault?.refusal != null) this.server.refused = fault;
    else if (this.load.run !== null) this.server.refused = null;
  }
}
