// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { DUAL, IPV4_ONLY, IPV6_ONLY, requestOf, type ServiceSketch, serviceOf } from '../ipam/testing/builders.ts';
import { isOurs, loadBalancerClassRule } from './load-balancer-class.ts';
import { readServiceRequest } from './service-request.ts';

const IPS = ['berth.dev/loadBalancerIPs', 'metallb.io/loadBalancerIPs', 'metallb.universe.tf/loadBalancerIPs'];

function wanted(sketch: ServiceSketch): string[] | string {
  const { wantedAddresses, refusal } = requestOf('a', sketch);
  return refusal?.message ?? wantedAddresses.map(String).sort();
}

describe('readServiceRequest', () => {
  for (const name of IPS) {
    it(`reads ${name}`, () =>
      expect(wanted({ annotations: { [name]: '203.0.113.44' } })).to.deep.equal(['203.0.113.44']));
  }

  const lists = [
    { id: 'RQ-02', list: '203.0.113.44, 2001:db8:5::44' },
    { id: 'RQ-02', list: '2001:db8:5::44,203.0.113.44' },
    { id: 'RQ-02', list: '203.0.113.44,2001:db8:5::44,203.0.113.44,2001:db8:5:0::44' },
    { id: 'SE-02', list: ' ,203.0.113.44,,2001:db8:5::44, ' },
  ];
  for (const { id, list } of lists) {
    it(`${id}: reads "${list}" as both addresses`, () => {
      expect(wanted({ clusterIPs: DUAL, annotations: { 'req-ips': list } })).to.deep.equal([
        '2001:db8:5::44',
        '203.0.113.44',
      ]);
    });
  }

  for (const list of ['', ' ', ',', ' , ,']) {
    it(`SE-02: "${list}" counts as not set`, () =>
      expect(wanted({ annotations: { 'req-ips': list } })).to.deep.equal([]));
  }

  for (const name of ['share-key', 'req-pool', 'berth.dev/renumber']) {
    it(`SE-02: an empty ${name} counts as not set`, () => {
      const { sharing, wantedPool, leaving, refusal } = requestOf('a', { annotations: { [name]: '' } });
      expect({ key: sharing.key, wantedPool, leaving, refusal }).to.deep.equal({
        key: '',
        wantedPool: undefined,
        leaving: [],
        refusal: undefined,
      });
    });
  }

  const refused = [
    {
      id: 'SE-02',
      name: 'one bad item of several',
      sketch: { annotations: { 'req-ips': '203.0.113.44,nonsense' } },
      tells: 'nonsense',
    },
    {
      id: 'SE-02',
      name: 'seventeen addresses',
      sketch: { annotations: { 'req-ips': Array.from({ length: 17 }, (_, i) => `203.0.113.${i}`).join() } },
      tells: '16',
    },
    {
      id: 'SE-02',
      name: 'a list of a quarter of a megabyte',
      sketch: { annotations: { 'req-ips': '203.0.113.44,'.repeat(20_000) } },
      tells: '4096',
    },
    { id: 'RQ-05', name: 'a word', sketch: { annotations: { 'req-ips': 'not-an-ip' } }, tells: 'not-an-ip' },
    {
      id: 'RQ-05',
      name: 'an octet of 300',
      sketch: { annotations: { 'req-ips': '203.0.113.300' } },
      tells: '203.0.113.300',
    },
    { id: 'RQ-05', name: 'a field that is no address', sketch: { loadBalancerIP: 'x' }, tells: 'loadBalancerIP' },
    {
      id: 'RQ-04',
      name: 'two IPv4 addresses',
      sketch: { annotations: { 'req-ips': '203.0.113.44,203.0.113.45' } },
      tells: 'more than one address per family',
    },
    {
      id: 'RQ-03',
      name: 'a field outside the annotation',
      sketch: { loadBalancerIP: '203.0.113.44', annotations: { 'req-ips': '203.0.113.45' } },
      tells: '203.0.113.44 203.0.113.45',
    },
    {
      id: 'RQ-03',
      name: 'two spellings that differ',
      sketch: { annotations: { 'req-ips': '203.0.113.44', 'metallb.io/loadBalancerIPs': '203.0.113.45' } },
      tells: '203.0.113.44 203.0.113.45',
    },
    {
      id: 'RQ-03',
      name: 'two pools in two spellings',
      sketch: { annotations: { 'req-pool': 'edge', 'metallb.io/address-pool': 'core' } },
      tells: 'edge core',
    },
    {
      id: 'RQ-03',
      name: 'two keys in two spellings',
      sketch: { annotations: { 'share-key': 'x1', 'metallb.universe.tf/allow-shared-ip': 'x2' } },
      tells: 'x1 x2',
    },
    {
      id: 'RQ-10',
      name: 'IPv4 for an IPv6 Service',
      sketch: { clusterIPs: IPV6_ONLY, loadBalancerIP: '203.0.113.44' },
      tells: 'IPv4 IPv6',
    },
    {
      id: 'RQ-10',
      name: 'IPv6 for an IPv4 Service',
      sketch: { annotations: { 'req-ips': '2001:db8:5::44' } },
      tells: 'IPv6 IPv4',
    },
    {
      id: 'DS-14',
      name: 'one address for a dual-stack Service',
      sketch: { clusterIPs: DUAL, loadBalancerIP: '203.0.113.44' },
      tells: 'dual-stack',
    },
    {
      id: 'DS-14',
      name: 'two for a single-stack Service',
      sketch: { annotations: { 'req-ips': '203.0.113.44,2001:db8:5::44' } },
      tells: '2001:db8:5::44',
    },
    {
      id: '',
      name: 'an address to leave that is none',
      sketch: { annotations: { 'berth.dev/renumber': 'yes' } },
      tells: 'renumber',
    },
    {
      id: '',
      name: 'a sharing key of a kilobyte',
      sketch: { annotations: { 'share-key': 'k'.repeat(1024) } },
      tells: '253',
    },
  ];
  // Rows that need an API server carry their id there; here only what is pure does.
  for (const { id, name, sketch, tells } of refused) {
    it(`${id === 'SE-02' ? 'SE-02: ' : ''}refuses ${name}`, () => {
      const message = wanted(sketch);
      for (const word of tells.split(' ')) expect(message).to.be.a('string').and.include(word);
      expect(message.length).to.be.lessThan(400);
    });
  }

  const agreeing: { name: string; sketch: ServiceSketch; addresses: string[] }[] = [
    {
      name: 'field and annotation',
      sketch: { loadBalancerIP: '203.0.113.44', annotations: { 'req-ips': '203.0.113.44' } },
      addresses: ['203.0.113.44'],
    },
    {
      name: 'a field that is one of two',
      sketch: {
        clusterIPs: DUAL,
        loadBalancerIP: '203.0.113.44',
        annotations: { 'req-ips': '2001:db8:5::44,203.0.113.44' },
      },
      addresses: ['2001:db8:5::44', '203.0.113.44'],
    },
    {
      name: 'two spellings',
      sketch: { annotations: { 'req-ips': '203.0.113.44', 'metallb.universe.tf/loadBalancerIPs': ' 203.0.113.44,' } },
      addresses: ['203.0.113.44'],
    },
  ];
  for (const { name, sketch, addresses } of agreeing) {
    it(`accepts ${name} that agree`, () => expect(wanted(sketch)).to.deep.equal(addresses));
  }

  const families: { name: string; sketch: ServiceSketch; families: string[] | undefined; policy?: string }[] = [
    { name: 'one cluster IP', sketch: {}, families: ['IPv4'], policy: 'SingleStack' },
    {
      name: 'two cluster IPs',
      sketch: { clusterIPs: DUAL, ipFamilyPolicy: 'RequireDualStack' },
      families: ['IPv4', 'IPv6'],
      policy: 'RequireDualStack',
    },
    {
      name: 'two cluster IPs, IPv6 first',
      sketch: { clusterIPs: DUAL.toReversed(), ipFamilyPolicy: 'PreferDualStack' },
      families: ['IPv6', 'IPv4'],
      policy: 'PreferDualStack',
    },
    { name: 'no cluster IP yet', sketch: { clusterIPs: [''] }, families: undefined },
    { name: 'a headless Service', sketch: { clusterIPs: ['None'] }, families: undefined },
  ];
  for (const { name, sketch, families: expected, policy } of families) {
    it(`reads the families of ${name}`, () => {
      const request = readServiceRequest(serviceOf('a', sketch));
      expect(request?.families).to.deep.equal(expected);
      expect(request?.familyPolicy).to.equal(policy);
    });
  }

  it('counts an old object with clusterIP only as the family of that', () => {
    const service = {
      metadata: { name: 'a', namespace: 'shop' },
      spec: { type: 'LoadBalancer', clusterIP: '10.96.0.9' },
    };
    expect(readServiceRequest(service)?.families).to.deep.equal(['IPv4']);
  });

  it('NS-07: the namespace is that of the object, whatever labels say', () => {
    const request = requestOf('a', {
      namespace: 'ops',
      labels: { namespace: 'shop', 'kubernetes.io/metadata.name': 'shop' },
    });
    expect(request.namespace).to.equal('ops');
  });

  it('SE-02: never throws, whatever the annotations', () => {
    const item = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom('', ',', ' ', '%', '/24', '203.0.113.4'));
    const value = fc.oneof(
      fc.string(),
      fc.array(item, { maxLength: 40 }).map((items) => items.join()),
    );
    const name = fc.constantFrom(
      ...IPS,
      'berth.dev/address-pool',
      'metallb.io/address-pool',
      'berth.dev/allow-shared-ip',
      'berth.dev/renumber',
      'metallb.io/allow-shared-ip',
    );
    fc.assert(
      fc.property(
        fc.dictionary(name, value),
        fc.constantFrom(IPV4_ONLY, IPV6_ONLY, DUAL),
        fc.string(),
        (annotations, clusterIPs, loadBalancerIP) => {
          const { wantedAddresses, families: own } = requestOf('a', { annotations, clusterIPs, loadBalancerIP });
          expect(wantedAddresses.length).to.be.at.most(own.length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('never throws on objects of any shape', () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const odd = fc.record({
      metadata: fc.record({ annotations: fc.dictionary(fc.constantFrom(...IPS), json) }),
      spec: fc.record({ clusterIPs: fc.constant(IPV4_ONLY) }),
    });
    fc.assert(
      fc.property(odd, (service) => {
        expect(readServiceRequest(service as never)?.families).to.deep.equal(['IPv4']);
      }),
      { numRuns: 300 },
    );
  });
});

describe('isOurs', () => {
  const flag = 'acme.example/lb';
  const rows = [
    { rule: undefined, loadBalancerClass: undefined, ours: true },
    { rule: undefined, loadBalancerClass: 'berth.dev/l2', ours: true },
    { rule: undefined, loadBalancerClass: flag, ours: false },
    { rule: flag, loadBalancerClass: flag, ours: true },
    { rule: flag, loadBalancerClass: undefined, ours: false },
    { rule: flag, loadBalancerClass: 'berth.dev/l2', ours: false },
  ];
  for (const { rule, loadBalancerClass, ours } of rows) {
    it(`class ${loadBalancerClass ?? 'absent'} with flag ${rule ?? 'unset'}: ${ours ? 'handled' : 'ignored'}`, () => {
      const sketch = loadBalancerClass === undefined ? {} : { loadBalancerClass };
      expect(isOurs(serviceOf('a', sketch), loadBalancerClassRule(rule))).to.equal(ours);
    });
  }

  for (const type of ['ClusterIP', 'NodePort', 'ExternalName']) {
    it(`a Service of type ${type} is not ours`, () =>
      expect(isOurs(serviceOf('a', { type }), loadBalancerClassRule())).to.equal(false));
  }
});
