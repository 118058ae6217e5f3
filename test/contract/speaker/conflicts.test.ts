// SPDX-License-Identifier: Apache-2.0

// Addresses that somebody else on the LAN uses: found before the first use, defended and told while in use. The client
// is the stranger.

import { services } from '@berth/kube';
import { expect } from 'chai';
import { WireWatch } from '../../support/wire-watch.ts';
import { conditionOf, withController } from '../support/speaker-controller.ts';
import { CLASS, NAMES, type SpeakerLab, useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

/** The burst after a takeover is over by then, in milliseconds. */
const BURST_MS = 4_000;
/** Frames of one announcement, one in each form, lie closer than this. */
const PAIR_MS = 500;

describe('conflicts', () => {
  const use = useSpeakers();
  let watch: WireWatch | undefined;
  const taken: string[] = [];

  afterEach(async () => {
    await watch?.stop();
    watch = undefined;
    for (const address of taken.splice(0)) await stranger('address', 'delete', address, 'dev', 'eth0');
  });

  async function stranger(...argv: string[]): Promise<void> {
    await use.speakers.lab.exec('client', ['ip', ...argv]);
  }

  /** The client uses the address from now on, as any Linux host. */
  async function takes(vip: string): Promise<void> {
    const address = vip.includes(':') ? `${vip}/64` : `${vip}/24`;
    await stranger('address', 'add', address, 'dev', 'eth0', ...(vip.includes(':') ? ['nodad'] : []));
    taken.push(address);
  }

  async function strangerMac(): Promise<string> {
    const { stdout } = await use.speakers.lab.tryExec('client', ['ip', '-json', 'link', 'show', 'eth0']);
    return JSON.parse(stdout)[0].address;
  }

  async function startWatch({ lab }: SpeakerLab): Promise<WireWatch> {
    watch = await WireWatch.start({ namespace: lab.namespaceOf('client') });
    return watch;
  }

  /** Announces the VIP as the client's own, once a second. */
  async function claims(vip: string, times: number): Promise<void> {
    const { lab } = use.speakers;
    await lab.exec('client', ['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
    await lab.tryExec('client', ['arping', '-U', '-c', String(times), '-I', 'eth0', '-s', vip, vip]);
  }

  function sum(hosts: readonly SpeakerHost[], name: string, labels = ''): Promise<number> {
    const values = hosts.map(async (host) => (await host.metric(`berth_speaker_${name}`, labels)) ?? 0);
    return Promise.all(values).then((all) => all.reduce((total, one) => total + one, 0));
  }

  async function isFoundBy(host: SpeakerHost, vip: string, kind: string): Promise<void> {
    const labels = `ip="${vip}",interface="eth0",mac="${await strangerMac()}",kind="${kind}"`;
    await until(async () => expect(await host.metric('berth_speaker_address_conflict', labels)).to.equal(1), 30_000);
  }

  /** That of the test before is, until its Service is gone everywhere. */
  async function noneIsHeldBack({ hosts }: SpeakerLab): Promise<void> {
    await until(async () => expect(await sum(hosts, 'vips_held_back')).to.equal(0));
  }

  /** The node that holds back the only VIP that is held back. */
  async function holderOf(speakers: SpeakerLab): Promise<SpeakerHost> {
    const { hosts } = speakers;
    await until(async () => expect(await sum(hosts, 'vips_held_back')).to.equal(1));
    const counts = await Promise.all(hosts.map((one) => one.metric('berth_speaker_vips_held_back')));
    return speakers.host(NAMES[counts.indexOf(1)] ?? '');
  }

  it('GR-07: a fresh VIP that a stranger uses is claimed among members, but neither answered nor announced', async () => {
    const { speakers } = use;
    await noneIsHeldBack(speakers);
    const vip = speakers.vip();
    await takes(vip);
    const wire = await startWatch(speakers);
    await wire.ask([]);
    await speakers.service([vip]);
    const owner = await holderOf(speakers);
    await isFoundBy(owner, vip, 'before-use');
    await remains(async () => expect(await owner.announced()).to.deep.equal([]), 2000);
    expect((await wire.take()).announcements).to.deep.equal([]);
  });

  it('GR-07: a fresh IPv6 VIP that a stranger uses is found by duplicate address detection', async () => {
    const { speakers } = use;
    await noneIsHeldBack(speakers);
    const vip = '2001:db8:7::2b';
    await takes(vip);
    await speakers.service([vip]);
    const owner = await holderOf(speakers);
    await isFoundBy(owner, vip, 'before-use');
    await remains(async () => expect(await owner.announced()).to.deep.equal([]), 2000);
  });

  it('GR-07: a fresh VIP that nobody uses is answered after a quick probe', async () => {
    const { speakers } = use;
    const before = await sum(speakers.hosts, 'addresses_probed_total', 'urgency="at-need"');
    const vip = speakers.vip();
    await speakers.service([vip]);
    await speakers.owner(vip);
    expect(await sum(speakers.hosts, 'addresses_probed_total', 'urgency="at-need"')).to.equal(before + 1);
  });

  it('GR-07: the next addresses of a pool are probed ahead of need; strangers are found before any Service asks', async () => {
    const { speakers } = use;
    const [first = '', second = ''] = speakers.vips(2);
    await takes(second);
    const pool = { apiVersion: 'berth.dev/v1', kind: 'IPAddressPool', metadata: { name: 'lan' } };
    await speakers.pools({ ...pool, spec: { addresses: [`${first}-${second}`] } });
    for (const host of speakers.hosts) {
      await isFoundBy(host, second, 'before-use');
      await until(async () => expect(await host.metric('berth_speaker_addresses_ready')).to.be.greaterThan(0));
    }
    const before = await sum(speakers.hosts, 'addresses_probed_total', 'urgency="at-need"');
    await speakers.service([first]);
    await speakers.owner(first);
    expect(await sum(speakers.hosts, 'addresses_probed_total', 'urgency="at-need"')).to.equal(before);
  });

  it('GR-07: a Service that is given an address of a stranger gets another one, which is answered; the first is told', async function () {
    this.timeout(120_000);
    const { speakers } = use;
    const { client, namespace } = speakers;
    const [first = '', second = ''] = speakers.vips(2);
    await takes(first);
    await withController(speakers, [`${first}-${second}`], async () => {
      await client.create(services, {
        metadata: { namespace, name: 'web' },
        spec: { type: 'LoadBalancer', loadBalancerClass: CLASS, ports: [{ port: 80 }] },
      });
      await speakers.owner(second);
      const { status } = await client.get(services, { namespace, name: 'web' });
      expect(status?.loadBalancer?.ingress?.map(({ ip }) => ip)).to.deep.equal([second]);
      const mac = await strangerMac();
      await until(async () => expect((await speakers.eventsOf('web')).join('\n')).to.contain(mac));
    });
  });

  for (const { how, leave, back } of [
    {
      how: 'by crash',
      leave: async (owner: SpeakerHost) => owner.signal('SIGKILL'),
      back: async () => {},
    },
    {
      how: 'by drain',
      leave: (owner: SpeakerHost) => owner.patchNode({ metadata: { annotations: { 'berth.dev/drain': 'true' } } }),
      back: (owner: SpeakerHost) => owner.patchNode({ metadata: { annotations: { 'berth.dev/drain': null } } }),
    },
  ])
    it(`GR-07, HO-12: a VIP that moves ${how} is not probed, and no speaker reports a conflict or defends it`, async () => {
      const { speakers } = use;
      const vip = speakers.vip();
      await speakers.service([vip]);
      const owner = await speakers.owner(vip);
      const others = speakers.others(owner);
      const counts = () =>
        Promise.all([
          sum(others, 'addresses_probed_total', 'urgency="at-need"'),
          sum(others, 'address_conflicts_total', 'kind="in-use"'),
          sum(others, 'address_conflicts_total', 'kind="before-use"'),
          sum(others, 'defences_total'),
        ]);
      const before = await counts();
      await leave(owner);
      await until(async () => expect((await speakers.owner(vip)).name).to.not.equal(owner.name));
      await remains(async () => expect(await counts()).to.deep.equal(before), 2000);
      await back(owner);
    });

  it('AR-08, GR-06: an announcement by a stranger is no question, but defended against and told', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const wire = await startWatch(speakers);
    await settled(wire);
    await claims(vip, 1);
    await isFoundBy(owner, vip, 'in-use');
    await until(async () => expect(await owner.metric('berth_speaker_defences_total')).to.be.greaterThan(0));
    const { announcements } = await wire.take();
    expect(announcements.map(({ mac }) => mac)).to.deep.equal([owner.mac, owner.mac]);
    const told = `AddressConflict: ${await strangerMac()} on the LAN claims ${vip} too`;
    await until(async () => expect((await speakers.eventsOf(name)).join('\n')).to.contain(told));
    for (const other of speakers.others(owner)) expect(await other.metric('berth_speaker_defences_total')).to.equal(0);
  });

  it('HO-11: 30 s of claims are met by 1 to 4 announcements, one alarm, and an answer to every question', async function () {
    this.timeout(180_000);
    const { speakers } = use;
    const vip = speakers.vip();
    await withController(speakers, [`${vip}/32`], async () => {
      const name = await speakers.service([vip]);
      const owner = await speakers.owner(vip);
      const alarms = await sum([owner], 'address_conflicts_total', 'kind="in-use"');
      const wire = await startWatch(speakers);
      await settled(wire);
      await wire.ask([vip], 100);
      await claims(vip, 30);
      const { announcements, questions } = await wire.take();
      const times = announcements.filter(({ mac }) => mac === owner.mac).map(({ atMs }) => atMs);
      const defences = times.filter((atMs, index) => index === 0 || atMs - (times[index - 1] ?? 0) > PAIR_MS);
      expect(defences.length).to.be.within(1, 4);
      for (const [index, atMs] of defences.slice(1).entries())
        expect(atMs - (defences[index] ?? 0)).to.be.greaterThan(9_900);
      const unanswered = questions.slice(0, -10).filter(({ answers }) => answers.length !== 1);
      expect(unanswered).to.deep.equal([]);
      expect(await sum([owner], 'address_conflicts_total', 'kind="in-use"')).to.equal(alarms + 1);
      const told = (await speakers.eventsOf(name)).filter((event) => event.startsWith('AddressConflict:'));
      expect(told).to.have.length(1);
      const condition = `False AddressConflict: ${await strangerMac()} on the LAN claims ${vip} too`;
      await until(async () => expect(await conditionOf(speakers, name, 'berth.dev/Reachable')).to.contain(condition));
    });
  });

  /** Waits until no one has announced anything for as long as a burst may take. */
  async function settled(wire: WireWatch): Promise<void> {
    await wire.ask([]);
    let quietSinceMs = performance.now();
    await until(async () => {
      if ((await wire.take()).announcements.length > 0) quietSinceMs = performance.now();
      expect(performance.now() - quietSinceMs).to.be.greaterThan(BURST_MS);
    }, 30_000);
  }
});
