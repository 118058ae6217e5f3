// SPDX-License-Identifier: Apache-2.0
/**
 * What the host of a WireLan can do about spreading: serve a VIP, use it, and spread what comes for it. A part of
 * wire-host.ts.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { MacAddress } from '@berth/core';
import {
  type AttachmentState,
  type Link,
  PacketSocket,
  readConntrack,
  type SpreadCounters,
  SpreadTable,
} from '@berth/link';
import { addressOf } from './packet-frames.ts';
import { rowsOf } from './spread-frames.ts';

/** The Services of a VIP in these tests. */
const PORT = 80;
const SEED = 0x0123_4567_89ab_cdefn;
/** How long a client waits for an answer, in milliseconds. */
const PATIENCE_MS = 2500;
/** How long the tables count, and how often that is renewed. */
const FRESH_MS = 2000;
const RENEW_MS = 500;

export interface SpreadPlan {
  readonly self: number;
  /** Numbers and MACs of the other nodes. */
  readonly members: readonly (readonly [number, string])[];
  readonly vips: readonly string[];
  readonly target: number;
  readonly fallback?: number;
  readonly next?: number;
}

export interface FoundFlows {
  readonly list: readonly (readonly [fingerprint: string, service: string, row: number])[];
  readonly total: number;
  readonly max: number;
  readonly tookMs: number;
}

