// SPDX-License-Identifier: Apache-2.0
import { IpAddress } from '@berth/core';
import { expect } from 'chai';
import { parseCommandLine } from './command-line.ts';

const CLUSTER = { kubeconfig: undefined, berthNamespace: 'berth-system', loadBalancerClass: 'berth.dev/l2' };
const VIP = IpAddress.of('IPv4', 0xc0000207n);
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
    { argv: 'status', operation: { kind: 'status', output: 'text', cluster: CLUSTER } },
    { argv: 'status -o json', operation: { kind: 'status', output: 'json', cluster: CLUSTER } },
    {
      argv: 'move 192.0.2.7 edge-2',
      operation: { kind: 'move', vip: VIP, node: 'edge-2', timeoutSeconds: 30, cluster: CLUSTER },
    },
    {
      argv: 'drain edge-1 --force --timeout 5',
      operation: { kind: 'drain', node: 'edge-1', isForced: true, timeoutSeconds: 5, cluster: CLUSTER },
    },
    { argv: 'undrain edge-1', operation: { kind: 'undrain', node: 'edge-1', timeoutSeconds: 30, cluster: CLUSTER } },
    {
      argv: 'pool release 192.0.2.7',
      operation: { kind: 'pool release', address: VIP, cluster: CLUSTER },
    },
    {
      argv: 'check',
      operation: { kind: 'check', vip: undefined, output: 'text', timeoutSeconds: 30, cluster: CLUSTER },
    },
    {
      argv: 'check 192.0.2.7 --timeout 5',
      operation: { kind: 'check', vip: VIP, output: 'text', timeoutSeconds: 5, cluster: CLUSTER },
    },
    { argv: 'rebalance', operation: { kind: 'rebalance', timeoutSeconds: 300, cluster: CLUSTER } },
    {
      argv: 'rotate-key',
      operation: { kind: 'rotate-key', isForced: false, timeoutSeconds: 30, cluster: CLUSTER },
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
    'move 192.0.2.700 edge-2',
    'move 192.0.2.7',
    'drain',
    'pool',
    'pool release',
    'pool release 192.0.2.0/24',
    'rebalance --timeout never',
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
