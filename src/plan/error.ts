/** What of a plan can't be understood: one sentence with the wrong value and the nearest that works. */
export class PlanError extends Error {
  readonly code = 'bad-plan';
}
