// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { configOf } from './testing/builders.ts';
import { GOLD, Pass, pinned, RED, single } from './testing/pass.ts';

describe('namespaces and selectors', () => {
  it('NS-01: a pinned pool serves its namespace only, also on request', () => {
    const pass = new Pass(configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaces: ['shop'] }) } }));
    expect(pass.pool({ namespace: 'shop' })).to.equal('edge');
    for (const annotations of [{}, { 'req-ips': '192.0.2.5' }, { 'req-pool': 'edge' }]) {
      expect(pass.pool({ namespace: 'ops', annotations })).to.equal('SelectorMismatch');
    }
  });

  it('NS-02: a service selector serves Services with the label; of several any one is enough', () => {
    const pass = new Pass(
      configOf({
        edge: { addresses: ['192.0.2.0/29'], ...pinned({ serviceSelectors: [GOLD, { matchLabels: { vip: 'yes' } }] }) },
      }),
    );
    expect(pass.pool({ labels: { tier: 'gold' } })).to.equal('edge');
    expect(pass.pool({ labels: { vip: 'yes' } })).to.equal('edge');
    expect(pass.pool({ labels: { tier: 'silver' } })).to.equal('SelectorMismatch');
    expect(pass.pool()).to.equal('SelectorMismatch');
  });

  it('NS-03: namespaces and service selectors must both match', () => {
    const pass = new Pass(
      configOf({
        edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaces: ['shop'], serviceSelectors: [GOLD] }) },
      }),
    );
    expect(pass.pool({ namespace: 'shop', labels: { tier: 'gold' } })).to.equal('edge');
    expect(pass.pool({ namespace: 'ops', labels: { tier: 'gold' } })).to.equal('SelectorMismatch');
    expect(pass.pool({ namespace: 'shop' })).to.equal('SelectorMismatch');
  });

  it('a namespace that gets the label later is served from then on', () => {
    const config = configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaceSelectors: [RED] }) } });
    const pass = new Pass(config, { shop: {} });
    const first = pass.decide({}, 'web');
    expect(first).to.deep.include({ refusal: 'SelectorMismatch', isPermanent: true });
    pass.allocator.setSurroundings({ config, namespaces: new Map([['shop', { team: 'red' }]]) });
    expect(pass.decide({}, 'web').addresses[0]?.pool).to.equal('edge');
  });

  for (const more of [{}, { serviceSelectors: [GOLD] }]) {
    it(`NS-05: a namespace selector that matches no namespace closes the pool ${'serviceSelectors' in more ? 'also with a service selector beside it' : ''}`, () => {
      const pass = new Pass(
        configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ namespaceSelectors: [RED], ...more }) } }),
      );
      for (const annotations of [{}, { 'req-ips': '192.0.2.5' }, { 'req-pool': 'edge' }]) {
        expect(pass.pool({ labels: { tier: 'gold' }, annotations })).to.equal('SelectorMismatch');
      }
    });
  }

  it('NS-07: a label of the Service does not stand for its namespace', () => {
    const pass = new Pass(
      configOf({
        edge: {
          addresses: ['192.0.2.0/29'],
          ...pinned({
            namespaces: ['shop'],
            namespaceSelectors: [{ matchLabels: { 'kubernetes.io/metadata.name': 'shop' } }],
          }),
        },
      }),
    );
    expect(
      pass.pool({ namespace: 'ops', labels: { 'kubernetes.io/metadata.name': 'shop', namespace: 'shop' } }),
    ).to.equal('SelectorMismatch');
  });

  it('NS-08: pinning closes the pool, it does not tie the namespace', () => {
    const pass = new Pass(single({ own: pinned({ namespaces: ['shop'] }), open: {} }));
    expect(pass.pool({ namespace: 'shop', annotations: { 'req-ips': '192.0.2.2' } })).to.equal('open');
  });

  it('RQ-13: naming an address never opens a closed pool', () => {
    const pass = new Pass(configOf({ edge: { addresses: ['192.0.2.0/29'], ...pinned({ serviceSelectors: [GOLD] }) } }));
    expect(pass.decide({ annotations: { 'req-ips': '192.0.2.3' } })).to.deep.include({
      refusal: 'SelectorMismatch',
      addresses: [],
    });
  });

  it('NS-10: a refusal by namespace or selector is permanent and has its own reason, one by lack of addresses is not', () => {
    const pass = new Pass(single({ own: pinned({ namespaces: ['shop'] }) }));
    expect(pass.decide({ namespace: 'ops' })).to.deep.include({ refusal: 'SelectorMismatch', isPermanent: true });
    pass.decide();
    expect(pass.decide()).to.deep.include({ refusal: 'OutOfAddresses', isPermanent: false });
    expect(pass.decide({ annotations: { 'req-ips': '192.0.2.1' } })).to.deep.include({
      refusal: 'AlreadyAllocated',
      isPermanent: false,
    });
  });

  it('RC-05: a pass sees one snapshot: a swap after the decision changes neither it nor its writes', () => {
    const pass = new Pass(single({ own: {} }));
    const decision = pass.decide({}, 'web');
    pass.allocator.setSurroundings({
      config: single({ other: { addresses: ['192.0.2.99/32'] } }),
      namespaces: new Map(),
    });
    expect(decision.addresses.map(({ address, pool }) => `${address} ${pool}`)).to.deep.equal(['192.0.2.1 own']);
    expect(JSON.stringify(pass.allocator.writes())).to.include('192.0.2.1').and.not.include('192.0.2.99');
  });
});
