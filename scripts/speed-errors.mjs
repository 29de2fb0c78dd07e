// `npm run speed-errors`: the planner's times against measured serving results of the folder that KVLAB_DATA names, each
// model by constants fitted on the others; writes src/plan/calibration/measured-errors.json with today's date.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = `${ROOT}/out/bench/speed`;
const TABLE = `${ROOT}/src/plan/calibration/measured-errors.json`;

await build({
  root: ROOT,
  configFile: false,
  publicDir: false,
  logLevel: 'error',
  ssr: { noExternal: true },
  build: { ssr: `${ROOT}/bench/speed/native.ts`, outDir: OUT, emptyOutDir: true, target: 'node20' },
});
const { measuredErrors } = await import(`${OUT}/native.js`);
try {
  const table = measuredErrors(new Date().toISOString().slice(0, 10), 'npm run speed-errors');
  const text = JSON.stringify(table);
  writeFileSync(TABLE, await format(text, { ...(await resolveConfig(TABLE)), filepath: TABLE }));
  const { heldOut, groups, bands } = table;
  console.table(heldOut);
  console.table(groups);
  console.table(bands);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
