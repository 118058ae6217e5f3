// SPDX-License-Identifier: Apache-2.0
/** TCP ports of 127.0.0.1 for a test, so that tests of two clones on one machine do not want the same. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** So many different ports that no one listens on. All are held until the last is known. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')));
  return ports;
}

/** One port that no one listens on. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
