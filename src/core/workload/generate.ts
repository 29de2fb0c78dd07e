/**
 * The requests of a simulation: drawn from the scenario's distributions, or taken from a trace.
 *
 * Arrivals, lengths, sharing, pauses and priorities come from random streams of their own, named below, so two scenarios
 * that differ elsewhere see the same requests at the same times. Nothing of the engine is asked but its block size,
 * which only decides how shared text is cut into ids.
 */
import { createRandom, type Random } from '../random.ts';
import type { RequestTable } from '../schedule/requests.ts';
import type { SharingSettings, SimScenario, SimWorkload } from '../scenario/simulate/schema.ts';
import type { Arrivals } from './arrivals.ts';
import { blockIdsOf } from './block-ids.ts';
import { requestsOfTrace } from './from-trace.ts';
import { lengthDraws } from './lengths.ts';
import { expectedArrivals, piecesOfWindows, type RateWindow } from './rate-series.ts';
import { fillTimes, groupShape, type ClosedLoop } from './request-groups.ts';
import type { Trace } from './traces/trace.ts';

/** What of a scenario its requests follow from; of the engine only how shared text is cut into ids. */
export interface DrawnFrom {
  readonly workload: SimWorkload;
  readonly seed: number;
  readonly engine: { readonly blockSize: number };
}

/**
 * @param trace what the scenario's `workload.trace` names; null where it names none
 * @throws RangeError in one sentence where the workload is impossible (rules.ts refuses most of it earlier)
 */
export function generateRequests(scenario: DrawnFrom, trace: Trace | null): RequestTable {
  const { workload, engine, seed } = scenario;
  const random = createRandom(seed);
  const wanted = workload.trace;
  if (wanted === null) return drawRequests(workload, workload.arrivals, engine.blockSize, random);
  if (trace === null) {
    throw new RangeError(
      `The scenario asks for the trace “${wanted.name}”; give its file beside the scenario.`,
    );
  }
  if (trace.rates) {
    const windows = sped(trace.rates, wanted.speed);
    const requests = workload.requests || Math.round(expectedArrivals(piecesOfWindows(windows)));
    return drawRequests({ ...workload, requests }, { kind: 'windows', windows }, engine.blockSize, random);
  }
  const table = requestsOfTrace(trace, { ...workload, ...wanted, blockSize: engine.blockSize });
  fillPriorities(table.priority, workload.highPriorityShare, random.fork('priorities'));
  return table;
}

function sped(windows: readonly RateWindow[], speed: number): RateWindow[] {
  return windows.map(({ startSeconds, rate, cv }) => ({
    startSeconds: startSeconds / speed,
    rate: rate * speed,
    cv,
  }));
}

/**
 * The first requests that a scenario without a trace draws, without ids of their blocks: who asks how long they are.
 * @throws RangeError as generateRequests
 */
export function drawLengths({ workload, seed }: SimScenario, requests: number): RequestTable {
  const rows = drawRows({ ...workload, requests }, workload.arrivals, createRandom(seed));
  return { ...rows, ...noIds(requests) };
}

function drawRequests(
  workload: SimWorkload,
  arrivals: Arrivals | ClosedLoop,
  blockSize: number,
  random: Random,
): RequestTable {
  const rows = drawRows(workload, arrivals, random);
  return { ...rows, ...idsOfSharing(rows, workload.sharing, blockSize, random.fork('sharing')) };
}

function drawRows(workload: SimWorkload, arrivals: Arrivals | ClosedLoop, random: Random): Rows {
  const { requests: size, sharing, highPriorityShare } = workload;
  const rows = {
    size,
    arrivalMs: new Float64Array(size),
    after: new Int32Array(size),
    promptTokens: new Int32Array(size),
    outputTokens: new Int32Array(size),
    priority: new Uint8Array(size),
  };
  fillTimes(rows, arrivals, groupShape(sharing), random);
  fillLengths(rows, workload, random);
  fillPriorities(rows.priority, highPriorityShare, random.fork('priorities'));
  return rows;
}

function noIds(size: number): Pick<RequestTable, 'blockStart' | 'blockIds'> {
  return { blockStart: new Int32Array(size + 1), blockIds: new Int32Array(0) };
}

type Rows = Omit<RequestTable, 'blockStart' | 'blockIds'>;

/** Of one prompt, so that its columns and its blocks fit 32 bits; no model reads as many. */
const MAX_TOKENS = 1_000_000_000;

/** Row by row: what is new in a prompt and what is generated; a child's prompt begins with all of its parent. */
function fillLengths(
  { size, after, promptTokens, outputTokens }: Rows,
  workload: SimWorkload,
  random: Random,
): void {
  const { sharing } = workload;
  const newTokens = lengthDraws(workload.promptTokens, random.fork('prompt lengths'));
  const generated = lengthDraws(workload.outputTokens, random.fork('output lengths'));
  const systemTokens = sharing.kind === 'none' ? 0 : sharing.systemTokens;
  const rows = groupShape(sharing).rows;
  for (let row = 0; row < size; row++) {
    const parent = after[row] ?? -1;
    const before =
      row % rows === 0 ? systemTokens : (promptTokens[parent] ?? 0) + (outputTokens[parent] ?? 0);
    const prompt = before + newTokens();
    if (prompt > MAX_TOKENS) {
      throw new RangeError(
        `Request ${row + 1} has a prompt of ${prompt} tokens; the most is ${MAX_TOKENS}: shorten workload.promptTokens or the sessions.`,
      );
    }
    promptTokens[row] = prompt;
    outputTokens[row] = generated();
  }
}

function fillPriorities(priority: Uint8Array, share: number, random: Random): void {
  if (share === 0) return;
  for (let row = 0; row < priority.length; row++) priority[row] = random.uniform() < share ? 1 : 0;
}

/** Ids of the blocks, by how prompts share text. */
function idsOfSharing(
  { size, after, promptTokens, outputTokens }: Rows,
  sharing: SharingSettings,
  blockSize: number,
  random: Random,
): Pick<RequestTable, 'blockStart' | 'blockIds'> {
  if (sharing.kind === 'none') return noIds(size);
  const { systemTokens } = sharing;
  const rows = groupShape(sharing).rows;
  // In a closed loop a group's first row waits for another group, of which it has no text.
  const parent = after.map((row, i) => (i % rows === 0 ? -1 : row));
  const numSystems = sharing.kind === 'system' ? sharing.prompts : 1;
  const draw =
    sharing.kind === 'system'
      ? lengthDraws({ kind: 'zipf', exponent: sharing.exponent, min: 1, max: sharing.prompts }, random)
      : () => 1;
  return blockIdsOf(
    promptTokens,
    outputTokens,
    { parent, system: () => draw() - 1, systemTokens, numSystems },
    blockSize,
  );
}
