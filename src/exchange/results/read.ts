/**
 * A file of measured results, whatever tool wrote it: the one door. Recognised by its names, never by the file's name.
 *
 * All of a file is read or none of it: a file that is cut in half, of no known tool, or of no benchmark at all is one
 * sentence that says so.
 */
import * as v from 'valibot';
import { checkJson, isJsonObject, readJson, type Json, type JsonBounds, type Read } from '../../core/json.ts';
import { MeasuredResult, type MeasuringTool } from '../../core/run/measured.ts';
import { issueSentence } from '../../core/sentences.ts';
import { readYaml } from '../plan/files.ts';
import { isAiperfRecord, readAiperfRecords } from './aiperf-records.ts';
import { AIPERF } from './aiperf.ts';
import { looksLikeResults, readCsvResults } from './csv.ts';
import { looksLikeLog, readEngineLog } from './engine-log.ts';
import { GENAI_BENCH } from './genai-bench.ts';
import { GUIDELLM } from './guidellm.ts';
import { refused, type JsonImporter } from './importer.ts';
import { INFERENCE_PERF } from './inference-perf.ts';
import { isOwnRun, ownResults } from './kvlab.ts';
import { LLM_D } from './llm-d.ts';
import { LLMPERF } from './llmperf.ts';
import { looksLikeLlmServingSim, readLlmServingSim } from './llmservingsim.ts';
import { impossible } from './plausible.ts';
import { SGLANG_BENCH } from './sglang.ts';
import { VLLM_BENCH } from './vllm.ts';

const BOUNDS: JsonBounds = {
  what: 'result',
  maxCharacters: 200_000_000,
  maxDepth: 40,
  maxValues: 20_000_000,
};

/** The most telling names first: SGLang's are close to vLLM's. */
const IMPORTERS: Readonly<
  Record<Exclude<MeasuringTool, 'csv' | 'engine-log' | 'llmservingsim' | 'kvlab'>, JsonImporter>
> = {
  guidellm: GUIDELLM,
  'genai-bench': GENAI_BENCH,
  'inference-perf': INFERENCE_PERF,
  'llm-d': LLM_D,
  aiperf: AIPERF,
  llmperf: LLMPERF,
  sglang: SGLANG_BENCH,
  vllm: VLLM_BENCH,
};

export const RESULT_TOOLS: readonly string[] = [
  ...Object.values(IMPORTERS).map(({ label }) => label),
  'LLMServingSim',
  'KV Lab',
  'CSV',
  'the log of an engine’s start',
];

/** Reads the points of a file. */
export function readResults(text: string): Read<MeasuredResult[]> {
  const start = text.trimStart();
  if (start === '') return refused('This file is empty; choose the result of a benchmark.');
  if (!start.startsWith('{') && !start.startsWith('[')) return readText(text);
  const plain = withoutPythonNumbers(text);
  const whole = readJson(plain, BOUNDS);
  if (whole.ok) return readDocuments(Array.isArray(whole.value) ? whole.value : [whole.value]);
  if (looksLikeLog(text)) return checked(readEngineLog(text));
  return isLines(plain) ? readLines(plain) : refused(brokenSentence(plain, whole.sentence));
}

function readText(text: string): Read<MeasuredResult[]> {
  // A log line may have a comma and a table may not: what is printed at the start of an engine is looked for first.
  if (looksLikeLog(text)) return checked(readEngineLog(text));
  if (looksLikeLlmServingSim(text)) return checked(readLlmServingSim(text));
  if (looksLikeReport(text)) return readReport(text);
  if (looksLikeResults(text) || (text.split('\n')[0] ?? '').includes(','))
    return checked(readCsvResults(text));
  return refused(`This is neither JSON, CSV nor a log of an engine; ${toolsSentence()}`);
}

/** llm-d's reports are YAML as often as JSON. */
function looksLikeReport(text: string): boolean {
  return (
    /^(?:run|results|scenario|metrics|version):/m.test(text.slice(0, 4000)) &&
    /^(?:\s+request_performance|metrics):/m.test(text)
  );
}

function readReport(text: string): Read<MeasuredResult[]> {
  const yaml = readYaml(text);
  if (!yaml.ok) return yaml;
  const plain = checkJson(yaml.value, BOUNDS);
  return plain.ok ? readDocuments([plain.value]) : plain;
}

function toolsSentence(): string {
  return `results of ${RESULT_TOOLS.join(', ')} are read.`;
}

/** Python writes NaN and Infinity, which JSON has not: a number that is none becomes null. */
function withoutPythonNumbers(text: string): string {
  if (!/NaN|Infinity/.test(text)) return text;
  return text.replace(/(?<=[:[,]\s*)-?(?:Infinity|NaN)(?=\s*[,}\]])/g, 'null');
}

/** Whether the first line is a document of its own. */
function isLines(text: string): boolean {
  const first = text.trimStart().split('\n')[0] ?? '';
  return first.trim().startsWith('{') && readJson(first, BOUNDS).ok && text.trim().includes('\n');
}

function readLines(text: string): Read<MeasuredResult[]> {
  const documents: Json[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const read = readJson(line, BOUNDS);
    if (!read.ok) {
      return refused(
        `Line ${index + 1} of this file is not whole JSON; it seems to be cut off: export it again.`,
      );
    }
    documents.push(read.value);
  }
  return readDocuments(documents);
}

/** A text that ends inside a bracket or a string was cut; any other is not JSON. */
function brokenSentence(text: string, otherwise: string): string {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 92) i++;
      else if (c === 34) inString = false;
    } else if (c === 34) inString = true;
    else if (c === 91 || c === 123) depth++;
    else if (c === 93 || c === 125) depth--;
  }
  return depth > 0 || inString
    ? 'This file ends in the middle of its JSON: it was cut off; export or copy it again.'
    : otherwise;
}

function readDocuments(documents: readonly Json[]): Read<MeasuredResult[]> {
  const [first] = documents;
  if (first !== undefined && isAiperfRecord(first)) return checked(readAiperfRecords(documents));
  const results: MeasuredResult[] = [];
  for (const document of documents) {
    if (isOwnRun(document)) {
      const own = ownResults(document);
      if (!own.ok) return own;
      results.push(...own.value);
      continue;
    }
    const importer = Object.values(IMPORTERS).find(({ recognises }) => recognises(document));
    if (importer === undefined) return refused(unknownSentence(document));
    const read = importer.read(document);
    if (!read.ok) return read;
    results.push(...read.value);
  }
  return results.length === 0
    ? refused('This file has no result in it; choose one of a finished benchmark.')
    : checked({ ok: true, value: results });
}

function unknownSentence(document: Json): string {
  if (!isJsonObject(document)) return `This is JSON without names; ${toolsSentence()}`;
  const names = Object.keys(document).slice(0, 6).join(', ');
  return `This is the JSON of no benchmark that is known here (it has ${names || 'no names'}); ${toolsSentence()}`;
}

/** Every result within the bounds of our own schema, and of what can be. */
function checked(read: Read<MeasuredResult[]>): Read<MeasuredResult[]> {
  if (!read.ok) return read;
  const result = v.safeParse(v.array(MeasuredResult), read.value, { abortEarly: true });
  if (!result.success) return refused(issueSentence(result.issues, 'The result'));
  const wrong = result.output.map(impossible).find((sentence) => sentence !== null);
  return wrong === undefined ? { ok: true, value: result.output } : refused(wrong);
}
