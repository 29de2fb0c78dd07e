/** A score against the built-in policies: the text, whose accesses, how much room; the answer follows. */
import { parseScore } from '../autopilot/score/parse.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import { presetSimulation, SIM_PRESETS } from '../core/scenario/presets.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import type { AutopilotScoreApi, ComparedScore, ScoreWish } from '../workers/autopilot-api.ts';
import { Newest } from './newest.svelte.ts';

/** Ways to weigh, to begin with. */
export const SCORE_EXAMPLES: readonly { readonly text: string; readonly about: string }[] = [
  { text: 'age', about: 'the least recently used first, as lru' },
  { text: '-frequency', about: 'the least often used first, as lfu' },
  { text: 'age / frequency', about: 'old and seldom used first' },
  { text: 'age / (frequency * cost)', about: 'the same, but what is dear to compute again stays longer' },
  { text: 'position', about: 'the end of a prompt first: its beginning is shared' },
];

/** Stories whose prompts share text, and that need no file: their blocks are asked for more than once. */
export const SHARED_STORIES: readonly { readonly name: string; readonly title: string }[] =
  SIM_PRESETS.flatMap(({ name, layer }) => {
    const { workload } = presetSimulation(name);
    const shared = workload.trace === null && workload.sharing.kind !== 'none';
    return shared ? [{ name, title: String(layer['title'] ?? name) }] : [];
  });

/** The room's own scenario, beside the stories. */
export const OWN = '';

export class ScoreLab {
  text: string = $state('lru');
  story: string = $state(SHARED_STORIES.some(({ name }) => name === 'cache-thrash') ? 'cache-thrash' : OWN);
  /** Room as a share of all blocks that are asked for. */
  share: number = $state(0.1);
  readonly answer: Newest<ScoreWish, ComparedScore>;

  constructor(api: AutopilotScoreApi, text: string) {
    this.answer = new Newest((wish) => api.score(wish));
    this.text = text;
  }

  /** Why the text is no score; null where it is one. */
  get problem(): string | null {
    const read = parseScore(this.text);
    return read.ok ? null : read.sentence;
  }

  /** @param own the room's scenario; null while it does not read */
  compare(own: AutopilotScenario | null): void {
    const simulation: SimScenario | null =
      this.story === OWN ? (own?.simulation ?? null) : presetSimulation(this.story);
    if (this.problem !== null || simulation === null) return;
    this.answer.want({ simulation, text: this.text, share: this.share });
  }
}
