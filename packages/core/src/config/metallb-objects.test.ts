// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { METALLB_OBJECTS_KEY, type MetallbObject, metallbObjectsText } from './metallb-objects.ts';
import { parsePoolConfig } from './parse.ts';
import { formatProblem } from './problem.ts';

function object(name: string, addresses: readonly string[], metadata: object = {}): MetallbObject {
  return {
    kind: 'IPAddressPool',
    metadata: { name, namespace: 'metallb-system', ...metadata },
    spec: { addresses, autoAssign: true, avoidBuggyIPs: false },
  };
}

const CONFIG_MAP = `apiVersion: berth.dev/v1
kind: IPAddressPool
metadata: { name: lan }
spec:
  addresses: [192.0.2.0/28]
`;

function problemsOf(...objects: MetallbObject[]): readonly string[] {
  const parsed = parsePoolConfig({ 'pools.yaml': CONFIG_MAP, [METALLB_OBJECTS_KEY]: metallbObjectsText(objects) });
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

describe('objects of MetalLB as documents', () => {
  it('MB-01: are read as they are, each pool with the object that it is', () => {
    const labels = { zone: 'a' };
    const text = metallbObjectsText([object('edge', ['198.51.100.0/28'], { labels })]);
    const parsed = parsePoolConfig({ [METALLB_OBJECTS_KEY]: text });
    const [pool] = parsed.ok ? parsed.config.pools : [];
    expect(pool).to.deep.include({ name: 'edge', labels, metallb: { object: 'metallb-system/edge' } });
  });

  it('MB-01: the same text for the same objects, whatever else is in their metadata and in which order they come', () => {
    const [a, b] = [object('a', ['198.51.100.0/28']), object('b', ['198.51.100.16/28'])];
    const noise = { resourceVersion: '9', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } };
    expect(metallbObjectsText([b, { ...a, metadata: { ...a.metadata, ...noise } }])).to.equal(
      metallbObjectsText([a, b]),
    );
    expect(metallbObjectsText([])).to.equal('');
  });

  it('MB-01: the annotation that says "empty on purpose" counts', () => {
    const text = metallbObjectsText([object('none', [], { annotations: { 'berth.dev/empty': 'true' } })]);
    expect(parsePoolConfig({ [METALLB_OBJECTS_KEY]: text }).ok).to.equal(true);
  });

  it('MB-03: the same name in both sources is refused, with both places', () => {
    expect(problemsOf(object('lan', ['198.51.100.0/28']))).to.deep.equal([
      'pools.yaml:3:19: metadata.name: IPAddressPool lan: found a second IPAddressPool lan (object IPAddressPool metallb-system/lan), wanted a name that no other document of its kind has',
    ]);
  });

  it('MB-03: overlapping ranges in both sources are refused, with both places', () => {
    expect(problemsOf(object('edge', ['192.0.2.8-192.0.2.20']))).to.deep.equal([
      'pools.yaml:5:15: spec.addresses[0]: IPAddressPool lan: found "192.0.2.0/28", which overlaps "192.0.2.8-192.0.2.20" of IPAddressPool edge (object IPAddressPool metallb-system/edge), wanted addresses that no other entry has',
    ]);
  });

  it('MB-03: what is wrong with an object is told by its name', () => {
    expect(problemsOf(object('edge', ['198.51.100.9'])).join()).to.match(
      /^object IPAddressPool metallb-system\/edge: spec.addresses\[0\]: IPAddressPool edge: found "198.51.100.9"/,
    );
  });
});
