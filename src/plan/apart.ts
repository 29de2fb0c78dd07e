/**
 * Prefill and decode on GPUs of their own: how many of each a load takes, and what users see.
 *
 *   prefill   M/G/1 of whole prompts on each prefill replica (DistServe, arXiv:2401.09670, for constant ones M/D/1)
 *   ship      the prompt's KV over the link, all but the last layer behind the computing
 *   decode    b in flight on each decode replica: b = rate · (output − 1) · TPOT(b)
 *
 * Boundary: sizes as sizeOf does for replicas that do both; both phases have the same kind of replica.
 */
import { meanWaitMG1 } from '../core/metrics/queueing.ts';
import { log } from '../core/math.ts';
import { crossing } from './crossing.ts';
import type { Served, Server } from './queue.ts';

export interface Apart {
  readonly prefillReplicas: number;
  readonly decodeReplicas: number;
}

/** Share of its time that a prefill replica computes at the most. */
const PREFILL_BUSY = 0.7;
/** Share of its most that a decode replica is given. */
const DECODE_BUSY = 0.85;

const prefillSeconds = ({ speed, load }: Server): number =>
  speed.prefillMs(load.promptTokens, load.cachedTokens) / 1000;

/** Milliseconds of a request in decode, `batch` in flight. */
function decodeMs({ speed, load }: Server, batch: number): number {
  const context = load.promptTokens + load.outputTokens / 2;
  return Math.max(0, load.outputTokens - 1) * speed.tpotMs(batch, context);
}

/** Requests a second of one decode replica with `batch` in flight. */
function decodeRate(server: Server, batch: number): number {
  const ms = decodeMs(server, batch);
  return ms > 0 ? (1000 * batch) / ms : Infinity;
}

/** Most in flight that keep the limit of the time per output token; null: not even one. */
function decodeMost(server: Server, tpotMs: number | null): number | null {
  const context = server.load.promptTokens + server.load.outputTokens / 2;
  if (tpotMs === null) return server.most;
  const over = (batch: number): number => server.speed.tpotMs(batch, context) / tpotMs - 1;
  const [alone, full] = [over(1), over(server.most)];
  if (alone > 0) return null;
  if (full <= 0) return server.most;
  return Math.max(1, Math.floor(crossing(over, 1, server.most, alone, full, 1e-2) * 0.98));
}

/** The most that so many replicas carry. */
export function apartMost(server: Server, { prefillReplicas, decodeReplicas }: Apart, most: number): number {
  return Math.min(prefillReplicas / prefillSeconds(server), decodeReplicas * decodeRate(server, most));
}

/** What users see at a rate; null where it is too much. */
export function servedApart(server: Server, apart: Apart, rate: number): Served | null {
  const { speed, load, spread, percentile, tailPrompt } = server;
  const service = prefillSeconds(server);
  const each = rate / apart.prefillReplicas;
  const wait = meanWaitMG1(each, service, spread * spread);
  const top = apartMost(server, apart, server.most);
  if (!Number.isFinite(wait) || rate >= top) return null;
  const own = rate / apart.decodeReplicas;
  const spare = (batch: number): number => batch - (own * decodeMs(server, batch)) / 1000;
  const alone = spare(1);
  const batch = alone >= 0 ? 1 : crossing(spare, 1, server.most, alone, Math.max(1e-9, spare(server.most)));
  const context = load.promptTokens + load.outputTokens / 2;
  const ship = speed.kvShipMs(load.promptTokens);
  const ttft = 1000 * service + ship;
  const busy = each * service;
  const late = busy > 1 - percentile ? (wait / busy) * log(busy / (1 - percentile)) : 0;
  const long =
    speed.prefillMs(Math.max(tailPrompt, load.promptTokens), load.cachedTokens) + speed.kvShipMs(tailPrompt);
  const tpot = speed.tpotMs(batch, context);
  return {
    batch,
    ttftMs: 1000 * wait + ttft,
    tpotMs: tpot,
    e2eMs: 1000 * wait + ttft + decodeMs(server, batch),
    ttftTailMs: Math.max(ttft, long) + 1000 * Math.max(wait, late),
    tpotTailMs: speed.tpotMs(Math.min(server.most, batch + 3 * Math.sqrt(batch)), context),
    requestsPerSecond: rate,
    maxRequestsPerSecond: top,
  };
}

/** Replicas of each phase for a rate; null where no number keeps the limit of the time per output token. */
export function apartFor(server: Server, rate: number, tpotMs: number | null): Apart | null {
  const most = decodeMost(server, tpotMs);
  if (most === null) return null;
  return {
    prefillReplicas: Math.max(1, Math.ceil((rate * prefillSeconds(server)) / PREFILL_BUSY)),
    decodeReplicas: Math.max(1, Math.ceil(rate / (decodeRate(server, most) * DECODE_BUSY))),
  };
}

/** The division of so many replicas that carries the most. */
export function bestDivision(server: Server, replicas: number): Apart {
  let best: Apart = { prefillReplicas: 1, decodeReplicas: Math.max(1, replicas - 1) };
  for (let prefillReplicas = 1; prefillReplicas < replicas; prefillReplicas++) {
    const apart = { prefillReplicas, decodeReplicas: replicas - prefillReplicas };
    if (apartMost(server, apart, server.most) > apartMost(server, best, server.most)) best = apart;
  }
  return best;
}

/** A number of requests in flight on one decode replica each, and the prefill replicas that feed them. */
export function apartClosed(
  server: Server,
  users: number,
  fixed: number | null,
): { readonly apart: Apart; readonly rate: number } {
  const decodeReplicas = Math.max(1, Math.ceil(users / server.most));
  let rate = decodeReplicas * decodeRate(server, Math.min(server.most, users / decodeReplicas));
  const apart =
    fixed === null
      ? {
          prefillReplicas: Math.max(1, Math.ceil((rate * prefillSeconds(server)) / PREFILL_BUSY)),
          decodeReplicas,
        }
      : bestDivision(server, fixed);
  // Little: users are in prefill, on the way, or in decode.
  const capacity = apartMost(server, apart, server.most) * 0.95;
  for (let i = 0; i < 8; i++) {
    const served = servedApart(server, apart, Math.min(rate, capacity));
    if (served === null) break;
    rate = Math.min(capacity, (1000 * users) / served.e2eMs);
  }
  return { apart, rate: Math.min(rate, capacity) };
}
