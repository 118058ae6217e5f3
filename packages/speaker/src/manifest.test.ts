// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { timingOf } from '@berth/core';
import { expect } from 'chai';
import { parse } from 'yaml';
import { readConfig } from './config.ts';
import { END_WITHIN_MS } from './end-times.ts';

const PATH = join(import.meta.dirname, '..', '..', '..', 'manifests', 'speaker.yaml');

describe('manifests/speaker.yaml', () => {
  const { spec } = parse(readFileSync(PATH, 'utf8'));
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it('AT-12: the probe goes by the port’s name, which is that of the option; nothing kills a speaker whose port is taken', () => {
    expect(container.livenessProbe).to.equal(undefined);
    const { port, path } = container.readinessProbe.httpGet;
    expect(path).to.equal('/readyz');
    const named = container.ports.find((one: { name: string }) => one.name === port);
    const read = readConfig(['--node-name=edge-1'], {});
    expect(named.containerPort).to.equal(read.ok && read.config.metricsAddress.port);
  });

  it('AT-11: the grace period is longer than the end may take, and that longer than a node waits for who takes its VIPs', () => {
    const made = timingOf();
    if (!made.ok) throw new Error(made.problems.join());
    const { awaitTakerMs, leaveAtMostMs } = made.timing;
    expect(END_WITHIN_MS).to.be.greaterThan(awaitTakerMs + leaveAtMostMs + 5_000);
    expect(pod.terminationGracePeriodSeconds * 1000).to.be.greaterThan(END_WITHIN_MS + 1_000);
    // A share is rounded up (DaemonSet controller): of two nodes, or of twenty, one at a time.
    const share = /^(\d+)%$/.exec(spec.updateStrategy.rollingUpdate.maxUnavailable)?.[1];
    expect(Math.ceil((20 * Number(share)) / 100)).to.equal(1);
  });
});
