// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { parseCommandLine } from './command-line.ts';

const CLUSTER = { kubeconfig: undefined, berthNamespace: 'berth-system', loadBalancerClass: 'berth.dev/l2' };
const WEB = { namespace: undefined, name: 'web' };

describe('parseCommandLine', () => {
  const rows: { argv: string; operation: object }[] = [
    { argv: 'lint a.yaml', operation: { kind: 'lint', files: ['a.yaml'], output: 'text' } },
    { argv: 'lint a.yaml - -o json', operation: { kind: 'lint', files: ['a.yaml', '-'], output: 'json' } },
    { argv: 'preview a.yaml', operation: { kind: 'preview', file: 'a.yaml', output: 'text', cluster: CLUSTER } },
    { argv: 'explain web', operation: { kind: 'explain', service: WEB, cluster: CLUSTER } },
    { argv: 'explain service/web', operation: { kind: 'explain', service: WEB, cluster: CLUSTER } },
    {
      argv: 'explain shop/web',
      operation: { kind: 'explain', service: { namespace: 'shop', name: 'web' }, cluster: CLUSTER },
    },
    {
      argv: 'explain web -n shop',
      operation: { kind: 'explain', service: { namespace: 'shop', name: 'web' }, cluster: CLUSTER },
    },
    {
      argv: 'explain ops/web -n shop',
      operation: { kind: 'explain', service: { namespace: 'ops', name: 'web' }, cluster: CLUSTER },
    },
    { argv: 'pools', operation: { kind: 'pools', output: 'text', cluster: CLUSTER } },
    { argv: 'pools --output json', operation: { kind: 'pools', output: 'json', cluster: CLUSTER } },
    { argv: 'renumber web', operation: { kind: 'renumber', service: WEB, timeoutSeconds: 30, cluster: CLUSTER } },
    {
      argv: 'renumber web --timeout 0',
      operation: { kind: 'renumber', service: WEB, timeoutSeconds: 0, cluster: CLUSTER },
    },
    { argv: 'uninstall', operation: { kind: 'uninstall', isDryRun: false, cluster: CLUSTER } },
    { argv: 'uninstall --dry-run', operation: { kind: 'uninstall', isDryRun: true, cluster: CLUSTER } },
    {
      argv: '--kubeconfig k --berth-namespace b --load-balancer-class acme.example/lb pools',
      operation: {
        kind: 'pools',
        output: 'text',
        cluster: { kubeconfig: 'k', berthNamespace: 'b', loadBalancerClass: 'acme.example/lb' },
      },
    },
    {
      argv: 'pools --kubeconfig k',
      operation: { kind: 'pools', output: 'text', cluster: { ...CLUSTER, kubeconfig: 'k' } },
    },
  ];
  for (const { argv, operation } of rows) {
    it(`reads "${argv}"`, () => expect(parseCommandLine(argv.split(' '))).to.deep.equal(operation));
  }

  const wrong = [
    '',
    'lint',
    'explain',
    'explain a/b/c',
    'explain /b',
    'explain a/',
    'nothing',
    'lint a --frobnicate',
    'lint a -o yaml',
    'renumber web --timeout soon',
    'pools extra',
  ];
  for (const argv of wrong) {
    it(`refuses "${argv}"`, () => {
      const operation = parseCommandLine(argv.split(' ').filter((word) => word !== ''));
      expect(operation.kind).to.equal('usage error');
      expect(operation.kind === 'usage error' && operation.text).to.not.equal('');
    });
  }

  for (const argv of ['--help', 'help', 'lint --help', 'help renumber']) {
    it(`answers "${argv}"`, () => {
      const operation = parseCommandLine(argv.split(' '));
      expect(operation.kind).to.equal('help');
      expect(operation.kind === 'help' && operation.text).to.include('Usage: kubectl berth');
    });
  }
});
