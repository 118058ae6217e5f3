// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { joinMetallbObjects } from './metallb-join.ts';
import { METALLB_OBJECTS_KEY, type MetallbObject, MOVED_KEY, metallbObjectsText } from './metallb-objects.ts';
import { parsePoolConfig } from './parse.ts';

function object(name: string, addresses: readonly string[], metadata: object = {}): MetallbObject {
  return {
    kind: 'IPAddressPool',
    metadata: { name, namespace: 'metallb-system', ...metadata },
    spec: { addresses, autoAssign: true, avoidBuggyIPs: false },
  };
}

describe('objects of MetalLB beside the ConfigMap', () => {
  const moved = metallbObjectsText([
    { ...object('lan', ['192.0.2.0/28']), metadata: { name: 'lan' } },
    { kind: 'L2Advertisement', metadata: { name: 'lan' } },
  ]);
  const join = (data: Record<string, string>, ...objects: MetallbObject[]) =>
    joinMetallbObjects({}, { data }, metallbObjectsText(objects))?.data;

  it('MB-11: count once where their documents were moved into the ConfigMap, whatever became of the object since', () => {
    const policy: MetallbObject = { kind: 'L2Advertisement', metadata: { name: 'lan', namespace: 'metallb-system' } };
    expect(join({ [MOVED_KEY]: moved }, object('lan', ['192.0.2.0/28']), policy)).to.deep.equal({ [MOVED_KEY]: moved });
    const edited = object('lan', ['198.51.100.0/28'], { labels: { site: 'b' } });
    expect(join({ [MOVED_KEY]: moved }, edited)).to.deep.equal({ [MOVED_KEY]: moved });
  });

  it('MB-11: are read where nothing of their kind and name was moved', () => {
    const policy: MetallbObject = { kind: 'L2Advertisement', metadata: { name: 'edge' } };
    const rest = [object('edge', ['198.51.100.0/28']), policy] as const;
    expect(join({ [MOVED_KEY]: moved }, object('lan', ['192.0.2.0/28']), ...rest)).to.deep.equal({
      [MOVED_KEY]: moved,
      [METALLB_OBJECTS_KEY]: metallbObjectsText(rest),
    });
  });

  it('MB-11: are refused beside documents of their names under another key, and beside what is no YAML', () => {
    const text = metallbObjectsText([object('lan', ['192.0.2.0/28'])]);
    for (const data of [{ 'own.yaml': moved }, { [MOVED_KEY]: `${moved}---\n{` }]) {
      const joined = join(data, object('lan', ['192.0.2.0/28'])) ?? {};
      expect(parsePoolConfig(joined).ok, JSON.stringify(joined)).to.equal(false);
    }
    expect(join({ 'own.yaml': moved }, object('lan', ['192.0.2.0/28']))?.[METALLB_OBJECTS_KEY]).to.equal(text);
  });
});
