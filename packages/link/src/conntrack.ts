// SPDX-License-Identifier: Apache-2.0
/**
 * Which flows of Services this node serves: its kernel's conntrack, read by ctnetlink on another thread. Needs
 * CAP_NET_ADMIN. It is the only truth about that, so nothing of it is remembered here.
 */
import type { IpAddress } from '@berth/core';
import { HOST_IS_LITTLE_ENDIAN } from './linux.ts';
import { type NativeLink, nativeLink } from './native.ts';
import { addressKey, PROTOCOL_NUMBERS, type SpreadProtocol } from './spread-layout.ts';

export interface ConntrackService {
  readonly vip: IpAddress;
  readonly protocol: SpreadProtocol;
  readonly port: number;
  /** What the rows of the Service go by. */
  readonly by: 'flow' | 'client';
  readonly rowCount: number;
}

export interface ConntrackQuery {
  /** Of the hash; 64 bits. */
  readonly seed: bigint;
  /** At most 65,536. */
  readonly services: readonly ConntrackService[];
}

/**
 * Flows whose original destination is one of the Services and that were given another by kube-proxy, IPv4 and IPv6; the
 * arrays have one element for each. Left out: TCP connections that are closed or wait for their last packets, and flows
 * in zones.
 */
export interface ConntrackFlows {
  /** As core's `fingerprintOf`. */
  readonly fingerprints: BigUint64Array;
  /** Positions in `services` of the query. */
  readonly services: Uint16Array;
  /** As core's `rowOf`. */
  readonly rows: Uint16Array;
  /** Entries of the whole table, those of others among them, and how many there may be. */
  readonly total: number;
  readonly max: number;
}

/** Why conntrack cannot be read. */
export type ConntrackObstacle =
  /** The kernel has none, or cannot show it (nf_conntrack_netlink is missing). */
  | 'no-conntrack'
  /** CAP_NET_ADMIN is missing. */
  | 'no-permission'
  | 'out-of-memory'
  /** Anything else; the error says what. */
  | 'unknown';

/** From this part on the table counts as nearly full: the kernel drops flows that have no entry. */
const NEARLY_FULL = 0.9;
/** struct conntrack_service in native/conntrack.h. */
const ROW_BYTES = 24;

/** Rejects with an Error with `code` and `syscall`, which {@link conntrackObstacleOf} sorts. */
export function readConntrack(query: ConntrackQuery, native: NativeLink = nativeLink()): Promise<ConntrackFlows> {
  return native.conntrackRead(BigUint64Array.of(query.seed), encodeServices(query.services));
}

/** Whether new flows may soon have no entry, and be lost. */
export function isNearlyFull({ total, max }: Pick<ConntrackFlows, 'total' | 'max'>): boolean {
  return max > 0 && total >= max * NEARLY_FULL;
}

export function conntrackObstacleOf(error: unknown): ConntrackObstacle {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    // Of a kernel without this part of nfnetlink; the request itself is always the same.
    case 'EINVAL':
    case 'EPROTONOSUPPORT':
    case 'EOPNOTSUPP':
    case 'ENOENT':
      return 'no-conntrack';
    case 'EPERM':
    case 'EACCES':
      return 'no-permission';
    case 'ENOMEM':
      return 'out-of-memory';
    default:
      return 'unknown';
  }
}

function encodeServices(services: readonly ConntrackService[]): Uint8Array {
  const bytes = new Uint8Array(services.length * ROW_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { vip, protocol, port, by, rowCount }] of services.entries()) {
    const start = index * ROW_BYTES;
    bytes.set(addressKey(vip), start);
    view.setUint16(start + 16, port, HOST_IS_LITTLE_ENDIAN);
    view.setUint8(start + 18, PROTOCOL_NUMBERS[protocol]);
    view.setUint8(start + 19, by === 'client' ? 1 : 0);
    view.setUint32(start + 20, rowCount, HOST_IS_LITTLE_ENDIAN);
  }
  return bytes;
}
