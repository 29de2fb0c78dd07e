/**
 * Cache memory as engines had it before paging: each sequence reserves one contiguous run of slots for the longest it may
 * become. The counterpart of BlockPool in the paged-against-contiguous experiment.
 *
 * Allocation order: the lowest run that is long enough (first fit); neighbouring free runs are merged.
 */
import { usageOf, type KvUsage } from './usage.ts';

declare const reservationId: unique symbol;
export type ReservationId = number & { readonly [reservationId]: true };

/** A refusal: `free` slots are left in all, `largest` in one run; free ≥ needed > largest is external fragmentation. */
export interface NoRun {
  readonly kind: 'full';
  readonly needed: number;
  readonly free: number;
  readonly largest: number;
}

export type Reserved =
  { readonly kind: 'ok'; readonly id: ReservationId; readonly firstSlot: number } | NoRun;

/** More tokens than were reserved. */
export interface PastReservation {
  readonly kind: 'past-reservation';
  readonly reserved: number;
  readonly needed: number;
}

interface Run {
  readonly start: number;
  readonly slots: number;
}

interface Reservation extends Run {
  tokens: number;
}

export class ContiguousReservation {
  readonly capacitySlots: number;
  /** Sorted by start; no two touch. */
  #free: Run[];
  #reservations = new Map<ReservationId, Reservation>();
  #nextId = 0;

  constructor(capacitySlots: number) {
    this.capacitySlots = capacitySlots;
    this.#free = capacitySlots > 0 ? [{ start: 0, slots: capacitySlots }] : [];
  }

  get freeSlots(): number {
    return this.#free.reduce((sum, run) => sum + run.slots, 0);
  }

  get largestFreeRun(): number {
    return this.#free.reduce((most, run) => Math.max(most, run.slots), 0);
  }

  canReserve(slots: number): boolean {
    return slots <= this.largestFreeRun;
  }

  /** @throws RangeError unless at least one slot is asked for. */
  reserve(slots: number): Reserved {
    if (!Number.isInteger(slots) || slots < 1)
      throw new RangeError(`${slots} slots cannot be reserved; at least 1 can.`);
    const at = this.#free.findIndex((run) => run.slots >= slots);
    const run = this.#free[at];
    if (!run) return { kind: 'full', needed: slots, free: this.freeSlots, largest: this.largestFreeRun };
    const rest = run.slots > slots ? [{ start: run.start + slots, slots: run.slots - slots }] : [];
    this.#free.splice(at, 1, ...rest);
    const id = this.#nextId++ as ReservationId;
    this.#reservations.set(id, { start: run.start, slots, tokens: 0 });
    return { kind: 'ok', id, firstSlot: run.start };
  }

  /** Slots for `count` more tokens of a sequence. */
  append(
    id: ReservationId,
    count: number,
  ): { readonly kind: 'ok'; readonly slots: number[] } | PastReservation {
    const reservation = this.#get(id);
    const needed = reservation.tokens + count;
    if (needed > reservation.slots) return { kind: 'past-reservation', reserved: reservation.slots, needed };
    const slots = Array.from({ length: count }, (_, i) => reservation.start + reservation.tokens + i);
    reservation.tokens = needed;
    return { kind: 'ok', slots };
  }

  free(id: ReservationId): void {
    const { start, slots } = this.#get(id);
    this.#reservations.delete(id);
    const before = this.#free.find((run) => run.start + run.slots === start);
    const after = this.#free.find((run) => run.start === start + slots);
    const merged = {
      start: before?.start ?? start,
      slots: (before?.slots ?? 0) + slots + (after?.slots ?? 0),
    };
    this.#free = [...this.#free.filter((run) => run !== before && run !== after), merged].sort(
      (a, b) => a.start - b.start,
    );
  }

  usage(bytesPerToken: number): KvUsage {
    let [tokens, reserved] = [0, 0];
    for (const reservation of this.#reservations.values()) {
      tokens += reservation.tokens;
      reserved += reservation.slots;
    }
    return usageOf(tokens * bytesPerToken, reserved * bytesPerToken, this.capacitySlots * bytesPerToken);
  }

  /** Every slot is free xor reserved, and no two free runs touch. @throws Error that says what does not hold. */
  check(): void {
    const runs = [...this.#free, ...this.#reservations.values()].sort((a, b) => a.start - b.start);
    let end = 0;
    for (const run of runs) {
      if (run.start !== end)
        throw new Error(`A run begins at slot ${run.start}; the one before ends at ${end}.`);
      end += run.slots;
    }
    if (end !== this.capacitySlots) throw new Error(`Runs cover ${end} of ${this.capacitySlots} slots.`);
    const touching = this.#free.find((run, i) => this.#free[i + 1]?.start === run.start + run.slots);
    if (touching) throw new Error(`Two free runs meet at slot ${touching.start + touching.slots}.`);
  }

  #get(id: ReservationId): Reservation {
    const reservation = this.#reservations.get(id);
    if (!reservation) throw new Error(`Reservation ${id} does not exist or was freed.`);
    return reservation;
  }
}
