/** What an adapter is called, in one place: browsers tell different parts of its name, and may tell none. */

/** The parts that `GPUAdapterInfo` and a run's environment have in common. */
export interface AdapterNames {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}

/** The plainest name told: the description, the device, or vendor and architecture. */
export function adapterName({ description, device, vendor, architecture }: AdapterNames): string {
  const candidates = [description, device, `${vendor} ${architecture}`].map((text) => text.trim());
  return candidates.find((text) => text !== '') ?? 'unnamed adapter';
}
