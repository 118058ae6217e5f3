// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readMetallbFiles } from '../config/metallb-files.ts';
import { MOVED_KEY } from '../config/metallb-objects.ts';
import { readCluster } from '../report/cluster-facts.ts';
import type { KubeConfigMap } from '../report/objects.ts';
import { sampleCluster } from '../report/testing/sample-cluster.ts';
import type { KubeService } from '../service/kube-service.ts';
import { disownPatch } from '../status/disown.ts';
import { planFromMetallb } from './metallb-plan.ts';

const POOL = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: lan, namespace: metallb-system, labels: { site: a }, resourceVersion: "7", uid: x }
spec: { addresses: [203.0.113.0/28] }
`;
const POLICY = 'apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: { name: all }\n';
const PEER = 'apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: { name: tor }\nspec: { myASN: 1 }\n';

function service(name: string, ip?: string, changes: Partial<KubeService> = {}): KubeService {
  return {
    metadata: { name, namespace: 'shop', creationTimestamp: '2026-11-01T00:00:00Z' },
    spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.9'], ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: ip === undefined ? [] : [{ ip }] } },
    ...changes,
  };
}

function plan(texts: readonly string[], services: readonly KubeService[], configMaps: readonly KubeConfigMap[] = []) {
  const objects = { ...sampleCluster({ vips: 0 }), services, configMaps };
  return planFromMetallb(readCluster(objects), readMetallbFiles(texts));
}

describe('planFromMetallb', () => {
  it('MG-01: puts the documents into the ConfigMap as they are, without what the API server added', () => {
    const { data, problems, obstacles } = plan([`${POOL}---\n${POLICY}`], []);
    expect(data).to.deep.equal({
      [MOVED_KEY]:
        'apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: lan\n  labels:\n    site: a\nspec:\n  addresses:\n    - 203.0.113.0/28\n---\napiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata:\n  name: all\n',
    });
    expect([problems, obstacles]).to.deep.equal([[], []]);
  });

  it('MG-01: reads a List as kubectl writes it, and what was in the ConfigMap stays', () => {
    const item = (text: string) => text.replace(/^/gm, '  ').replace(/^ {2}/, '- ');
    const list = `apiVersion: v1\nkind: List\nitems:\n${item(POOL.trimEnd())}\n${item(POLICY.trimEnd())}\n`;
    const own =
      'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: { name: own }\nspec: { addresses: [192.0.2.64/28] }\n';
    const map = { metadata: { name: 'ip-address-pools', namespace: 'berth-system' }, data: { 'own.yaml': own } };
    const { data, obstacles } = plan([list], [], [map]);
    expect([Object.keys(data), obstacles]).to.deep.equal([['own.yaml', MOVED_KEY], []]);
  });

  it('MG-02: says what becomes of each Service, those first that lose something, and stops at them', () => {
    const { services, obstacles } = plan(
      [POOL, POLICY],
      [
        service('kept', '203.0.113.1'),
        service('elsewhere', '198.51.100.9'),
        service('new'),
        service('host', undefined, { status: { loadBalancer: { ingress: [{ hostname: 'x.example' }] } } }),
      ],
    );
    expect(services.map(({ service: key, fate }) => `${key} ${fate}`)).to.deep.equal([
      'shop/elsewhere left-alone',
      'shop/host left-alone',
      'shop/new gaining',
      'shop/kept keeps',
    ]);
    expect(obstacles).to.deep.equal(['2 of 4 Services would not go on as they are']);
  });

  it('MG-02: stops where an address would be announced by nobody', () => {
    const other = POLICY.replace('{ name: all }\n', '{ name: some }\nspec: { ipAddressPools: [other] }\n');
    const pool = POOL.replace('name: lan', 'name: other').replace('203.0.113.0/28', '203.0.113.64/28');
    const { services, obstacles } = plan([POOL, pool, other], [service('bgp', '203.0.113.1')]);
    expect(services[0]).to.deep.include({
      ...{ fate: 'not-announced', message: '203.0.113.1: no L2Advertisement covers this Service' },
    });
    expect(obstacles).to.have.length(1);
  });

  it('MG-03: lists what has no counterpart, and moves no MetalLB that only speaks BGP', () => {
    const { without, obstacles } = plan([POOL, PEER], []);
    expect(without).to.deep.equal([{ kind: 'BGPPeer', name: 'tor' }]);
    expect(obstacles).to.deep.equal(['there is no L2Advertisement: MetalLB announces nothing on layer 2']);
  });

  it('MG-03: tells every problem of a configuration that is refused', () => {
    const { problems, obstacles } = plan([POOL.replace('203.0.113.0/28', '203.0.113.300'), POLICY], [service('a')]);
    expect(problems).to.have.length(1);
    expect(problems[0]).to.include(`${MOVED_KEY}:`).and.include('203.0.113.300');
    expect(obstacles).to.deep.equal(['the configuration is refused']);
  });
});

describe('disownPatch', () => {
  it('MG-04: takes everything of Berth from a Service but its address', () => {
    const { services, loadBalancerClass } = sampleCluster({ vips: 1 });
    const [given = {}] = services;
    const rule = { loadBalancerClass, acceptsAbsent: true };
    const other = { type: 'x', status: 'True', reason: 'X', message: '', lastTransitionTime: '' } as const;
    const finalizers = ['service.kubernetes.io/load-balancer-cleanup', 'other'];
    const annotations = { 'berth.dev/ip-allocated-from-pool': 'lan', 'metallb.io/ip-allocated-from-pool': 'lan' };
    const conditions = [...(given.status?.conditions ?? []), other];
    const patch = disownPatch(
      { ...given, metadata: { ...given.metadata, finalizers, annotations }, status: { ...given.status, conditions } },
      rule,
    );
    expect(patch).to.deep.equal({
      metadata: {
        ...{ resourceVersion: '1', finalizers: ['other'] },
        annotations: { 'berth.dev/ip-allocated-from-pool': null },
      },
      status: { conditions: [other] },
    });
    expect(disownPatch(service('foreign', '203.0.113.1'), rule)).to.equal(undefined);
  });
});
