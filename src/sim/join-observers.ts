/** Several listeners as one: each is told everything, in order. */
import type { SimObserver } from './types.ts';

export function joinObservers(first: SimObserver, second: SimObserver | undefined): SimObserver {
  if (second === undefined) return first;
  return {
    listenTo: (replica, numBlocks) => {
      const [a, b] = [first.listenTo?.(replica, numBlocks), second.listenTo?.(replica, numBlocks)];
      if (a === undefined || b === undefined) return a ?? b;
      return (kind, block, request, id) => {
        a(kind, block, request, id);
        b(kind, block, request, id);
      };
    },
    arrived: (request, nowMs, replica) => {
      first.arrived?.(request, nowMs, replica);
      second.arrived?.(request, nowMs, replica);
    },
    rejected: (request, nowMs, replica) => {
      first.rejected?.(request, nowMs, replica);
      second.rejected?.(request, nowMs, replica);
    },
    started: (request, nowMs, replica, cachedTokens) => {
      first.started?.(request, nowMs, replica, cachedTokens);
      second.started?.(request, nowMs, replica, cachedTokens);
    },
    preempted: (request, nowMs, replica, lostTokens) => {
      first.preempted?.(request, nowMs, replica, lostTokens);
      second.preempted?.(request, nowMs, replica, lostTokens);
    },
    prefilled: (request, nowMs, replica) => {
      first.prefilled?.(request, nowMs, replica);
      second.prefilled?.(request, nowMs, replica);
    },
    finished: (request, nowMs, replica) => {
      first.finished?.(request, nowMs, replica);
      second.finished?.(request, nowMs, replica);
    },
    moved: (replica, outBytes, inBytes) => {
      first.moved?.(replica, outBytes, inBytes);
      second.moved?.(replica, outBytes, inBytes);
    },
    loaded: (replica, block, request, tier) => {
      first.loaded?.(replica, block, request, tier);
      second.loaded?.(replica, block, request, tier);
    },
    stored: (replica, tier, id, came) => {
      first.stored?.(replica, tier, id, came);
      second.stored?.(replica, tier, id, came);
    },
    began: (replica, startMs, plan, state) => {
      first.began?.(replica, startMs, plan, state);
      second.began?.(replica, startMs, plan, state);
    },
    step: (replica, startMs, endMs, plan, outcome, state) => {
      first.step?.(replica, startMs, endMs, plan, outcome, state);
      second.step?.(replica, startMs, endMs, plan, outcome, state);
    },
  };
}
