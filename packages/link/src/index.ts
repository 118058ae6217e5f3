// SPDX-License-Identifier: Apache-2.0
/** The wire: packet sockets, what answers for VIPs, and interface events, in C behind a typed API. Linux only. */
export * from './address-prober.ts';
export * from './announcer.ts';
export * from './audience.ts';
export * from './claim-ears.ts';
export * from './conflict-watch.ts';
export * from './heartbeat-sender.ts';
export * from './link-group.ts';
export * from './links.ts';
export { PACKET_OPTION, type PacketType, SO, SOL } from './linux.ts';
export * from './native.ts';
export type { Gateway, Neighbor } from './neighbor-messages.ts';
export * from './neighbors.ts';
export * from './open-responder.ts';
export * from './packet-socket.ts';
export * from './responder.ts';
export * from './rtnetlink.ts';
export * from './solicited-groups.ts';
export * from './source-filter.ts';
export * from './throttled-socket.ts';
export * from './vip-rows.ts';
