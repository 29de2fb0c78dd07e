/** Reads the arguments: which command, on what, with which flags. Knows no file and no scenario. */
import { InputError } from './errors.ts';

export const COMMANDS = [
  'check',
  'measure',
  'attention',
  'risk',
  'simulate',
  'replay',
  'cache',
  'accesses',
  'generate',
  'quality',
  'serve-bench',
  'plan',
  'compare',
  'gpus',
  'models',
  'tune',
  'apply',
  'profiles',
  'validate',
  'load',
  'scrape',
  'watch',
  'autopilot',
  'act',
  'report',
  'advise',
  'import',
  'export',
] as const;
export type CommandName = (typeof COMMANDS)[number];

interface FlagKind {
  readonly takes: 'nothing' | 'a value' | 'values';
  readonly commands: readonly CommandName[];
  /** For the usage text. */
  readonly shows: string;
  readonly about: string;
}

/** Commands that make plans. */
const PLANS = ['plan', 'compare'] as const;
/** Commands that ask about a load. */
const SIZED = ['plan', 'compare', 'models'] as const;
const GPU_COMMANDS = ['check', 'measure', 'attention', 'generate', 'quality', 'serve-bench', 'tune'] as const;

const FLAGS = {
  json: {
    takes: 'nothing',
    commands: COMMANDS,
    shows: '--json',
    about: 'one JSON document on standard output',
  },
  out: {
    takes: 'a value',
    commands: COMMANDS,
    shows: '--out DIR',
    about: 'write the result as files into DIR; a plan as FILE.json, .yaml, .md or .html',
  },
  set: {
    takes: 'values',
    commands: [
      'measure',
      'risk',
      'simulate',
      'accesses',
      'quality',
      'serve-bench',
      'plan',
      'compare',
      'tune',
      'load',
      'autopilot',
      'act',
    ],
    shows: '--set PATH=VALUE',
    about: 'change the scenario, such as workload.concurrency=8; may be repeated',
  },
  shape: {
    takes: 'a value',
    commands: ['attention'],
    shows: '--shape JSON',
    about: 'batch, queryHeads, kvHeads, headDim, context, blockSize, kvFormat and, to force a tier, variant',
  },
  seed: {
    takes: 'a value',
    commands: ['simulate', 'accesses', 'generate', 'quality', 'serve-bench', 'tune', 'load', 'autopilot'],
    shows: '--seed N',
    about: 'the seed of everything random',
  },
  profile: {
    takes: 'a value',
    commands: ['simulate', 'replay', 'accesses', 'tune'],
    shows: '--profile DIR',
    about: 'measured layer times that say how long a step takes; of tune the NAME of a profile of work',
  },
  workload: {
    takes: 'a value',
    commands: ['replay'],
    shows: '--workload FILE',
    about: 'the requests that the recorded engine was given',
  },
  env: { takes: 'nothing', commands: ['check'], shows: '--env', about: 'only say what the GPU is' },
  check: {
    takes: 'a value',
    commands: ['risk', 'simulate', 'profiles'],
    shows: '--check FILE',
    about: 'the run.json of a hardware check, whose measurements count',
  },
  force: {
    takes: 'nothing',
    commands: ['measure', 'risk'],
    shows: '--force',
    about: 'go on although the memory risk is high',
  },
  'low-power': {
    takes: 'nothing',
    commands: GPU_COMMANDS,
    shows: '--low-power',
    about: 'ask for the low-power adapter',
  },
  native: {
    takes: 'nothing',
    commands: GPU_COMMANDS,
    shows: '--native',
    about: 'use the Dawn binding that the variable DAWN names, not a browser',
  },
  trace: {
    takes: 'a value',
    commands: ['simulate', 'cache', 'accesses', 'load', ...PLANS],
    shows: '--trace FILE',
    about: 'a recorded trace: requests with block ids, or with --bytes lines of time,id,size',
  },
  policy: {
    takes: 'a value',
    commands: ['cache', 'autopilot'],
    shows: '--policy NAME',
    about:
      'which cached block goes first, lru unless named; of an autopilot a YAML or JSON file, or a policy by name',
  },
  blocks: {
    takes: 'a value',
    commands: ['cache'],
    shows: '--blocks N',
    about: 'blocks that the cache holds',
  },
  bytes: {
    takes: 'a value',
    commands: ['cache'],
    shows: '--bytes N',
    about: 'bytes that the cache holds, for a trace of objects with sizes',
  },
  demo: {
    takes: 'a value',
    commands: ['accesses'],
    shows: '--demo N',
    about: 'N made-up accesses in place of a run or a log',
  },
  type: {
    takes: 'a value',
    commands: ['accesses'],
    shows: '--type KIND',
    about: 'heatmap, reuse, missratio or all; all unless named',
  },
  summary: {
    takes: 'nothing',
    commands: ['accesses'],
    shows: '--summary',
    about: 'answer with the summary alone',
  },
  model: {
    takes: 'a value',
    commands: ['generate', 'quality', 'serve-bench', 'plan', 'compare', 'tune', 'profiles', 'load'],
    shows: '--model PATH',
    about:
      'a folder with config.json and safetensors, a .gguf file, or a llama2.c .bin; for a plan a name or a config.json',
  },
  as: {
    takes: 'a value',
    commands: ['plan', 'compare'],
    shows: '--as llama',
    about: 'read a config.json whose model_type is not known as a model of Llama’s shape',
  },
  'prompt-ids': {
    takes: 'a value',
    commands: ['generate'],
    shows: '--prompt-ids 1,403',
    about: 'the prompt as token ids',
  },
  prompt: {
    takes: 'a value',
    commands: ['generate'],
    shows: '--prompt TEXT',
    about: 'the prompt as text; the model needs a tokenizer',
  },
  tokens: {
    takes: 'a value',
    commands: ['generate'],
    shows: '--tokens N',
    about: 'most new tokens; 64 unless given',
  },
  kv: {
    takes: 'a value',
    commands: ['generate', 'plan', 'compare'],
    shows: '--kv FORMAT',
    about:
      'how K and V are stored: f32, f16, fp8_e4m3, fp8_e5m2, int8, int4 or int2; in a plan bf16 (fp16), fp8, int8, int4 or int2',
  },
  evict: {
    takes: 'a value',
    commands: ['generate'],
    shows: '--evict POLICY',
    about: 'which tokens leave the cache above --budget',
  },
  budget: {
    takes: 'a value',
    commands: ['generate'],
    shows: '--budget N',
    about: 'tokens that a sequence keeps under --evict',
  },
  weights: {
    takes: 'a value',
    commands: ['generate', 'quality', 'serve-bench', 'plan', 'compare', 'tune'],
    shows: '--weights FORMAT',
    about:
      'how the weights are kept on the GPU: f32, f16, int8 or int4; in a plan bf16 (fp16), fp8, int8, int4 or mxfp4',
  },
  temperature: {
    takes: 'a value',
    commands: ['generate'],
    shows: '--temperature T',
    about: '0, the default, takes the most probable token',
  },
  'top-p': {
    takes: 'a value',
    commands: ['generate'],
    shows: '--top-p P',
    about: 'draws among the fewest tokens whose probabilities reach P',
  },
  gpu: {
    takes: 'a value',
    commands: [...PLANS, 'models', 'tune', 'profiles'],
    shows: '--gpu NAME',
    about: 'the GPU, by id, name or alias; with models, which ones it can serve',
  },
  gpus: {
    takes: 'a value',
    commands: PLANS,
    shows: '--gpus A,B,C',
    about: 'the GPUs that can be had',
  },
  count: { takes: 'a value', commands: PLANS, shows: '--count N', about: 'GPUs of the whole deployment' },
  tp: {
    takes: 'a value',
    commands: [...PLANS, 'tune'],
    shows: '--tp N',
    about: 'GPUs that share each layer',
  },
  pp: {
    takes: 'a value',
    commands: PLANS,
    shows: '--pp N',
    about: 'stages that layers are divided into',
  },
  isl: { takes: 'a value', commands: [...SIZED, 'profiles'], shows: '--isl N', about: 'tokens of a prompt' },
  osl: {
    takes: 'a value',
    commands: [...SIZED, 'profiles'],
    shows: '--osl N',
    about: 'tokens of an output',
  },
  rps: {
    takes: 'a value',
    commands: SIZED,
    shows: '--rps X',
    about: 'requests a second',
  },
  concurrency: {
    takes: 'a value',
    commands: SIZED,
    shows: '--concurrency N',
    about: 'requests in flight all the time, in place of --rps',
  },
  goal: {
    takes: 'a value',
    commands: PLANS,
    shows: '--goal GOAL',
    about: 'cost, latency, throughput, quality, energy or balanced; what is open is searched for it',
  },
  engine: {
    takes: 'a value',
    commands: SIZED,
    shows: '--engine NAME',
    about: 'vllm, sglang, tensorrt-llm or llama.cpp',
  },
  search: {
    takes: 'nothing',
    commands: ['plan'],
    shows: '--search',
    about: 'compare every way to serve the load with what is not given',
  },
  ttft: { takes: 'a value', commands: SIZED, shows: '--ttft MS', about: 'longest time to the first token' },
  speculation: {
    takes: 'a value',
    commands: PLANS,
    shows: '--speculation NAME',
    about: 'eagle3, medusa, lookahead or draft, with assumed acceptances; engine.speculation for your own',
  },
  reasoning: {
    takes: 'a value',
    commands: PLANS,
    shows: '--reasoning NAME',
    about: 'outputs of a thinking model: deepseek-r1-math, o3-mini-chat, qwq-code or balanced, assumed',
  },
  tpot: { takes: 'a value', commands: SIZED, shows: '--tpot MS', about: 'longest time of an output token' },
  filter: {
    takes: 'a value',
    commands: ['gpus', 'models'],
    shows: '--filter WORD',
    about: 'a maker (nvidia, amd, …), a kind (laptop, datacenter, …), an architecture, or part of a name',
  },
  contexts: {
    takes: 'a value',
    commands: ['tune'],
    shows: '--contexts A,B',
    about: 'lengths of prompts, in place of the profile’s',
  },
  outputs: {
    takes: 'a value',
    commands: ['tune'],
    shows: '--outputs A,B',
    about: 'lengths of outputs, in place of the profile’s',
  },
  executor: {
    takes: 'a value',
    commands: ['tune'],
    shows: '--executor NAME',
    about: 'who measures: simulator (unless named), kernels or engine, both on this GPU',
  },
  resume: {
    takes: 'a value',
    commands: ['tune'],
    shows: '--resume FILE',
    about: 'go on from the run.json of a tuning that was stopped',
  },
  seconds: {
    takes: 'a value',
    commands: ['tune'],
    shows: '--seconds N',
    about: 'begin nothing new after so long',
  },
  print: {
    takes: 'a value',
    commands: ['apply'],
    shows: '--print TARGET',
    about: 'kvlab, transformers, transformersjs, vllm or llamacpp; kvlab unless named',
  },
  recommend: {
    takes: 'nothing',
    commands: ['profiles'],
    shows: '--recommend',
    about: 'the one profile for --isl and --osl tokens, on --gpu with --model',
  },
  tolerance: {
    takes: 'a value',
    commands: ['validate'],
    shows: '--tolerance PERCENT',
    about: 'how far a term may be off, in percent of what was measured; 20 unless given',
  },
  calibrate: {
    takes: 'a value',
    commands: ['validate'],
    shows: '--calibrate FILE',
    about: 'write what was measured as factors of the planner’s times into FILE.json, for --calibration',
  },
  calibration: {
    takes: 'a value',
    commands: ['plan', 'compare', 'validate'],
    shows: '--calibration FILE',
    about: 'apply factors that validate --calibrate wrote',
  },
  endpoint: {
    takes: 'a value',
    commands: ['load', 'tune'],
    shows: '--endpoint URL',
    about: 'the server to load, such as http://127.0.0.1:8000; its key in the variable KVLAB_ENDPOINT_KEY',
  },
  start: {
    takes: 'a value',
    commands: ['tune'],
    shows: '--start COMMAND',
    about:
      'starts the server anew for each candidate, with settings such as {maxSequences} in it; ended with it',
  },
  api: {
    takes: 'a value',
    commands: ['load'],
    shows: '--api NAME',
    about: 'completions or chat, in place of the scenario’s',
  },
  'dry-run': {
    takes: 'nothing',
    commands: ['autopilot'],
    shows: '--dry-run',
    about: 'plan, and touch nothing',
  },
  script: {
    takes: 'a value',
    commands: ['act'],
    shows: '--script FILE',
    about:
      'YAML or JSON: a list of submit, finish, quantize, evict, offload, fetch, limits, report and reset',
  },
  samples: {
    takes: 'a value',
    commands: ['watch'],
    shows: '--samples N',
    about: 'how often to look; 6 unless given',
  },
  interval: {
    takes: 'a value',
    commands: ['watch'],
    shows: '--interval S',
    about: 'seconds between two looks; 5 unless given',
  },
  price: {
    takes: 'a value',
    commands: ['watch', 'load'],
    shows: '--price USD',
    about: 'what the server costs an hour, for $ a million tokens',
  },
  format: {
    takes: 'a value',
    commands: ['report', 'export'],
    shows: '--format F',
    about:
      'of a report md or html, both with --out where none is named; of an export json (unless named), csv, svg, png, markdown, html, llm-d, prometheus, grafana, chrome-trace, vllm or transformers.js',
  },
  kvopt: {
    takes: 'nothing',
    commands: ['export'],
    shows: '--kvopt',
    about: 'the names of kv-optkit beside ours, in Prometheus text',
  },
  baseline: {
    takes: 'a value',
    commands: ['report'],
    shows: '--baseline RUN',
    about: 'the run before, which the report stands beside and rules are held against',
  },
  'fail-on': {
    takes: 'values',
    commands: ['report'],
    shows: '--fail-on RULE',
    about: 'exit status 1 where it is broken, such as "p99 ttft > 5% @ 95%" or no-go; may be repeated',
  },
  verbose: { takes: 'nothing', commands: COMMANDS, shows: '--verbose', about: 'say more on standard error' },
} as const satisfies Record<string, FlagKind>;

