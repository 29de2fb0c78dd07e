/** Starts the planner's worker on the first question and hands out its facade. A worker that breaks says so once. */
import type { Outcome } from './api.ts';
import type { PlanWorkerApi } from './plan-api.ts';
import { connectionTo, type Connection } from './connection.ts';

export function createPlanClient(): PlanWorkerApi {
  let connection: Connection<PlanWorkerApi> | null = null;
  const ask = <T>(question: (remote: PlanWorkerApi) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const { remote, gone } = (connection ??= connect(() => (connection = null)));
    return Promise.race([question(remote), gone]);
  };
  return {
    catalogue: () => ask((remote) => remote.catalogue()),
    fleet: (scenario, aids) => ask((remote) => remote.fleet(scenario, aids)),
    compare: (a, b, aids) => ask((remote) => remote.compare(a, b, aids)),
    readConfig: (text, name, asLlama) => ask((remote) => remote.readConfig(text, name, asLlama)),
    fetchConfig: (repository, asLlama) => ask((remote) => remote.fetchConfig(repository, asLlama)),
    gpuOfCheck: (json) => ask((remote) => remote.gpuOfCheck(json)),
    readPlan: (text) => ask((remote) => remote.readPlan(text)),
    recalibrate: (wish, name) => ask((remote) => remote.recalibrate(wish, name)),
    readTrace: (file) => ask((remote) => remote.readTrace(file)),
    measured: (wish) => ask((remote) => remote.measured(wish)),
    file: (run, kind) => ask((remote) => remote.file(run, kind)),
    settings: (wish) => ask((remote) => remote.settings(wish)),
    plan: (scenario, aids, depth) => ask((remote) => remote.plan(scenario, aids, depth)),
  };
}

function connect(onGone: () => void): Connection<PlanWorkerApi> {
  const worker = new Worker(new URL('./plan.worker.ts', import.meta.url), {
    type: 'module',
    name: 'kvlab-plan',
  });
  return connectionTo<PlanWorkerApi>(worker, 'The planner’s worker', onGone);
}
