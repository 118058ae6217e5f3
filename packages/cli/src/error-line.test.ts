// SPDX-License-Identifier: Apache-2.0
import { KubeError } from '@berth/kube';
import { expect } from 'chai';
import { parseCommandLine } from './command-line.ts';
import { CommandError } from './environment.ts';
import { errorLine } from './error-line.ts';

function line(error: unknown, argv = 'status'): string {
  return errorLine(error, parseCommandLine(argv.split(' ')));
}

function network(cause: object): KubeError {
  return new KubeError('network', 'GET /api/v1/services: ', { cause: Object.assign(new Error(''), cause) });
}

describe('errorLine', () => {
  const forbidden = new KubeError('forbidden', 'GET /x: 403 services is forbidden:\n User "u" cannot');
  const rows: { name: string; text: string; says: string }[] = [
    {
      name: 'a refused connection by its address',
      text: line(network({ code: 'ECONNREFUSED', address: '192.0.2.1', port: 6443 })),
      says: 'the API server at 192.0.2.1:6443 refuses the connection',
    },
    {
      name: 'a name with several addresses that all refuse',
      text: line(
        new KubeError('network', 'GET /x: ', {
          cause: new AggregateError([
            Object.assign(new Error(), { code: 'ECONNREFUSED', address: '2001:db8::1', port: 6443 }),
          ]),
        }),
      ),
      says: 'the API server at 2001:db8::1:6443 refuses',
    },
    {
      name: 'an unknown name',
      text: line(network({ code: 'ENOTFOUND', hostname: 'k8s.example' })),
      says: 'name k8s.example is not known',
    },
    {
      name: 'another network error',
      text: line(new KubeError('network', 'GET /x: self-signed certificate')),
      says: 'no connection to the API server: GET /x: self-signed',
    },
    {
      name: 'a 403 with the roles of an operator',
      text: line(forbidden),
      says: '-n berth-system create rolebinding berth-operators --role=operator',
    },
    {
      name: 'a 403 in another namespace',
      text: line(forbidden, 'drain edge-1 --berth-namespace lb'),
      says: '-n lb create rolebinding',
    },
    { name: 'a 403 of adopt', text: line(forbidden, 'adopt web'), says: 'the ClusterRole edit' },
    { name: 'a 403 of renumber', text: line(forbidden, 'renumber web'), says: 'the ClusterRole edit' },
    { name: 'a 403 of uninstall', text: line(forbidden, 'uninstall'), says: 'cluster-admin' },
    {
      name: 'a 401',
      text: line(new KubeError('unauthorized', 'GET /x: 401')),
      says: 'the credentials of the kubeconfig are not accepted',
    },
    {
      name: 'a time-out',
      text: line(new KubeError('timeout', 'GET /x: no answer in 5000 ms')),
      says: '--request-timeout',
    },
    { name: 'no kubeconfig as it is', text: line(new KubeError('no-access', 'no kubeconfig')), says: 'no kubeconfig' },
    { name: 'what a command says as it is', text: line(new CommandError('no such VIP')), says: 'no such VIP' },
    { name: 'what is no error', text: line('oh'), says: 'oh' },
  ];
  for (const { name, text, says } of rows) {
    it(`CF-23: tells of ${name}, in one line`, () => {
      expect(text).to.include(says);
      expect(text).to.not.include('\n');
    });
  }
});
