/** One call of the command line: arguments to exit status. The process around it is in main.ts. */
import { parseArguments, usage, wantsJson, type CommandName, type Invocation } from './arguments.ts';
import { openBrowserHost } from './browser-host.ts';
import { accesses } from './commands/accesses.ts';
import { act } from './commands/act.ts';
import { advise } from './commands/advise.ts';
import { apply } from './commands/apply.ts';
import { attention } from './commands/attention.ts';
import { autopilot } from './commands/autopilot.ts';
import { cache } from './commands/cache.ts';
import { check } from './commands/check.ts';
import { compare } from './commands/compare.ts';
import type { CommandContext, GpuCommand, Outcome, PlainCommand } from './commands/command.ts';
import { exportCommand } from './commands/export.ts';
import { generate } from './commands/generate.ts';
import { gpus } from './commands/gpus.ts';
import { importCommand } from './commands/import.ts';
import { load } from './commands/load.ts';
import { measure } from './commands/measure.ts';
import { models } from './commands/models.ts';
import { plan } from './commands/plan.ts';
import { profiles } from './commands/profiles.ts';
import { quality } from './commands/quality.ts';
import { replay } from './commands/replay.ts';
import { report } from './commands/report.ts';
import { risk } from './commands/risk.ts';
import { scrapeCommand } from './commands/scrape.ts';
import { serveBench } from './commands/serve-bench.ts';
import { simulate } from './commands/simulate.ts';
import { isOneFile, tuneCommand } from './commands/tune.ts';
import { validate } from './commands/validate.ts';
import { watch } from './commands/watch.ts';
import { describeError, EXIT, InputError } from './errors.ts';
import { openFolder } from './files.ts';
import type { GpuHost } from './host.ts';
import { openNativeHost } from './native-host.ts';
import { createTerminal, type Streams } from './terminal.ts';

type Runner =
  { readonly kind: 'gpu'; readonly run: GpuCommand } | { readonly kind: 'plain'; readonly run: PlainCommand };

const RUNNERS: Readonly<Record<CommandName, Runner>> = {
  check: { kind: 'gpu', run: check },
  measure: { kind: 'gpu', run: measure },
  attention: { kind: 'gpu', run: attention },
  risk: { kind: 'plain', run: risk },
  simulate: { kind: 'gpu', run: simulate },
  replay: { kind: 'gpu', run: replay },
  cache: { kind: 'plain', run: cache },
  accesses: { kind: 'gpu', run: accesses },
  generate: { kind: 'gpu', run: generate },
  quality: { kind: 'gpu', run: quality },
  'serve-bench': { kind: 'gpu', run: serveBench },
  plan: { kind: 'plain', run: plan },
  compare: { kind: 'plain', run: compare },
  gpus: { kind: 'plain', run: gpus },
  models: { kind: 'plain', run: models },
  tune: { kind: 'gpu', run: tuneCommand },
  apply: { kind: 'plain', run: apply },
  profiles: { kind: 'plain', run: profiles },
  validate: { kind: 'plain', run: validate },
  load: { kind: 'plain', run: load },
  import: { kind: 'plain', run: importCommand },
  export: { kind: 'gpu', run: exportCommand },
  scrape: { kind: 'plain', run: scrapeCommand },
  watch: { kind: 'plain', run: watch },
  autopilot: { kind: 'gpu', run: autopilot },
  act: { kind: 'plain', run: act },
  report: { kind: 'plain', run: report },
  advise: { kind: 'plain', run: advise },
};

/** Commands whose --out names a file. */
const WRITE_ONE_FILE: readonly CommandName[] = ['plan', 'compare'];

function writesOneFile({ command, out }: Invocation): boolean {
  return WRITE_ONE_FILE.includes(command) || (command === 'tune' && out !== null && isOneFile(out));
}

/** @param onCancel called with what a Ctrl-C shall do while a host is open */
export async function runCli(
  argv: readonly string[],
  streams: Streams,
  onCancel: (cancel: (() => void) | null) => void,
): Promise<number> {
  const terminal = createTerminal(streams, argv.includes('--verbose'));
  try {
    const invocation = parseArguments(argv);
    if (invocation === 'help' || invocation === 'version') {
      terminal.answer(invocation === 'help' ? usage() : `${__APP_VERSION__}\n`);
      return EXIT.done;
    }
    const toFile = writesOneFile(invocation);
    const write = invocation.out === null || toFile ? null : openFolder(invocation.out);
    const outcome = await dispatch({ invocation, terminal, write, command: commandLine(argv), onCancel });
    return outcome === 'done' ? EXIT.done : EXIT.failed;
  } catch (error) {
    const described = describeError(error);
    // Standard output stays one JSON document even when there is no answer.
    if (wantsJson(argv)) terminal.answer(`${JSON.stringify({ error: described })}\n`);
    terminal.say(described.message);
    if (described.code === 'internal' && error instanceof Error) terminal.detail(error.stack ?? '');
    return error instanceof InputError ? EXIT.badInput : EXIT.failed;
  }
}

async function dispatch(context: CommandContext): Promise<Outcome> {
  const { invocation, terminal, command, onCancel } = context;
  const runner = RUNNERS[invocation.command];
  if (runner.kind === 'plain') return runner.run(context);
  const hosts: GpuHost[] = [];
  try {
    return await runner.run({
      ...context,
      openHost: async () => {
        const host = await openHost(invocation, command, terminal.detail);
        hosts.push(host);
        onCancel(() => {
          terminal.say('Stopping; what is finished is kept.');
          host.cancel();
        });
        return host;
      },
    });
  } finally {
    onCancel(null);
    for (const host of hosts) await host.close();
  }
}

function openHost(
  { native, lowPower }: Invocation,
  command: string,
  detail: (text: string) => void,
): Promise<GpuHost> {
  const options = {
    power: lowPower ? ('low-power' as const) : ('high-performance' as const),
    command,
    detail,
  };
  return native ? openNativeHost(options) : openBrowserHost(options);
}

/** The command line as it can be typed again. */
function commandLine(argv: readonly string[]): string {
  const words = argv.map((word) =>
    /^[\w./=:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return ['kvlab', ...words].join(' ').slice(0, 1000);
}
