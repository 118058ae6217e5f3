// SPDX-License-Identifier: Apache-2.0

// A client that asks on the wire who has which VIP, all the time, and writes down who answered and who announced: a
// process in a network namespace with a packet socket of packages/link. Nothing of it is Berth's own word.
//
// Questions for a VIP come from 256 sender addresses in turn (198.18.0.0/24, for benchmarks by RFC 2544), and a reply
// names the one that it is for: so an answer belongs to one question, and a question with two answers was answered by
// two nodes.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ARP_OPERATION, arpFrame, decodeArp, decodeEthernet, ETHER_TYPE, IpAddress, MacAddress } from '@berth/core';
import { Links, PacketSocket } from '@berth/link';
import type { Announcement, Question, WireRecord } from './wire-record.ts';

const SENDERS = 256;
const TICK_MS = 5;
/** Questions that are made up for at most, after this process was late. */
const MAX_DUE = 1000;
const RECEIVE_BUFFER_BYTES = 8_000_000;

/** Milliseconds of CLOCK_MONOTONIC, the same in all processes of a machine. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface WireWatchOptions {
  /** Network namespace to ask from, as under /run/netns. */
  readonly namespace: string;
  /** Interface to ask on. @default 'eth0' */
  readonly ifname?: string;
}

interface Plan {
  /** IPv4 addresses. */
  readonly vips: readonly string[];
  /** Milliseconds between two questions for one VIP. */
  readonly everyMs: number;
}

type Order = { readonly plan: Plan } | 'take' | 'look';

