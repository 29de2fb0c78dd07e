/**
 * Waiting times that queueing theory knows: what the simulator is checked against, and first guesses of a plan.
 *
 * Rates are per second and times in seconds. A queue that is offered more than it can serve has no mean wait: the answer
 * is Infinity, never a negative number.
 *
 * Left out: networks of queues, priorities and finite buffers.
 */

/**
 * Mean time to first token of one prefill server with Poisson arrivals and a constant prefill time (M/D/1): wait and
 * service. Source: DistServe, arXiv:2401.09670, equation 1.
 */
export function ttftMD1(rate: number, serviceSeconds: number): number {
  return serviceSeconds + meanWaitMG1(rate, serviceSeconds, 0);
}

/**
 * The same with two GPUs: as a pipeline of two stages (inter-operator), or sharing each layer (intra-operator) with the
 * prefill `speedup` times as fast. Source: DistServe, equations 2 and 3.
 */
export function ttftParallel(
  rate: number,
  serviceSeconds: number,
  speedup: number,
): { readonly interOp: number; readonly intraOp: number } {
  const stage = serviceSeconds / 2;
  return {
    interOp: serviceSeconds + meanWaitMG1(rate, stage, 0),
    intraOp: ttftMD1(rate, serviceSeconds / speedup),
  };
}

/**
 * Mean wait in an M/G/1 queue (Pollaczek and Khinchine).
 * @param squaredVariation variance of the service time over its squared mean: 0 constant, 1 exponential
 */
export function meanWaitMG1(rate: number, serviceSeconds: number, squaredVariation: number): number {
  const load = rate * serviceSeconds;
  if (load >= 1) return Infinity;
  return (load * serviceSeconds * (1 + squaredVariation)) / (2 * (1 - load));
}

/**
 * Kingman's approximation of the mean wait in a G/G/1 queue; exact for M/G/1.
 * @param arrivalScv squared variation of the gaps between arrivals
 * @param serviceScv squared variation of the service times
 */
export function meanWaitKingman(
  load: number,
  serviceSeconds: number,
  arrivalScv: number,
  serviceScv: number,
): number {
  if (load >= 1) return Infinity;
  return (load / (1 - load)) * ((arrivalScv + serviceScv) / 2) * serviceSeconds;
}

export interface ErlangC {
  /** Probability that an arrival finds all servers busy. */
  readonly waits: number;
  /** Mean wait over all arrivals, seconds. */
  readonly meanWait: number;
}

/**
 * M/M/c: Erlang's C formula, through the recursion of his B formula, which stays within doubles for any c.
 * @param serviceRate of one server, per second
 */
export function erlangC(rate: number, serviceRate: number, servers: number): ErlangC {
  const offered = rate / serviceRate;
  if (offered >= servers) return { waits: 1, meanWait: Infinity };
  let blocked = 1;
  for (let c = 1; c <= servers; c++) blocked = (offered * blocked) / (c + offered * blocked);
  const waits = blocked / (1 - (offered / servers) * (1 - blocked));
  return { waits, meanWait: waits / (servers * serviceRate - rate) };
}
