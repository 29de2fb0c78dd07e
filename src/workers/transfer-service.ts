/** The work of a transfer worker without the worker: one loaded model, its mover, turns and errors. */
import { portPipe } from '../engine/transfer/drive.ts';
import type { ModelSession } from '../lab/model/session.ts';
import type { Mover } from '../lab/transfer/mover.ts';
import type { GpuPlatform } from './gpu-service.ts';
import { labHost } from './lab-host.ts';
import { NoModelError } from './model-service.ts';
import { outcomeOf } from './outcome.ts';
import type { TransferWorkerApi } from './transfer-api.ts';
import { Turn } from './turn.ts';

const modelling = () => import('./modelling.ts');
const moving = () => import('./moving.ts');

/** News at most so often: a transfer has some with every message. */
const NEWS_EVERY_MS = 60;

export function createTransferService(platform: GpuPlatform): TransferWorkerApi {
  return new TransferService(platform);
}

class TransferService implements TransferWorkerApi {
  readonly #platform: GpuPlatform;
  readonly #turn: Turn;
  #session: ModelSession | null = null;
  #mover: Mover | null = null;
  #receiving: AbortController | null = null;

  constructor(platform: GpuPlatform) {
    this.#platform = platform;
    this.#turn = new Turn(platform);
  }

  load(...[source, wish, onProgress]: Parameters<TransferWorkerApi['load']>) {
    return this.#turn.take(onProgress, async (signal, onUpdate: typeof onProgress) => {
      this.#drop();
      const { ModelSession, openGpu } = await modelling();
      const { Mover } = await moving();
      const host = labHost(this.#platform, wish.power, openGpu);
      const session = await ModelSession.load(host, source, wish, { signal, onUpdate });
      const { gpu, model, tokenizer, facts } = session.lend({ signal, onUpdate });
      this.#session = session;
      const { now } = this.#platform;
      this.#mover = new Mover({ gpu, model, tokenizer, facts, now, newTransfer, newReceiver });
      return facts;
    });
  }

  write(...[wish, onNews]: Parameters<TransferWorkerApi['write']>) {
    return this.#turn.take(null, (signal) =>
      this.#loaded().write(wish, { signal, onNews: this.#calm(onNews) }),
    );
  }

  stay(...[onNews]: Parameters<TransferWorkerApi['stay']>) {
    return this.#turn.take(null, (signal) => this.#loaded().stay({ signal, onNews: this.#calm(onNews) }));
  }

  send(...[port, live, onNews]: Parameters<TransferWorkerApi['send']>) {
    return this.#turn.take(null, (signal) =>
      this.#loaded().send(portPipe(port), live, { signal, onNews: this.#calm(onNews) }),
    );
  }

  receive(...[port, onNews]: Parameters<TransferWorkerApi['receive']>) {
    return outcomeOf(() => {
      this.#receiving?.abort();
      const { signal } = (this.#receiving = new AbortController());
      return this.#loaded().receive(portPipe(port), { signal, onNews: this.#calm(onNews) });
    });
  }

  goOn(...[cache, check, onNews]: Parameters<TransferWorkerApi['goOn']>) {
    return this.#turn.take(null, (signal) =>
      this.#loaded().goOn(cache, check, { signal, onNews: this.#calm(onNews) }),
    );
  }

  save() {
    return this.#turn.take(null, () => this.#loaded().save());
  }

  open(file: Blob) {
    return this.#turn.take(null, () => this.#loaded().open(file));
  }

  savePrefixes() {
    return this.#turn.take(null, () => this.#loaded().savePrefixes());
  }

  openPrefixes(...[file, cache]: Parameters<TransferWorkerApi['openPrefixes']>) {
    return this.#turn.take(null, () => this.#loaded().openPrefixes(file, cache));
  }

  pause(): void {
    this.#mover?.pause();
  }

  resume(): void {
    this.#mover?.resume();
  }

  reconnect(): void {
    this.#mover?.reconnect();
  }

  cancel(): void {
    this.#receiving?.abort();
    this.#turn.cancel();
  }

  #loaded(): Mover {
    if (this.#mover === null) throw new NoModelError();
    return this.#mover;
  }

  #drop(): void {
    this.#mover?.destroy();
    this.#mover = null;
    this.#session?.unload();
    this.#session = null;
  }

  /** The newest news, now and then; the task's result says how it ended. */
  #calm<News>(tell: (news: News) => void): (news: News) => void {
    let lastMs = -Infinity;
    return (news) => {
      const nowMs = this.#platform.now();
      if (nowMs - lastMs < NEWS_EVERY_MS) return;
      lastMs = nowMs;
      tell(news);
    };
  }
}

function newTransfer(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function newReceiver(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) || 1;
}
