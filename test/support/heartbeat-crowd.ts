// SPDX-License-Identifier: Apache-2.0

// Many members of one segment in one process, for what a real speaker costs among them: each sends heartbeats and lists
// with valid keys as docs/design/0010-membership-protocol.md says, and answers ARP requests for the VIPs that it
// claims. They decide nothing.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  ARP_OPERATION,
  arpFrame,
  decodeArp,
  decodeEthernet,
  ETHER_TYPE,
  HEARTBEAT_ETHER_TYPE,
  type HeartbeatBody,
  type Identity,
  type IpAddress,
  MacAddress,
} from '@berth/core';
import { ip } from '@berth/core/testing';
import { LinkGroup, Links, PacketSocket } from '@berth/link';
import { clusterIdOf } from '../../packages/speaker/src/cluster/heartbeat-credentials.ts';
import { HeartbeatKeys } from '../../packages/speaker/src/cluster/heartbeat-keys.ts';
import { HEARTBEAT_GROUP, openFrame, sealFrame } from '../../packages/speaker/src/membership/heartbeat-frames.ts';
import { frameCounter } from '../../packages/speaker/src/testing.ts';

/** Parts of lists as speakers send them (section 4.3 of the protocol). */
const CLAIMS_PER_PART = 98;
const VIEW_PER_PART = 112;
const LISTS_EVERY_MS = 1000;
const TICK_MS = 5;
const DEAD_AFTER_MS = 200;
/** 00:00:5e:00:53:00 and what follows. */
const FIRST_MAC = 0x00005e005300;

export interface CrowdPlan {
  /** Network namespace, as under /run/netns; the interface is eth0. */
  readonly namespace: string;
  /** The value of the Secret, and the text that the cluster id is made of. */
  readonly secret: string;
  readonly clusterUid: string;
  readonly intervalMs: number;
  /** Name and IPv4 VIPs of each member. */
  readonly members: readonly { readonly node: string; readonly vips: readonly string[] }[];
}

/** Starts the crowd; it goes on until it is stopped. */
export async function startCrowd(plan: CrowdPlan): Promise<{ stop(): Promise<void> }> {
  const argv = [`--net=/run/netns/${plan.namespace}`, process.execPath, fileURLToPath(import.meta.url)];
  const child = spawn('nsenter', argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('heartbeat crowd: ended by itself')));
  ended.catch(() => {}); // No one waits when it ends as it should.
  child.send(plan);
  await Promise.race([once(child, 'message'), ended]);
  return { stop: () => stopCrowd(child) };
}

async function stopCrowd(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}

type Lists = Pick<HeartbeatBody, 'claims' | 'view'>;

interface Member {
  readonly self: Identity;
  readonly vips: readonly IpAddress[];
  readonly nextCounter: () => number;
  dueMs: number;
  listsDueMs: number;
}

class Crowd {
  readonly #plan: CrowdPlan;
  readonly #socket: PacketSocket;
  readonly #keys: HeartbeatKeys;
  readonly #clusterId: string;
  readonly #members: readonly Member[];
  /** Boot ids of those that are not of this process. */
  readonly #others = new Set<string>();

