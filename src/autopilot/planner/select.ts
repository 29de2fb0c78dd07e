/**
 * Chooses what is done to which segment: all walk up the ladder, cheapest step first, the largest score first within a
 * step, until enough is freed. Each segment holds one method, so no byte is counted twice; the last one is trimmed to the
 * block that reaches the target.
 *
 * Where that needs more actions than the policy allows, the walk is repeated over the largest parts, one action each:
 * tokens of one method cost the same, so whatever reaches the target in n actions, the n largest parts reach it at no more
 * risk.
 */
import type { KvFormat } from '../../core/kv/formats.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import type { Score } from '../score/score.ts';
import { ladderOf, scaleOf, type Step } from './methods.ts';
import { Pricer, type Choice } from './pricer.ts';
import { segmentsOf, type Segment } from './segments.ts';
import type { PlanView } from './view.ts';

/** A step of one format's ladder, to be walked in the order of all formats together. */
interface Rung {
  readonly format: KvFormat;
  readonly step: Step;
  readonly height: number;
}

function rungsOf(segments: readonly Segment[], view: PlanView, policy: AutopilotPolicy): Rung[] {
  const formats = [...new Set(segments.map(({ format }) => format))];
  const rungs = formats.flatMap((format) =>
    ladderOf(format, view, policy).map((step, height) => ({ format, step, height })),
  );
  return rungs.sort((a, b) => a.step.slope - b.step.slope || a.height - b.height);
}

/**
 * Bytes that may still be offloaded: what lower tiers hold, what the link carries while a step is watched, and what it can
 * read back in each step without making a token slower than maxLatencyRatio allows. The last is what an offload costs for
 * as long as its sequence lives.
 */
export function movableBytes({ telemetry, linkGBps }: PlanView, policy: AutopilotPolicy): number {
  const { hostBytes, hostBudgetBytes, running, outputTokensPerSecond } = telemetry;
  const bytesPerMs = 1e6 * Math.min(policy.offloadGBps, linkGBps);
  const carried = bytesPerMs * policy.watchMs;
  const readNowMs = hostBytes / bytesPerMs;
  const tokenMs = outputTokensPerSecond > 0 ? (1000 * running) / outputTokensPerSecond : Infinity;
  // A token's time without what is read already, so that one plan after another does not creep.
  const mayReadMs = (policy.maxLatencyRatio - 1) * Math.max(0, tokenMs - readNowMs);
  const read = tokenMs === Infinity ? Infinity : bytesPerMs * mayReadMs - hostBytes;
  return Math.max(0, Math.min(carried, read, hostBudgetBytes - hostBytes));
}

interface WalkOptions {
  readonly view: PlanView;
  readonly policy: AutopilotPolicy;
  /** Whether what was chosen for a segment may be cut in two, which makes one action more. */
  readonly maySplit: boolean;
}

class Selection {
  readonly #pricer: Pricer;
  readonly #block: number;
  readonly #maySplit: boolean;
  readonly #chosen = new Map<Segment, Choice>();
  /** The two halves of the segment with which the target was reached. */
  readonly #halves: Choice[] = [];
  /** What lower tiers and the link still take. */
  #room: number;
  freed = 0;

  constructor({ view, policy, maySplit }: WalkOptions, pricer: Pricer) {
    this.#pricer = pricer;
    this.#block = view.blockTokens;
    this.#maySplit = maySplit;
    this.#room = movableBytes(view, policy);
  }

