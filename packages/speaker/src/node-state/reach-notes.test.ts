// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ReachNotes } from './reach-notes.ts';

describe('ReachNotes', () => {
  it('WT-09: tells once when a node is not reached any more, and once when it is again', () => {
    const notes = new ReachNotes();
    const follow = (...notReached: string[]) =>
      notes.follow('edge-1', [{ interface: 'lan0', notReached }]).map(({ node, note }) => `${node} ${note.reason}`);
    expect(follow()).to.deep.equal([]);
    expect(follow('edge-2', 'edge-3')).to.deep.equal(['edge-2 NodeNotReached', 'edge-3 NodeNotReached']);
    expect(follow('edge-2', 'edge-3')).to.deep.equal([]);
    expect(follow('edge-3')).to.deep.equal(['edge-2 NodeReached']);
  });

  it('WT-09: names both nodes, the interface and what to look for', () => {
    const [first] = new ReachNotes().follow('edge-1', [{ interface: 'lan0', notReached: ['edge-2'] }]);
    expect(first?.note.message).to.include('node "edge-1"').and.include('lan0').and.include('private VLAN');
  });
});
