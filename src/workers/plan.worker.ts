/** The planner as a worker; see plan-api.ts. */
import { expose } from 'comlink';
import { createPlanService } from './plan-service.ts';

expose(
  createPlanService({
    date: () => new Date().toISOString(),
    newId: () => crypto.randomUUID(),
    fetch: (...asked) => fetch(...asked),
  }),
);
