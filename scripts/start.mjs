// Builds the page, serves it on a free port of this machine and prints its address; Ctrl-C stops it.
import { build, preview } from 'vite';

const FIRST_PORT = 4173;

process.stdout.write('Building the page…\n');
await build({ logLevel: 'warn' });
// Loopback counts as a secure context, which WebGPU and service workers ask for. A taken port is stepped over.
const server = await preview({
  logLevel: 'warn',
  preview: { host: 'localhost', port: Number(process.env.PORT ?? FIRST_PORT), strictPort: false },
});
const address = server.resolvedUrls?.local[0] ?? `http://localhost:${server.config.preview.port}/`;
process.stdout.write(`KV Lab: ${address}\nOpen it in a browser with WebGPU. Ctrl-C stops it.\n`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    void server.close().finally(() => process.exit(0));
  });
}
