/** Flags of the tests: the software adapter unless KVLAB_GPU=hardware. */
export declare const CHROMIUM_ARGS: string[];
/** Flags that give a headless Chromium WebGPU: the machine's GPU, the software adapter where there is none or when asked. */
export declare function chromiumArgs(adapter: 'best' | 'software'): string[];
/** @throws Error when KVLAB_CHROMIUM names nothing */
export declare function findChromium(): string | null;
