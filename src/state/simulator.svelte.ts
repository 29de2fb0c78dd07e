/** Everything the room Simulate knows; made when the room is first entered. */
import { BlockRecording } from './recording.svelte.ts';
import { SimFiles } from './sim-files.svelte.ts';
import { SimReplay } from './sim-replay.svelte.ts';
import { SimSession, type KnowsKeptRuns, type SimPort } from './sim-session.svelte.ts';
import { SimSetup } from './sim-setup.svelte.ts';

export interface SimPorts {
  /** A worker of its own for each: a study goes on while another run starts. */
  readonly client: () => SimPort;
  readonly library: KnowsKeptRuns;
}

export class Simulator {
  readonly setup = new SimSetup();
  readonly files: SimFiles;
  readonly session: SimSession;
  readonly replay: SimReplay;
  /** One replica's blocks, for the block view and the access profile. */
  readonly recording: BlockRecording;

  constructor({ client, library }: SimPorts) {
    this.files = new SimFiles(client().api);
    this.session = new SimSession(client(), library);
    this.replay = new SimReplay(client());
    this.recording = new BlockRecording(client());
  }
}
