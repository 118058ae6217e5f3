// SPDX-License-Identifier: Apache-2.0

// What nodes report that have found addresses in use, without nodes.

import {
  type AddressConflict,
  encodeNodeState,
  IpAddress,
  MacAddress,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeState,
  nodeLeaseName,
} from '@berth/core';
import { isKubeError, leases } from '@berth/kube';
import type { Rig } from './rig.ts';

/** Who uses them. */
export const STRANGER = '00:00:5e:00:53:01';

/** A Lease of a node that has found these addresses taken before their first use, as its speaker writes it. */
export async function reportTaken(rig: Rig, node: string, addresses: readonly string[]): Promise<void> {
  const state: NodeState = {
    ...{ bootId: '0123456789abcdef', engine: 'kernel', transport: 'multicast', keys: { newest: '', signing: '' } },
    ...{
      ineligible: '',
      fitness: 'fit',
      segments: [],
      owned: [],
      leftOut: 0,
      unreachable: [],
      notAnnounced: [],
      orders: [],
    },
    conflicts: addresses.map(conflictOn),
  };
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
  const [vip, mac] = [IpAddress.parse(address), MacAddress.parse(STRANGER)];
  if (!vip.ok || !mac.ok) throw new Error('no address');
  return { vip: vip.value, interface: 'eth0', mac: mac.value, sinceSeconds: 1_700_000_000, kind: 'before-use' };
}