  get choices(): Choice[] {
    return [...this.#chosen.values(), ...this.#halves];
  }

  /** Puts a step in the place of what was chosen for the segment, as far as it is needed. */
  take(segment: Segment, step: Step, need: number): void {
    const before = this.#chosen.get(segment);
    const choice = this.#pricer.estimate(segment, step);
    if (choice === null) return;
    const gain = choice.freesBytes - (before?.freesBytes ?? 0);
    const room = this.#room + (before?.movedBytes ?? 0) - choice.movedBytes;
    if (gain <= 0) return;
    if (this.freed + gain > need && this.#trim(segment, step, before, need - this.freed)) return;
    if (room < 0) return;
    this.#chosen.set(segment, choice);
    this.freed += gain;
    this.#room = room;
  }

  /** The fewest blocks of the segment that still free `missing` more bytes; the others keep what they had. */
  #trim(segment: Segment, step: Step, before: Choice | undefined, missing: number): boolean {
    if (before !== undefined && !this.#maySplit) return false;
    const block = this.#block;
    const whole = Math.ceil((segment.to - segment.from) / block);
    const split = (blocks: number) => {
      const middle = segment.from + blocks * block;
      const head = this.#pricer.ask({ ...segment, to: middle }, step);
      const tail = before ? this.#pricer.ask({ ...segment, from: middle }, before.step) : null;
      const freed = (head?.freesBytes ?? 0) + (tail?.freesBytes ?? 0);
      return { head, tail, gain: freed - (before?.freesBytes ?? 0) };
    };
    let [low, high] = [1, whole];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (split(middle).gain >= missing) high = middle;
      else low = middle + 1;
    }
    if (low >= whole) return false;
    const { head, tail, gain } = split(low);
    const room = this.#room + (before?.movedBytes ?? 0) - (head?.movedBytes ?? 0) - (tail?.movedBytes ?? 0);
    if (!head || (before && !tail) || gain < missing || room < 0) return false;
    this.#chosen.delete(segment);
    this.#halves.push(head, ...(tail ? [tail] : []));
    this.freed += gain;
    this.#room = room;
    return true;
  }
}

function walk(
  segments: readonly Segment[],
  rungs: readonly Rung[],
  need: number,
  selection: Selection,
): Choice[] {
  for (const { format, step } of rungs) {
    for (const segment of segments) {
      if (selection.freed >= need) return selection.choices;
      if (segment.format === format) selection.take(segment, step, need);
    }
  }
  return selection.choices;
}

/** Neighbours with one method become one. */
function merged(choices: readonly Choice[]): Choice[] {
  const sorted = [...choices].sort(
    (a, b) => a.segment.order - b.segment.order || a.segment.from - b.segment.from,
  );
  const runs: Choice[] = [];
  for (const choice of sorted) {
    const last = runs.at(-1);
    if (
      !last ||
      last.segment.part !== choice.segment.part ||
      last.step !== choice.step ||
      last.segment.to !== choice.segment.from
    ) {
      runs.push(choice);
      continue;
    }
    runs[runs.length - 1] = {
      ...last,
      segment: { ...last.segment, to: choice.segment.to },
      freesBytes: last.freesBytes + choice.freesBytes,
      movedBytes: last.movedBytes + choice.movedBytes,
    };
  }
  return runs;
}

/** A shortfall of whole blocks is made up for by asking for so much more, a few times. */
const MOST_TRIES = 4;

/**
 * What reaches `need` as the plant prices it, or all that can be done.
 * @param need bytes of the GPU's memory, more than 0
 */
function reaching(segments: readonly Segment[], need: number, options: WalkOptions): Choice[] {
  const pricer = new Pricer(options.view);
  const rungs = rungsOf(segments, options.view, options.policy);
  let asked = need;
  for (let tries = 1; ; tries++) {
    const chosen = walk(segments, rungs, asked, new Selection(options, pricer));
    const estimated = chosen.reduce((sum, { freesBytes }) => sum + freesBytes, 0);
    const exact = merged(chosen).flatMap((choice) => pricer.exact(choice) ?? []);
    const missing = need - exact.reduce((sum, { freesBytes }) => sum + freesBytes, 0);
    if (missing <= 0 || estimated < asked || tries === MOST_TRIES) return exact;
    // More each time: what is asked for more is rounded down to whole blocks again.
    asked += tries * missing;
  }
}

/** @param need bytes of the GPU's memory, more than 0  @param most actions */
export function chooseActions(
  view: PlanView,
  policy: AutopilotPolicy,
  score: Score,
  need: number,
  most: number,
): Choice[] {
  const finely = reaching(segmentsOf(view, policy, score), need, { view, policy, maySplit: true });
  if (finely.length <= most) return finely;
  const size = ({ from, to, format }: Segment) => (to - from) * scaleOf(format);
  const parts = segmentsOf(view, policy, score, true).sort((a, b) => size(b) - size(a));
  return reaching(parts.slice(0, most), need, { view, policy, maySplit: false });
}
