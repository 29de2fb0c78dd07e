/** The page that the command line opens: the page's own GPU worker behind one function, and a canvas for PNG files. */
import { pngOf } from '../../charts/index.ts';
import type { HeadlessAnswer, HeadlessCall } from './protocol.ts';

async function kvlabHeadless(call: HeadlessCall): Promise<HeadlessAnswer> {
  try {
    return { ok: true, value: await answerTo(call) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, error: { code: 'headless', message, data: null } };
  }
}

async function answerTo(call: HeadlessCall): Promise<unknown> {
  if (call.name === 'png') return toBase64(new Uint8Array(await (await pngOf(call.svg)).arrayBuffer()));
  throw new Error(`Not connected: ${call.name}`);
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

Object.assign(window, { kvlabHeadless });
