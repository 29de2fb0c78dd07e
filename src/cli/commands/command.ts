/** What every command is given. */
import type { Invocation } from '../arguments.ts';
import type { GpuHost } from '../host.ts';
import type { Terminal } from '../terminal.ts';

export interface CommandContext {
  readonly invocation: Invocation;
  readonly terminal: Terminal;
  /** Writes into the folder of --out; null without one. */
  readonly write: ((name: string, contents: string | Uint8Array) => void) | null;
  /** The command line as it can be typed again. */
  readonly command: string;
  /** Says what a Ctrl-C shall do from now on; null: end the process. */
  readonly onCancel: (stop: (() => void) | null) => void;
}

export interface GpuCommandContext extends CommandContext {
  /** Starts the browser or the native binding; closed when the command ends. */
  readonly openHost: () => Promise<GpuHost>;
}

/** `failed` is a no-go or an incomplete result; whatever there is was answered. */
export type Outcome = 'done' | 'failed';

/** Computes only. */
export type PlainCommand = (context: CommandContext) => Outcome | Promise<Outcome>;

/** Needs a browser or a GPU, at least for its pictures. */
export type GpuCommand = (context: GpuCommandContext) => Promise<Outcome>;
