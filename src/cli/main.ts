#!/usr/bin/env node
/** The process of the command line: streams, Ctrl-C, exit status. */
import { runCli } from './run.ts';

let cancel: (() => void) | null = null;
process.on('SIGINT', () => {
  // The first Ctrl-C keeps what is finished; the second leaves at once.
  if (cancel === null) process.exit(130);
  const stop = cancel;
  cancel = null;
  stop();
});

const status = await runCli(
  process.argv.slice(2),
  { out: process.stdout, err: process.stderr },
  (next) => (cancel = next),
);

// A native GPU keeps the process alive; what was written to a pipe must still arrive.
process.exitCode = status;
process.stdout.write('', () => process.exit(status));
