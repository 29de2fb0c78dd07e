/** Everything the room Simulate knows; made when the room is first entered. */
import type { FigureSpec } from '../charts/figure.ts';
import { DEFAULT_SIMULATION } from '../core/scenario/simulate/defaults.ts';
import type { FoundSaturation } from '../workers/sim-api.ts';
import { AccessRecording, BlockRecording } from './recording.svelte.ts';
import { SimCompare } from './sim-compare.svelte.ts';
import { SimFiles } from './sim-files.svelte.ts';
import { SimReplay } from './sim-replay.svelte.ts';
import { SimSession, SimTask, type KnowsKeptRuns, type SimPort } from './sim-session.svelte.ts';
import { SimSetup } from './sim-setup.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

export interface SimPorts {
  /** A worker of its own for each: a study goes on while another run starts. */
  readonly client: () => SimPort;
  readonly library: KnowsKeptRuns;
  /** Where the draft outlives a reload; null: nowhere. */
  readonly tab: KeyValue | null;
}

export class Simulator {
  readonly setup: SimSetup;
  readonly files: SimFiles;
  readonly session: SimSession;
  readonly replay: SimReplay;
  readonly compare: SimCompare;
  /** The search for the highest load that holds. */
  readonly saturation: SimTask<FoundSaturation>;
  /** Miss ratios of every eviction policy. */
  readonly missRatio: SimTask<readonly FigureSpec[]>;
  /** One replica's blocks, step by step. */
  readonly recording: BlockRecording;
  /** What that replica's requests asked of its prefix cache. */
  readonly accesses: AccessRecording;

  constructor({ client, library, tab }: SimPorts) {
    this.setup = new SimSetup(tab);
    this.files = new SimFiles(client().api);
    this.session = new SimSession(client(), library);
    this.replay = new SimReplay(client());
    const start = this.setup.draft.scenario ?? DEFAULT_SIMULATION;
    this.compare = new SimCompare(client(), library, start, tab);
    this.saturation = new SimTask(client());
    this.missRatio = new SimTask(client());
    this.recording = new BlockRecording(client());
    this.accesses = new AccessRecording(client());
  }
}
