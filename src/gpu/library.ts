/** The WGSL files of `shaders/`, by name. Bundled as text, so the same code runs in the page, in Node and in a test. */
import type { ShaderLibrary } from './shader.ts';

const kernels = import.meta.glob<string>('../../shaders/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const shared = import.meta.glob<string>('../../shaders/lib/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});

const byName = (files: Record<string, string>): ShaderLibrary =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path.replace(/^.*\/|\.wgsl$/g, ''), text]));

/** shaders/NAME.wgsl */
export const KERNEL_SOURCES: ShaderLibrary = byName(kernels);
/** shaders/lib/NAME.wgsl, for `//!requires` */
export const SHADER_LIBRARY: ShaderLibrary = byName(shared);
