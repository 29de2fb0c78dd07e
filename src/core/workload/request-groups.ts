/**
 * Which request waits for which: the tree within a group of requests that share a context, and the order of groups.
 *
 * A group is one request, a session (a chain of turns) or an agent's tree; its first row is sent on its own, every other
 * row after its parent. Groups follow one another by an arrival process, or, in a closed loop, user by user.
 */
import type { Random } from '../random.ts';
import type { RequestTable } from '../schedule/requests.ts';
import type { SharingSettings } from '../scenario/simulate/schema.ts';
import { arrivalGaps, scaledArrivals, type Arrivals } from './arrivals.ts';

export interface GroupShape {
  /** Rows of one group; the last group of a table may be cut off. */
  readonly rows: number;
  /** Children of a row; 1 is a chain. */
  readonly branching: number;
  /** Mean pause between a row's end and its children, exponential. */
  readonly pauseSeconds: number;
}

const SINGLE: GroupShape = { rows: 1, branching: 1, pauseSeconds: 0 };

export function groupShape(sharing: SharingSettings): GroupShape {
  switch (sharing.kind) {
    case 'none':
    case 'system':
      return SINGLE;
    case 'sessions':
      return { rows: sharing.turns, branching: 1, pauseSeconds: sharing.thinkSeconds };
    case 'agents':
      return {
        rows: treeSize(sharing.branching, sharing.depth),
        branching: sharing.branching,
        pauseSeconds: 0,
      };
    default:
      return sharing satisfies never;
  }
}

/** Nodes of a full tree; at most 2^31, which is more than any table has. */
function treeSize(branching: number, depth: number): number {
  let [nodes, level] = [0, 1];
  for (let d = 0; d < depth && nodes < 2 ** 31; d++, level *= branching) nodes += level;
  return Math.min(nodes, 2 ** 31);
}

/** A row's parent within its group, level by level from the left; −1 for the first. */
export function parentInGroup(index: number, branching: number): number {
  return index === 0 ? -1 : Math.floor((index - 1) / branching);
}

/** A fixed number of users, each of whom sends the next group a pause after the end of the one before. */
export interface ClosedLoop {
  readonly kind: 'closed';
  readonly users: number;
  readonly thinkSeconds: number;
}

type Times = Pick<RequestTable, 'arrivalMs' | 'after'>;

/** Fills arrivals and order. The rate counts requests, so groups of n rows come at a rate of 1/n of it. */
export function fillTimes(
  { arrivalMs, after }: Times,
  arrivals: Arrivals | ClosedLoop,
  shape: GroupShape,
  random: Random,
): void {
  const pauses = random.fork('pauses');
  const pauseMs = (seconds: number) => (seconds === 0 ? 0 : pauses.exponential() * seconds * 1000);
  const size = arrivalMs.length;
  const rows = Math.min(shape.rows, Math.max(1, size));
  const nextGroup = groupTimes(arrivals, rows, random.fork('arrivals'), pauseMs);
  for (let start = 0, group = 0; start < size; start += rows, group++) {
    const first = nextGroup(group);
    arrivalMs[start] = first.ms;
    after[start] = first.after;
    const end = Math.min(size, start + rows);
    for (let row = start + 1; row < end; row++) {
      after[row] = start + parentInGroup(row - start, shape.branching);
      arrivalMs[row] = pauseMs(shape.pauseSeconds);
    }
  }
}

interface GroupTime {
  readonly ms: number;
  readonly after: number;
}

function groupTimes(
  arrivals: Arrivals | ClosedLoop,
  rows: number,
  random: Random,
  pauseMs: (seconds: number) => number,
): (group: number) => GroupTime {
  if (arrivals.kind === 'closed') {
    const { users, thinkSeconds } = arrivals;
    return (group) => ({
      ms: group < users ? 0 : pauseMs(thinkSeconds),
      // The last row of the same user's group before.
      after: group < users ? -1 : (group - users + 1) * rows - 1,
    });
  }
  const nextGap = arrivalGaps(scaledArrivals(arrivals, 1 / rows), random);
  let ms = 0;
  return () => ({ ms: (ms += nextGap() * 1000), after: -1 });
}
