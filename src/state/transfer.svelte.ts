/**
 * Moving sequences as the page sees it: one that is written and sent from here, one that comes and goes on here.
 *
 * Boundary: which worker does what, and which pipe leads where. Bytes and engines are the workers'.
 */
import type { PowerPreference } from '../workers/api.ts';
import type { LoadWish, ModelFacts, ModelSource } from '../workers/model-api.ts';
import type { Outcome } from '../workers/transfer-api.ts';
import type {
  ArrivedSequence,
  FinishedSequence,
  HeldSequence,
  MoveText,
  OpenedPrefixes,
  ReceiveNews,
  SendNews,
  SentSequence,
} from '../workers/transfer-api.ts';
import type { TransferClient } from '../workers/transfer-client.ts';
import { faultOf, type Fault } from './faults.ts';
import { MachineLink } from './transfer-machine.svelte.ts';
import { bridge, dataChannelEnd, tabsEnd, type Bridge, type FarEnd } from './transfer-pipes.ts';
import { TransferForm, type MoveWay } from './transfer-form.svelte.ts';

/** Which model the workers load: the one that the room has. */
export interface TransferModel {
  readonly source: ModelSource;
  readonly weightFormat: LoadWish['weightFormat'];
  readonly power: PowerPreference;
}

export interface TransferPorts {
  readonly client: () => TransferClient;
  /** The model that the room has loaded; null without one. */
  readonly model: () => TransferModel | null;
  readonly tabs: () => FarEnd;
}

export type SendStatus = 'idle' | 'loading' | 'writing' | 'held' | 'sending' | 'sent' | 'staying';
export type ReceiveStatus = 'idle' | 'loading' | 'waiting' | 'arrived' | 'going' | 'finished';

interface Worker {
  readonly client: TransferClient;
  loaded: TransferModel | null;
}

