// SPDX-License-Identifier: Apache-2.0
/**
 * The program that runs in each host of a WireLan: it owns a responder and a packet socket per interface, and obeys
 * over IPC.
 */
import { flushCompileCache } from 'node:module';
import {
  gratuitousArp,
  HEARTBEAT_ETHER_TYPE,
  HEARTBEAT_GROUP_MAC,
  IpAddress,
  MacAddress,
  QUICK_PROBE_TIMING,
  unsolicitedAdvertisement,
} from '@berth/core';
import {
  AddressProber,
  type AnnounceResult,
  Announcer,
  ClaimReceiver,
  ConflictWatch,
  DatagramSocket,
  DefaultRoutes,
  type EngineName,
  Inquiry,
  LinkGroup,
  Links,
  ListeningAudience,
  PacketSocket,
  Responder,
  SolicitedGroups,
  sourceFor,
  TrialPort,
} from '@berth/link';
import { systemClock } from '@berth/runtime';
import { BeatEar, sendBeats } from './beats.ts';
import { spreadCalls } from './spread-calls.ts';

const ARP = 0x0806;
const IPV6 = 0x86dd;
/** How often {@link HostCalls.keepFence} renews, in milliseconds. */
const RENEW_MS = 50;
/** How often {@link HostCalls.guard} looks, in milliseconds. */
const LOOK_MS = 100;
/** How long {@link HostCalls.inquire} waits for answers, in milliseconds. */
const INQUIRY_MS = 250;

// It is killed in the end, too late to keep what it was compiled to.
flushCompileCache();

let engine: EngineName = 'packet-socket';
let responder: Responder | undefined;
const groups = new SolicitedGroups();
groups.failures.subscribe((_group, _ifindex, error) => console.error(error));
const sockets = new Map<string, PacketSocket>();
const datagrams = new Map<string, DatagramSocket>();
const links = new Links();
links.failures.subscribe(console.error);
let announcer: Announcer | undefined;
let trials: TrialPort | undefined;
const trialsHeard: string[] = [];
let routes: DefaultRoutes | undefined;
let fenceTimer: NodeJS.Timeout | undefined;

/** VIPs as text with the names of their interfaces. */
type TextRow = readonly [vip: string, ...ifnames: string[]];

