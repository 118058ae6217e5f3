// SPDX-License-Identifier: Apache-2.0

// What answers on the nodes among other programs, kube-proxy in IPVS mode and restarts: real speakers on a real LAN.

import { expect } from 'chai';
import { answeredTwice, answerers, longestSilence } from '../../support/wire-record.ts';
import { WireWatch } from '../../support/wire-watch.ts';
import { useSpeakers } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

const EVERY_MS = 10;
/** Less than the time after which peers take a node for dead (the lab's pace): what is longer was no hand-over. */
const HANDED_OVER_MS = 300;

describe('answering', () => {
  const use = useSpeakers();
  let watch: WireWatch | undefined;

  afterEach(async () => {
    await watch?.stop();
    watch = undefined;
    for (const host of use.speakers.hosts) tidy(host);
  });

  function tidy(host: SpeakerHost): void {
    for (const command of ['ip link delete kube-ipvs0', 'tc qdisc delete dev eth0 clsact'])
      host.run('sh', '-c', `${command} 2>&1 || true`);
  }

  async function ask(...vips: string[]): Promise<WireWatch> {
    watch ??= await WireWatch.start({ namespace: use.speakers.lab.namespaceOf('client') });
    await watch.ask(vips, EVERY_MS);
    return watch;
  }

  async function ended(host: SpeakerHost): Promise<void> {
    await until(() => expect(host.isRunning).to.equal(false), 30_000);
  }

  async function ready(host: SpeakerHost): Promise<void> {
    await until(async () => expect(await host.isReady()).to.equal(true), 60_000);
  }

  /** Starts all speakers anew with an option. */
  async function restartWith(...options: string[]): Promise<void> {
    const { hosts } = use.speakers;
    for (const host of hosts) host.signal('SIGKILL');
    for (const host of hosts) await ended(host);
    for (const host of hosts) host.start(...options);
    for (const host of hosts) await ready(host);
  }

  async function by(host: SpeakerHost, what: string): Promise<number | undefined> {
    return host.metric('berth_speaker_answering', `interface="eth0",by="${what}"`);
  }

  function putOnIpvs(vip: string): void {
    for (const host of use.speakers.hosts) {
      host.run('sh', '-c', 'ip link add kube-ipvs0 type bridge 2>/dev/null || true');
      host.run('ip', 'address', 'replace', `${vip}/32`, 'dev', 'kube-ipvs0');
      host.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=0', 'net.ipv4.conf.eth0.arp_ignore=0');
    }
  }

  it('AT-03: answers again within seconds when somebody takes the program off, and says so', async () => {
    const { speakers } = use;
    await restartWith('--engine=kernel-clsact');
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    owner.run('tc', 'qdisc', 'delete', 'dev', 'eth0', 'clsact');
    await until(async () => expect(await speakers.answerers(vip)).to.deep.equal([owner.name]), 10_000);
    expect(owner.log).to.contain('"kind":"taken-off"');
    const counted = 'interface="eth0",kind="taken-off"';
    expect(await owner.metric('berth_speaker_answerer_changes_total', counted)).to.equal(1);
    const listed = ['get', 'events', '--namespace=default', '--output=jsonpath={.items[*].reason}'];
    const field = `--field-selector=involvedObject.kind=Node,involvedObject.name=${owner.name}`;
    await until(async () => expect(await speakers.lab.kubectl([...listed, field])).to.contain('AnswererTakenOff'));
  });

  it('AT-04: the thread stands in where no filter can be added: a node owns nothing that it does not answer', async () => {
    const { speakers } = use;
    const host = speakers.host('edge-1');
    for (const one of speakers.hosts) one.signal('SIGKILL');
    for (const one of speakers.hosts) await ended(one);
    // A speaker that was killed leaves its qdisc, empty.
    host.run('sh', '-c', 'tc qdisc delete dev eth0 clsact 2>/dev/null || true');
    host.run('tc', 'qdisc', 'add', 'dev', 'eth0', 'ingress_block', '7', 'clsact');
    for (const one of speakers.hosts) one.start('--engine=kernel-clsact');
    for (const one of speakers.hosts) await ready(one);
    const vips = speakers.vips(6);
    for (const vip of vips) await speakers.service([vip]);
    const owners = await speakers.owners(vips);
    expect([await by(host, 'thread'), await by(host, 'engine')]).to.deep.equal([1, 0]);
    const [own] = [...owners].find(([, name]) => name === host.name) ?? [];
    expect(await speakers.answerers(own ?? '')).to.deep.equal([host.name]);
  });

  it('AT-06: exactly one node answers although every kernel has the VIP on kube-ipvs0, also when the owner freezes', async () => {
    const { speakers } = use;
    await restartWith();
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    putOnIpvs(vip);
    const asking = await ask(vip);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const whole = await asking.take();
    expect(answerers(whole.questions)).to.deep.equal([owner.mac]);
    owner.signal('SIGSTOP');
    await until(async () => {
      const { questions } = await asking.take();
      const [mac, ...more] = answerers(questions.slice(-20));
      expect(more).to.deep.equal([]);
      expect(speakers.others(owner).map((one) => one.mac)).to.include(mac);
    }, 20_000);
    expect(answeredTwice((await asking.take()).questions)).to.deep.equal([]);
    owner.signal('SIGCONT');
    await speakers.owner(vip);
  });

  it('AT-07: a thread cannot hold the kernel back, which is told', async () => {
    const { speakers } = use;
    await restartWith('--engine=packet-socket');
    const vip = speakers.vip();
    await speakers.service([vip]);
    await speakers.owner(vip);
    putOnIpvs(vip);
    for (const host of speakers.hosts) {
      const told = () => host.metric('berth_speaker_answers_for_others', 'interface="eth0"');
      await until(async () => expect(await told()).to.equal(1), 10_000);
      expect(host.log).to.contain('kube-proxy in IPVS mode without strictARP');
      host.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1');
      await until(async () => expect(await told()).to.equal(0), 10_000);
      host.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=0');
    }
  });

  it('AT-09, AT-11: two nodes that are updated one after the other, when the last is ready, are never dark', async () => {
    const { speakers } = use;
    await restartWith();
    const [first, second, third] = speakers.hosts;
    if (!first || !second || !third) throw new Error('three hosts are wanted');
    third.signal('SIGTERM');
    await ended(third);
    const vips = speakers.vips(4);
    for (const vip of vips) await speakers.service([vip]);
    await speakers.owners(vips);
    const asking = await ask(...vips);
    for (const host of [first, second]) {
      host.signal('SIGTERM');
      await ended(host);
      host.start();
      await ready(host);
    }
    const { questions } = await asking.take();
    for (const vip of vips) {
      const own = questions.filter((one) => one.vip === vip);
      expect(own.length).to.be.greaterThan(50);
      expect(longestSilence(own), vip).to.be.lessThan(HANDED_OVER_MS);
    }
  });

  it('AT-11: an owner that leaves while the other node only starts waits for it', async () => {
    const { speakers } = use;
    await restartWith();
    const [first, second, third] = speakers.hosts;
    if (!first || !second || !third) throw new Error('three hosts are wanted');
    for (const host of [second, third]) host.signal('SIGTERM');
    for (const host of [second, third]) await ended(host);
    const vip = speakers.vip();
    await speakers.service([vip]);
    expect((await speakers.owner(vip)).name).to.equal(first.name);
    const asking = await ask(vip);
    first.signal('SIGTERM');
    second.start();
    await ended(first);
    await speakers.isAnsweredBy(vip, second.name);
    expect(longestSilence((await asking.take()).questions)).to.be.lessThan(HANDED_OVER_MS);
  });

  it('AT-12: a metrics port that somebody else has stops nothing, and is served once it is free', async () => {
    const { speakers } = use;
    const host = speakers.host('edge-1');
    host.signal('SIGKILL');
    await ended(host);
    const other = host.spawn(process.execPath, '-e', "require('node:net').createServer().listen(7481)");
    await until(() => expect(host.run('ss', '-Hltn', 'sport', '=', ':7481')).to.contain('7481'));
    for (const one of speakers.others(host)) one.signal('SIGKILL');
    for (const one of speakers.others(host)) await ended(one);
    host.start();
    const vip = speakers.vip();
    await speakers.service([vip]);
    await speakers.isAnsweredBy(vip, host.name);
    expect(host.log).to.contain('metrics and probes are not served');
    other.kill('SIGKILL');
    await ready(host);
    await speakers.isAnsweredBy(vip, host.name);
  });
});
