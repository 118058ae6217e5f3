// SPDX-License-Identifier: Apache-2.0
/**
 * Finds out whether anybody uses an address before it is used the first time: the probing of RFC 5227, 2.1 for IPv4 and
 * duplicate address detection of RFC 4862, 5.4 for IPv6. One state machine for both; they differ in times and frames. A
 * VIP that a node takes over from another is in use already and is never probed: that would find our own.
 */
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { ARP_OPERATION, type ArpPacket, arpFrame } from '../wire/arp.ts';
import { isUnspecifiedV6, UNSPECIFIED_V6 } from '../wire/ipv6.ts';
import { NDP_TYPE, type NdpPacket, ndpFrame } from '../wire/ndp.ts';
import { solicitedNodeGroup } from '../wire/solicited-node.ts';

/** Times in milliseconds. */
export interface ProbeTiming {
  /** Probes that are sent. */
  readonly count: number;
  /** The first probe comes after a random wait from 0 to this long. */
  readonly longestWaitMs: number;
  /** Between two probes a random time from the first to the second passes. */
  readonly shortestGapMs: number;
  readonly longestGapMs: number;
  /** How long an answer is waited for after the last probe. */
  readonly listenMs: number;
}

/** RFC 5227, 1.1: PROBE_NUM, PROBE_WAIT, PROBE_MIN, PROBE_MAX, ANNOUNCE_WAIT. */
export const ARP_PROBE_TIMING: ProbeTiming = {
  count: 3,
  longestWaitMs: 1000,
  shortestGapMs: 1000,
  longestGapMs: 2000,
  listenMs: 2000,
};

/** RFC 4862, 5.1 and RFC 4861, 10: DupAddrDetectTransmits, MAX_RTR_SOLICITATION_DELAY, RETRANS_TIMER. */
export const DAD_TIMING: ProbeTiming = {
  count: 1,
  longestWaitMs: 1000,
  shortestGapMs: 1000,
  longestGapMs: 1000,
  listenMs: 1000,
};

/**
 * For an address that a Service waits for, under 0.25 s in all. A host that is switched on answers well within that;
 * one that sleeps or is cut off at this moment is found by the defence later, as with the times of the RFC.
 */
export const QUICK_PROBE_TIMING: ProbeTiming = {
  count: 3,
  longestWaitMs: 10,
  shortestGapMs: 40,
  longestGapMs: 60,
  listenMs: 100,
};

/** RFC 5227, 1.1: after MAX_CONFLICTS, one try in each RATE_LIMIT_INTERVAL. */
export const PROBE_RATE_LIMIT = { maxConflicts: 10, intervalMs: 60_000 } as const;

/** `dueMs` is when the next event of time is wanted. */
export type ProbeState =
  | { readonly phase: 'probing'; readonly sent: number; readonly dueMs: number }
  | { readonly phase: 'listening'; readonly dueMs: number }
  | { readonly phase: 'free' }
  | { readonly phase: 'conflict'; readonly claimant: MacAddress };

/**
 * Time has passed, or a frame showed that somebody else uses or wants the address ({@link arpClaim}, {@link ndpClaim}).
 */
export type ProbeEvent = { readonly type: 'time' } | { readonly type: 'claimed'; readonly claimant: MacAddress };

export type ProbeAction = { readonly type: 'send-probe' };

export interface ProbeContext {
  readonly timing: ProbeTiming;
  /** A number in [0, 1). */
  random(): number;
}

/** The state before anything is sent; time is any monotonic clock in milliseconds. */
export function beginProbe({ timing, random }: ProbeContext, nowMs: number): ProbeState {
  return { phase: 'probing', sent: 0, dueMs: nowMs + random() * timing.longestWaitMs };
}

