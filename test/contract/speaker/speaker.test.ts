// SPDX-License-Identifier: Apache-2.0

// The real speaker process against a real API server, on a real LAN.

import { secrets } from '@berth/kube';
import { expect } from 'chai';
import { CLASS, NAMES, useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';
import { SpeakerHost } from './speaker-host.ts';

describe('speaker', () => {
  const use = useSpeakers();

  it('AR-06: exactly one node answers, and loads differ by at most one', async () => {
    const { speakers } = use;
    const vips = speakers.vips(6);
    for (const vip of vips) await speakers.service([vip]);
    const owners = await speakers.owners(vips);
    for (const name of NAMES) expect([...owners.values()].filter((one) => one === name)).to.have.length(2);
    for (const vip of vips.slice(0, 3)) expect(await speakers.answerers(vip)).to.deep.equal([owners.get(vip)]);
  });

  it('ND-04, ND-13: an IPv6 VIP is announced, answered and joined by its owner', async () => {
    const { speakers } = use;
    const vip = '2001:db8:7::1a';
    await speakers.service([vip]);
    const owner = speakers.host((await speakers.owners([vip])).get(vip) ?? '');
    await until(async () => {
      const { stdout } = await speakers.lab.tryExec('client', ['ndisc6', '-q', '-1', vip, 'eth0']);
      expect(stdout.trim().toLowerCase()).to.equal(owner.mac);
    }, 20_000);
    const series = `ip="${vip}",interface="eth0"`;
    await until(async () =>
      expect(await owner.metric('berth_speaker_gratuitous_sent_total', series)).to.be.greaterThan(0),
    );
    expect(owner.run('cat', '/proc/net/igmp6')).to.contain('ff0200000000000000000001ff00001a');
  });

  it('ST-02: an Event tells node and interface', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const message = `nodeAssigned: announcing ${vip} from node "${owner.name}" on interface "eth0"`;
    await until(async () => expect(await speakers.eventsOf(name)).to.deep.equal([message]));
  });

  it('ST-12: counts requests, replies and announcements per VIP; announced is 1 on the owner only', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const counted = (series: string, rest = '') => owner.metric(`berth_speaker_${series}`, `ip="${vip}"${rest}`);
    expect(await counted('requests_received_total')).to.be.greaterThan(0);
    expect(await counted('replies_sent_total')).to.be.greaterThan(0);
    expect(await counted('gratuitous_sent_total', ',interface="eth0"')).to.be.greaterThan(0);
    const announced = (host: SpeakerHost) => {
      const labels = `service="${speakers.namespace}/${name}",node="${host.name}",ip="${vip}"`;
      return host.metric('berth_speaker_announced', labels);
    };
    expect(await announced(owner)).to.equal(1);
    for (const other of speakers.others(owner)) expect(await announced(other)).to.equal(undefined);
  });

  it('is silent at once when the Service is deleted or loses its address', async () => {
    const { speakers } = use;
    const [first = '', second = ''] = speakers.vips(2);
    const [deleted, emptied] = [await speakers.service([first]), await speakers.service([second])];
    for (const vip of [first, second]) await speakers.owner(vip);
    await speakers.delete(deleted);
    await speakers.hold(emptied);
    for (const vip of [first, second]) await speakers.isAnsweredBy(vip);
  });

  it('HO-10: a probe for an owned VIP gets exactly one reply, from the owner', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    // Duplicate address detection: sender address 0.0.0.0. Exit code 1 says that somebody has it.
    const probe = ['arping', '-D', '-w', '1', '-I', 'eth0', vip];
    const { exitCode: code, stdout } = await speakers.lab.tryExec('client', probe);
    expect(code).to.equal(1);
    const replies = [...stdout.matchAll(/reply from .* \[([0-9A-Fa-f:]{17})\]/g)].map((match) => match[1]);
    expect(replies.map((mac) => mac?.toLowerCase())).to.deep.equal([owner.mac]);
  });

  it('IF-02: an interface that appears is used, one that goes is left, the others go on', async () => {
    const host = use.speakers.host('edge-1');
    const isUsed = (ifname: string) => host.metric('berth_speaker_interface', `interface="${ifname}"`);
    host.run('ip', 'link', 'add', 'lan1', 'type', 'veth', 'peer', 'name', 'far1');
    for (const ifname of ['lan1', 'far1']) host.run('ip', 'link', 'set', ifname, 'up');
    await until(async () => expect(await isUsed('lan1')).to.equal(1), 10_000);
    host.run('ip', 'link', 'delete', 'lan1');
    await until(async () => expect(await isUsed('lan1')).to.equal(undefined));
    expect(await isUsed('eth0')).to.equal(1);
  });

  it('PE-09: answers on for a VIP in no pool, as long as its Service holds it', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const pool = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'elsewhere' } };
    await speakers.pools({ ...pool, spec: { addresses: ['203.0.113.0/28'] } });
    await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([owner.name]), 4000);
    await speakers.hold(name);
    await speakers.isAnsweredBy(vip);
  });

  it('answers on without the API server', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const path = 'jsonpath={.clusters[0].cluster.server}';
    const api = new URL((await speakers.lab.kubectl(['config', 'view', '-o', path])).trim()).hostname;
    owner.run('ip', 'route', 'add', 'blackhole', `${api}/32`);
    await speakers.isAnsweredBy(vip, owner.name);
    owner.run('ip', 'route', 'delete', 'blackhole', `${api}/32`);
  });

  it('takes over a new key without a restart and without a change of owners', async () => {
    const { speakers } = use;
    const vips = speakers.vips(3);
    for (const vip of vips) await speakers.service([vip]);
    const before = await speakers.owners(vips);
    const at = { namespace: speakers.namespace, name: 'heartbeat' };
    const { data } = await speakers.client.get(secrets, at);
    const rotated = {
      current: Buffer.from('another key, of thirty-two bytes').toString('base64'),
      previous: data?.current,
    };
    await speakers.client.patch(secrets, at, { type: 'merge', body: { data: rotated } });
    for (const host of speakers.hosts) await until(() => expect(host.log).to.match(/"heartbeat keys".*"previous"/));
    await remains(async () => expect(await speakers.owners(vips)).to.deep.equal(before), 2000);
  });

  it('waits for the heartbeat Secret, and says so where one asks whether it is ready', async () => {
    const { lab, client } = use.speakers;
    // A namespace without the Secret.
    const argv = ['--namespace=default', `--load-balancer-class=${CLASS}`];
    const lonely = new SpeakerHost({ lab, client, name: 'edge-9', number: 109, argv });
    await lonely.up();
    lonely.start();
    await until(async () => {
      const response = await fetch(`http://${lonely.address}:7481/readyz`);
      expect(await response.text()).to.equal('not ready: waiting for Secret default/heartbeat\n');
    }, 30_000);
    await until(() => expect(lonely.log).to.contain('waiting for the heartbeat secret'));
    lonely.down();
  });
});
