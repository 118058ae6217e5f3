// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { conditionOf, ipsOf, useRig } from '../support/rig.ts';

const V4 = '203.0.113.40-203.0.113.49';
const V6 = '2001:db8:5::40-2001:db8:5::4f';
const DUAL = { edge: { addresses: [V4, V6] } };
const SINGLE = { four: { addresses: [V4] }, six: { addresses: [V6] } };
const IPS = 'berth.dev/loadBalancerIPs';

const require = { spec: { ipFamilyPolicy: 'RequireDualStack' } };
const prefer = (...ipFamilies: string[]) => ({ spec: { ipFamilyPolicy: 'PreferDualStack', ipFamilies } });

describe('dual stack', () => {
  const use = useRig();

  it('DS-01: a single-stack Service gets one address of a dual pool', async () => {
    const { rig } = use;
    await rig.pools(DUAL);
    await rig.start();
    await rig.service('four');
    await rig.service('six', { spec: { ipFamilies: ['IPv6'] } });
    await rig.has('four', '203.0.113.40');
    await rig.has('six', '2001:db8:5::40');
  });

  it('DS-02: RequireDualStack gets one of each family of that pool', async () => {
    const { rig } = use;
    await rig.pools(DUAL);
    await rig.start();
    await rig.service('web', require);
    const service = await rig.has('web', '203.0.113.40', '2001:db8:5::40');
    expect(service.metadata.annotations?.['berth.dev/ip-allocated-from-pool']).to.equal('edge');
  });

  it('DS-03: RequireDualStack with single-stack pools gets none', async () => {
    const { rig } = use;
    await rig.pools(SINGLE);
    await rig.start();
    await rig.service('web', require);
    expect(ipsOf(await rig.hasReason('web', 'DualStackUnavailable', 'False'))).to.deep.equal([]);
  });

  it('DS-05: PreferDualStack takes both families from the dual pool, not one from a single-stack pool', async () => {
    const { rig } = use;
    await rig.pools({
      a: { addresses: ['198.51.100.0/28'] },
      b: { addresses: [V4, V6] },
      c: { addresses: ['2001:db8:7::/124'] },
    });
    await rig.start();
    await rig.service('web', prefer('IPv4', 'IPv6'));
    await rig.has('web', '203.0.113.40', '2001:db8:5::40');
  });

  it('DS-06: PreferDualStack with single-stack pools gets its first family', async () => {
    const { rig } = use;
    await rig.pools(SINGLE);
    await rig.start();
    await rig.service('four', prefer('IPv4', 'IPv6'));
    await rig.service('six', prefer('IPv6', 'IPv4'));
    await rig.has('four', '203.0.113.40');
    await rig.has('six', '2001:db8:5::40');
  });

  it('DS-07: one cluster IP: PreferDualStack gets one address and no error, RequireDualStack none and a Warning', async () => {
    const { rig } = use;
    await rig.pools(DUAL);
    await rig.start({}, ({ observed }) => {
      // On a single-stack cluster such objects are real; here the second cluster IP is taken from what the controller
      // sees.
      observed.onObject = (kind, object) => {
        const { spec } = object as { spec?: { clusterIPs?: string[]; ipFamilies?: string[] } };
        if (kind === 'Service' && spec?.clusterIPs) {
          spec.clusterIPs.length = 1;
          if (spec.ipFamilies) spec.ipFamilies.length = 1;
        }
        return undefined;
      };
    });
    await rig.service('prefer', prefer('IPv4'));
    await rig.has('prefer', '203.0.113.40');
    await rig.hasEvents('prefer', ['IPAllocated']);
    await rig.service('require', require);
    expect(ipsOf(await rig.hasReason('require', 'DualStackUnavailable', 'False'))).to.deep.equal([]);
    await rig.hasEvents('require', ['AllocationFailed']);
  });

  it('DS-08: its pool gets an IPv6 range: the second address is added, the first unchanged', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: [V4] } });
    await rig.start();
    await rig.service('web', prefer('IPv4', 'IPv6'));
    await rig.has('web', '203.0.113.40');
    await rig.pools(DUAL);
    await rig.has('web', '203.0.113.40', '2001:db8:5::40');
  });

  it('DS-10: PreferDualStack turned to RequireDualStack without a dual pool keeps its address and says so', async () => {
    const { rig } = use;
    await rig.pools({ edge: { addresses: [V4] } });
    await rig.start();
    await rig.service('web', prefer('IPv4', 'IPv6'));
    await rig.has('web', '203.0.113.40');
    await rig.edit('web', { spec: { ipFamilyPolicy: 'RequireDualStack' } });
    const service = await rig.hasReason('web', 'DualStackUnavailable');
    expect(ipsOf(service)).to.deep.equal(['203.0.113.40']);
    await rig.service('new', require);
    expect(ipsOf(await rig.hasReason('new', 'DualStackUnavailable', 'False'))).to.deep.equal([]);
  });

  it('DS-11: its dual pool loses the IPv4 range, another dual pool exists: keeps both and says so', async () => {
    const { rig } = use;
    await rig.pools(DUAL);
    await rig.start();
    await rig.service('web', require);
    await rig.has('web', '203.0.113.40', '2001:db8:5::40');
    await rig.pools({ edge: { addresses: [V6] }, other: { addresses: ['198.51.100.0/28', '2001:db8:7::/124'] } });
    const service = await rig.hasReason('web', 'OutsidePools', 'True');
    expect(ipsOf(service)).to.deep.equal(['203.0.113.40', '2001:db8:5::40']);
    expect(conditionOf(service)?.message).to.include('203.0.113.40');
  });

  for (const [first, second, kept] of [
    ['IPv4', 'IPv6', '203.0.113.40'],
    ['IPv6', 'IPv4', '2001:db8:5::40'],
  ] as const) {
    it(`DS-12: dual (${first} first) to ${first} only: the other address is released, this one unchanged`, async () => {
      const { rig } = use;
      await rig.pools(DUAL);
      await rig.start();
      await rig.service('web', { spec: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: [first, second] } });
      const both = first === 'IPv4' ? ['203.0.113.40', '2001:db8:5::40'] : ['2001:db8:5::40', '203.0.113.40'];
      await rig.has('web', ...both);
      const clusterIPs = (await rig.get('web')).spec?.clusterIPs?.slice(0, 1);
      await rig.edit('web', { spec: { ipFamilyPolicy: 'SingleStack', ipFamilies: [first], clusterIPs } });
      await rig.has('web', kept);
      await rig.ledgerHolds({ [kept]: 'web' });
    });
  }

  it('DS-12: an old object without ipFamilies counts as IPv4, and keeps its address', async () => {
    const { rig } = use;
    await rig.pools(DUAL);
    const first = await rig.start();
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.stop(first);
    await rig.start({}, ({ observed }) => {
      observed.onObject = (kind, object) => {
        if (kind === 'Service') delete (object as { spec?: { ipFamilies?: unknown } }).spec?.ipFamilies;
        return undefined;
      };
    });
    await rig.edit('web', { metadata: { labels: { seen: 'again' } } });
    await rig.service('next');
    await rig.has('next', '203.0.113.41');
    await rig.has('web', '203.0.113.40');
  });

  it('DS-13: an address of the wrong family that Berth did not give stays, and this is said', async () => {
    const { rig } = use;
    await rig.pools(DUAL);
    await rig.service('six', { spec: { ipFamilies: ['IPv6'] } });
    await rig.service('four');
    await rig.editStatus('six', { loadBalancer: { ingress: [{ ip: '203.0.113.44' }] } });
    await rig.editStatus('four', { loadBalancer: { ingress: [{ ip: '2001:db8:5::44' }] } });
    await rig.start();
    for (const name of ['six', 'four']) await rig.hasReason(name, 'ForeignAddress', 'False');
    await rig.has('six', '203.0.113.44');
    await rig.has('four', '2001:db8:5::44');
  });

  it('DS-14: one address asked for a dual-stack Service, or two for a single-stack one, is refused', async () => {
    const { rig } = use;
    await rig.pools(DUAL);
    await rig.start();
    await rig.service('dual', { ...require, annotations: { [IPS]: '203.0.113.44' } });
    await rig.service('single', { annotations: { [IPS]: '203.0.113.44,2001:db8:5::44' } });
    for (const name of ['dual', 'single']) {
      expect(ipsOf(await rig.hasReason(name, 'InvalidRequest', 'False'))).to.deep.equal([]);
    }
  });
});