export class WireWatch {
  readonly #child: ChildProcess;
  /** Rejects when the process ends: waiting for a message then makes no sense. */
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => Promise.reject(new Error('wire watch: the client ended')));
    this.#ended.catch(() => {}); // No one waits when it ends as it should.
  }

  /** Starts the process; it asks for nothing yet. The addon of packages/link must have been built. */
  static async start({ namespace, ifname = 'eth0' }: WireWatchOptions): Promise<WireWatch> {
    const argv = [`--net=/run/netns/${namespace}`, process.execPath, fileURLToPath(import.meta.url), ifname];
    const child = spawn('nsenter', argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const watch = new WireWatch(child);
    await watch.#message();
    return watch;
  }

  /** Asks for these from now on, instead of what it asked for before; the record begins anew. */
  async ask(vips: readonly string[], everyMs = TICK_MS): Promise<void> {
    this.#child.send({ plan: { vips, everyMs } } satisfies Order);
    await this.#message();
  }

  /** Returns what happened since the last call, or since {@link ask}. */
  async take(): Promise<WireRecord> {
    this.#child.send('take' satisfies Order);
    return (await this.#message()) as WireRecord;
  }

  /** As {@link take}, but the record goes on. */
  async look(): Promise<WireRecord> {
    this.#child.send('look' satisfies Order);
    return (await this.#message()) as WireRecord;
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended.catch(() => {}); // That it ends is what is wanted.
  }

  async #message(): Promise<unknown> {
    const [message] = await Promise.race([once(this.#child, 'message'), this.#ended]);
    return message;
  }
}

/** The asking and listening side, in the child process. */
class Asker {
  readonly #socket: PacketSocket;
  readonly #own: MacAddress;
  #frames: { readonly vip: string; readonly frame: Uint8Array }[] = [];
  #plan: Plan = { vips: [], everyMs: TICK_MS };
  #sinceMs = 0;
  #asked = 0;
  /** By VIP: the newest question of each sender. */
  #open = new Map<string, (Question & { answers: { mac: string; atMs: number }[] })[]>();
  #questions: Question[] = [];
  #announcements: Announcement[] = [];

  constructor(ifindex: number, own: MacAddress) {
    this.#own = own;
    this.#socket = PacketSocket.open({
      ifindex,
      protocol: ETHER_TYPE.ARP,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    });
    this.#socket.receive(
      ({ bytes }) => this.#receive(bytes),
      (error) => console.error('wire watch:', error),
    );
    setInterval(() => this.#tick(), TICK_MS);
  }

  start(plan: Plan): void {
    this.take();
    this.#plan = plan;
    this.#open = new Map(plan.vips.map((vip) => [vip, []]));
    this.#frames = plan.vips.map((vip) => ({ vip, frame: questionFor(vip, this.#own) }));
    this.#sinceMs = monotonicMs();
    this.#asked = 0;
  }

  look(): WireRecord {
    return { questions: this.#questions, announcements: this.#announcements };
  }

  take(): WireRecord {
    const record = this.look();
    this.#questions = [];
    this.#announcements = [];
    return record;
  }

  #tick(): void {
    const nowMs = monotonicMs();
    const perMs = this.#frames.length / this.#plan.everyMs;
    const due = Math.floor((nowMs - this.#sinceMs) * perMs) - this.#asked;
    if (due > MAX_DUE) this.#asked += due - MAX_DUE;
    for (let count = Math.min(due, MAX_DUE); count > 0; count -= 1) this.#ask();
  }

  #ask(): void {
    const next = this.#frames[this.#asked % this.#frames.length];
    const round = Math.floor(this.#asked / this.#frames.length);
    if (!next) return;
    this.#asked += 1;
    const sender = round % SENDERS;
    next.frame[SENDER_LAST_BYTE] = sender;
    const question = { vip: next.vip, askedMs: monotonicMs(), answers: [] };
    // The kernel may have no room, or the cable be out: then no one was asked.
    if (!this.#socket.send(next.frame)) return;
    const open = this.#open.get(next.vip);
    if (open) open[sender] = question;
    this.#questions.push(question);
  }

  #receive(bytes: Uint8Array): void {
    const atMs = monotonicMs();
    const ethernet = decodeEthernet(bytes);
    const decoded = ethernet.ok ? decodeArp(ethernet.frame.payload) : undefined;
    if (!decoded?.ok) return;
    const { operation, senderProtocolAddr, senderHardwareAddr, targetProtocolAddr } = decoded.packet;
    const vip = String(senderProtocolAddr);
    const mac = String(senderHardwareAddr);
    if (senderProtocolAddr.equals(targetProtocolAddr)) this.#announcements.push({ vip, mac, atMs });
    else if (operation === ARP_OPERATION.REPLY)
      this.#open.get(vip)?.[targetProtocolAddr.toBytes().at(-1) ?? 0]?.answers.push({ mac, atMs });
  }
}

/** Last byte of the sender's protocol address, from the beginning of the frame. */
const SENDER_LAST_BYTE = 31;

function questionFor(vip: string, own: MacAddress): Uint8Array {
  return arpFrame(
    {
      operation: ARP_OPERATION.REQUEST,
      senderHardwareAddr: own,
      senderProtocolAddr: addressOf('198.18.0.0'),
      targetHardwareAddr: MacAddress.ZERO,
      targetProtocolAddr: addressOf(vip),
    },
    MacAddress.BROADCAST,
  );
}

function addressOf(text: string): IpAddress {
  const parsed = IpAddress.parse(text);
  if (!parsed.ok || parsed.value.family !== 'IPv4') throw new Error(`wire watch: found '${text}', want IPv4`);
  return parsed.value;
}

async function main(ifname: string): Promise<void> {
  const links = new Links();
  links.failures.subscribe((error) => console.error('wire watch:', error));
  links.start();
  await links.ready;
  const link = links.list().find(({ name }) => name === ifname);
  links.stop();
  if (!link?.mac) throw new Error(`wire watch: no interface '${ifname}', only ${Object.keys(networkInterfaces())}`);
  const asker = new Asker(link.index, link.mac);
  process.on('message', (order: Order) => {
    if (order === 'take') process.send?.(asker.take());
    else if (order === 'look') process.send?.(asker.look());
    else {
      asker.start(order.plan);
      process.send?.('asking');
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2] ?? '');
