// SPDX-License-Identifier: Apache-2.0

import type { EventRecorder } from '@berth/kube';
import type { Log } from '@berth/runtime';
import { expect } from 'chai';
import { PoolReporter } from './pool-reporter.ts';
import { NO_POOLS, nextPoolState } from './pool-source.ts';

function reporter() {
  const [logged, events]: [string[], string[]] = [[], []];
  const note = (message: string) => void logged.push(message);
  const log = { error: note, warn: note, info: note, debug: note } as unknown as Log;
  const record: EventRecorder['record'] = (_, { message }) => void events.push(message);
  return {
    logged,
    events,
    one: new PoolReporter({ log, events: { record } as EventRecorder, namespace: 'berth-system' }),
  };
}

describe('PoolReporter', () => {
  it('CF-08: names the cause of a ConfigMap with the hash of a kustomization, once', () => {
    const { logged, one } = reporter();
    for (const name of [
      'ip-address-pools-h4tf6b9g2m',
      'ip-address-pools-h4tf6b9g2m',
      'ip-address-pools',
      'pool-status',
    ])
      one.hashSuffixed(name);
    expect(logged).to.have.length(1);
    expect(logged[0]).to.include('ip-address-pools-h4tf6b9g2m').and.include('disableNameSuffixHash: true');
  });

  it('CF-06: keeps the head of a problem in the Event where its suggestion has no room', () => {
    const { events, one } = reporter();
    const pools = Array.from({ length: 60 }, (_, index) => `- {name: p${index}, addresses: [10.0.${index}.0/24]}\n`);
    const state = nextPoolState(NO_POOLS, { data: { config: `address-pools:\n${pools.join('')}` } });
    one.tell(NO_POOLS, state, undefined);
    expect(events[0]).to.match(
      /^refused, no pools are in force:\nconfig:1:1: .*MetalLB before 0\.13; write instead: \(in the log\)$/,
    );
  });

  it('CF-01: says of an empty configuration that the last good one stays', () => {
    const { events, one } = reporter();
    const document = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan' } };
    const good = JSON.stringify({ ...document, spec: { addresses: ['192.0.2.0/28'] } });
    const before = nextPoolState(NO_POOLS, { data: { 'pools.yaml': good } });
    one.tell(before, nextPoolState(before, { data: {} }), undefined);
    expect(events[0]).to.match(/^refused, the last good configuration stays in force:\n.*found no key at all/);
  });
});
