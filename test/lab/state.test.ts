// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { DEFAULT_KUBERNETES } from './kubernetes-versions.ts';
import { labPaths, lowestFreeIndex, parseSavedLab } from './state.ts';

describe('labPaths', () => {
  for (const name of ['lab', 'a', 'e2e-2', 'abcdefghijklmnopqrst']) {
    it(`takes ${name}`, () => expect(labPaths(name).kubeconfig).to.equal(`/run/berth-lab/${name}/kubeconfig`));
  }
  for (const name of ['', 'Lab', '2lab', '../etc', 'a/b', 'a b', 'index.lock', 'abcdefghijklmnopqrstu']) {
    it(`refuses ${JSON.stringify(name)}`, () => expect(() => labPaths(name)).to.throw(/^lab: name /));
  }
});

describe('parseSavedLab', () => {
  const shape = { index: 2, nodes: 3, segments: 1, family: 'dual' };
  const saved = { ...shape, nodeGraceSeconds: 4, kubernetes: '1.34.4', kubeProxy: 'iptables' };

  it('reads what was written', () => expect(parseSavedLab(JSON.stringify(saved))).to.deep.equal(saved));

  it('takes a lab of an older tree for one of the default version and mode', () => {
    const { kubernetes: _, kubeProxy: __, ...older } = saved;
    const read = parseSavedLab(JSON.stringify(older));
    expect(read).to.include({ kubernetes: DEFAULT_KUBERNETES, kubeProxy: 'nftables' });
  });

  const wrong = [
    {
      name: 'a field that is not there',
      text: JSON.stringify({ ...saved, nodes: undefined }),
      message: 'nodes: got undefined',
    },
    { name: 'a number as text', text: JSON.stringify({ ...saved, index: '2' }), message: 'index: got "2"' },
    { name: 'an unknown family', text: JSON.stringify({ ...saved, family: 'ipx' }), message: 'family: got "ipx"' },
    {
      name: 'a version of Kubernetes that is not built',
      text: JSON.stringify({ ...saved, kubernetes: '1.12' }),
      message: "Kubernetes: found '1.12'",
    },
    {
      name: 'an unknown mode of kube-proxy',
      text: JSON.stringify({ ...saved, kubeProxy: 'ipvs' }),
      message: 'kubeProxy: got "ipvs"',
    },
    { name: 'half a file', text: '{"index": 2', message: 'JSON' },
  ];
  for (const { name, text, message } of wrong) {
    it(`refuses ${name}`, () => expect(() => parseSavedLab(text)).to.throw(message));
  }
});

describe('lowestFreeIndex', () => {
  const wanted = { nodes: 3, family: 'dual', segments: 2 } as const;

  it('is 0 on a machine without labs', () => expect(lowestFreeIndex(wanted, new Set(), '')).to.equal(0));

  it('fills gaps', () => expect(lowestFreeIndex(wanted, new Set([0, 2]), '')).to.equal(1));

  it('passes over subnets that the machine has a route to, on any segment', () => {
    const routes =
      '172.30.2.0/24 dev eth0 proto kernel scope link src 172.30.2.7\nfd00:30:5::/64 dev eth1 proto kernel';
    expect(lowestFreeIndex(wanted, new Set(), routes)).to.equal(2);
  });

  it('says so when all are taken', () => {
    const taken = new Set(Array.from({ length: 63 }, (_, index) => index));
    expect(() => lowestFreeIndex(wanted, taken, '')).to.throw('take a lab down first');
  });
});
