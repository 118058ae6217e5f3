// SPDX-License-Identifier: Apache-2.0
import { IpAddress } from '@berth/core';
import type { EventNote, KubeObject } from '@berth/kube';
import { openLog } from '@berth/runtime';
import { expect } from 'chai';
import { tellServices } from './tell-services.ts';
import type { ServedVip } from './wire.ts';

const WEB: KubeObject = { metadata: { namespace: 'shop', name: 'web' } };

function served(...interfaces: readonly string[]): ServedVip[] {
  return [{ vip: IpAddress.of('IPv4', 0xc0000207n), services: ['shop/web'], interfaces }];
}

describe('tellServices', () => {
  const rows: { name: string; before: ServedVip[]; now: ServedVip[]; isOutside?: boolean; told: string[] }[] = [
    {
      name: 'that it begins to announce',
      ...{ before: [], now: served('lan0') },
      told: ['Normal nodeAssigned: announcing 192.0.2.7 from node "edge-1" on interface "lan0"'],
    },
    {
      name: 'that the address is in none of its subnets',
      ...{ before: [], now: served('lan0', 'lan1'), isOutside: true },
      told: [
        'Normal nodeAssigned: announcing 192.0.2.7 from node "edge-1" on interface "lan0", "lan1"',
        'Warning OutsideSubnet: 192.0.2.7 is in no subnet of node "edge-1" on "lan0", "lan1": ' +
          'hosts of the LAN reach it only where they have a route for it',
      ],
    },
    {
      name: 'by a reason of its own that the owner has no interface for it any more',
      ...{ before: served('lan0'), now: served() },
      told: [
        'Warning NoUsableInterface: 192.0.2.7 is not announced: ' +
          'node "edge-1" has no usable interface that the policy allows',
      ],
    },
    { name: 'nothing twice', before: served(), now: served(), told: [] },
    { name: 'nothing about another interface', before: served('lan0'), now: served('lan1'), told: [] },
    { name: 'nothing on the Service when it ends', before: served('lan0'), now: [], told: [] },
  ];
  for (const { name, before, now, isOutside = false, told } of rows) {
    it(`tells ${name}`, () => {
      const notes: EventNote[] = [];
      const tell = tellServices({
        log: openLog('error', { write: () => {} }),
        events: { record: (_, note) => notes.push(note) },
        services: { get: () => WEB },
        nodeName: 'edge-1',
        isInSubnet: () => !isOutside,
      });
      tell(now, before);
      expect(notes.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)).to.deep.equal(told);
    });
  }
});