  constructor(plan: CrowdPlan, ifindex: number) {
    this.#plan = plan;
    const keys = HeartbeatKeys.of({ current: Buffer.from(plan.secret) });
    if (!keys.ok) throw new Error(`heartbeat crowd: ${keys.problem}`);
    this.#keys = keys.keys;
    this.#clusterId = clusterIdOf(plan.clusterUid);
    this.#members = plan.members.map((member, index) => memberOf(member, index, plan));
    this.#socket = PacketSocket.open({ ifindex, protocol: HEARTBEAT_ETHER_TYPE, receiveBufferBytes: 4_000_000 });
    LinkGroup.join(ifindex, HEARTBEAT_GROUP);
    this.#socket.receive(({ bytes }) => this.#hear(bytes), console.error);
    setInterval(() => this.#tick(performance.now()), TICK_MS);
  }

  #hear(frame: Uint8Array): void {
    const source = { clusterId: this.#clusterId, keys: () => this.#keys, nextCounter: () => 0 };
    const opened = openFrame(source, frame);
    if (opened.ok) this.#others.add(opened.heartbeat.bootId);
  }

  #tick(nowMs: number): void {
    for (const member of this.#members) {
      if (nowMs >= member.listsDueMs) {
        member.listsDueMs = nowMs + LISTS_EVERY_MS;
        for (const lists of this.#listsOf(member)) this.#send(member, lists);
      }
      if (nowMs < member.dueMs) continue;
      member.dueMs = Math.max(member.dueMs + this.#plan.intervalMs, nowMs);
      this.#send(member, {});
    }
  }

  #listsOf({ self, vips }: Member): Lists[] {
    const heard = [...this.#members.map((one) => one.self.bootId).filter((id) => id !== self.bootId), ...this.#others];
    const claims = partsOf(
      vips.map((vip) => ({ vip, term: 1 })),
      CLAIMS_PER_PART,
    );
    const view = partsOf(heard, VIEW_PER_PART);
    return [
      ...claims.map((part) => ({ claims: { version: 1, ...part } })),
      ...view.map((part) => ({ view: { version: this.#viewVersion, ...part } })),
    ];
  }

  get #viewVersion(): number {
    return 1 + this.#others.size;
  }

  #send({ self, vips, nextCounter }: Member, lists: Lists): void {
    const source = { clusterId: this.#clusterId, keys: () => this.#keys, nextCounter };
    const body: HeartbeatBody = {
      phase: 'active',
      fitness: 'fit',
      intervalMs: this.#plan.intervalMs,
      deadAfterMs: DEAD_AFTER_MS,
      claimsVersion: 1,
      viewVersion: this.#viewVersion,
      claimCount: vips.length,
      node: self.node,
      ...lists,
    };
    this.#socket.send(sealFrame(source, self, body, this.#keys.newest.id));
  }
}

/** Answers for VIPs in the name of the members that claim them. */
function answerFor(members: CrowdPlan['members'], ifindex: number): void {
  const macs = new Map(members.flatMap(({ vips }, index) => vips.map((vip) => [vip, macOf(index)] as const)));
  const socket = PacketSocket.open({ ifindex, protocol: ETHER_TYPE.ARP, frames: 'promiscuous' });
  const answer = (bytes: Uint8Array) => {
    const ethernet = decodeEthernet(bytes);
    const decoded = ethernet.ok ? decodeArp(ethernet.frame.payload) : undefined;
    if (!decoded?.ok || decoded.packet.operation !== ARP_OPERATION.REQUEST) return;
    const { senderHardwareAddr, senderProtocolAddr, targetProtocolAddr } = decoded.packet;
    const mac = macs.get(String(targetProtocolAddr));
    if (!mac || targetProtocolAddr.equals(senderProtocolAddr)) return;
    const reply = {
      operation: ARP_OPERATION.REPLY,
      senderHardwareAddr: mac,
      senderProtocolAddr: targetProtocolAddr,
      targetHardwareAddr: senderHardwareAddr,
      targetProtocolAddr: senderProtocolAddr,
    };
    socket.send(arpFrame(reply, senderHardwareAddr));
  };
  socket.receive(({ bytes }) => answer(bytes), console.error);
}

/** At least one part, since an empty list says something. */
function partsOf<Entry>(entries: readonly Entry[], perPart: number) {
  const total = Math.max(1, Math.ceil(entries.length / perPart));
  return Array.from({ length: total }, (_, index) => ({
    ...{ index, total },
    entries: entries.slice(index * perPart, (index + 1) * perPart),
  }));
}

// Members do not send in step.
function memberOf({ node, vips }: CrowdPlan['members'][number], index: number, plan: CrowdPlan): Member {
  const bootId = (0xbe47_0000_0000_0000n + BigInt(index)).toString(16);
  const offsetMs = performance.now() + (plan.intervalMs * index) / plan.members.length;
  return {
    self: { node, bootId, port: 1, mac: macOf(index) },
    vips: vips.map(ip),
    nextCounter: frameCounter(),
    dueMs: offsetMs,
    listsDueMs: offsetMs + (LISTS_EVERY_MS * index) / plan.members.length,
  };
}

function macOf(index: number): MacAddress {
  const parsed = MacAddress.parse((FIRST_MAC + index).toString(16).padStart(12, '0').match(/../g)?.join(':') ?? '');
  if (!parsed.ok) throw new Error(`heartbeat crowd: ${parsed.reason}`);
  return parsed.value;
}

async function main(): Promise<void> {
  const [plan] = (await once(process, 'message')) as [CrowdPlan];
  const links = new Links();
  links.failures.subscribe(console.error);
  links.start();
  await links.ready;
  const link = links.list().find(({ name }) => name === 'eth0');
  links.stop();
  if (!link) throw new Error('heartbeat crowd: no interface eth0');
  new Crowd(plan, link.index);
  answerFor(plan.members, link.index);
  process.on('disconnect', () => process.exit(0));
  process.send?.('beating');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
