/** The command line in this process: for commands that need neither a build nor a browser. */
import { runCli } from '../../src/cli/run.ts';

// The build puts the package's version in its place.
Object.assign(globalThis, { __APP_VERSION__: '0.0.0-test' });

export interface CliAnswer {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export async function kvlab(...argv: string[]): Promise<CliAnswer> {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string) => (out += text) },
    err: { write: (text: string) => (err += text) },
  };
  const status = await runCli(argv, streams, () => undefined);
  return { status, out, err };
}
