/** The desk as a worker; see desk-api.ts. */
import { expose } from 'comlink';
import { createDesk } from './desk.ts';

expose(createDesk());