export type FlagName = keyof typeof FLAGS;

export interface Invocation {
  readonly command: CommandName;
  /** Preset name, file or folder; null for commands that take none. */
  readonly scenario: string | null;
  readonly json: boolean;
  readonly out: string | null;
  readonly set: readonly string[];
  readonly shape: string | null;
  readonly env: boolean;
  /** File of a hardware check. */
  readonly check: string | null;
  readonly force: boolean;
  readonly lowPower: boolean;
  readonly native: boolean;
  readonly seed: string | null;
  /** Folder of measured layer times. */
  readonly profile: string | null;
  /** File of the requests that a recorded engine was given. */
  readonly workload: string | null;
  /** File of a recorded trace. */
  readonly trace: string | null;
  readonly policy: string | null;
  /** As written: whole numbers are read where they are used. */
  readonly blocks: string | null;
  readonly bytes: string | null;
  /** Number of made-up accesses, as written. */
  readonly demo: string | null;
  readonly type: string | null;
  readonly summary: boolean;
  /** File or folder of a model. */
  readonly model: string | null;
  /** Of the prompt and of what goes on from it, each as written. */
  readonly promptIds: string | null;
  readonly prompt: string | null;
  readonly tokens: string | null;
  readonly kv: string | null;
  readonly evict: string | null;
  readonly budget: string | null;
  readonly weights: string | null;
  readonly temperature: string | null;
  readonly topP: string | null;
  readonly verbose: boolean;
  /** Rules that a report is held to, as written. */
  readonly failOn: readonly string[];
  /** What was written after a flag, the last time; null where it was not given. */
  readonly given: (flag: FlagName) => string | null;
  /** What the command works on beside the first, such as the other of two plans. */
  readonly words: readonly string[];
}

