/** Runs GPU commands on the Dawn binding that the variable DAWN names: the same lab, in this process, no browser. */
import { CommandError } from './errors.ts';
import type { GpuHost, HostOptions } from './host.ts';

export function openNativeHost(_options: HostOptions): Promise<GpuHost> {
  throw new CommandError('no-native', 'to be connected');
}
