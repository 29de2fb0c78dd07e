/**
 * A server that a tuning starts anew for each candidate: its start command with the candidate's settings put in, until it
 * answers; its processes are ended with it.
 *
 * In the command `{maxSequences}` stands for the setting's value and `{prefixCaching true=--cache false=--no-cache}` for
 * what the server calls each value. The command is the person's own and runs in their shell, as if they had typed it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { TUNE_AXES, type TuneAxis, type TuneSettings } from '../index.ts';
import { EndpointError, probe, type Endpoint } from '../endpoints/index.ts';
import { InfeasibleError, type RunningServer, type TunedServer } from '../tune/index.ts';
import { InputError } from './errors.ts';

const START_SECONDS = 300;
const ASK_EVERY_MS = 250;
const END_MS = 5000;
const PLACE = /\{(\w+)((?: +[^\s{}=]+=[^\s{}]*)*)\}/g;

interface Place {
  readonly axis: TuneAxis;
  readonly words: ReadonlyMap<string, string>;
}

/** @throws InputError for a name that is no setting */
function placeOf(name: string, words: string): Place {
  const axis = TUNE_AXES.find((known) => known === name);
  if (axis === undefined) {
    throw new InputError(
      `--start has {${name}}, which is no setting of a tuning; there are ${TUNE_AXES.join(', ')}.`,
    );
  }
  const pairs = words
    .trim()
    .split(/ +/)
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  return { axis, words: new Map(pairs) };
}

/** Settings that a start command names. @throws InputError */
export function axesOfCommand(command: string): TuneAxis[] {
  return [
    ...new Set([...command.matchAll(PLACE)].map(([, name, words]) => placeOf(name ?? '', words ?? '').axis)),
  ];
}

/** @throws InfeasibleError for a value that the command has no word for */
export function commandWith(command: string, settings: TuneSettings): string {
  return command.replaceAll(PLACE, (_all, name: string, given: string) => {
    const { axis, words } = placeOf(name, given);
    const value = String(settings[axis]);
    const word = words.size === 0 ? value : words.get(value);
    if (word === undefined) {
      throw new InfeasibleError(`--start has no word for ${axis} ${value}; add ${value}=… to {${axis} …}.`);
    }
    return word;
  });
}

/** @throws InputError where the command names nothing that can be tuned */
export function startedServer(command: string, endpoint: Endpoint): TunedServer {
  const axes = axesOfCommand(command);
  if (axes.length === 0) {
    throw new InputError('--start names no setting; put one in, such as llama-server -np {maxSequences}.');
  }
  return new StartedServer(command, endpoint, axes);
}

class StartedServer implements TunedServer {
  readonly axes: readonly TuneAxis[];
  readonly #command: string;
  readonly #endpoint: Endpoint;
  #now: { readonly line: string; readonly process: ChildProcess; readonly running: RunningServer } | null =
    null;

  constructor(command: string, endpoint: Endpoint, axes: readonly TuneAxis[]) {
    this.#command = command;
    this.#endpoint = endpoint;
    this.axes = axes;
  }

  async running(settings: TuneSettings, signal: AbortSignal): Promise<RunningServer> {
    const line = commandWith(this.#command, settings);
    if (this.#now?.line === line && this.#now.process.exitCode === null) return this.#now.running;
    await this.close();
    if (await answers(this.#endpoint)) {
      throw new InputError(
        'A server already listens at the endpoint; end it, so that --start can start one.',
      );
    }
    const startedMs = performance.now();
    // A group of its own, so that whatever the command starts is ended with it.
    const started = spawn(line, { shell: true, detached: true, stdio: 'ignore' });
    try {
      await this.#answering(started, line, signal);
    } catch (error) {
      await ended(started);
      throw error;
    }
    const running = {
      endpoint: this.#endpoint,
      peakBytes: () => peakBytes(started.pid ?? 0),
      startupMs: performance.now() - startedMs,
    };
    this.#now = { line, process: started, running };
    return running;
  }

  async close(): Promise<void> {
    const { process: started = null } = this.#now ?? {};
    this.#now = null;
    if (started !== null) await ended(started);
  }

  async #answering(started: ChildProcess, line: string, signal: AbortSignal): Promise<void> {
    const untilMs = performance.now() + 1000 * START_SECONDS;
    while (!(await answers(this.#endpoint))) {
      signal.throwIfAborted();
      if (started.exitCode !== null) {
        throw new InfeasibleError(
          `The server ended at its start (status ${started.exitCode}): ${line}`.slice(0, 380),
        );
      }
      if (performance.now() > untilMs) {
        throw new InfeasibleError(
          `The server did not answer within ${START_SECONDS} s: ${line}`.slice(0, 380),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  }
}

async function answers(endpoint: Endpoint): Promise<boolean> {
  try {
    await probe(endpoint);
    return true;
  } catch (error) {
    if (error instanceof EndpointError) return false;
    throw error;
  }
}

/** Asks the group to end, and makes it after a while. */
async function ended(started: ChildProcess): Promise<void> {
  const { pid } = started;
  if (pid === undefined || started.exitCode !== null) return;
  const over = new Promise<void>((resolve) => started.once('exit', () => resolve()));
  signalGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), END_MS);
  await over;
  clearTimeout(timer);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** Of a process and what it started, as Linux tells; null on other systems. GPU memory is not in it. */
function peakBytes(root: number): number | null {
  try {
    const group = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const bytes = peakInGroup(pid, root);
        return bytes === null ? [] : [bytes];
      });
    return group.length === 0 ? null : group.reduce((sum, bytes) => sum + bytes, 0);
  } catch {
    return null;
  }
}

function peakInGroup(pid: string, group: number): number | null {
  try {
    // Behind the name, which may hold anything: state, parent, group.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    if (Number(fields[2]) !== group) return null;
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : 1024 * Number(kib);
  } catch {
    return null;
  }
}