/** `--json` is honoured even where the rest can't be read, so that whoever parses the output can go on parsing. */
export function wantsJson(argv: readonly string[]): boolean {
  return argv.includes('--json');
}

/** @throws InputError */
export function parseArguments(argv: readonly string[]): Invocation | 'help' | 'version' {
  if (argv.includes('--help') || argv.includes('-h') || argv[0] === 'help') return 'help';
  if (argv.includes('--version')) return 'version';
  const { words, flags } = split(argv);
  const [command, ...rest] = words;
  if (command === undefined)
    throw new InputError(`Name a command: ${COMMANDS.join(', ')}; --help says more.`);
  if (!isCommand(command)) {
    throw new InputError(`There is no command “${command.slice(0, 40)}”; there are ${COMMANDS.join(', ')}.`);
  }
  for (const name of flags.keys()) {
    const commands: readonly CommandName[] = FLAGS[name].commands;
    if (!commands.includes(command))
      throw new InputError(`--${name} does not go with ${command}; leave it out.`);
  }
  return {
    command,
    scenario: scenarioOf(command, rest, flags.has('demo')),
    json: flags.has('json'),
    out: flags.get('out')?.at(-1) ?? null,
    set: flags.get('set') ?? [],
    shape: flags.get('shape')?.at(-1) ?? null,
    env: flags.has('env'),
    check: flags.get('check')?.at(-1) ?? null,
    force: flags.has('force'),
    lowPower: flags.has('low-power'),
    native: flags.has('native'),
    seed: flags.get('seed')?.at(-1) ?? null,
    profile: flags.get('profile')?.at(-1) ?? null,
    workload: flags.get('workload')?.at(-1) ?? null,
    trace: flags.get('trace')?.at(-1) ?? null,
    policy: flags.get('policy')?.at(-1) ?? null,
    blocks: flags.get('blocks')?.at(-1) ?? null,
    bytes: flags.get('bytes')?.at(-1) ?? null,
    demo: flags.get('demo')?.at(-1) ?? null,
    type: flags.get('type')?.at(-1) ?? null,
    summary: flags.has('summary'),
    model: flags.get('model')?.at(-1) ?? null,
    promptIds: flags.get('prompt-ids')?.at(-1) ?? null,
    prompt: flags.get('prompt')?.at(-1) ?? null,
    tokens: flags.get('tokens')?.at(-1) ?? null,
    kv: flags.get('kv')?.at(-1) ?? null,
    evict: flags.get('evict')?.at(-1) ?? null,
    budget: flags.get('budget')?.at(-1) ?? null,
    weights: flags.get('weights')?.at(-1) ?? null,
    temperature: flags.get('temperature')?.at(-1) ?? null,
    topP: flags.get('top-p')?.at(-1) ?? null,
    verbose: flags.has('verbose'),
    failOn: flags.get('fail-on') ?? [],
    given: (flag) => flags.get(flag)?.at(-1) ?? null,
    words: rest,
  };
}

