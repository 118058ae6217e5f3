// SPDX-License-Identifier: Apache-2.0
import { IpAddress } from '@berth/core';
import { expect } from 'chai';
import { parseCommandLine } from './command-line.ts';

const ACCESS = { kubeconfig: undefined, context: undefined, cluster: undefined, user: undefined, as: undefined };
const CLUSTER = {
  access: ACCESS,
  requestTimeoutMs: undefined,
  berthNamespace: 'berth-system',
  loadBalancerClass: 'berth.dev/l2',
};
const VIP = IpAddress.of('IPv4', 0xc0000207n);
const WEB = { namespace: undefined, name: 'web' };

describe('parseCommandLine', () => {
  const rows: { argv: string; operation: object }[] = [
    { argv: 'lint a.yaml', operation: { kind: 'lint', files: ['a.yaml'], output: 'text' } },
    { argv: 'lint a.yaml - -o json', operation: { kind: 'lint', files: ['a.yaml', '-'], output: 'json' } },
    { argv: 'preview a.yaml', operation: { kind: 'preview', file: 'a.yaml', output: 'text', cluster: CLUSTER } },
    { argv: 'explain web', operation: { kind: 'explain', service: WEB, output: 'text', cluster: CLUSTER } },
    { argv: 'explain service/web', operation: { kind: 'explain', service: WEB, output: 'text', cluster: CLUSTER } },
    {
      argv: 'explain shop/web',
      operation: { kind: 'explain', service: { namespace: 'shop', name: 'web' }, output: 'text', cluster: CLUSTER },
    },
    {
      argv: 'explain web -n shop',
      operation: { kind: 'explain', service: { namespace: 'shop', name: 'web' }, output: 'text', cluster: CLUSTER },
    },
    {
      argv: 'explain ops/web -n shop',
      operation: { kind: 'explain', service: { namespace: 'ops', name: 'web' }, output: 'text', cluster: CLUSTER },
    },
    { argv: 'vips -o wide', operation: { kind: 'vips', output: 'wide', isWatching: false, cluster: CLUSTER } },
    { argv: 'vips -w', operation: { kind: 'vips', output: 'text', isWatching: true, cluster: CLUSTER } },
    {
      argv: 'history',
      operation: {
        ...{ kind: 'history', about: undefined, namespace: undefined, sinceMs: undefined },
        ...{ output: 'text', cluster: CLUSTER },
      },
    },
    {
      argv: '-n shop history web --since 2d -o json',
      operation: {
        ...{ kind: 'history', about: 'web', namespace: 'shop', sinceMs: 172_800_000 },
        ...{ output: 'json', cluster: CLUSTER },
      },
    },
    { argv: 'dashboard', operation: { kind: 'dashboard', port: 0, opens: true, cluster: CLUSTER } },
    {
      argv: 'dashboard --port 7777 --no-open',
      operation: { kind: 'dashboard', port: 7777, opens: false, cluster: CLUSTER },
    },
    { argv: 'pools', operation: { kind: 'pools', output: 'text', isWatching: false, cluster: CLUSTER } },
    { argv: 'pools --output json', operation: { kind: 'pools', output: 'json', isWatching: false, cluster: CLUSTER } },
    {
      argv: 'adopt web --renumber',
      operation: {
        kind: 'adopt',
        service: WEB,
        isRenumbering: true,
        isDryRun: false,
        timeoutSeconds: 30,
        cluster: CLUSTER,
      },
    },
    {
      argv: 'adopt web --timeout 0',
      operation: {
        kind: 'adopt',
        service: WEB,
        isRenumbering: false,
        isDryRun: false,
        timeoutSeconds: 0,
        cluster: CLUSTER,
      },
    },
    {
      argv: 'renumber web',
      operation: { kind: 'renumber', service: WEB, isDryRun: false, timeoutSeconds: 30, cluster: CLUSTER },
    },
    {
      argv: 'renumber web --timeout 0',
      operation: { kind: 'renumber', service: WEB, isDryRun: false, timeoutSeconds: 0, cluster: CLUSTER },
    },
    { argv: 'uninstall', operation: { kind: 'uninstall', isDryRun: false, cluster: CLUSTER } },
    { argv: 'uninstall --dry-run', operation: { kind: 'uninstall', isDryRun: true, cluster: CLUSTER } },
    {
      argv: '--kubeconfig k --berth-namespace b --load-balancer-class acme.example/lb pools',
      operation: {
        kind: 'pools',
        output: 'text',
        isWatching: false,
        cluster: {
          ...CLUSTER,
          access: { ...ACCESS, kubeconfig: 'k' },
          berthNamespace: 'b',
          loadBalancerClass: 'acme.example/lb',
        },
      },
    },
    {
      argv: 'status -w -o yaml',
      operation: { kind: 'status', output: 'yaml', isWatching: true, cluster: CLUSTER },
    },
    {
      argv: 'drain edge-1 --dry-run',
      operation: {
        kind: 'drain',
        node: 'edge-1',
        isPatient: false,
        isForced: false,
        isDryRun: true,
        timeoutSeconds: 30,
        cluster: CLUSTER,
      },
    },
    { argv: 'status', operation: { kind: 'status', output: 'text', isWatching: false, cluster: CLUSTER } },
    { argv: 'status -o json', operation: { kind: 'status', output: 'json', isWatching: false, cluster: CLUSTER } },
    {
      argv: 'move 192.0.2.7 edge-2',
      operation: { kind: 'move', vip: VIP, node: 'edge-2', isDryRun: false, timeoutSeconds: 30, cluster: CLUSTER },
    },
    {
      argv: 'drain edge-1 --force --timeout 5',
      operation: {
        kind: 'drain',
        node: 'edge-1',
        isPatient: false,
        isForced: true,
        isDryRun: false,
        timeoutSeconds: 5,
        cluster: CLUSTER,
      },
    },
    {
      argv: 'undrain edge-1',
      operation: { kind: 'undrain', node: 'edge-1', isDryRun: false, timeoutSeconds: 30, cluster: CLUSTER },
    },
    {
      argv: 'pool release 192.0.2.7',
      operation: { kind: 'pool release', address: VIP, isDryRun: false, cluster: CLUSTER },
    },
    {
      argv: 'check',
      operation: { kind: 'check', vip: undefined, output: 'text', timeoutSeconds: 30, cluster: CLUSTER },
    },
    {
      argv: 'check 192.0.2.7 --timeout 5',
      operation: { kind: 'check', vip: VIP, output: 'text', timeoutSeconds: 5, cluster: CLUSTER },
    },
    { argv: 'rebalance', operation: { kind: 'rebalance', isDryRun: false, timeoutSeconds: 300, cluster: CLUSTER } },
    {
      argv: 'rotate-key',
      operation: { kind: 'rotate-key', isForced: false, isDryRun: false, timeoutSeconds: 30, cluster: CLUSTER },
    },
    {
      argv: 'pools --kubeconfig k',
      operation: {
        kind: 'pools',
        output: 'text',
        isWatching: false,
        cluster: { ...CLUSTER, access: { ...ACCESS, kubeconfig: 'k' } },
      },
    },
    {
      argv: 'pools --context prod --cluster c --user u --as jane --request-timeout 5s',
      operation: {
        kind: 'pools',
        output: 'text',
        isWatching: false,
        cluster: {
          ...CLUSTER,
          access: { ...ACCESS, context: 'prod', cluster: 'c', user: 'u', as: 'jane' },
          requestTimeoutMs: 5000,
        },
      },
    },
    {
      argv: '-n shop renumber web',
      operation: {
        kind: 'renumber',
        service: { namespace: 'shop', name: 'web' },
        isDryRun: false,
        timeoutSeconds: 30,
        cluster: CLUSTER,
      },
    },
    ...[
      ['7', 7_000],
      ['2m', 120_000],
      ['250ms', 250],
      ['0', 2 ** 31 - 1],
      ['999999h', 2 ** 31 - 1],
    ].map(([text, requestTimeoutMs]) => ({
      argv: `--request-timeout ${text} pools`,
      operation: { kind: 'pools', output: 'text', isWatching: false, cluster: { ...CLUSTER, requestTimeoutMs } },
    })),
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
    'history --since soon',
    'vips -o table',
    'lint a -o toml',
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
