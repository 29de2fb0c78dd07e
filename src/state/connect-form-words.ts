/** What the settings of a load are called and mean, one definition each; those of the workload are the simulator's. */
import type { Words } from './form.ts';
import { SIM_WORDS } from './sim-words.ts';

export const LOAD_WORDS: Words = {
  ...SIM_WORDS,
  title: ['Title', 'Names the load, its figures and its files.'],
  about: ['About', 'What the load is for, in a sentence or two.'],
  seed: ['Seed', 'Draws lengths, arrivals and texts: the same seed sends the same requests.'],
  api: ['API', 'Completions take a text as it is; chat goes through the model’s template.'],
  'workload.requests': [
    'Requests',
    'Of one repetition of one point; with a trace its first ones, 0: all of it.',
  ],
  'workload.highPriorityShare': ['High priority', 'For the prediction alone: servers are not told.'],
  'prompts.as': ['Prompts as', 'Text, or token ids, which only completions take.'],
  'prompts.vocabulary': ['Vocabulary', 'Ids are drawn below it; empty: what the server tells.'],
  'prompts.blockTokens': [
    'Shared pieces, tokens',
    'In which prompts share text: the server’s block size, or a part of it.',
  ],
  'sampling.temperature': ['Temperature', '0 takes the likeliest token.'],
  'sampling.ignoreEos': [
    'Past the end',
    'Asks the server to go on past the end token, so that outputs are as long as drawn.',
  ],
  'client.timeoutSeconds': ['Timeout, s', 'Of one request, from its sending to its last token.'],
  'client.retries': [
    'Retries',
    'Times that a request is sent again after a fault that may pass; its latency goes on counting.',
  ],
  'client.retrySeconds': ['Retry after, s', 'Pause before it is sent again.'],
  'client.maxInFlight': ['In flight at most', 'More wait at the client, which counts as its lateness.'],
  'client.reuseConnections': ['Reuse connections', 'On the command line; a browser decides by itself.'],
  resetCache: ['Empty the cache first', 'Before each repetition, where the server has a way.'],
  telemetrySeconds: ['Look every, s', 'At the server’s own metrics while the load is on; 0: never.'],
  'server.maxSequences': ['Largest batch', 'Of the server, for the prediction; empty: what it tells.'],
  'server.kvTokens': ['KV tokens', 'That its cache holds, for the prediction; empty: what it tells.'],
  'server.tokenBudget': ['Token budget', 'Of one of its steps, for the prediction.'],
  'server.prefixCache': ['Prefix cache', 'Whether it keeps one, for the prediction.'],
  'objectives.ttftMs': ['TTFT, ms', 'Objective; empty: none.'],
  'objectives.tpotMs': ['TPOT, ms', 'Objective; empty: none.'],
  'objectives.e2eMs': ['E2E, ms', 'Objective; empty: none.'],
  'measurement.repeats': ['Repetitions', 'Kept ones, each with a seed of its own.'],
  'measurement.calibrationRepeats': [
    'Calibration',
    'Repetitions with other seeds that the prediction is fitted on; 0: no prediction.',
  ],
  'measurement.warmupRequests': ['Warm-up', 'Requests before all others, dropped.'],
};
