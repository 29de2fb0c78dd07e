/** Observers in front of others. */
import type { SimObserver } from './types.ts';

/**
 * An observer that passes everything on to another one, but for what `instead` says itself. Written out, because the
 * methods of a class are not among an object's own entries.
 */
export function forwardTo(observer: SimObserver, instead: SimObserver): SimObserver {
  return {
    arrived: (...told) => observer.arrived?.(...told),
    rejected: (...told) => observer.rejected?.(...told),
    started: (...told) => observer.started?.(...told),
    preempted: (...told) => observer.preempted?.(...told),
    prefilled: (...told) => observer.prefilled?.(...told),
    finished: (...told) => observer.finished?.(...told),
    moved: (...told) => observer.moved?.(...told),
    loaded: (...told) => observer.loaded?.(...told),
    stored: (...told) => observer.stored?.(...told),
    began: (...told) => observer.began?.(...told),
    step: (...told) => observer.step?.(...told),
    ...instead,
  };
}
