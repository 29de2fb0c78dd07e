/**
 * Each fault the page can meet, as one sentence: what happened and what to do. A fault of the GPU worker brings its own
 * sentence; the table holds those that the page itself finds, and those where the page knows a better remedy.
 */
import type { Outcome } from '../workers/api.ts';

export interface Fault {
  readonly code: string;
  /** One sentence, or two short ones: what happened, what to do. */
  readonly text: string;
}

export type WorkerError = Extract<Outcome<never>, { ok: false }>['error'];

const OWN: Readonly<Record<string, string>> = {
  'insecure-page':
    'This page was opened over plain http, where browsers keep WebGPU away: open it over https or from localhost.',
  'no-webgpu':
    'This browser offers no WebGPU, so nothing can be measured here: use Chrome or Edge 113, Safari 26 or Firefox 141 or newer, or open a kept run.',
  'no-adapter':
    'WebGPU is there but found no GPU it may use: switch on hardware acceleration in the browser’s settings, update the graphics driver, then reload; kept runs open without it.',
  'other-tab':
    'Another tab of KV Lab is measuring on this GPU, and two at once would spoil both: wait for it or cancel it there, then start again.',
  'worker-failed':
    'The GPU worker could not be started: reload the page, and check that no extension blocks workers on it.',
  'device-lost':
    'The GPU was lost, because its driver restarted or another program took it: what was measured is kept; start again.',
};

export function ownFault(code: keyof typeof OWN & string): Fault {
  return { code, text: OWN[code] ?? code };
}

/** A worker's error in the reader's words. */
export function faultOf(error: Pick<WorkerError, 'code' | 'message'>): Fault {
  const own = OWN[error.code];
  return { code: error.code, text: own ?? error.message };
}

/** Anything thrown, as a sentence; the message is shown as text, never as markup. */
export function faultFromUnknown(thrown: unknown): Fault {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: 'failed',
    text: message === '' ? 'Something failed without saying what: reload and try again.' : message,
  };
}