function isCommand(word: string): word is CommandName {
  return (COMMANDS as readonly string[]).includes(word);
}

/** What a command works on, for those that name it without a flag. */
const SUBJECTS: Readonly<Partial<Record<CommandName, string>>> = {
  measure: 'a scenario: the name of an experiment or a JSON file',
  risk: 'a scenario: the name of an experiment or a JSON file',
  simulate: 'a scenario: the name of a simulation or a JSON file',
  'serve-bench': 'a scenario: the name of a serving run or a JSON file',
  replay: 'a folder with a recorded run: meta.json, requests.jsonl and, if there is one, timeseries.csv',
  apply: 'a plan: the best_plan.json that tune wrote',
  validate: 'a plan and a measured result: the file or scenario of a plan, then what a benchmark wrote',
  load: 'a scenario: a JSON file of kind load, or default',
  scrape: 'the address of a server or a file with its metrics',
  watch: 'the address of a server',
  autopilot: 'a scenario: the name of an autopilot, a JSON file of kind autopilot, or default',
  act: 'a scenario: the name of an autopilot, a JSON file of kind autopilot, or default',
  report: 'a run: the run.json of a command, its folder, or a run that the page saved',
  advise: 'a run: the run.json of a command, its folder, or a run that the page saved',
  import: 'a file: the result of a benchmark, a trace or a run',
  export: 'a run.json, or the result of a benchmark',
  accesses: 'a run.json of simulate, a log with the columns block, time and hit, or --demo N',
};