export class TransferState {
  readonly #ports: TransferPorts;
  readonly form = new TransferForm();
  readonly link = new MachineLink(() => this.#linked());
  send: SendStatus = $state('idle');
  receive: ReceiveStatus = $state('idle');
  loading = $state('');
  /** What is written here, and what goes on where it came to. */
  text: MoveText | null = $state.raw(null);
  farText: MoveText | null = $state.raw(null);
  held: HeldSequence | null = $state.raw(null);
  sending: SendNews | null = $state.raw(null);
  sent: SentSequence | null = $state.raw(null);
  receiving: ReceiveNews | null = $state.raw(null);
  arrived: ArrivedSequence | null = $state.raw(null);
  finished: FinishedSequence | null = $state.raw(null);
  /** A worker is there, with a model on the GPU. */
  hasWorkers = $state(false);
  /** The way that it came. */
  cameBy: MoveWay = $state('pool');
  paused = $state(false);
  fault: Fault | null = $state.raw(null);
  /** A sentence about prefixes that were kept or opened. */
  prefixNote: string | null = $state(null);
  #home: Worker | null = null;
  #second: Worker | null = null;
  #bridge: Bridge | null = null;
  /** The page's end of the pipe that is bridged. */
  #near: MessagePort | null = null;

  constructor(ports: TransferPorts) {
    this.#ports = ports;
  }

  get busy(): boolean {
    return (
      ['loading', 'writing', 'sending', 'staying'].includes(this.send) ||
      ['loading', 'waiting', 'going'].includes(this.receive)
    );
  }

  /** Begins the text and stands still where it is to move. */
  async write(): Promise<void> {
    const { wish } = this.form;
    if (!wish.ok || this.busy) return;
    this.#clear();
    this.send = 'loading';
    const home = await this.#ready('home');
    if (!home) return;
    this.send = 'writing';
    const held = this.#take(await home.write(wish.value, (text) => (this.text = text)));
    this.send = held ? 'held' : 'idle';
    if (!held) return;
    this.held = held;
    this.text = held.text;
  }

  /** Moves what stands still, on the way that is chosen. */
  async move(): Promise<void> {
    const { way } = this.form;
    if (this.send !== 'held' || way === 'file') return;
    this.fault = null;
    if (way === 'pool' || way === 'worker') await this.#moveHere(way);
    else await this.#sendAway();
  }

  /** It goes on where it is. */
  async stay(): Promise<void> {
    if (this.send !== 'held' || !this.#home) return;
    this.send = 'staying';
    const text = this.#take(await this.#home.client.stay((news) => (this.text = news)));
    if (text) this.text = text;
    this.send = text && text.outputTokens >= text.maxTokens ? 'idle' : 'held';
  }

  /** Waits for a sequence from another tab or machine, and goes on with it. */
  async take(): Promise<void> {
    if (this.busy) return;
    this.#clear();
    this.receive = 'loading';
    const home = await this.#ready('home');
    const far = home ? this.#farEnd() : null;
    if (!home || !far) {
      this.receive = 'idle';
      return;
    }
    const { port1, port2 } = new MessageChannel();
    this.#near = port1;
    this.#bridge = bridge(port1, far);
    this.receive = 'waiting';
    await this.#goOn(home, this.#take(await home.receive(port2, (news) => (this.receiving = news))));
  }

  /** A sequence from a file goes on here. */
  async open(file: Blob): Promise<void> {
    if (this.busy) return;
    this.#clear();
    this.receive = 'loading';
    const home = await this.#ready('home');
    if (!home) {
      this.receive = 'idle';
      return;
    }
    await this.#goOn(home, this.#take(await home.open(file)));
  }

  /** The sequence here as a file; null where there is none. */
  async save(): Promise<Blob | null> {
    return this.#home ? this.#take(await this.#home.client.save()) : null;
  }

  async savePrefixes(): Promise<Blob | null> {
    this.prefixNote = null;
    if (!this.#home) return null;
    const saved = this.#take(await this.#home.client.savePrefixes());
    if (!saved) return null;
    this.prefixNote = `${saved.blocks} blocks with ${saved.tokens} tokens are in the file.`;
    return saved.file;
  }

  /** The next text that begins like one of the file is found, not computed. */
  async openPrefixes(file: Blob): Promise<void> {
    if (this.busy) return;
    this.#clear();
    this.send = 'loading';
    const home = await this.#ready('home');
    this.send = 'idle';
    const opened = home ? this.#take(await home.openPrefixes(file, { ...this.form.here })) : null;
    if (opened) this.prefixNote = prefixSentence(opened);
  }

  togglePause(): void {
    this.paused = !this.paused;
    for (const worker of [this.#home, this.#second]) {
      if (this.paused) worker?.client.pause();
      else worker?.client.resume();
    }
  }

  /** After a cut: what is on its way is offered anew, over the machine's new channel where there is one. */
  reconnect(): void {
    const { channel } = this.link;
    if (this.form.way === 'machine' && channel && this.#near)
      this.#bridge = bridge(this.#near, dataChannelEnd(channel));
    if (this.send === 'sending') this.#home?.client.reconnect();
  }

  /** The other machine is there, or there again. */
  #linked(): void {
    if (this.#near) this.reconnect();
    else if (this.form.role === 'receive' && !this.busy) void this.take();
  }

  cancel(): void {
    this.#home?.client.cancel();
    this.#second?.client.cancel();
  }

  /** Ends the workers; what stood here is gone. */
  end(): void {
    this.#bridge?.close();
    this.link.close();
    for (const worker of [this.#home, this.#second]) worker?.client.end();
    this.#home = null;
    this.#second = null;
    this.hasWorkers = false;
    this.#clear();
  }

  async #moveHere(way: 'pool' | 'worker'): Promise<void> {
    this.send = 'sending';
    const there = await this.#ready(way === 'pool' ? 'home' : 'second');
    const home = this.#home?.client;
    if (!there || !home) {
      this.send = 'held';
      return;
    }
    const { port1, port2 } = new MessageChannel();
    this.receive = 'waiting';
    const [arrived, sent] = await Promise.all([
      there.receive(port2, (news) => (this.receiving = news)),
      this.#sendOver(home, port1),
    ]);
    await this.#goOn(there, sent ? this.#take(arrived) : null);
  }

  async #sendAway(): Promise<void> {
    const far = this.#farEnd();
    if (!far || !this.#home) return;
    const { port1, port2 } = new MessageChannel();
    this.#near = port1;
    this.#bridge = bridge(port1, far);
    await this.#sendOver(this.#home.client, port2);
    this.#bridge.close();
    this.#near = null;
  }

  async #sendOver(client: TransferClient, port: MessagePort): Promise<SentSequence | null> {
    this.send = 'sending';
    this.sending = null;
    this.paused = false;
    const outcome = await client.send(port, this.form.live, (news) => {
      this.sending = news;
      this.text = news.text;
    });
    const sent = this.#take(outcome);
    this.send = sent ? 'sent' : 'held';
    if (!sent) return null;
    this.sent = sent;
    this.text = sent.text;
    return sent;
  }

  async #goOn(client: TransferClient, arrived: ArrivedSequence | null): Promise<void> {
    this.receive = 'idle';
    if (!arrived) return;
    this.arrived = arrived;
    this.cameBy = this.form.way;
    this.farText = arrived.text;
    this.receive = 'going';
    const { there, check } = this.form;
    const finished = this.#take(await client.goOn({ ...there }, check, (text) => (this.farText = text)));
    this.receive = finished ? 'finished' : 'arrived';
    if (!finished) return;
    this.finished = finished;
    this.farText = finished.text;
  }

  #farEnd(): FarEnd | null {
    if (this.form.way !== 'machine') return this.#ports.tabs();
    if (this.link.channel) return dataChannelEnd(this.link.channel);
    this.fault = {
      code: 'link',
      text: 'The other machine is not connected; carry the offer and the answer over first.',
    };
    return null;
  }

  /** A worker with the room's model; null where it could not be loaded. */
  async #ready(which: 'home' | 'second'): Promise<TransferClient | null> {
    const model = this.#ports.model();
    if (!model) {
      this.fault = faultOf({ code: 'no-model', message: 'No model is loaded: load one above first.' });
      this.send = 'idle';
      return null;
    }
    const worker = (which === 'home' ? this.#home : this.#second) ?? {
      client: this.#ports.client(),
      loaded: null,
    };
    this.hasWorkers = true;
    if (which === 'home') this.#home = worker;
    else this.#second = worker;
    if (sameModel(worker.loaded, model)) return worker.client;
    const { source, weightFormat, power } = model;
    const loaded: ModelFacts | null = this.#take(
      await worker.client.load(source, { weightFormat, budgetBytes: null, power }, ({ message }) => {
        this.loading = message;
      }),
    );
    this.loading = '';
    if (loaded) {
      worker.loaded = model;
      return worker.client;
    }
    if (this.send === 'loading') this.send = 'idle';
    return null;
  }

  #take<T>(outcome: Outcome<T>): T | null {
    if (outcome.ok) return outcome.value;
    this.fault = outcome.error.code === 'cancelled' ? null : faultOf(outcome.error);
    return null;
  }

  #clear(): void {
    this.#bridge?.close();
    this.#bridge = null;
    this.#near = null;
    this.fault = null;
    this.prefixNote = null;
    this.paused = false;
    for (const name of [
      'text',
      'farText',
      'held',
      'sending',
      'sent',
      'receiving',
      'arrived',
      'finished',
    ] as const)
      this[name] = null;
    this.send = 'idle';
    this.receive = 'idle';
  }
}

function sameModel(a: TransferModel | null, b: TransferModel): boolean {
  return a !== null && a.source === b.source && a.weightFormat === b.weightFormat && a.power === b.power;
}

function prefixSentence({ blocks, tokens, offeredTokens }: OpenedPrefixes): string {
  const rest = offeredTokens - tokens;
  const left = rest > 0 ? ` The other ${rest} were cached here already, or found no empty block.` : '';
  return `${tokens} of ${offeredTokens} tokens of the file lie in ${blocks} blocks here now.${left}`;
}

export const pageTabs = (): FarEnd => tabsEnd();