/** One step. An event of time before `dueMs` changes nothing, and nothing changes an end. */
export function stepProbe(
  state: ProbeState,
  event: ProbeEvent,
  { timing, random, nowMs }: ProbeContext & { readonly nowMs: number },
): readonly [ProbeState, readonly ProbeAction[]] {
  if (state.phase === 'free' || state.phase === 'conflict') return [state, []];
  if (event.type === 'claimed') return [{ phase: 'conflict', claimant: event.claimant }, []];
  if (nowMs < state.dueMs) return [state, []];
  if (state.phase === 'listening') return [{ phase: 'free' }, []];
  const sent = state.sent + 1;
  const gapMs = timing.shortestGapMs + random() * (timing.longestGapMs - timing.shortestGapMs);
  const next: ProbeState =
    sent < timing.count
      ? { phase: 'probing', sent, dueMs: nowMs + gapMs }
      : { phase: 'listening', dueMs: nowMs + timing.listenMs };
  return [next, [{ type: 'send-probe' }]];
}

/** When an interface that had this many conflicts may probe again; at once below the limit. */
export function nextProbeMs(conflicts: number, lastTryMs: number): number {
  return conflicts < PROBE_RATE_LIMIT.maxConflicts ? lastTryMs : lastTryMs + PROBE_RATE_LIMIT.intervalMs;
}

/** The question "does anybody use this address?", which gives no address away (RFC 5227, 2.1.1; RFC 4862, 5.4.2). */
export function probeFrame(candidate: IpAddress, mac: MacAddress): Uint8Array {
  if (candidate.family === 'IPv4') return arpProbe(candidate, mac);
  const destination = solicitedNodeGroup(candidate);
  const message = { type: NDP_TYPE.NEIGHBOR_SOLICITATION, targetAddress: candidate };
  return ndpFrame({ source: UNSPECIFIED_V6, destination, message }, mac, MacAddress.BROADCAST);
}

/**
 * What a frame says about an address: its sender uses it (`holder`), or looks whether it may take it, as we do
 * (`rival`).
 */
export interface AddressClaim {
  readonly mac: MacAddress;
  readonly by: 'holder' | 'rival';
}

/** What an ARP packet says about an address; undefined for one that says nothing about it. */
export function arpClaim(packet: ArpPacket, candidate: IpAddress): AddressClaim | undefined {
  const mac = packet.senderHardwareAddr;
  if (packet.senderProtocolAddr.equals(candidate)) return { mac, by: 'holder' };
  const isProbe = packet.senderProtocolAddr.value === 0n && packet.operation === ARP_OPERATION.REQUEST;
  return isProbe && packet.targetProtocolAddr.equals(candidate) ? { mac, by: 'rival' } : undefined;
}

/**
 * The same of a message of neighbor discovery: an advertisement for the address, a message from it, or a question of
 * duplicate detection for it. `frameSource` is the sender of the frame, for messages without an address of their own.
 */
export function ndpClaim(
  { message, source }: NdpPacket,
  candidate: IpAddress,
  frameSource: MacAddress,
): AddressClaim | undefined {
  const isAdvertisement = message.type === NDP_TYPE.NEIGHBOR_ADVERTISEMENT;
  const isAbout = message.targetAddress.equals(candidate);
  const isRival = isAbout && !isAdvertisement && isUnspecifiedV6(source);
  if (!isRival && !(isAbout && isAdvertisement) && !source.equals(candidate)) return undefined;
  const stated = isAdvertisement ? message.targetLinkLayerAddr : message.sourceLinkLayerAddr;
  return { mac: stated ?? frameSource, by: isRival ? 'rival' : 'holder' };
}

function arpProbe(candidate: IpAddress, mac: MacAddress): Uint8Array {
  const packet: ArpPacket = {
    operation: ARP_OPERATION.REQUEST,
    senderHardwareAddr: mac,
    senderProtocolAddr: IpAddress.of('IPv4', 0n),
    targetHardwareAddr: MacAddress.ZERO,
    targetProtocolAddr: candidate,
  };
  return arpFrame(packet, MacAddress.BROADCAST);
}