const calls = {
  ...spreadCalls(linkOf),
  async ping(): Promise<void> {
    await links.ready;
  },
  /** Begins to report every frame of a protocol (ARP unless said otherwise) that the interface sees. */
  watch(ifname: string, protocol: 'arp' | 'ipv6' = 'arp'): void {
    const socket = PacketSocket.open({
      ifindex: linkOf(ifname).index,
      protocol: protocol === 'arp' ? ARP : IPV6,
      frames: 'promiscuous',
      receiveBufferBytes: 8_000_000,
    });
    const onFrame = ({ bytes }: { bytes: Uint8Array }) => {
      process.send?.({ frame: Buffer.from(bytes).toString('hex'), ifname, atMs: performance.now() });
    };
    socket.receive(onFrame, () => {});
    sockets.set(ifname, socket);
  },
  /** Begins to report the heartbeats that count as those of the interface's own segment. */
  watchSegment(ifname: string): void {
    const group = MacAddress.parse(HEARTBEAT_GROUP_MAC);
    if (!group.ok) throw new Error(group.reason);
    const socket = PacketSocket.open({
      ...{ ifindex: linkOf(ifname).index, protocol: HEARTBEAT_ETHER_TYPE },
      groups: [group.value],
      priority: 'control',
    });
    LinkGroup.join(linkOf(ifname).index, group.value);
    socket.receive(
      ({ bytes }) => process.send?.({ frame: Buffer.from(bytes).toString('hex'), ifname, atMs: performance.now() }),
      () => {},
    );
    sockets.set(ifname, socket);
  },
  /** Begins to report the datagrams that hosts of these addresses send to a port. */
  hearDatagrams(ifname: string, port: number, ...sources: string[]): void {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const socket = DatagramSocket.open({ ifname, family, port });
      socket.takeFrom(sources.map(addressOf).filter((one) => one.family === family));
      const tell = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
      socket.receive(
        ({ bytes, from }) => process.send?.({ frame: `${from} ${tell(bytes)}`, ifname, atMs: 0 }),
        console.error,
      );
      datagrams.set(family, socket);
    }
  },
  sendDatagram(to: string, text: string): boolean | undefined {
    const address = addressOf(to);
    return datagrams.get(address.family)?.send(new TextEncoder().encode(text), address);
  },
  /** Begins to hear trial frames, or, without an interface, to hear none. */
  listenForTrials(ifname?: string): void {
    if (ifname === undefined) trials?.rest();
    else trialsOn(ifname).listen();
  },
  sendTrial(ifname: string, to: string): void {
    const mac = MacAddress.parse(to);
    if (mac.ok) trialsOn(ifname).send(mac.value);
  },
  /** The senders of those that were heard. */
  trialsHeard(): readonly string[] {
    return trialsHeard;
  },
  send(ifname: string, hex: string): boolean {
    return socketOf(ifname).send(Buffer.from(hex, 'hex'));
  },
  /** Sends a frame many times, as fast as the kernel takes it; returns how many it took. */
  flood(ifname: string, hexes: readonly string[], times: number): number {
    const socket = socketOf(ifname);
    const frames = hexes.map((hex) => Buffer.from(hex, 'hex'));
    let sent = 0;
    for (let round = 0; round < times; round++) for (const frame of frames) if (socket.send(frame)) sent++;
    return sent;
  },
  macOf(ifname: string): string {
    return String(linkOf(ifname).mac);
  },
  linkNames(): string[] {
    return links.list().map((link) => `${link.name}${link.isUp && link.hasCarrier ? '' : ' (down)'}`);
  },
  /** Names what the responder is opened with. */
  useEngine(name: EngineName): void {
    engine = name;
  },
  answerOn(...ifnames: string[]): void {
    responder ??= Responder.open(undefined, engine);
    for (const ifname of ifnames) {
      responder.attach(linkOf(ifname).index, linkOf(ifname).mac ?? MacAddress.ZERO);
      groups.attach(linkOf(ifname).index);
    }
  },
  /** How an interface is answered, with the name of the error that the program met with. */
  answeredBy(ifname: string): string {
    const attachment = responder?.attachmentOf(linkOf(ifname).index);
    return attachment ? [attachment.by, attachment.refusal?.code ?? []].flat().join(' ') : 'nobody';
  },
  look(ifname: string): string | undefined {
    return responder?.look(linkOf(ifname).index);
  },
  attachAgain(ifname: string): void {
    responder?.attachAgain(linkOf(ifname).index);
  },
  keepQuiet(milliseconds: number): void {
    responder?.keepQuiet(milliseconds);
  },
  /** Answers for so many VIPs from 10.0.0.0 on, on an interface; returns for how many there was no room. */
  replaceMany(ifname: string, count: number): number {
    const first = Number(addressOf('10.0.0.0').value);
    const ifindexes = [linkOf(ifname).index];
    const rows = Array.from({ length: count }, (_, index) => ({
      vip: IpAddress.fromBytes(Uint8Array.from([24, 16, 8, 0].map((shift) => ((first + index) >>> shift) & 0xff))),
      ifindexes,
    }));
    responder?.replace(rows.flatMap(({ vip, ...rest }) => (vip ? [{ vip, ...rest }] : [])));
    return responder?.shortfall?.missing.length ?? 0;
  },
  detach(ifname: string): void {
    responder?.detach(linkOf(ifname).index);
    groups.detach(linkOf(ifname).index);
  },
  replace(...rows: TextRow[]): void {
    responder?.replace(rowsOf(rows));
    groups.replace(rowsOf(rows));
  },
  renew(milliseconds: number): 'held' | 'expired' | undefined {
    return responder?.renew(milliseconds);
  },
  openFence(milliseconds: number): void {
    responder?.openFence(milliseconds);
  },
  /** Renews the fence for this long, again and again, as the speaker does. */
  keepFence(milliseconds: number): void {
    responder?.openFence(milliseconds);
    fenceTimer ??= setInterval(() => responder?.renew(milliseconds), RENEW_MS);
  },
  expire(): void {
    clearInterval(fenceTimer);
    responder?.expire();
  },
  /** Blocks JavaScript, as a bug would, and answers afterwards. */
  hang(milliseconds: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  },
  announce(ifname: string, hex: string): AnnounceResult | undefined {
    return responder?.announce(linkOf(ifname).index, Buffer.from(hex, 'hex'));
  },
  /** Owns exactly these VIPs: answers and announces them. Refreshes come after this many milliseconds. */
  own(refreshMs: number, ...rows: TextRow[]): void {
    calls.replace(...rows);
    announcer ??= newAnnouncer(refreshMs);
    for (const link of links.list())
      if (responder?.attached.includes(link.index)) announcer.attach(link.index, link.mac ?? MacAddress.ZERO);
    announcer.replace(rowsOf(rows));
  },
  /** Hears who asks for these VIPs, to tell them one by one when this host takes them over. */
  listenFor(ifname: string, ...vips: string[]): void {
    audience.listen(vips.map(addressOf), [linkOf(ifname).index]);
  },
  /** Sends frames of the heartbeats' type and size from a native thread, as a speaker does; a minute at most. */
  beat(ifname: string, everyMs: number): void {
    responder ??= Responder.open(undefined, engine);
    sendBeats(responder, { ifindex: linkOf(ifname).index, mac: linkOf(ifname).mac ?? MacAddress.ZERO, everyMs });
  },
  /** Begins to hear such frames. */
  hearBeats(ifname: string): void {
    ear.open(linkOf(ifname).index);
  },
  /** Longest time between two of them since this was last asked, in milliseconds. */
  longestSilence(): number {
    return ear.takeLongest();
  },
  /** Asks whether anybody uses the address; with the quick times, or those of the RFC. Members are no conflict. */
  async probe(ifname: string, vip: string, times: 'quick' | 'rfc', ...members: string[]): Promise<string> {
    const prober = new AddressProber({
      clock: systemClock,
      random: Math.random,
      isMember: (mac) => members.includes(String(mac)),
      receiver: new ClaimReceiver({ clock: systemClock }),
    });
    const { index, mac = MacAddress.ZERO } = linkOf(ifname);
    const timing = times === 'quick' ? { timing: QUICK_PROBE_TIMING } : {};
    const result = await prober.probe({ candidate: addressOf(vip), ifindex: index, mac, ...timing });
    prober.stop();
    return result.end === 'conflict' ? `conflict with ${result.claimant}` : result.end;
  },
  /**
   * Asks once who answers for an address, with a question to one station, to everybody, or both; returns who answered
   * within a while, and after how long.
   */
  async inquire(
    ifname: string,
    target: string,
    to: { readonly station?: string; readonly everybody?: boolean },
  ): Promise<{ mac: string; afterMs: number }[]> {
    const { index, mac = MacAddress.ZERO, addresses } = linkOf(ifname);
    const answers: { mac: string; afterMs: number }[] = [];
    let askedMs = 0;
    const inquiry = new Inquiry({
      ...{ ifindex: index, mac, clock: systemClock },
      from: (one) => sourceFor(addresses, one),
      onAnswer: (_address, one) => answers.push({ mac: String(one), afterMs: performance.now() - askedMs }),
      onFailed: (error) => console.error(error),
    });
    askedMs = performance.now();
    const stations = to.station === undefined ? [] : [macOf(to.station)];
    inquiry.ask({ target: addressOf(target), stations, audience: to.everybody ? 'everybody' : 'stations' });
    await new Promise((resolve) => setTimeout(resolve, INQUIRY_MS));
    inquiry.close();
    return answers;
  },
  /** Hosts that asked lately for the VIPs of {@link HostCalls.listenFor}, as `MAC IP`. */
  askers(ifname: string): string[] {
    const lately = audience.lately(linkOf(ifname).index, { withinMs: 60_000, atMost: 8 });
    return lately.map(({ mac, ip }) => `${mac} ${ip}`);
  },
  /** The next hops by an interface, as they are known at this moment. */
  gateways(ifname: string): string[] {
    if (!routes) {
      routes = new DefaultRoutes({ clock: systemClock });
      routes.failures.subscribe(console.error);
      routes.start();
    }
    return routes.on(linkOf(ifname).index).map(String);
  },
  /** Defends the VIPs on an interface from now on; alarms are written down. Members are no conflict. */
  guard(ifname: string, ...members: string[]): void {
    const { index, mac = MacAddress.ZERO } = linkOf(ifname);
    const watch = new ConflictWatch({
      counters: () => responder?.vipCounters('claimed') ?? [],
      isOurs: (one) => members.includes(String(one)),
      announce: (vip) => {
        const frame = vip.family === 'IPv4' ? gratuitousArp('request', vip, mac) : unsolicitedAdvertisement(vip, mac);
        responder?.announce(index, frame);
      },
    });
    watch.raised.subscribe((vip, stranger) => alarms.push(`${vip} ${stranger}`));
    watch.ended.subscribe((vip) => alarms.push(`${vip} ended`));
    setInterval(() => watch.look(performance.now()), LOOK_MS);
  },
  alarms(): readonly string[] {
    return alarms;
  },
  /** How often each interface could not send an announcement. */
  announceFailures(): Record<string, number> {
    return Object.fromEntries(failures);
  },
  outcomes(): Record<string, number> {
    return Object.fromEntries(responder?.outcomes() ?? []);
  },
  vipCounters(): { vip: string; requests: number; replies: number; claims: number; claimant: string }[] {
    return (responder?.vipCounters() ?? []).map((row) => ({
      ...row,
      vip: String(row.vip),
      claimant: String(row.claimant),
    }));
  },
  closeResponder(): void {
    announcer?.stop();
    responder?.close();
    groups.close();
    announcer = responder = undefined;
  },
};

