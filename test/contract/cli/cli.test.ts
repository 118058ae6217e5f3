// SPDX-License-Identifier: Apache-2.0

// `kubectl berth` against the real API server, beside a real controller.

import { parseCommandLine, run } from '@berth/cli';
import { isKubeError, type KubeObject, leases, type Resource, type Service, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { FINALIZER, ipsOf, type Rig, useRig } from '../support/rig.ts';
import { reportTaken } from '../support/taken-addresses.ts';
import { until } from '../support/until.ts';

interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas: number; readonly selector: object; readonly template: object };
}

const deployments: Resource<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `kubectl berth ARGS` for the installation of the rig; files are given by name. */
async function berth(rig: Rig, args: readonly string[], files: Readonly<Record<string, string>> = {}): Promise<Result> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(parseCommandLine(['--berth-namespace', rig.system, ...args]), {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readFile: async (name) => files[name] ?? '',
    connect: async () => ({ api: rig.client, namespace: rig.shop }),
    clock: systemClock,
  });
  return { code, out: out.join(''), err: err.join('') };
}

function poolFile(addresses: string): string {
  return `apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: { name: lan }\nspec: { addresses: [${addresses}] }\n`;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => String(error),
  );
}

const SMALL = { lan: { addresses: ['203.0.113.40/31'] } };

