/** The real ports of the page: the only file of `state` that touches the browser. */
import type { HostPort, WorkerPort } from './gpu.svelte.ts';

const LOCK = 'kvlab-gpu';

/** localStorage, or null where it is blocked. */
export function keyValueMemory(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** sessionStorage, which a reload survives; null where it is blocked. */
export function tabMemory(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function webgpu(): HostPort['webgpu'] {
  if ('gpu' in navigator && navigator.gpu) return 'present';
  return window.isSecureContext ? 'absent' : 'insecure';
}

/** Holds a lock over all tabs until the returned function is called; null when another tab holds it. */
function acquire(): Promise<(() => void) | null> {
  if (!('locks' in navigator)) return Promise.resolve(() => undefined);
  return new Promise((resolve) => {
    void navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
      if (lock === null) {
        resolve(null);
        return;
      }
      return new Promise<void>((release) => resolve(() => release()));
    });
  });
}

function onHidden(listener: () => void): () => void {
  const heard = (): void => {
    if (document.hidden) listener();
  };
  document.addEventListener('visibilitychange', heard);
  return () => document.removeEventListener('visibilitychange', heard);
}

export function browserHost(worker: WorkerPort): HostPort {
  return {
    worker,
    webgpu: webgpu(),
    acquire,
    onHidden,
    isHidden: () => document.hidden,
    memory: keyValueMemory(),
  };
}

/** A file beside the page; null where there is none. A host that answers with its own page for a missing file gives HTML. */
export async function fetchText(path: string): Promise<string | null> {
  const response = await fetch(path);
  const type = response.headers.get('content-type') ?? '';
  return response.ok && !type.includes('html') ? response.text() : null;
}