const ear = new BeatEar();
const alarms: string[] = [];
const failures = new Map<string, number>();

function newAnnouncer(refreshMs: number): Announcer {
  const made = new Announcer({
    sender: { announce: (ifindex, frame) => responder?.announce(ifindex, frame) ?? 'not-attached' },
    clock: systemClock,
    random: () => 0,
    schedule: { refreshMs },
    audience,
  });
  made.failures.subscribe((_vip, ifindex) => {
    const name = links.list().find((link) => link.index === ifindex)?.name ?? String(ifindex);
    failures.set(name, (failures.get(name) ?? 0) + 1);
  });
  return made;
}

const audience = new ListeningAudience({ clock: systemClock });
audience.failures.subscribe(console.error);

export type HostCalls = typeof calls;

export type HostMessage =
  | { readonly frame: string; readonly ifname: string; readonly atMs: number }
  | { readonly id: number; readonly result: unknown }
  | {
      readonly id: number;
      readonly error: { readonly message: string; readonly code: unknown; readonly syscall: unknown };
    };

interface Request {
  readonly id: number;
  readonly name: keyof HostCalls;
  readonly given: readonly unknown[];
}

function linkOf(ifname: string) {
  const link = links.list().find((one) => one.name === ifname);
  if (!link) throw new Error(`no interface "${ifname}"`);
  return link;
}

