// SPDX-License-Identifier: Apache-2.0
import {
  encodeNodeHealth,
  encodeNodeState,
  IpAddress,
  MacAddress,
  NODE_HEALTH_ANNOTATION,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeHealth,
  type NodeState,
} from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { configMaps, leases } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { Output } from '../operation.ts';
import { status } from './status.ts';

const NAMESPACE = 'berth-system';
const VIP = IpAddress.of('IPv4', 0xc0000207n);
const POOL =
  'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: {name: lan}\nspec: {addresses: [192.0.2.0/28]}\n';
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

  beforeEach(async () => {
    const metadata = { namespace: NAMESPACE, name: 'ip-address-pools' };
    await api.create(configMaps, { metadata, data: { 'pools.yaml': POOL } });
    await lead();
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

  it('EN-26, CL-18: says what a node does for VIPs that every node serves', async () => {
    await say('edge-1', STATE, { latestMs: 3, lapses: 0, spread: { forwarded: 1200, strays: 1, flows: 30 } });
    const passed =
      '  edge-1: passed 1200 packets on to the nodes that serve them since it started; has 30 flows, and keeps 1 flow that the hash gives to others';
    const wide = (await ended('wide')).text.split('\n');
    expect(wide.slice(wide.indexOf(passed) - 2, -1), 'CL-18').to.deep.equal(['', 'Worth knowing:', passed]);
    expect((await lines()).join('\n'), 'CL-18').to.not.include('1200');
  });

  it('EN-26: says it of an older speaker as well, which does not count its flows', async () => {
    await say('edge-1', STATE, { latestMs: 3, lapses: 0, spread: { forwarded: 1, strays: 0 } });
    expect((await ended('wide')).text).to.include(
      'edge-1: passed 1 packet on to the nodes that serve them since it started; keeps 0 flows that',
    );
  });

  it('MV-30: says why planned moves of a node break connections, unless that is as people want it', async () => {
    await say('edge-1', { ...STATE, moves: { why: 'filter', code: '' } });
    await say('edge-2', { ...STATE, moves: 'kept' });
    await say('edge-3', { ...STATE, moves: { why: 'option', code: '' } });
    const said = (await ended('wide')).text.split('\n').filter((line) => line.includes('planned moves'));
    expect(said).to.deep.equal([
      '  edge-1: planned moves break connections: packets of clients that other nodes pass on do not reach edge-1: a hypervisor or switch drops them',
    ]);
  });

  const rows: { name: string; changes: Partial<NodeState>; remark: string }[] = [
    {
      name: 'a node that does not hear this one',
      changes: {
        segments: [{ ...first(), members: [{ node: 'edge-2', hearing: 'one-way' }] }],
      },
      remark: 'WARNING: edge-1: hears edge-2 on lan0, but edge-2 does not hear edge-1',
    },
    {
      name: 'BL-05: a node that answers although its heartbeats are lost',
      changes: { segments: [{ ...first(), members: [{ node: 'edge-2', hearing: 'lost' }] }] },
      remark:
        'WARNING: edge-1: heartbeats of edge-2 are lost on lan0, but edge-2 answers for its VIPs: nothing is taken over',
    },
    {
      name: 'WT-25: a node that is heard by datagrams alone, and why',
      changes: { segments: [{ ...first(), members: [{ node: 'edge-2', hearing: 'both', way: 'udp' }] }] },
      remark:
        'INFO: edge-1: hears edge-2 on lan0 by UDP between node addresses: no frame of EtherType 0x88B5 arrives (a packet filter on either node?)',
    },
    {
      name: 'a node that multicast does not bring, and why',
      changes: { segments: [{ ...first(), members: [{ node: 'edge-2', hearing: 'both', way: 'unicast' }] }] },
      remark: 'INFO: edge-1: hears edge-2 on lan0 by frames to it alone: the network does not bring multicast',
    },
    {
      name: 'BL-06: a node that is cut off',
      changes: { segments: [{ ...first(), contact: 'cut-off' }] },
      remark: 'CRITICAL: edge-1: cut off on lan0: it hears neither most of the other nodes nor a gateway nor a client',
    },
    {
      name: 'WT-09: a Ready node that is not reached',
      changes: { segments: [{ ...first(), notReached: ['edge-3'] }] },
      remark:
        'CRITICAL: edge-1: neither heartbeats nor ARP of edge-3 arrive on lan0, though it is Ready: both may answer for the same VIPs. Are the switch ports isolated from each other (private VLAN)?',
    },
    {
      name: 'AT-04: an interface that a thread answers on',
      changes: { segments: [{ ...first(), answer: 'thread' }] },
      remark: 'INFO: edge-1: lan0 is answered by a thread, since the program cannot be attached',
    },
    {
      name: 'AT-02: an answer behind another program',
      changes: { segments: [{ ...first(), answer: 'behind' }] },
      remark: 'WARNING: edge-1: lan0 is answered behind another program, which may take questions away',
    },
    {
      name: 'AT-08: an interface on which nothing answers',
      changes: { segments: [{ ...first(), answer: 'none' }] },
      remark: 'WARNING: edge-1: lan0 is not answered: the node owns nothing there',
    },
    {
      name: 'AT-07: a kernel that answers for VIPs of other nodes',
      changes: { segments: [{ ...first(), answer: 'thread', answersForOthers: true }] },
      remark: 'CRITICAL: edge-1: its kernel answers on lan0 for VIPs of other nodes (IPVS without strictARP)',
    },
    {
      name: 'AT-10: a VIP that lies in no subnet of its owner',
      changes: { owned: [{ vip: VIP, interface: 'lan0', term: 1, sinceSeconds: 60, why: 'new', isOutside: true }] },
      remark: 'INFO: edge-1: 192.0.2.7 is in no subnet of lan0: hosts need a route for it',
    },
    {
      name: 'a stranger that uses an address',
      changes: { conflicts: [{ vip: VIP, interface: 'lan0', mac: STRANGER, sinceSeconds: 60, kind: 'in-use' }] },
      remark:
        'CRITICAL: edge-1: 192.0.2.7 is used by 00:00:5e:00:53:09 on lan0 since 1970-01-01T00:01:00Z, while it is announced',
    },
    {
      name: 'CF-15: an address of the node itself that stands in a pool',
      changes: {
        conflicts: [{ vip: VIP, interface: 'lan0', mac: STRANGER, sinceSeconds: 60, kind: 'before-use', user: 'node' }],
      },
      remark: 'WARNING: edge-1: 192.0.2.7 is an address of this node itself, on lan0 since 1970-01-01T00:01:00Z',
    },
    { name: 'a drained node', changes: { ineligible: 'drained' }, remark: 'INFO: edge-1: may own nothing: drained' },
    {
      name: 'a node that is not well',
      changes: { fitness: 'unfit' },
      remark: 'WARNING: edge-1: its kube-proxy is not healthy; other nodes are preferred',
    },
    {
      name: 'addresses that it does not answer for yet',
      changes: { notAnnounced: [{ vip: VIP, why: 'probing' }] },
      remark: '  edge-1 does not answer for 1 VIP: asks whether somebody uses it',
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
    await lead();
    const remarks = (await lines()).slice(5);
    expect(remarks).to.deep.equal([
      'WARNING: edge-1: not heard of since 2026-01-01T00:00:00Z',
      'WARNING: edge-4: Lease node-edge-4: node state: not a JSON object of at most 256 KiB',
      'INFO: the nodes sign heartbeats with different keys: a rotation is under way',
    ]);
  });

  it('CL-18: does not show what a silent node said last as if it were so now', async () => {
    await say('edge-1', { ...STATE, owned: [{ vip: VIP, interface: 'lan0', term: 1, sinceSeconds: 0, why: 'new' }] });
    await clock.advance(600_000);
    await say('edge-2', STATE);
    await lead();
    expect((await lines())[1]).to.match(/^edge-1 +- +silent +- +- +kernel +multicast +- +10 min ago$/);
  });

  it('says that nobody is there', async () => {
    const { text, said } = await ended();
    expect([text, said]).to.deep.equal([
      'CRITICAL: no speaker reports\n',
      '1 problem to be dealt with; -o wide says how\n',
    ]);
  });

  it('CL-18: says so where nothing is wrong, and tells what is worth knowing apart from what is wrong', async () => {
    await say('edge-1', { ...STATE, ineligible: 'drained', notAnnounced: [{ vip: VIP, why: 'not-eligible' }] });
    const { text, said, code } = await ended();
    expect([said, code]).to.deep.equal(['nothing is wrong\n', 0]);
    expect(text.split('\n').slice(2)).to.deep.equal([
      'INFO: edge-1: may own nothing: drained',
      '',
      'Worth knowing:',
      '  edge-1 does not answer for 1 VIP: drained',
      '',
    ]);
  });

  it('CL-19: says where nothing of Berth is there, with the command that installs it, and nothing that follows', async () => {
    api = new FakeApi();
    const { text, code } = await ended();
    expect([text, code]).to.deep.equal([
      'CRITICAL: Berth is not installed in namespace berth-system: kubectl apply -k manifests/ installs it (docs/install/README.md)\n',
      3,
    ]);
    const { problems } = JSON.parse((await ended('json')).text) as { problems: { command: string }[] };
    expect(problems.map(({ command }) => command)).to.deep.equal(['kubectl apply -k manifests/']);
  });

  const ends: { name: string; code: number; stage: () => Promise<unknown> }[] = [
    { name: '0 when all is well', code: 0, stage: () => say('edge-1', STATE) },
    {
      name: '0 where there is only something worth knowing',
      code: 0,
      stage: () => say('edge-1', { ...STATE, ineligible: 'drained' }),
    },
    {
      name: '1 where a node is cut off',
      code: 1,
      stage: () => say('edge-1', { ...STATE, segments: [{ ...first(), contact: 'cut-off' }] }),
    },
    {
      name: '1 where no controller leads',
      code: 1,
      stage: async () => {
        await say('edge-1', STATE);
        await api.delete(leases, { namespace: NAMESPACE, name: 'controller' });
      },
    },
    { name: '3 where no speaker is there', code: 3, stage: async () => {} },
    {
      name: '3 where all speakers are silent',
      code: 3,
      stage: async () => {
        await say('edge-1', STATE);
        await clock.advance(600_000);
      },
    },
  ];
  for (const { name, code, stage } of ends)
    it(`CL-03: ends with ${name}`, async () => {
      await stage();
      expect((await ended()).code).to.equal(code);
    });

  it('CL-01: gives nodes and problems as JSON and YAML, which say the same, and the way out with wide', async () => {
    await say('edge-1', { ...STATE, ineligible: 'drained' });
    const json = JSON.parse((await ended('json')).text);
    expect(json.nodes.map(({ node }: { node: string }) => node)).to.deep.equal(['edge-1']);
    expect(json.problems[0]).to.include({ kind: 'node-ineligible', severity: 'info' });
    expect(parse((await ended('yaml')).text)).to.deep.equal(json);
    expect((await ended('wide')).text).to.include(
      '  kubectl berth undrain edge-1; docs/runbooks/node-owns-nothing.md\n',
    );
  });

  async function lines(): Promise<string[]> {
    return (await ended()).text.trimEnd().split('\n');
  }

  async function ended(output: Output = 'text'): Promise<{ text: string; said: string; code: number }> {
    const texts: string[] = [];
    const said: string[] = [];
    const cluster = {
      access: {},
      requestTimeoutMs: undefined,
      berthNamespace: NAMESPACE,
      loadBalancerClass: 'berth.dev/l2',
    };
    const code = await status(
      { kind: 'status', output, isWatching: false, cluster },
      {
        out: (text) => texts.push(text),
        err: (text) => said.push(text),
        readFile: async () => '',
        connect: async () => ({ api, namespace: 'default' }),
        clock,
      },
    );
    return { text: texts.join(''), said: said.join(''), code };
  }

  async function lead(): Promise<void> {
    const at = { namespace: NAMESPACE, name: 'controller' };
    const spec = { holderIdentity: 'controller-0', renewTime: clock.date().toISOString(), leaseDurationSeconds: 15 };
    if (api.all(leases).some(({ metadata }) => metadata.name === at.name))
      await api.patch(leases, at, { type: 'merge', body: { spec } });
    else await api.create(leases, { metadata: at, spec });
  }

  function say(node: string, state: NodeState, health?: NodeHealth): Promise<void> {
    return write(node, encodeNodeState(state), health);
  }

  async function write(node: string, state: string, health: NodeHealth = { latestMs: 3, lapses: 0 }): Promise<void> {
    await api.create(leases, {
      metadata: {
        ...{ namespace: NAMESPACE, name: `node-${node}`, labels: { [NODE_STATE_LABEL]: node } },
        annotations: {
          [NODE_STATE_ANNOTATION]: state,
          [NODE_HEALTH_ANNOTATION]: encodeNodeHealth(health),
        },
      },
      spec: { holderIdentity: node, renewTime: clock.date().toISOString() },
    });
  }
});

function first(): NodeState['segments'][number] {
  return { interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', members: [] };
}
