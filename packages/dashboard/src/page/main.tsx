// SPDX-License-Identifier: Apache-2.0
/** Starts the page. */
import { render } from 'preact';
import { followAddress } from './route.ts';
import { follow, openSession } from './server.ts';
import { tick } from './state.ts';
import { App } from './views/app.tsx';

const TICK_MS = 1_000;

async function start(root: HTMLElement): Promise<void> {
  await openSession();
  followAddress();
  render(<App />, root);
  setInterval(tick, TICK_MS);
  await follow();
}

const root = document.getElementById('root');
if (root) void start(root);