/** Commands that have a scenario of their own where none is named. */
const OPTIONAL: readonly CommandName[] = ['quality', 'plan', 'models', 'tune'];
/** Commands that take two. */
const TWO: readonly CommandName[] = ['compare'];
/** Commands that take as many as there are. */
const MANY: readonly CommandName[] = ['validate'];

/** @param replaced a flag stands in for what the command works on */
function scenarioOf(command: CommandName, words: readonly string[], replaced: boolean): string | null {
  const subject = replaced ? undefined : SUBJECTS[command];
  const takesOne = subject !== undefined;
  const [first, second] = words;
  if (takesOne && first === undefined) throw new InputError(`${command} needs ${subject}.`);
  if (MANY.includes(command)) return first ?? null;
  const extra = TWO.includes(command) ? words[2] : takesOne || OPTIONAL.includes(command) ? second : first;
  if (extra !== undefined)
    throw new InputError(`${command} does not take “${extra.slice(0, 60)}”; leave it out.`);
  return first ?? null;
}

function split(argv: readonly string[]): { words: string[]; flags: Map<FlagName, string[]> } {
  const words: string[] = [];
  const flags = new Map<FlagName, string[]>();
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? '';
    if (!argument.startsWith('--')) {
      if (/^-\D/.test(argument)) throw unknownFlag(argument);
      words.push(argument);
      continue;
    }
    const [, written = '', given] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    if (!isFlag(written)) throw unknownFlag(`--${written}`);
    const value = FLAGS[written].takes === 'nothing' ? '' : (given ?? argv[++at]);
    if (FLAGS[written].takes === 'nothing' && given !== undefined) {
      throw new InputError(`--${written} takes no value; write it alone.`);
    }
    if (value === undefined) throw new InputError(`--${written} needs a value: ${FLAGS[written].shows}.`);
    flags.set(written, [...(flags.get(written) ?? []), value]);
  }
  return { words, flags };
}

