/**
 * From one replica's times to what users see at a load: requests in flight, waits, tails.
 *
 *   throughput       X(b) = b / E2E(b), E2E(b) = TTFT(b) + (output − 1)·TPOT(b) of a closed loop of b requests
 *   at a rate λ      b with X(b) = λ (Little); saturated where X(most) ≤ λ
 *   wait, prefill    M/G/1 of the time that a prompt adds to the steps (Pollaczek and Khinchine)
 *   wait, place      M/M/c of the places in the batch (Erlang C), where all of them may be taken
 *   tails            TTFT: the prompt at the percentile and the wait's exponential tail; TPOT: the batch at the
 *                    percentile of a Poisson number in flight
 *
 * Left out: bursts beyond Poisson, priorities, preemption: the simulator's (simulate.ts), which replaces these figures.
 */
import { crossing } from './crossing.ts';
import { log } from '../core/math.ts';
import { erlangC, meanWaitMG1, type ErlangC } from '../core/metrics/queueing.ts';
import { normalQuantile } from '../core/special.ts';
import type { Speed, SteadyLoad } from './speed/index.ts';

/** One replica under a load; the closed forms read nothing else. */
export interface Server {
  readonly speed: Speed;
  readonly load: SteadyLoad;
  /** Tokens of the prompt at the percentile. */
  readonly tailPrompt: number;
  /** Standard deviation over mean of a request's tokens. */
  readonly spread: number;
  /** Most requests in flight: sequences of a step, or of the memory. */
  readonly most: number;
  /** 0.5 to 0.999. */
  readonly percentile: number;
  /** Requests a second with `most` in flight. */
  readonly top: number;
}

export interface Served {
  readonly batch: number;
  readonly ttftMs: number;
  readonly tpotMs: number;
  readonly e2eMs: number;
  readonly ttftTailMs: number;
  readonly tpotTailMs: number;
  /** Of this replica. */
  readonly requestsPerSecond: number;
  readonly maxRequestsPerSecond: number;
}

export function e2eMs({ speed, load }: Pick<Server, 'speed' | 'load'>, batch: number): number {
  const rest = Math.max(0, load.outputTokens - 1);
  return speed.steadyTtftMs(batch, load) + rest * speed.steadyTpotMs(batch, load);
}

/** Requests a second of a closed loop of `batch`. */
export function throughput(server: Pick<Server, 'speed' | 'load'>, batch: number): number {
  return (1000 * batch) / e2eMs(server, batch);
}

/** Requests in flight at a rate, 1 at the least; null where the replica can't keep up. */
export function inFlightAt(server: Server, rate: number): number | null {
  // Little's law: b requests are in flight at the rate b / E2E(b).
  const spare = (batch: number): number => batch - (rate * e2eMs(server, batch)) / 1000;
  const alone = spare(1);
  if (alone >= 0) return 1;
  const full = spare(server.most);
  if (full <= 0) return null;
  return crossing(spare, 1, server.most, alone, full);
}

/** Tails of a closed loop of `batch` requests that all have a place. */
export function tails(
  { speed, load, tailPrompt }: Server,
  batch: number,
): Pick<Served, 'ttftTailMs' | 'tpotTailMs'> {
  const long = { ...load, promptTokens: Math.max(load.promptTokens, tailPrompt) };
  return { ttftTailMs: speed.steadyTtftMs(batch, long), tpotTailMs: speed.steadyTpotMs(batch, load) };
}

/** A number of requests in flight all the time; those beyond the batch wait for a place. */
export function closed(server: Server, users: number): Served {
  const { speed, load, most } = server;
  const batch = Math.min(users, most);
  const [ttft, tpot] = [speed.steadyTtftMs(batch, load), speed.steadyTpotMs(batch, load)];
  const service = ttft + Math.max(0, load.outputTokens - 1) * tpot;
  const rate = (1000 * batch) / service;
  // Little: all users are somewhere, and those that are not served wait.
  const wait = ((users - batch) / rate) * 1000;
  const tail = speed.steadyTtftMs(batch, { ...load, promptTokens: server.tailPrompt });
  return {
    batch,
    ttftMs: wait + ttft,
    tpotMs: tpot,
    e2eMs: wait + service,
    ttftTailMs: wait + Math.max(ttft, tail),
    tpotTailMs: tpot,
    requestsPerSecond: rate,
    maxRequestsPerSecond: server.top,
  };
}

/** Time until a wait is over for a share `percentile`, its tail being exponential. */
function waitTail(mean: number, busy: number, percentile: number): number {
  if (!(mean > 0) || busy <= 1 - percentile) return 0;
  return (mean / busy) * log(busy / (1 - percentile));
}

/** Free places by the square root rule, beyond which nobody waits: P(wait) is below 1e-4 there. */
const AMPLE = 16;

/** Who waits for a place in the batch: M/M/c. */
function placesOf(load: number, rate: number, top: number, servers: number): ErlangC {
  if ((1 - load) * (1 - load) * servers > AMPLE) return { waits: 0, meanWait: 0 };
  return erlangC(rate, top / servers, servers);
}

/** Poisson arrivals at `rate` a second; null where the replica can't keep up. */
export function open(server: Server, rate: number): Served | null {
  const { speed, load, most, percentile, spread } = server;
  const batch = inFlightAt(server, rate);
  if (batch === null) return null;
  const context = load.promptTokens + load.outputTokens / 2;
  const prefill = speed.promptCostMs(Math.max(0, batch - 1), context, load) / 1000;
  const busy = rate * prefill;
  const queue = meanWaitMG1(rate, prefill, spread * spread);
  if (!Number.isFinite(queue)) return null;
  const [ttft, tpot] = [speed.steadyTtftMs(batch, load), speed.steadyTpotMs(batch, load)];
  const service = (ttft + Math.max(0, load.outputTokens - 1) * tpot) / 1000;
  const servers = Math.max(1, Math.floor(most));
  const { top } = server;
  const places = placesOf(rate / top, rate, top, servers);
  const wait = 1000 * (queue + places.meanWait);
  const likely = Math.min(most, batch + normalQuantile(percentile) * Math.sqrt(batch));
  const tail = speed.steadyTtftMs(batch, { ...load, promptTokens: server.tailPrompt });
  const waited =
    1000 * (waitTail(queue, busy, percentile) + waitTail(places.meanWait, places.waits, percentile));
  return {
    batch,
    ttftMs: ttft + wait,
    tpotMs: tpot,
    e2eMs: service * 1000 + wait,
    ttftTailMs: Math.max(ttft, tail) + Math.max(wait, waited),
    tpotTailMs: speed.steadyTpotMs(Math.max(1, likely), load),
    requestsPerSecond: rate,
    maxRequestsPerSecond: top,
  };
}
