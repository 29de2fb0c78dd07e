/** The server that a command names, and the faults of endpoints as sentences of the command line. */
import { EndpointError, readEndpoint, withoutSecrets, type Endpoint } from '../endpoints/index.ts';
import { CommandError, InputError } from './errors.ts';

/** The key comes from the environment, so that no history and no run has it. */
const KEY_VARIABLE = 'KVLAB_ENDPOINT_KEY';

/** @throws InputError */
export function endpointOf(url: string | null, flag: string, what = 'load'): Endpoint {
  if (url === null) {
    throw new InputError(
      `${what} needs a server: name it with ${flag}, such as ${flag} http://127.0.0.1:8000.`,
    );
  }
  const read = readEndpoint({ url, key: process.env[KEY_VARIABLE] ?? null });
  if (!read.ok) throw new InputError(read.sentence);
  return read.endpoint;
}

/** What an endpoint could not do, as an error of the command. */
export async function asked<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EndpointError) {
      throw new CommandError('endpoint', withoutSecrets(error.message, endpoint), {
        kind: error.kind,
        status: error.status,
      });
    }
    throw error;
  }
}
