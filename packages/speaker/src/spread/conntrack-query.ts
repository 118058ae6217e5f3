// SPDX-License-Identifier: Apache-2.0
/** What connection tracking is asked for, and what its answer means to the state machine. Pure. */
import type { OwnFlows } from '@berth/core';
import type { ConntrackFlows, ConntrackQuery } from '@berth/link';
import type { ServedEverywhere } from './served-services.ts';

/** Rows of clients as the state machine takes them. */
const CLIENT_ROWS = 16_384;

export interface SpreadQuery {
  readonly query: ConntrackQuery;
  flowsOf(read: ConntrackFlows): OwnFlows;
}

/** Of all ports of these VIPs. */
export function queryOf(everywhere: ReadonlyMap<string, ServedEverywhere>, seed: bigint): SpreadQuery {
  const vips = [...everywhere];
  const ports = vips.flatMap(([, about], index) => about.ports.map((port) => ({ ...port, vip: about.vip, index })));
  const services = ports.map(({ vip, protocol, port }) => ({
    ...{ vip, protocol, port, by: 'client' as const, rowCount: CLIENT_ROWS },
  }));
  return {
    query: { seed, services },
    flowsOf: ({ fingerprints, services: positions, rows }) => ({
      fingerprints,
      services: positions.map((position) => ports[position]?.index ?? 0),
      clientRows: rows,
      vips: vips.map(([text]) => text),
    }),
  };
}
