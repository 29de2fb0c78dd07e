/**
 * What a pool and a prefix cache refuse, by name. Each error carries its numbers in `data` and ends with a remedy, so
 * that a page can show the sentence and a program can act on the fields. Wrong arguments are RangeErrors, as elsewhere.
 */

export abstract class KVError<Data extends object = object> extends Error {
  abstract readonly code: string;
  readonly data: Data;
  constructor(message: string, data: Data) {
    super(message);
    this.data = data;
  }
}

export interface KVShortage {
  readonly tier: string;
  readonly unit: 'tokens' | 'bytes';
  readonly needed: number;
  readonly free: number;
  /** What eviction could give back beside it. */
  readonly reclaimable: number;
  readonly capacity: number;
}

/** The budget does not reach, and nothing was changed. */
export class KVPoolFullError extends KVError<KVShortage> {
  override readonly name: string = 'KVPoolFullError';
  readonly code: 'pool-full' | 'no-victim' = 'pool-full';
  constructor(shortage: KVShortage) {
    const { tier, unit, needed, free, capacity } = shortage;
    const over = needed > capacity;
    super(
      over
        ? `${needed} ${unit} were asked of ${tier}, whose whole budget is ${capacity}; ask for less, or raise the budget.`
        : `${needed} ${unit} were asked of ${tier}, where ${free} of ${capacity} are free; free or migrate a handle first, or raise the budget.`,
      shortage,
    );
  }
}

/** The pool is full, and too little of it may be evicted: the rest is referenced or pinned. */
export class KVNoVictimError extends KVPoolFullError {
  override readonly name: string = 'KVNoVictimError';
  override readonly code = 'no-victim';
  constructor(shortage: KVShortage) {
    super(shortage);
    const { tier, unit, needed, free, reclaimable } = shortage;
    this.message = `${needed} ${unit} were asked of ${tier}, where ${free} are free and ${reclaimable} can be evicted; everything else is referenced or pinned: release or unpin a handle, or migrate one.`;
  }
}

export class KVTierError extends KVError<{ readonly tier: string; readonly tiers: readonly string[] }> {
  override readonly name: string = 'KVTierError';
  readonly code = 'unknown-tier';
  constructor(tier: string, tiers: readonly string[]) {
    super(`This pool has no tier “${tier}”; it has ${tiers.join(', ')}.`, { tier, tiers });
  }
}

export class KVUnknownHandleError extends KVError<{
  readonly handle: number;
  readonly state: 'foreign' | 'freed' | 'evicted';
}> {
  override readonly name: string = 'KVUnknownHandleError';
  readonly code = 'unknown-handle';
  constructor(handle: number, state: 'foreign' | 'freed' | 'evicted') {
    const reasons = {
      foreign: 'is not of this pool; use the pool that allocated it',
      freed: 'was freed; allocate a new one',
      evicted: 'was evicted after its last release; allocate and compute it again',
    };
    super(`Handle ${handle} ${reasons[state]}.`, { handle, state });
  }
}

export class KVDoubleFreeError extends KVError<{ readonly handle: number }> {
  override readonly name: string = 'KVDoubleFreeError';
  readonly code = 'double-free';
  constructor(handle: number) {
    super(`Handle ${handle} was freed before; free each handle once.`, { handle });
  }
}

export class KVPinnedError extends KVError<{
  readonly handle: number;
  readonly pins: number;
  readonly action: string;
}> {
  override readonly name: string = 'KVPinnedError';
  readonly code = 'pinned';
  constructor(handle: number, pins: number, action: string) {
    super(`Handle ${handle} is pinned (${pins}) and cannot be ${action}; unpin it first.`, {
      handle,
      pins,
      action,
    });
  }
}

export class KVReferencedError extends KVError<{ readonly subject: string; readonly references: number }> {
  override readonly name: string = 'KVReferencedError';
  readonly code = 'referenced';
  constructor(subject: string, references: number) {
    super(`${subject} has ${references} references and cannot be given up; release them first.`, {
      subject,
      references,
    });
  }
}

export class KVReferenceUnderflowError extends KVError<{
  readonly subject: string;
  readonly count: 'references' | 'pins';
}> {
  override readonly name: string = 'KVReferenceUnderflowError';
  readonly code = 'reference-underflow';
  constructor(subject: string, count: 'references' | 'pins') {
    const verb = count === 'pins' ? 'unpinned' : 'released';
    const pair = count === 'pins' ? 'pin and unpin' : 'retain and release';
    super(`${subject} has no ${count} left and cannot be ${verb}; ${pair} go in pairs.`, { subject, count });
  }
}

/** A prefix cache was asked to hold or give up a block that it does not have. */
export class KVNotCachedError extends KVError<{ readonly hash: string }> {
  override readonly name: string = 'KVNotCachedError';
  readonly code = 'not-cached';
  constructor(hash: string) {
    super(`Block ${hash} is not in the cache; look it up first and compute what is missing.`, { hash });
  }
}
