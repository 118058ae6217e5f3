// SPDX-License-Identifier: Apache-2.0
import {
  encodeNodeHealth,
  encodeNodeState,
  IpAddress,
  MacAddress,
  NODE_HEALTH_ANNOTATION,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeState,
} from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { leases } from '@berth/kube';
import { FakeApi, FakeClock } from '@berth/kube/testing';
import { expect } from 'chai';
import { status } from './status.ts';

const NAMESPACE = 'berth-system';
const VIP = IpAddress.of('IPv4', 0xc0000207n);
const STRANGER = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 9)) ?? MacAddress.ZERO;
const STATE: NodeState = {
  ...IDLE_NODE_STATE,
  segments: [{ interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', members: [] }],
};

describe('kubectl berth status', () => {
  let api: FakeApi;
  let clock: FakeClock;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
  });

  it('shows a row for each node and interface, and no remark when all is well', async () => {
    await say('edge-1', {
      ...STATE,
      segments: ['lan0', 'lan1'].map((ifname) => ({
        ...{ interface: ifname, mac: MacAddress.ZERO, phase: 'active' as const },
        members: [{ node: 'edge-2', hearing: 'both' as const }],
      })),
      owned: [{ vip: VIP, interface: 'lan1', term: 1, sinceSeconds: 0, why: 'new' }],
    });
    await clock.advance(4000);
    expect(await lines()).to.deep.equal([
      'NODE    INTERFACE  PHASE   HEARS  VIPS  ENGINE  HEARTBEATS  LATEST     SEEN',
      'edge-1  lan0       active  1      0     kernel  multicast   3 ms late  4 s ago',
      '        lan1       active  1      1',
    ]);
  });

  const rows: { name: string; changes: Partial<NodeState>; remark: string }[] = [
    {
      name: 'a node that does not hear this one',
      changes: {
        segments: [{ ...first(), members: [{ node: 'edge-2', hearing: 'one-way' }] }],
      },
      remark: 'edge-1: hears edge-2 on lan0, but edge-2 does not hear edge-1',
    },
    {
      name: 'a stranger that uses an address',
      changes: { conflicts: [{ vip: VIP, interface: 'lan0', mac: STRANGER, sinceSeconds: 60, kind: 'in-use' }] },
      remark:
        'edge-1: 192.0.2.7 is used by 00:00:5e:00:53:09 on lan0 since 1970-01-01T00:01:00Z, while it is announced',
    },
    { name: 'a drained node', changes: { ineligible: 'drained' }, remark: 'edge-1: may own nothing: drained' },
    {
      name: 'a node that is not well',
      changes: { fitness: 'unfit' },
      remark: 'edge-1: its kube-proxy is not well; other nodes go first',
    },
    {
      name: 'addresses that it does not answer for yet',
      changes: { notAnnounced: [{ vip: VIP, why: 'probing' }] },
      remark: 'edge-1: 1 VIPs not answered: probing',
    },
  ];
  for (const { name, changes, remark } of rows) {
    it(`tells of ${name}`, async () => {
      await say('edge-1', { ...STATE, ...changes });
      expect(await lines()).to.include(remark);
    });
  }

  it('tells of a node that is silent, of one that cannot be read, and of two keys', async () => {
    await say('edge-1', STATE);
    await clock.advance(120_000);
    await say('edge-2', STATE);
    await say('edge-3', { ...STATE, keys: { newest: '1dfbbaab', signing: 'aabbccdd' } });
    await write('edge-4', 'nonsense');
    const remarks = (await lines()).slice(5);
    expect(remarks).to.deep.equal([
      'edge-1: not heard of since 2026-01-01T00:00:00Z',
      'edge-4: Lease node-edge-4: node state: not a JSON object of at most 256 KiB',
      'the nodes sign heartbeats with different keys: a rotation is under way',
    ]);
  });

  it('says that nobody is there', async () => {
    expect(await lines()).to.deep.equal(['no speaker is heard of']);
  });

  async function lines(): Promise<string[]> {
    const texts: string[] = [];
    const cluster = { kubeconfig: undefined, berthNamespace: NAMESPACE, loadBalancerClass: 'berth.dev/l2' };
    await status(
      { kind: 'status', output: 'text', cluster },
      {
        out: (text) => texts.push(text),
        err: (text) => texts.push(text),
        readFile: async () => '',
        connect: async () => ({ api, namespace: 'default' }),
        clock,
      },
    );
    return texts.join('').trimEnd().split('\n');
  }

  function say(node: string, state: NodeState): Promise<void> {
    return write(node, encodeNodeState(state));
  }

  async function write(node: string, state: string): Promise<void> {
    await api.create(leases, {
      metadata: {
        ...{ namespace: NAMESPACE, name: `node-${node}`, labels: { [NODE_STATE_LABEL]: node } },
        annotations: {
          [NODE_STATE_ANNOTATION]: state,
          [NODE_HEALTH_ANNOTATION]: encodeNodeHealth({ latestMs: 3, lapses: 0 }),
        },
      },
      spec: { holderIdentity: node, renewTime: clock.date().toISOString() },
    });
  }
});

function first(): NodeState['segments'][number] {
  return { interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', members: [] };
}
