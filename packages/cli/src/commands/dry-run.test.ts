// SPDX-License-Identifier: Apache-2.0
import { DRAIN_ANNOTATION, HEARTBEAT_SECRET } from '@berth/core';
import { SAMPLE_MS, sampleCluster } from '@berth/core/testing';
import { configMaps, type KubeApi, nodes, pods, type Secret, secrets, services } from '@berth/kube';
import { type FakeApi, fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parseCommandLine, programFor } from '../command-line.ts';
import { readOnly } from '../read-only-api.ts';
import { run } from '../run.ts';

const NAMESPACE = 'berth-system';
const TAKEN = '198.18.0.9';

async function staged(): Promise<FakeApi> {
  const cluster = sampleCluster();
  const api = await fakeApiOf(cluster);
  await api.create(services, {
    metadata: { namespace: 'shop', name: 'foreign' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.99' }] } },
  });
  const secret = { metadata: { namespace: NAMESPACE, name: HEARTBEAT_SECRET }, data: { current: 'a2V5' } };
  await api.create(secrets, secret as Secret);
  const entry = {
    pool: 'lan',
    quarantine: { mac: '00:00:5e:00:53:09', node: 'edge-1', interface: 'lan0', since: '2026-11-30T09:00:00Z' },
  };
  const ledger = { namespace: NAMESPACE, name: 'ledger' };
  await api.patch(configMaps, ledger, { type: 'merge', body: { data: { [TAKEN]: JSON.stringify(entry) } } });
  api.calls.length = 0;
  return api;
}

describe('a dry run', () => {
  const rows: { argv: string; says: RegExp }[] = [
    { argv: 'move 198.18.0.1 edge-2', says: /^198\.18\.0\.1 would move: edge-1 -> edge-2\n$/ },
    { argv: 'drain edge-1', says: /^edge-1 would be drained: it would hand over 2 VIPs\n$/ },
    { argv: 'undrain edge-1', says: /^edge-1 is not drained\n$/ },
    { argv: 'rebalance', says: /^NODE +VIPS NOW +EVEN\nedge-1 +2 +2\n/ },
    { argv: 'rotate-key', says: /^3 nodes would get a new key: edge-1: / },
    { argv: 'adopt foreign', says: /^shop\/foreign would be taken over with 192\.0\.2\.99 / },
    { argv: 'adopt foreign --renumber', says: /with other addresses out of the pools \(now 192\.0\.2\.99\)\n$/ },
    { argv: 'renumber ns-0/s-0', says: /^ns-0\/s-0 would leave 198\.18\.0\.1 for another address\n$/ },
    { argv: `pool release ${TAKEN}`, says: /^198\.18\.0\.9 would be taken out of quarantine; .*00:00:5e:00:53:09/ },
    { argv: 'uninstall', says: /^service ns-0\/s-0 would be cleaned\n/ },
  ];
  for (const { argv, says } of rows)
    it(`CL-02: of ${argv} says what would be done, and writes nothing`, async () => {
      const api = await staged();
      const [said, code] = await ended(api, [...argv.split(' '), '--dry-run']);
      expect(said).to.match(says);
      expect(code).to.equal(0);
      expect(api.calls.map(({ verb }) => verb).filter((verb) => !READS.includes(verb))).to.deep.equal([]);
    });

  it('CL-02: is refused for the same reasons', async () => {
    const api = await staged();
    expect(await ended(api, ['move', '198.18.0.1', 'edge-9', '--dry-run']).catch(String)).to.include('edge-9');
    expect(await ended(api, ['adopt', 'ns-0/s-0', '--dry-run']).catch(String)).to.include('did not give');
    expect(await ended(api, ['pool', 'release', '198.18.0.1', '--dry-run']).catch(String)).to.include('quarantine');
  });

  it('tells of a node that is drained', async () => {
    const api = await staged();
    const body = { metadata: { annotations: { [DRAIN_ANNOTATION]: 'true' } } };
    await api.patch(nodes, { name: 'edge-1' }, { type: 'merge', body });
    expect((await ended(api, ['undrain', 'edge-1', '--dry-run']))[0]).to.equal('edge-1 would be undrained\n');
  });

  it('CL-02: could not write if it tried', async () => {
    const api: KubeApi = readOnly(await staged());
    const at = { name: 'edge-1' };
    for (const write of [
      api.patch(nodes, at, { type: 'merge', body: {} }),
      api.delete(nodes, at),
      api.create(pods, { metadata: { namespace: 'shop', name: 'a' } }),
      api.replace(nodes, { metadata: at }),
    ])
      expect(await write.catch(String)).to.include('must not write');
    expect((await api.get(nodes, at)).metadata.name).to.equal('edge-1');
  });

  it('CL-01, CL-02: every command shows in four formats or has a dry run', () => {
    const neither = leaves(programFor()).filter(([, options]) => !options.some((one) => WAYS.includes(one)));
    expect(neither.map(([name]) => name)).to.deep.equal(['dashboard', 'bundle', 'completion']);
  });
});

const READS: readonly string[] = ['get', 'list', 'watch'];
const WAYS: readonly string[] = ['--output', '--dry-run', '--apply'];

function leaves(command: ReturnType<typeof programFor>, path = ''): [name: string, options: string[]][] {
  return command.commands.flatMap((one) => {
    const name = `${path}${one.name()}`;
    if (one.commands.length > 0) return leaves(one, `${name} `);
    return [[name, one.options.map(({ long }) => long ?? '')]];
  });
}

async function ended(api: FakeApi, argv: readonly string[]): Promise<[said: string, code: number]> {
  const said: string[] = [];
  const code = await run(parseCommandLine(argv), {
    out: (text) => said.push(text),
    err: () => {},
    readFile: async () => '',
    connect: async () => ({ api, namespace: 'shop' }),
    clock: new FakeClock(new Date(SAMPLE_MS)),
  });
  return [said.join(''), code];
}
