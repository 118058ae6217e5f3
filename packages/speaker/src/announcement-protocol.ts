// SPDX-License-Identifier: Apache-2.0
/**
 * The port behind which VIPs are made reachable. Layer 2 (layer2-announcement.ts) implements it: who owns a VIP, on
 * which interface and by which term is its own affair. A routing protocol would be a second one.
 */
import type { IpAddress, NodeFacts, ServiceKey } from '@berth/core';
import type { WantedVip } from './cluster/wanted-vips.ts';

/** A VIP that this node makes reachable now. */
export interface AnnouncedVip {
  readonly vip: IpAddress;
  /** Keys of the Services that hold it, sorted. */
  readonly services: readonly ServiceKey[];
}

export interface AnnouncementProtocol {
  readonly name: string;
  /** What this node makes reachable now. */
  readonly served: readonly AnnouncedVip[];
  /** Begins to take part; nothing is wanted yet. */
  start(): void;
  /**
   * Takes over what the cluster wants to be reachable, all of it at each call, and its nodes. Which part is this node's
   * the protocol decides. What follows at once has been done when this returns.
   */
  want(wanted: readonly WantedVip[], nodes: Iterable<NodeFacts>): void;
  /** Hands everything to other nodes, while this one still serves; resolves when that is done. */
  leave(): Promise<void>;
  /** Ends at once: nothing is reachable by this node any more when it returns. */
  stop(): void;
}
