// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { parseConfigFiles } from './config-file.ts';
import { formatProblem } from './problem.ts';

const BARE = `apiVersion: berth.dev/v1
kind: IPAddressPool
metadata: { name: lan }
spec:
  addresses: [192.0.2.0/40]
`;

function lines(...texts: string[]): string[] {
  const files = texts.map((text, index) => ({ name: `file-${index}`, text }));
  return parseConfigFiles(files).flatMap((parsed) =>
    parsed.ok ? [] : parsed.problems.map((problem) => formatProblem(problem).split(': ')[0] ?? ''),
  );
}

function configMap(head: string, indent: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: { name: ip-address-pools }
data:
  pools.yaml: ${head}
${BARE.replace(/^(?=.)/gm, indent)}`;
}

function withoutVersion(text: string): string {
  return text.replace(/^apiVersion.*\n/, '');
}

/** Line, column and path of each problem of one file. */
function placesIn(text: string): string[] {
  return parseConfigFiles([{ name: 'a', text }]).flatMap((parsed) =>
    parsed.ok ? [] : parsed.problems.map(({ line, column, path }) => `${line}:${column} ${path}`),
  );
}

describe('parseConfigFiles', () => {
  it('tells the place in a file of bare documents', () => {
    expect(lines(BARE)).to.deep.equal(['file-0:5:15']);
  });

  it('tells the place in the block of a ConfigMap', () => {
    expect(lines(configMap('|', '    '))).to.deep.equal(['file-0:10:19']);
    expect(lines(configMap('|-', '   '))).to.deep.equal(['file-0:10:18']);
  });

  it('tells the place of a text that is no block', () => {
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ip-address-pools}\ndata:\n  pools.yaml: ${JSON.stringify(BARE)}\n`;
    expect(lines(text)).to.deep.equal(['file-0:5:15']);
  });

  it('takes bare documents of all files as one configuration', () => {
    const good = BARE.replace('/40', '/28');
    expect(lines(good, good)).to.have.length(2);
    expect(lines(good, configMap('|', '    ').replace('/40', '/28'))).to.deep.equal([]);
  });

  it('reads other ConfigMaps as what they are: no documents of ours', () => {
    expect(lines('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n')).to.deep.equal(['file-0:2:7']);
  });

  it('CF-08: names the cause of a ConfigMap with the hash of a kustomization', () => {
    const text = configMap('|', '    ').replace('ip-address-pools', 'ip-address-pools-h4tf6b9g2m');
    expect(lines(text)).to.deep.equal(['file-0:3:19', 'file-0:10:19']);
    const [parsed] = parseConfigFiles([{ name: 'a', text }]);
    expect(parsed?.ok === false && parsed.problems[0]?.message).to.include('disableNameSuffixHash: true');
  });

  it('CF-06: answers the ConfigMap of MetalLB before 0.13 with what to write', () => {
    const legacy = 'address-pools:\n- {name: a, protocol: layer2, addresses: [192.0.2.0/28]}\n';
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: metallb-system, name: config}\ndata: {config: ${JSON.stringify(legacy)}}\n`;
    const [parsed] = parseConfigFiles([{ name: 'old.yaml', text }]);
    const problem = parsed?.ok === false ? parsed.problems[0] : undefined;
    expect(problem).to.include({ key: 'old.yaml', line: 4 });
    expect(problem && formatProblem(problem)).to.include('write instead:\napiVersion: berth.dev/v1');
  });

  const unversioned: { name: string; text: string; found: string[] }[] = [
    {
      name: 'bare documents',
      text: `${withoutVersion(BARE)}---\n${BARE}`,
      found: ['1:1 apiVersion', '4:15 spec.addresses[0]', '8:19 metadata.name', '10:15 spec.addresses[0]'],
    },
    {
      name: 'documents of a ConfigMap',
      text: configMap('|', '    ').replace('    apiVersion: berth.dev/v1\n', ''),
      found: ['6:5 apiVersion', '9:19 spec.addresses[0]'],
    },
    {
      name: 'the ConfigMap itself',
      text: withoutVersion(configMap('|', '    ')),
      found: ['1:1 apiVersion', '9:19 spec.addresses[0]'],
    },
    { name: 'a document without a kind as well', text: 'metadata: {name: a}\n', found: ['1:1 apiVersion', '1:1 kind'] },
  ];
  for (const { name, text, found } of unversioned) {
    it(`CL-14: goes on with everything else where apiVersion is missing: ${name}`, () => {
      expect(placesIn(text).sort()).to.deep.equal([...found].sort());
    });
  }

  it('CL-14: finds pools that stand beside the ConfigMap, and lets those of MetalLB pass with a warning', () => {
    const good = BARE.replace('/40', '/28');
    const map = configMap('|', '    ').replace('/40', '/28');
    expect(placesIn(`${map}---\n${good.replace('lan', 'wan')}`)).to.deep.equal(['12:1 ']);
    const [parsed] = parseConfigFiles([
      { name: 'a', text: `${map}---\n${good.replace('berth.dev/v1', 'metallb.io/v1beta1')}` },
    ]);
    expect([parsed?.ok, parsed?.warnings.map(({ message }) => message)]).to.deep.equal([
      true,
      [
        'found IPAddressPool lan beside the ConfigMap, wanted it in the data of the ConfigMap: the ConfigMap is read without it',
      ],
    ]);
  });

  it('CF-01: takes policies without pools from a file alone, since pools may stand in another one', () => {
    const policy = 'apiVersion: berth.dev/v1\nkind: L2Advertisement\nmetadata: {name: all}\n';
    expect(lines(policy)).to.deep.equal([]);
    expect(lines('# nothing\n')).to.deep.equal(['file-0:1:1']);
    expect(lines(configMap('|', '    ').replace(/ {4}apiVersion[\s\S]*/, '    # nothing\n'))).to.deep.equal([
      'file-0:6:5',
    ]);
  });
});
