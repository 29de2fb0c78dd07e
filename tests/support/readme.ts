/** The examples of the README: every TypeScript block, in order. */
import { readFileSync } from 'node:fs';

export interface Example {
  readonly name: string;
  readonly code: string;
  /** Uses a GPU where there is one. */
  readonly usesGpu: boolean;
}

export function readmeExamples(): Example[] {
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ''], at) => ({
    name: `example-${at + 1}`,
    code,
    usesGpu: code.includes("'kvlab/gpu'"),
  }));
}
