/** Puts the page together: real ports, one App, the shell. */
import { mount } from 'svelte';
import './styles/base.css';
import { App } from './state/app.svelte.ts';
import { browserHost, fetchText, keyValueMemory } from './state/browser.ts';
import { deskPort } from './state/desk-port.ts';
import { createGpuClient } from './workers/client.ts';
import { connectDesk } from './workers/desk-client.ts';
import Shell from './views/App.svelte';

const app = new App({
  bar: {
    location: window.location,
    addEventListener: (type, listener) => window.addEventListener(type, listener),
  },
  root: document.documentElement,
  memory: keyValueMemory(),
  host: browserHost(createGpuClient()),
  desk: deskPort(connectDesk()),
  fetchText,
});

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no element with the id app.');
mount(Shell, { target, props: { app } });

// Closing the tab in the middle of a measurement asks first; what was measured until then is kept either way.
window.addEventListener('beforeunload', (event) => {
  if (app.gpu.busyWith !== null) event.preventDefault();
});

// After the first screen: ask the GPU its name, and only then fetch the rest of the page for offline use.
const idle = (): Promise<void> =>
  new Promise((resolve) => {
    if ('requestIdleCallback' in window) window.requestIdleCallback(() => resolve(), { timeout: 2000 });
    else setTimeout(resolve, 200);
  });

async function afterFirstScreen(): Promise<void> {
  await idle();
  await app.gpu.look();
  if (app.router.current.room === 'home') await app.demo.load();
  await idle();
  if (import.meta.env.PROD && 'serviceWorker' in navigator) {
    await app.offline.register(navigator.serviceWorker, './sw.js');
  }
}

void afterFirstScreen();
