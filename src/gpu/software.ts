/** A CPU adapter: it says so, or has the name of one. Apart from context.ts, so that naming it loads no kernel. */
export function isSoftwareAdapter(info: GPUAdapterInfo): boolean {
  return (
    info.isFallbackAdapter === true ||
    /swiftshader|llvmpipe/i.test(`${info.architecture} ${info.description}`)
  );
}
