/** The service worker: the page works offline after the first visit, and a new version waits until the reader takes it. */

/** The parts of the browser's service worker interfaces that are needed; `navigator.serviceWorker` is a Registrar. */
export interface Worker {
  readonly state: string;
  addEventListener(type: 'statechange', listener: () => void): void;
  postMessage(message: unknown): void;
}

export interface Registration {
  readonly active: Worker | null;
  readonly waiting: Worker | null;
  readonly installing: Worker | null;
  addEventListener(type: 'updatefound', listener: () => void): void;
}

export interface Registrar {
  readonly controller: unknown;
  register(script: string): Promise<Registration>;
  addEventListener(type: 'controllerchange', listener: () => void, options: { once: true }): void;
}

export class Offline {
  /** True once everything the page needs is kept on this machine. */
  ready = $state(false);
  /** A newer version is here and waits. */
  updateWaiting = $state(false);
  #waiting: Worker | null = null;

  async register(registrar: Registrar, script: string): Promise<void> {
    try {
      const registration = await registrar.register(script);
      this.#watch(registration, registrar);
    } catch {
      // No service worker (a private window, plain http): the page works, but only online.
    }
  }

  /** Lets the waiting version take over; the page reloads itself when it has. */
  takeUpdate(registrar: Registrar, reload: () => void): void {
    registrar.addEventListener('controllerchange', reload, { once: true });
    this.#waiting?.postMessage({ type: 'SKIP_WAITING' });
  }

  #watch(registration: Registration, registrar: Registrar): void {
    const settle = (worker: Worker): void => {
      if (worker.state === 'activated') this.ready = true;
      if (worker.state !== 'installed' || registrar.controller === null) return;
      this.#waiting = worker;
      this.updateWaiting = true;
    };
    const follow = (worker: Worker | null): void => {
      if (worker === null) return;
      settle(worker);
      worker.addEventListener('statechange', () => settle(worker));
    };
    follow(registration.active);
    follow(registration.waiting);
    follow(registration.installing);
    registration.addEventListener('updatefound', () => follow(registration.installing));
  }
}
