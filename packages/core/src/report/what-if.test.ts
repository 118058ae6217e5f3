// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { poolDocuments } from '../ipam/testing/builders.ts';
import { MacAddress } from '../net/mac-address.ts';
import { readCluster } from './cluster-facts.ts';
import type { Outlook, WhatIf } from './outlook.ts';
import { type SampleOptions, sampleCluster } from './testing/sample-cluster.ts';
import { whatIf } from './what-if.ts';

function ask(wish: WhatIf, options: SampleOptions = {}): Outlook {
  return whatIf(readCluster(sampleCluster(options)), wish);
}

function flows({ moves }: Outlook): string[] {
  return moves.map(({ vip, from, to }) => `${vip.replace('198.18.0', '')} ${from} > ${to}`);
}

function spread({ loads }: Outlook): Record<string, number> {
  return Object.fromEntries(loads.map(({ node, after }) => [node, after]));
}

const SEGMENT = { interface: 'lan0', mac: MacAddress.ZERO, phase: 'active' } as const;

describe('whatIf', () => {
  it('DB-14: spreads what a drained node owns evenly over the others, and moves nothing else', () => {
    const outlook = ask({ drain: ['edge-1'] }, { nodes: 4, vips: 40 });
    expect(outlook.moves).to.have.length(10);
    expect(new Set(outlook.moves.map(({ from }) => from))).to.deep.equal(new Set(['edge-1']));
    expect(Object.values(spread(outlook)).sort()).to.deep.equal([0, 13, 13, 14]);
    expect(outlook.commands).to.deep.equal(['kubectl berth drain edge-1']);
    expect(outlook.dark).to.deep.equal([]);
  });

  it('DB-14: drains one after the other: no VIP ends on a node that was drained', () => {
    const outlook = ask({ drain: ['edge-1', 'edge-2'] }, { nodes: 4, vips: 40 });
    expect(spread(outlook)).to.deep.equal({ 'edge-1': 0, 'edge-2': 0, 'edge-3': 20, 'edge-4': 20 });
    expect(outlook.moves).to.have.length(20);
    expect(outlook.commands).to.deep.equal(['kubectl berth drain edge-1', 'kubectl berth drain edge-2']);
  });

  it('DB-14: a node that is lost moves what it owned, without a command', () => {
    const outlook = ask({ lose: ['edge-2'] });
    expect(flows(outlook).map((flow) => flow.split(' > ')[0])).to.deep.equal(['.2 edge-2', '.5 edge-2']);
    expect(spread(outlook)).to.deep.equal({ 'edge-1': 3, 'edge-2': 0, 'edge-3': 3 });
    expect(outlook.commands).to.deep.equal([]);
  });

  it('DB-14: tells what would stay dark, and why', () => {
    const outlook = ask({ drain: ['edge-1'], lose: ['edge-2', 'edge-3'] });
    expect(outlook.dark.map(({ vip }) => vip)).to.have.length(6);
    expect(outlook.dark[0]?.why).to.equal('no other node is heard there');
    expect(outlook.remarks.join()).to.include('--force').and.include('are no majority');
  });

  it('gives nothing to a node that may own nothing, is not active, or does not hear the one that is drained', () => {
    const deaf = { ...SEGMENT, members: [{ node: 'edge-1', hearing: 'one-way' as const }] };
    const cases: SampleOptions[] = [
      { states: { 'edge-2': { ineligible: 'cordoned' } } },
      {
        states: {
          'edge-2': { segments: [{ ...SEGMENT, phase: 'leaving', members: [{ node: 'edge-1', hearing: 'both' }] }] },
        },
      },
      {
        states: {
          'edge-1': { segments: [{ ...SEGMENT, members: [{ node: 'edge-3', hearing: 'both' }, ...deaf.members] }] },
        },
      },
    ];
    for (const options of cases.slice(0, 2)) {
      const outlook = ask({ drain: ['edge-1'] }, options);
      expect(new Set(outlook.moves.map(({ to }) => to))).to.deep.equal(new Set(['edge-3']));
    }
    const heard = ask({ drain: ['edge-1'] }, cases[2]);
    expect(heard.moves.every(({ to }) => to === 'edge-3')).to.equal(true);
  });

  it('prefers nodes whose kube-proxy is well', () => {
    const outlook = ask({ drain: ['edge-1'] }, { states: { 'edge-2': { fitness: 'unfit' } } });
    expect(outlook.moves.every(({ to }) => to === 'edge-3')).to.equal(true);
  });

  it('DB-14: tells what a pool file does to Services, and how to apply it', () => {
    const text = poolDocuments({ lan: { addresses: ['203.0.113.0/28'] } });
    const outlook = ask({ poolFile: { name: 'pools.yaml', text } });
    expect(outlook.pools?.stranded).to.have.length(6);
    expect(outlook.pools?.refused).to.deep.equal([]);
    expect(outlook.moves).to.deep.equal([]);
    expect(outlook.commands).to.deep.equal([
      'kubectl create configmap ip-address-pools -n berth-system --from-file=pools.yaml --dry-run=client -o yaml | kubectl apply -f -',
    ]);
    const manifest = JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'ip-address-pools' },
      data: { 'pools.yaml': text },
    });
    expect(ask({ poolFile: { name: 'pools.yaml', text: manifest } }).commands).to.deep.equal([
      'kubectl apply -n berth-system -f pools.yaml',
    ]);
  });

  it('DB-14, PR-02: a pool file that is one of several documents leaves the others, and says so', () => {
    const text = poolDocuments({ other: { addresses: ['203.0.113.0/28'] } });
    const { pools, remarks, commands } = ask({ poolFile: { name: 'other.yaml', text } });
    expect(pools?.stranded).to.deep.equal([]);
    expect(remarks[0]).to.equal('What ConfigMap ip-address-pools has beside other.yaml stays: IPAddressPool lan.');
    expect(commands).to.deep.equal(['kubectl edit configmap ip-address-pools -n berth-system']);
  });

  it('DB-14: shows what is wrong with a pool file, and offers no command', () => {
    const outlook = ask({ poolFile: { name: 'pools.yaml', text: 'kind: IPAddressPool' } });
    expect(outlook.pools?.refused.join()).to.match(/^pools\.yaml:1:/);
    expect(outlook.commands).to.deep.equal([]);
  });

  it('says that a node is not there, or silent', () => {
    expect(ask({ drain: ['edge-9'] }).remarks[0]).to.equal('There is no node edge-9.');
    const silent = ask({ lose: ['edge-3'] }, { silent: ['edge-3'] });
    expect(silent.remarks[0]).to.include('Nothing is heard of the speaker of edge-3');
  });

  it('counts each of 2,000 VIPs on 50 nodes once', () => {
    const outlook = ask({ drain: ['edge-1'], lose: ['edge-2', 'edge-3'] }, { nodes: 50, vips: 2_000 });
    expect(outlook.moves).to.have.length(120);
    expect(Object.values(spread(outlook)).reduce((sum, load) => sum + load, 0)).to.equal(2_000);
  });
});