/** Every call takes the name of an interface; `linkOf` finds it. */
export function spreadCalls(linkOf: (ifname: string) => Link) {
  const connections = new Map<string, Socket>();
  const servers: (Server | Datagrams)[] = [];
  const tapped = new Map<string, number>();
  let table: SpreadTable | undefined;
  let renewal: NodeJS.Timeout | undefined;
  let counted = 0;

  return {
    /**
     * Serves TCP and UDP on the port: says its own name and the client's address, then counts bytes and repeats `ask`
     * lines with its name.
     */
    async serveAs(name: string): Promise<void> {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => {});
        socket.write(`${name} ${socket.remoteAddress}\n`);
        let bytes = 0;
        socket.on('data', (chunk) => {
          bytes += chunk.length;
          if (chunk.toString('latin1').startsWith('ask')) socket.write(`${name}\n`);
        });
        socket.on('end', () => socket.end(`${bytes}\n`));
      });
      await new Promise<void>((resolve) => server.listen(PORT, '::', resolve));
      for (const type of ['udp4', 'udp6'] as const) {
        const socket = createSocket(type === 'udp4' ? { type } : { type, ipv6Only: true });
        socket.on('message', (message, { address, port }) => socket.send(`${name} ${message.length}`, port, address));
        await new Promise<void>((resolve) => socket.bind(PORT, resolve));
        servers.push(socket);
      }
      servers.push(server);
    },
    /** Opens a connection to the VIP and keeps it under this name; returns what the server says first. */
    async dial(name: string, vip: string): Promise<string> {
      const socket = connect({ host: vip, port: PORT });
      connections.set(name, socket);
      return answerOn(socket);
    },
    /** Asks on such a connection who serves it. */
    async ask(name: string): Promise<string> {
      const socket = connectionOf(connections, name);
      const answer = answerOn(socket);
      socket.write('ask\n');
      return answer;
    },
    /** Sends so many bytes on such a connection, and ends it; returns how many the server had. */
    async upload(name: string, bytes: number): Promise<string> {
      const socket = connectionOf(connections, name);
      const answer = answerOn(socket, 20_000);
      socket.end(Buffer.alloc(bytes, 'x'));
      return answer;
    },
    hangUp(name: string): void {
      connectionOf(connections, name).destroy();
    },
    /** Sends a datagram of so many bytes to the VIP; returns what the server answers. */
    async askByDatagram(vip: string, bytes: number): Promise<string> {
      const socket = createSocket(addressOf(vip).family === 'IPv4' ? 'udp4' : 'udp6');
      const answer = new Promise<string>((resolve) => {
        socket.on('message', (message) => resolve(message.toString()));
        setTimeout(() => resolve('nothing'), PATIENCE_MS);
      });
      socket.send(new Uint8Array(bytes), PORT, vip);
      const text = await answer;
      socket.close();
      return text;
    },
    /** Begins to spread on these interfaces, by the TCX link or the filter. */
    spreadOn(engine: 'kernel' | 'kernel-clsact', ...ifnames: string[]): void {
      table ??= SpreadTable.open({ engine });
      for (const ifname of ifnames) table.attach(linkOf(ifname).index, linkOf(ifname).mac ?? MacAddress.ZERO);
      table.renew(FRESH_MS);
      renewal ??= setInterval(() => table?.renew(FRESH_MS), RENEW_MS);
    },
    /** The same target in each row, for TCP, UDP and SCTP. */
    spread(plan: SpreadPlan, ...ifnames: string[]): void {
      const rows = rowsOf(plan.target, plan);
      table?.replace({
        ...{ self: plan.self, seed: SEED },
        members: ifnames.flatMap((ifname) =>
          plan.members.map(([number, mac]) => ({ number, ifindex: linkOf(ifname).index, mac: macOf(mac) })),
        ),
        services: ifnames.flatMap((ifname) =>
          plan.vips.flatMap((vip) =>
            (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => ({
              ...{ ifindex: linkOf(ifname).index, vip: addressOf(vip), protocol, port: PORT },
              ...{ by: 'flow' as const, rows },
            })),
          ),
        ),
      });
    },
    setStrays(strays: readonly (readonly [fingerprint: string, number: number])[]): number | undefined {
      return table?.setStrays(
        BigUint64Array.from(strays, ([fingerprint]) => BigInt(fingerprint)),
        Uint8Array.from(strays, ([, number]) => number),
      );
    },
    localPortOf(name: string): number | undefined {
      return connectionOf(connections, name).localPort;
    },
    lookAtSpreading(ifname: string): AttachmentState | undefined {
      return table?.look(linkOf(ifname).index);
    },
    spreadAgain(ifname: string): void {
      table?.attachAgain(linkOf(ifname).index);
    },
    spreadCounters(): SpreadCounters | undefined {
      return table?.counters();
    },
    stopSpreadingOn(ifname: string): void {
      table?.detach(linkOf(ifname).index);
    },
    keepBy(path: string): void {
      table?.keepBy(path);
    },
    isKept(): boolean | undefined {
      return table?.isKept;
    },
    renewSpreading(): void {
      table?.renew(FRESH_MS);
    },
    /** No longer renews: a process that hangs. */
    stopRenewing(): void {
      clearInterval(renewal);
    },
    closeSpreading(): void {
      clearInterval(renewal);
      table?.close();
      table = renewal = undefined;
    },
    /** Flows of conntrack for TCP and UDP on the port, by VIP; and how the table is filled. Fingerprints are text. */
    async flows(by: 'flow' | 'client', ...vips: readonly string[]): Promise<FoundFlows> {
      const services = vips.flatMap((vip) =>
        (['TCP', 'UDP'] as const).map((protocol) => ({
          ...{ vip: addressOf(vip), protocol, port: PORT },
          ...{ by, rowCount: 4096 },
        })),
      );
      const began = performance.now();
      const { fingerprints, services: positions, rows, total, max } = await readConntrack({ seed: SEED, services });
      const list = [...fingerprints].map((fingerprint, index) => {
        const { vip, protocol } = services[positions[index] ?? -1] ?? {};
        return [String(fingerprint), `${vip} ${protocol}`, rows[index] ?? -1] as const;
      });
      return { list, total, max, tookMs: performance.now() - began };
    },
    /**
     * The longest time that JavaScript stood still while conntrack was read so many times, in milliseconds, and how
     * many flows there were.
     */
    async readManyTimes(times: number, vip: string): Promise<{ readonly longestMs: number; readonly count: number }> {
      const services = [
        { ...{ vip: addressOf(vip), protocol: 'TCP' as const, port: PORT }, by: 'flow' as const, rowCount: 4096 },
      ];
      let last = performance.now();
      let longestMs = 0;
      let count = 0;
      const ticks = setInterval(() => {
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
      }, 1);
      for (let round = 0; round < times; round++)
        count = (await readConntrack({ seed: SEED, services })).fingerprints.length;
      clearInterval(ticks);
      return { longestMs, count };
    },
    /** Begins to count frames for this host's MAC that have this text in them, as they come in, before any program. */
    countFrames(ifname: string, hex: string): void {
      const { index, mac } = linkOf(ifname);
      counted = 0;
      if (tapped.has(ifname)) return;
      tapped.set(ifname, index);
      const own = Buffer.from(mac?.toBytes() ?? []);
      const socket = PacketSocket.open({ ifindex: index, protocol: 3, frames: 'promiscuous', isTap: true });
      const mark = Buffer.from(hex, 'hex');
      socket.receive(
        ({ bytes, packetType }) => {
          const frame = Buffer.from(bytes);
          if (packetType !== 'outgoing' && frame.subarray(0, 6).equals(own) && frame.includes(mark)) counted++;
        },
        (error) => console.error(error),
      );
    },
    countedFrames(): number {
      return counted;
    },
  };
}

function connectionOf(connections: ReadonlyMap<string, Socket>, name: string): Socket {
  const socket = connections.get(name);
  if (!socket) throw new Error(`no connection "${name}"`);
  return socket;
}

/** The next line that comes, or what ended the connection. */
function answerOn(socket: Socket, patienceMs = PATIENCE_MS): Promise<string> {
  return new Promise((resolve) => {
    const end = (text: string) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      resolve(text);
    };
    const timer = setTimeout(() => end('nothing'), patienceMs);
    socket.on('data', (chunk) => end(chunk.toString().trim()));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('close', () => end('closed'));
  });
}

function macOf(text: string): MacAddress {
  const mac = MacAddress.parse(text);
  if (!mac.ok) throw new Error(mac.reason);
  return mac.value;
}
