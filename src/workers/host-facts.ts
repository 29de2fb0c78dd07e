/** What a browser tells of itself and its machine, in a worker. Nothing of it leaves the machine unless it is sent. */
import type { HostFacts } from '../lab/index.ts';

interface Brand {
  readonly brand: string;
  readonly version: string;
}

interface UserAgentData {
  readonly brands: readonly Brand[];
  readonly platform: string;
  getHighEntropyValues(hints: readonly string[]): Promise<{
    readonly fullVersionList?: readonly Brand[];
    readonly platformVersion?: string;
    readonly architecture?: string;
  }>;
}

/** What is not in every browser. */
interface TellingNavigator {
  readonly userAgent: string;
  readonly hardwareConcurrency?: number;
  /** GiB, rounded and capped by the browser. */
  readonly deviceMemory?: number;
  readonly userAgentData?: UserAgentData;
}

const GIB = 1_073_741_824;

export async function browserFacts(appVersion: string, navigator: TellingNavigator): Promise<HostFacts> {
  const { deviceMemory, hardwareConcurrency, userAgent, userAgentData } = navigator;
  return {
    appVersion,
    ...((await clientHints(userAgentData)) ?? fromUserAgent(userAgent)),
    hostMemoryBytes: deviceMemory === undefined ? null : deviceMemory * GIB,
    logicalCores: hardwareConcurrency ?? null,
  };
}

async function clientHints(data: UserAgentData | undefined): Promise<{ runtime: string; os: string } | null> {
  if (!data) return null;
  try {
    const told = await data.getHighEntropyValues(['fullVersionList', 'platformVersion', 'architecture']);
    // One of the brands is made up, so that nobody relies on the list: it has odd characters.
    const brands = (told.fullVersionList ?? data.brands).filter(({ brand }) => !/not.?a.?brand/i.test(brand));
    const runtime = brands.map(({ brand, version }) => `${brand} ${version}`).join(', ');
    const os = [data.platform, told.platformVersion, told.architecture].filter(Boolean).join(' ');
    return runtime === '' ? null : { runtime, os };
  } catch {
    return null;
  }
}

/** Browser and system from the user agent line: 'Firefox/141.0', 'Mac OS X 10.15'. */
export function fromUserAgent(userAgent: string): { runtime: string; os: string } {
  const browser =
    /(Firefox|Edg|OPR|Chrome)\/[\d.]+/.exec(userAgent)?.[0] ??
    /Version\/[\d.]+.*Safari/.exec(userAgent)?.[0] ??
    userAgent.slice(0, 120);
  const os = /\(([^)]*)\)/.exec(userAgent)?.[1] ?? 'unknown';
  return { runtime: browser, os };
}
