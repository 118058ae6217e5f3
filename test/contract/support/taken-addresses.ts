// SPDX-License-Identifier: Apache-2.0

// What nodes report that answer for addresses or have found them in use, without nodes.

import {
  type AddressConflict,
  encodeNodeState,
  MacAddress,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeState,
  nodeLeaseName,
} from '@berth/core';
import { IDLE_NODE_STATE, ip } from '@berth/core/testing';
import { isKubeError, leases } from '@berth/kube';
import type { Rig } from './rig.ts';

/** Who uses them. */
export const STRANGER = '00:00:5e:00:53:01';

/** A Lease of a node that has found these addresses taken before their first use, as its speaker writes it. */
export function reportTaken(rig: Rig, node: string, addresses: readonly string[]): Promise<void> {
  return report(rig, node, { ...IDLE_NODE_STATE, conflicts: addresses.map(conflictOn) });
}

/** Leases of two nodes that hear each other; the first answers for these addresses. */
export async function reportOwned(rig: Rig, addresses: readonly string[]): Promise<void> {
  const owned = addresses.map((address) => ({
    ...{ vip: ip(address), interface: 'eth0', term: 1, sinceSeconds: 1_700_000_000, why: 'new' as const },
  }));
  await report(rig, 'edge-1', { ...IDLE_NODE_STATE, segments: [hearing('edge-2')], owned });
  await report(rig, 'edge-2', { ...IDLE_NODE_STATE, segments: [hearing('edge-1')] });
}

async function report(rig: Rig, node: string, state: NodeState): Promise<void> {
  const annotations = { [NODE_STATE_ANNOTATION]: encodeNodeState(state) };
  const metadata = { namespace: rig.system, name: nodeLeaseName(node), labels: { [NODE_STATE_LABEL]: node } };
  const spec = { holderIdentity: node, renewTime: new Date().toISOString().replace('Z', '000Z') };
  try {
    await rig.client.create(leases, { metadata: { ...metadata, annotations }, spec });
  } catch (error) {
    if (!isKubeError(error, 'already-exists')) throw error;
    await rig.client.patch(leases, metadata, { type: 'merge', body: { metadata: { annotations }, spec } });
  }
}

/** What a node tells of an address. */
export function conflictOn(address: string): AddressConflict {
  const mac = MacAddress.parse(STRANGER);
  if (!mac.ok) throw new Error(mac.reason);
  const vip = ip(address);
  return { vip, interface: 'eth0', mac: mac.value, sinceSeconds: 1_700_000_000, kind: 'before-use' };
}

function hearing(node: string): NodeState['segments'][number] {
  return { interface: 'eth0', mac: MacAddress.ZERO, phase: 'active', members: [{ node, hearing: 'both' }] };
}
