/** The page that the command line opens: the page's own GPU worker behind one function, and a canvas for PNG files. */
import { pngOf } from '../../charts/index.ts';
import type { Progress } from '../../lab/index.ts';
import { createGpuClient } from '../../workers/client.ts';
import { FILES_INPUT, type HeadlessAnswer, type HeadlessCall, type HeadlessPage } from './protocol.ts';

const client = createGpuClient();

async function kvlabHeadless(call: HeadlessCall): Promise<HeadlessAnswer> {
  try {
    return await answerTo(call);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, error: { code: 'internal', message, data: null } };
  }
}

async function answerTo(call: HeadlessCall): Promise<HeadlessAnswer> {
  const gpu = await client.api();
  const { kvlabProgress } = window as unknown as HeadlessPage;
  // What has been measured so far stays here: a progress line needs only the words.
  const heard = ({ fraction, message }: Pick<Progress, 'fraction' | 'message'>): void =>
    kvlabProgress({ fraction, message });
  switch (call.name) {
    case 'describe':
      return gpu.describe(call.power);
    case 'check':
      return gpu.check(call.power, kvlabProgress);
    case 'run':
      return gpu.run(call.scenario, { force: call.force }, heard);
    case 'attention':
      return gpu.attention(call.shape);
    case 'load':
      return (await client.model()).load({ kind: 'files', files: modelFiles(call.folder) }, call.load, heard);
    case 'generate':
      return (await client.model()).generate(call.wish, ({ tokens }) => {
        if (tokens.length > 0) heard({ fraction: null, message: 'Generating' });
      });
    case 'quality':
      return (await client.model()).quality(call.scenario, null, heard);
    case 'serve':
      return (await client.model()).serve(call.scenario, heard);
    case 'tune':
      return (await client.model()).tune(call.scenario, call.resume, heard);
    case 'cancel':
      gpu.cancel();
      return { ok: true, value: null };
    case 'png':
      return { ok: true, value: toBase64(new Uint8Array(await (await pngOf(call.svg)).arrayBuffer())) };
  }
}

function modelFiles(folder: string) {
  const input = document.getElementById(FILES_INPUT);
  const files = input instanceof HTMLInputElement ? [...(input.files ?? [])] : [];
  return files.map((file) => ({ path: `${folder}/${file.name}`, blob: file }));
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

Object.assign(window, { kvlabHeadless });
