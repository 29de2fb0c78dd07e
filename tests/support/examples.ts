/** The examples of the documentation: every TypeScript block of docs/, guide by guide, in order. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Example {
  readonly name: string;
  readonly code: string;
  /** Uses a GPU where there is one. */
  readonly usesGpu: boolean;
}

const DOCS = new URL('../../docs/', import.meta.url);

export function documentedExamples(): Example[] {
  const guides = readdirSync(DOCS).filter((name) => name.endsWith('.md'));
  const text = guides.map((name) => readFileSync(new URL(name, DOCS), 'utf8')).join('\n');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ''], at) => ({
    name: `example-${at + 1}`,
    code,
    usesGpu: code.includes("'kvlab/gpu'"),
  }));
}
