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

describe('parseConfigFiles', () => {
  it('tells the place in a file of bare documents', () => {
    expect(lines(BARE)).to.deep.equal(['file-0:5:15']);
  });

  it('tells the place in the block of a ConfigMap', () => {
    expect(lines(configMap('|', '    '))).to.deep.equal(['file-0:10:19']);
    expect(lines(configMap('|-', '   '))).to.deep.equal(['file-0:10:18']);
  });

  it('tells the place of a text that is no block', () => {
    const text = `kind: ConfigMap\nmetadata: {name: ip-address-pools}\ndata:\n  pools.yaml: ${JSON.stringify(BARE)}\n`;
    expect(lines(text)).to.deep.equal(['file-0:4:15']);
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
    const text = `kind: ConfigMap\nmetadata: {namespace: metallb-system, name: config}\ndata: {config: ${JSON.stringify(legacy)}}\n`;
    const [parsed] = parseConfigFiles([{ name: 'old.yaml', text }]);
    const problem = parsed?.ok === false ? parsed.problems[0] : undefined;
    expect(problem).to.include({ key: 'old.yaml', line: 3 });
    expect(problem && formatProblem(problem)).to.include('write instead:\napiVersion: berth.dev/v1');
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
