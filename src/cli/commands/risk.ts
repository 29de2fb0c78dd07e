/** `kvlab risk`: will the scenario fit in memory? Needs no GPU: what is free is a check's word, or assumed. */
import { totalmem } from 'node:os';
import { deviceOfCheck, reduceForSoftware, type CheckRun, type Scenario } from '../../index.ts';
import { assessRisk, availableMemory, type MemoryFacts } from '../../lab/index.ts';
import { InputError } from '../errors.ts';
import { readCheck } from '../inputs.ts';
import { loadScenario } from '../scenario.ts';
import type { CommandContext, Outcome } from './command.ts';

/** The largest limit that Dawn hands out for a buffer and a binding; an adapter's own may be smaller. */
const LARGEST_BUFFER_BYTES = 4 * 1024 ** 3 - 4;

export function risk({ invocation, terminal, write }: CommandContext): Outcome {
  const scenario = loadScenario(invocation.scenario ?? '', invocation.set);
  const check = invocation.check === null ? null : readCheck(invocation.check);
  const facts = factsOf(check);
  const asRun = facts.isFallback ? reduced(scenario, terminal.say) : scenario;
  const answer = assessRisk(asRun, availableMemory(facts));
  const json = `${JSON.stringify(answer)}\n`;
  write?.('risk.json', json);
  terminal.answer(invocation.json ? json : `${answer.risk} memory risk. ${answer.advice}\n`);
  // A high risk is an answer too; only what acts on it (measure) stops there.
  return 'done';
}

function factsOf(check: CheckRun | null): MemoryFacts {
  if (check === null) {
    return {
      isFallback: false,
      maxBufferBytes: LARGEST_BUFFER_BYTES,
      hostMemoryBytes: totalmem(),
      measuredBytes: null,
    };
  }
  const { limits, adapter, hostMemoryBytes } = check.environment;
  const largest = [limits['maxBufferSize'], limits['maxStorageBufferBindingSize']];
  return {
    isFallback: adapter.isFallback,
    maxBufferBytes: Math.min(...largest.map((limit) => limit ?? LARGEST_BUFFER_BYTES)),
    hostMemoryBytes,
    measuredBytes: deviceOfCheck(check)?.memoryBytes.value ?? null,
  };
}

function reduced(scenario: Scenario, say: (text: string) => void): Scenario {
  const smaller = reduceForSoftware(scenario);
  if (!smaller.ok) throw new InputError(smaller.sentence);
  for (const note of smaller.notes) say(note);
  return smaller.scenario;
}