describe('kubectl berth', () => {
  const use = useRig();

  it('pools: counts from the ledger', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools({ lan: { addresses: ['203.0.113.40/31'] }, six: { addresses: ['2001:db8::/64'] } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    const { code, out } = await berth(rig, ['pools']);
    expect(code).to.equal(0);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).to.deep.equal([
      ['POOL', 'FAMILY', 'TOTAL', 'USED', 'COOLING', 'QUARANTINED', 'FREE', 'ADDRESSES'],
      ['lan', 'IPv4', '2', '1', '0', '0', '1', '203.0.113.40/31'],
      ['six', 'IPv6', '2^64', '0', '0', '0', '2^64', '2001:db8::/64'],
    ]);
    const rows = JSON.parse((await berth(rig, ['pools', '-o', 'json'])).out) as { total: string }[];
    expect(rows[1]?.total).to.equal('18446744073709551616');
  });

  it('pools: says so where there is nothing, and goes by the last good configuration where the present one is refused', async () => {
    const { rig } = use;
    const { code, out, err } = await berth(rig, ['pools']);
    expect(code).to.equal(0);
    expect(err).to.match(/^Berth is not installed in namespace \S+: kubectl apply -k manifests\/ installs it .*\n$/);
    expect(out).to.match(/^POOL .*\n$/);
    await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await until(() => rig.configMap('last-good-pools'));
    await rig.poolText('nonsense');
    const refused = await berth(rig, ['pools']);
    expect(refused.err).to.include('the last good configuration is in force');
    expect(refused.out).to.match(/\nlan +IPv4 +2 +1 /);
  });

  it('GR-07: pools shows what is in quarantine, pool release ends it, and explain tells', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(SMALL);
    await reportTaken(rig, 'n1', ['203.0.113.41']);
    await until(async () =>
      expect((await berth(rig, ['pools'])).out).to.match(/\n203\.0\.113\.41 +00:00:5e:00:53:01 +n1 on eth0 +20/),
    );
    const [row] = JSON.parse((await berth(rig, ['pools', '-o', 'json'])).out) as { quarantine: object[] }[];
    expect(row?.quarantine).to.have.length(1);
    await rig.service('web', { annotations: { 'berth.dev/loadBalancerIPs': '203.0.113.41' } });
    await rig.hasReason('web', 'AddressInUse', 'False');
    const explained = (await berth(rig, ['explain', 'web'])).out;
    expect(explained).to.include('203.0.113.41 is used by 00:00:5e:00:53:01').and.include('1 in quarantine');
    const { code, out, err } = await berth(rig, ['pool', 'release', '203.0.113.41']);
    expect([code, out]).to.deep.equal([
      0,
      '203.0.113.41 is no longer in quarantine; 203.0.113.41 was used by 00:00:5e:00:53:01, seen by node n1 on eth0\n',
    ]);
    expect(err).to.include('still reported by n1');
    await rig.has('web', '203.0.113.41');
    expect(await failureOf(berth(rig, ['pool', 'release', '203.0.113.41']))).to.include('is not in quarantine');
  });

  it('explain: tells why a Service has its address, and why another has none', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools({
      lan: { addresses: ['203.0.113.40/32'] },
      own: { addresses: ['203.0.113.50/32'], serviceAllocation: { namespaces: ['elsewhere'] } },
    });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.service('late', { annotations: { 'berth.dev/allow-shared-ip': 'front' } });
    await rig.hasReason('late', 'OutOfAddresses');
    const has = await berth(rig, ['explain', 'web']);
    expect(has.out).to.include(`${rig.shop}/web has 203.0.113.40.`).and.include('The ledger gives it: 203.0.113.40.');
    const none = await berth(rig, ['explain', `${rig.shop}/late`]);
    expect(none.code).to.equal(0);
    expect(none.out).to.include('has no address').and.include('shared by key "front"');
    expect(none.out).to.match(/lan +IPv4: 0 of 1 free +open to it/);
    expect(none.out).to.include(`pool own is closed to namespace ${rig.shop}`);
    expect(none.out).to.include('Decision: OutOfAddresses: no free IPv4 address in lan.');
  });

  it('explain: tells when a Service is not ours, or not there', async () => {
    const { rig } = use;
    await rig.service('cluster', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
    await rig.service('foreign', { spec: { loadBalancerClass: 'acme.example/lb' } });
    expect((await berth(rig, ['explain', 'cluster'])).out).to.include(
      'Berth does nothing, since its type is ClusterIP',
    );
    expect((await berth(rig, ['explain', 'foreign'])).out).to.include('its class is acme.example/lb');
    expect(await failureOf(berth(rig, ['explain', 'nobody']))).to.include(`there is no Service ${rig.shop}/nobody`);
  });

  it('CL-07: preview tells who would be stranded, gain and stay, and writes nothing', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(SMALL);
    for (const name of ['a', 'b']) {
      await rig.service(name);
      await rig.has(name, name === 'a' ? '203.0.113.40' : '203.0.113.41');
    }
    await rig.service('c');
    await rig.hasReason('c', 'OutOfAddresses');
    const before = await rig.client.list(services, { namespace: rig.shop });
    const { code, out } = await berth(rig, ['preview', 'next.yaml'], {
      'next.yaml': poolFile('203.0.113.40/32, 203.0.113.80/32'),
    });
    expect(code, 'CL-07').to.equal(4);
    expect(out).to.match(new RegExp(`Stranded.*\\(1\\):\\n +${rig.shop}/b +203\\.0\\.113\\.41 +OutsidePools`));
    expect(out).to.match(new RegExp(`Gaining an address \\(1\\):\\n +${rig.shop}/c +203\\.0\\.113\\.80 +Assigned`));
    expect(out).to.include('Nothing changes for 1 of 3 Services.');
    expect((await rig.client.list(services, { namespace: rig.shop })).items).to.deep.equal(before.items);
  });

  it('preview: a refused file is linted instead', async () => {
    const { code, out } = await berth(use.rig, ['preview', 'next.yaml'], { 'next.yaml': poolFile('203.0.113.40') });
    expect(code).to.equal(1);
    expect(out).to.match(/^next\.yaml:4:21: error: /);
  });

  it('PE-03: renumber gives a stranded Service an address of its pool', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.pools({ lan: { addresses: ['203.0.113.80/31'] } });
    await rig.hasReason('web', 'OutsidePools', 'True');
    const { code, out } = await berth(rig, ['renumber', 'web']);
    expect([code, out]).to.deep.equal([0, `${rig.shop}/web: 203.0.113.40 -> 203.0.113.80\n`]);
    const service = await rig.hasReason('web', 'Assigned');
    expect(service.metadata.annotations).to.not.have.property('berth.dev/renumber');
    await rig.ledgerHolds({ '203.0.113.80': 'web' });
  });

  it('renumber: keeps the address where there is no other, says why, and leaves no wish behind', async () => {
    const { rig } = use;
    await rig.start();
    await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    const message = await failureOf(berth(rig, ['renumber', 'web', '--timeout', '2']));
    expect(message).to.include('keeps 203.0.113.40').and.include('no free IPv4 address in lan');
    const service = await rig.hasReason('web', 'Assigned');
    expect(service.metadata.annotations).to.not.have.property('berth.dev/renumber');
  });

  it('renumber: refuses a Service without address', async () => {
    const { rig } = use;
    await rig.service('web');
    expect(await failureOf(berth(rig, ['renumber', 'web']))).to.include('has no address to leave');
  });

  it('uninstall: cleans every Service of ours and no other, deletes ledger and Lease, and no Service hangs', async () => {
    const { rig } = use;
    const running = await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.service('foreign', { spec: { loadBalancerClass: 'acme.example/lb' } });
    await rig.edit('foreign', { metadata: { finalizers: [FINALIZER] } });
    const status = { loadBalancer: { ingress: [{ ip: '198.51.100.9' }] } };
    const foreign = await rig.editStatus('foreign', status);
    await rig.stop(running);

    const dry = await berth(rig, ['uninstall', '--dry-run']);
    expect(dry.out)
      .to.include(`service ${rig.shop}/web would be cleaned`)
      .and.include(`configmap ${rig.system}/ledger would be deleted`);
    await rig.has('web', '203.0.113.40');

    const { code, out, err } = await berth(rig, ['uninstall']);
    expect(code).to.equal(0);
    expect(out)
      .to.include(`service ${rig.shop}/web is cleaned`)
      .and.include(`lease ${rig.system}/controller is deleted`);
    expect(err).to.equal('1 Service was cleaned\n');
    expect(traces(await rig.get('web'))).to.deep.equal([]);
    expect(await rig.get('foreign')).to.deep.equal(foreign);
    expect(await failureOf(rig.configMap('ledger'))).to.include('not found');
    const lease = rig.client
      .get(leases, { namespace: rig.system, name: 'controller' })
      .catch((error: unknown) => error);
    expect(isKubeError(await lease, 'not-found')).to.equal(true);
    await rig.delete('web');
    await rig.isGone('web');
    expect((await berth(rig, ['uninstall'])).err).to.equal('0 Services were cleaned\n');
  });

  it('FA-05: uninstall takes only what Berth gave, and leaves the finalizer where another address is left', async () => {
    const { rig } = use;
    const running = await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.stop(running);
    await rig.edit('web', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
    await rig.edit('web', { spec: { type: 'LoadBalancer', loadBalancerClass: 'acme.example/lb' } });
    await rig.editStatus('web', { loadBalancer: { ingress: [{ ip: '192.0.2.99' }] } });
    await berth(rig, ['uninstall']);
    const service = await rig.has('web', '192.0.2.99');
    expect(service.metadata.finalizers).to.deep.equal([FINALIZER]);
    expect(service.status?.conditions ?? []).to.deep.equal([]);
  });

  it('FA-04: adopt takes over what another LoadBalancer gave, or replaces it, and says why it cannot', async () => {
    const { rig } = use;
    for (const [name, ip] of [
      ['kept', '192.0.2.98'],
      ['replaced', '192.0.2.99'],
    ] as const) {
      await rig.service(name);
      await rig.editStatus(name, { loadBalancer: { ingress: [{ ip }] } });
    }
    await rig.service('ours');
    await rig.pools(SMALL);
    await rig.start();
    await rig.has('ours', '203.0.113.40');
    expect((await berth(rig, ['adopt', 'kept'])).out).to.equal(`${rig.shop}/kept: 192.0.2.98\n`);
    const { out } = await berth(rig, ['adopt', 'replaced', '--renumber']);
    expect(out).to.equal(`${rig.shop}/replaced: 192.0.2.99 -> 203.0.113.41\n`);
    expect(await failureOf(berth(rig, ['adopt', 'ours']))).to.include('shows no address that Berth did not give');
    await rig.ledgerHolds({ '192.0.2.98': 'kept', '203.0.113.40': 'ours', '203.0.113.41': 'replaced' });
  });

  it('uninstall: stops a controller that still runs before it touches a Service', async () => {
    const { rig } = use;
    const at = { namespace: rig.system, name: 'controller' };
    const labels = { app: 'controller' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'controller', image: 'none' }] } };
    await rig.client.create(deployments, {
      metadata: at,
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    });
    const dry = await berth(rig, ['uninstall', '--dry-run']);
    expect(dry.out).to.equal(`deployment ${rig.system}/controller would be scaled to 0\n`);
    expect((await rig.client.get(deployments, at)).spec?.replicas).to.equal(2);
    const { out } = await berth(rig, ['uninstall']);
    expect(out).to.equal(`deployment ${rig.system}/controller is scaled to 0\n`);
    expect((await rig.client.get(deployments, at)).spec?.replicas).to.equal(0);
    await rig.client.delete(deployments, at);
  });

  it('uninstall: frees a Service that hangs in Terminating since there is no controller', async () => {
    const { rig } = use;
    const running = await rig.start();
    await rig.pools(SMALL);
    await rig.service('web');
    await rig.has('web', '203.0.113.40');
    await rig.stop(running);
    await rig.delete('web');
    expect((await rig.get('web')).metadata.deletionTimestamp).to.be.a('string');
    await berth(rig, ['uninstall']);
    await rig.isGone('web');
  });
});

/** What is left of Berth on a Service. */
function traces(service: Service): string[] {
  const { annotations = {}, finalizers = [] } = service.metadata;
  const conditions = (service.status?.conditions ?? []).map(({ type }) => type);
  const names = [...Object.keys(annotations), ...conditions].filter((name) => name.startsWith('berth.dev/'));
  return [...finalizers, ...names, ...ipsOf(service)];
}
