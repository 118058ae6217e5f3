// SPDX-License-Identifier: Apache-2.0
import type { MembershipReport } from '@berth/core';
import { expect } from 'chai';
import { contactNote } from './contact-note.ts';

const TELLER = { node: 'edge-1', ifname: 'eth0' };

describe('contactNote', () => {
  const rows: { report: MembershipReport; node: string; type: string; reason: string }[] = [
    {
      report: { kind: 'owner-answers', node: 'edge-2', state: 'began' },
      node: 'edge-2',
      type: 'Warning',
      reason: 'HeartbeatsLost',
    },
    {
      report: { kind: 'owner-answers', node: 'edge-2', state: 'ended' },
      node: 'edge-2',
      type: 'Normal',
      reason: 'HeartbeatsBack',
    },
    { report: { kind: 'cut-off', state: 'began' }, node: 'edge-1', type: 'Warning', reason: 'CutOff' },
    { report: { kind: 'cut-off', state: 'ended' }, node: 'edge-1', type: 'Normal', reason: 'Connected' },
  ];
  for (const { report, node, type, reason } of rows)
    it(`BL-05: tells of ${reason} on the Node that it is about`, () => {
      const told = contactNote(report, TELLER);
      expect([told?.node, told?.note.type, told?.note.reason]).to.deep.equal([node, type, reason]);
      expect(told?.note.message).to.include('eth0');
    });

  it('says nothing of other news', () => {
    expect(contactNote({ kind: 'rebalanced' }, TELLER)).to.equal(undefined);
  });
});
