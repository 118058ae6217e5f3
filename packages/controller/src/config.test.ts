// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readConfig } from './config.ts';

describe('readConfig', () => {
  it('has a default for everything', () => {
    const read = readConfig([], { POD_NAME: 'controller-0' });
    expect(read).to.deep.equal({
      ok: true,
      config: {
        namespace: 'berth-system',
        loadBalancerClass: 'berth.dev/l2',
        metallbNamespace: 'metallb-system',
        kubeconfig: undefined,
        metricsAddress: { host: undefined, port: 7480 },
        metricsAuth: 'none',
        metricsCertFolder: undefined,
        healthAddress: { host: undefined, port: 7483 },
        logLevel: 'info',
        logFormat: 'json',
        finalizer: 'add',
        leaseSeconds: 15,
        identity: 'controller-0',
      },
    });
  });

  it('takes an argument before the environment', () => {
    const read = readConfig(['--namespace', 'a', '--metrics-address=[::1]:9'], { NAMESPACE: 'b', LOG_LEVEL: 'warn' });
    expect(read).to.have.nested.property('config.namespace', 'a');
    expect(read).to.have.nested.property('config.logLevel', 'warn');
    expect(read).to.deep.nested.property('config.metricsAddress', { host: '::1', port: 9 });
  });

  it('MB-09: takes another namespace for the objects of MetalLB, or none', () => {
    const namespaceOf = (text: string) => readConfig([`--metallb-namespace=${text}`], {});
    expect(namespaceOf('lb')).to.have.nested.property('config.metallbNamespace', 'lb');
    expect(namespaceOf('off')).to.have.nested.property('config.metallbNamespace', undefined);
  });

  it('MO-08: takes tokens for the metrics, a folder for the certificate, and an address for health', () => {
    const argv = ['--metrics-auth=token', '--metrics-cert-folder=/tls', '--health-address=127.0.0.1:1'];
    expect(readConfig(argv, {}))
      .to.have.property('config')
      .that.deep.includes({
        ...{ metricsAuth: 'token', metricsCertFolder: '/tls', healthAddress: { host: '127.0.0.1', port: 1 } },
      });
    expect(readConfig(['--metrics-auth=basic'], {}).ok).to.equal(false);
  });

  it('tells all problems at once', () => {
    const argv = ['--log-level=loud', '--lease-seconds=1', '--finalizer=maybe', '--metrics-address=7480'];
    const read = readConfig(argv, {});
    expect(read.ok).to.equal(false);
    if (!read.ok) expect(read.problems.map((text) => text.split(':')[0])).to.have.members(argv.map(nameOf));
  });

  it('names an option that it does not know', () => {
    const read = readConfig(['--pools=x'], {});
    expect(read).to.have.nested.property('problems[0]').that.includes('--pools');
  });
});

function nameOf(argument: string): string {
  return argument.split('=')[0] ?? '';
}