function rowsOf(rows: readonly TextRow[]) {
  return rows.map(([vip, ...ifnames]) => ({
    vip: addressOf(vip),
    ifindexes: ifnames.map((name) => linkOf(name).index),
  }));
}

function trialsOn(ifname: string): TrialPort {
  const { index: ifindex, mac = MacAddress.ZERO } = linkOf(ifname);
  trials ??= new TrialPort({
    ...{ ifindex, mac },
    onHeard: (from) => trialsHeard.push(String(from)),
    onFailed: (error) => console.error(error),
  });
  return trials;
}

function socketOf(ifname: string): PacketSocket {
  const socket = sockets.get(ifname);
  if (!socket) throw new Error(`"${ifname}" is not watched`);
  return socket;
}

function macOf(text: string): MacAddress {
  const mac = MacAddress.parse(text);
  if (!mac.ok) throw new Error(mac.reason);
  return mac.value;
}

function addressOf(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (!address.ok) throw new Error(address.reason);
  return address.value;
}

async function serve({ id, name, given }: Request): Promise<void> {
  try {
    const call = calls[name] as (...rest: readonly unknown[]) => unknown;
    process.send?.({ id, result: await call(...given) });
  } catch (error) {
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    process.send?.({ id, error: { message, code, syscall } });
  }
}

links.start();
process.on('message', (request: Request) => void serve(request));
process.on('disconnect', () => process.exit());
