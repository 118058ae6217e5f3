// SPDX-License-Identifier: Apache-2.0

// The clients of `affinity`: connections that are idle, chat and upload, and others that connect all the time.

import type { Outage } from '../../test/support/connect-gap.ts';
import { type ConnectProbe, startConnectProbe } from '../../test/support/connect-probe.ts';
import { type KeepAlive, type Kept, startKeepAlive } from '../../test/support/keep-alive.ts';

const PORT = 80;
/** Of twenty connections one uploads, and the others are half idle, half chatting. */
const [UPLOADING, IDLE] = [0.05, 0.475];
const UPLOAD_BYTES = 200_000;
const UPLOAD_PAUSE_MS = 100;

export interface ClientsOptions {
  /** Network namespace to connect from. */
  readonly namespace: string;
  readonly vips: readonly string[];
  readonly connections: number;
  /** Milliseconds from an answer to the next request of a connection that chats. */
  readonly chatEveryMs: number;
  readonly connectEveryMs: number;
  /** Milliseconds that a client waits for the answer over a new connection. */
  readonly connectTimeoutMs: number;
}

export interface Clients {
  stop(): Promise<{ readonly kept: readonly Kept[]; readonly outage: Outage }>;
}

/** Opens the connections, evenly over all VIPs, and returns once each has had an answer. */
export async function startClients(options: ClientsOptions): Promise<Clients> {
  const { namespace, vips, chatEveryMs, connectEveryMs, connectTimeoutMs } = options;
  const [uploading, idle, chatting] = sharesOf(options.connections);
  const some = (count: number) => Array.from({ length: count }, (_, index) => vips[index % vips.length] ?? '');
  const common = { namespace, port: PORT };
  const kept: KeepAlive[] = [];
  let probe: ConnectProbe;
  try {
    kept.push(await startKeepAlive({ ...common, addresses: some(idle), everyMs: 'idle' }));
    kept.push(await startKeepAlive({ ...common, addresses: some(chatting), everyMs: chatEveryMs }));
    const upload = { everyMs: UPLOAD_PAUSE_MS, uploadBytes: UPLOAD_BYTES };
    kept.push(await startKeepAlive({ ...common, addresses: some(uploading), ...upload }));
    const pace = { intervalMs: connectEveryMs, timeoutMs: connectTimeoutMs };
    probe = await startConnectProbe({ ...common, address: vips, path: '/hostname', ...pace });
  } catch (error) {
    await Promise.allSettled(kept.map((one) => one.stop()));
    throw error;
  }
  return {
    stop: async () => {
      const [outage, ...rows] = await Promise.all([probe.stop(), ...kept.map((one) => one.stop())]);
      return { outage, kept: rows.flat() };
    },
  };
}

/** How many of so many upload, are idle, and chat. */
function sharesOf(connections: number): [uploading: number, idle: number, chatting: number] {
  const uploading = Math.max(1, Math.round(connections * UPLOADING));
  const idle = Math.round(connections * IDLE);
  return [uploading, idle, connections - uploading - idle];
}