function isFlag(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

function unknownFlag(flag: string): InputError {
  const known = Object.keys(FLAGS).map((name) => `--${name}`);
  return new InputError(`There is no flag ${flag.slice(0, 40)}; there are ${known.join(', ')}.`);
}

export function usage(): string {
  const flags = Object.values(FLAGS).map(({ shows, about, commands }) => {
    const of = commands.length === COMMANDS.length ? '' : ` (${commands.join(', ')})`;
    return `  ${shows.padEnd(20)} ${about}${of}`;
  });
  return [
    'kvlab: a laboratory for the KV cache of LLM inference, headless',
    '',
    '  kvlab check                what this GPU is and can do',
    '  kvlab measure SCENARIO     run an experiment: the name of one, or a scenario file',
    '  kvlab attention --shape JSON   time one decode attention',
    '  kvlab risk SCENARIO        will it fit in memory?',
    '  kvlab simulate SCENARIO    a serving engine, simulated: the name of a simulation, or a scenario file',
    '  kvlab replay DIR           a recorded vLLM run, predicted beside measured; needs --workload',
    '  kvlab cache --trace FILE   hits and misses of a recorded trace under an eviction policy',
    '  kvlab accesses RUN         who uses which block when: heat map, reuse distances, miss ratios; also of a LOG',
    '  kvlab generate --model PATH    a real model goes on with a prompt; needs --prompt-ids or --prompt',
    '  kvlab quality [SCENARIO]   what smaller caches cost a real model; --model PATH for another than the shipped one',
    '  kvlab serve-bench SCENARIO a real model under load, measured beside predicted; --model PATH for another than the shipped one',
    '  kvlab plan [SCENARIO]      does it fit, how fast, what does it cost: --model and --gpu, or --search over all GPUs',
    '  kvlab compare A B          two plans field by field; or --model M --gpus A,B,C, the best first',
    '  kvlab gpus                 the GPUs that plans know',
    '  kvlab models [NAME]        the models that plans know, or all about one',
    '  kvlab tune [SCENARIO]      the best settings for a profile of work, by measuring: --model, --profile, --executor',
    '  kvlab apply PLAN           the best_plan.json of tune as settings of an engine: --print',
    '  kvlab validate PLAN MEASURED   a plan beside the result of a benchmark, term by term; exit status 1 beyond --tolerance',
    '  kvlab load SCENARIO        a load on a real server, measured beside predicted: --endpoint URL',
    '  kvlab scrape URL|FILE      what a server says of itself, from its Prometheus metrics',
    '  kvlab watch URL            the same a few times over, as a run: --samples, --interval',
    '  kvlab autopilot SCENARIO   a load with and without an autopilot that acts on the KV cache: --policy, --dry-run',
    '  kvlab act SCENARIO         acts on a KV cache by hand: --script FILE',
    '  kvlab report RUN           a run as a report, or beside --baseline RUN; --fail-on RULE for a CI',
    '  kvlab advise RUN           what to change, with the evidence and what it would bring',
    '  kvlab import FILE          what another tool wrote, in our definitions: results, traces, runs',
    '  kvlab export RUN           a run, or another tool’s result, in a format of the field: --format, --out',
    '  kvlab profiles             the profiles of work; --recommend names the one for a load',
    '',
    ...flags,
    '',
    'Exit status: 0 done, 1 failed or a no-go, 2 bad input; a plan that is not feasible says so and exits with 0. GPU commands run in a headless Chromium.',
    '',
  ].join('\n');
}
