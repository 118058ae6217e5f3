// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { question, readArp } from '../support/arp-text.ts';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const VIP = '203.0.113.20';

eachEngine('the fence', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;
  let mac: string;

  beforeEach(async () => {
    lan = await WireLan.up({ client: { addresses: ['203.0.113.99/24'] }, owner: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
    await client.call('watch', 'lan0');
    mac = await client.call('macOf', 'lan0');
    await owner.call('answerOn', 'lan0');
    await owner.call('replace', [VIP, 'lan0']);
  });

  afterEach(() => lan.down());

  let asked = 0;
  /** Asks from an address of its own; returns it. */
  async function ask(): Promise<string> {
    const from = `203.0.113.${30 + (asked++ % 200)}`;
    await client.call('send', 'lan0', question(mac, from, VIP));
    return from;
  }

  function isAnswered(from: string): boolean {
    return client.seen.map(({ hex }) => readArp(hex)).some((arp) => arp.operation === 2 && arp.targetIp === from);
  }

  async function fenced(): Promise<number> {
    return (await owner.call('outcomes')).fenced ?? 0;
  }

  it('is out before it is renewed the first time', async () => {
    const from = await ask();
    await until('the question is counted', async () => (await fenced()) === 1);
    expect(isAnswered(from)).to.equal(false);
  });

  it('silences a process that hangs, by itself', async () => {
    await owner.call('keepFence', 150);
    const first = await ask();
    await until('it answers while it is renewed', () => isAnswered(first));
    const hung = owner.call('hang', 800);
    const during = await ask();
    await until('the thread answers while the fence lasts', () => isAnswered(during));
    // JavaScript of the owner is blocked all the time, so only the thread can be asked, and only by questions.
    let last = during;
    let silentSinceMs = performance.now();
    await until('it is silent for 300 ms', async () => {
      if (isAnswered(last)) silentSinceMs = performance.now();
      if (isAnswered(last)) last = await ask();
      return performance.now() - silentSinceMs > 300;
    });
    await hung;
    expect(await fenced()).to.be.greaterThan(0);
    await owner.call('openFence', 60_000);
    const later = await ask();
    await until('it answers again when the fence is opened again', () => isAnswered(later));
  });

  it('is not renewed once it ran out', async () => {
    expect(await owner.call('renew', 60_000)).to.equal('expired');
    await owner.call('openFence', 60_000);
    expect(await owner.call('renew', 60_000)).to.equal('held');
    await owner.call('expire');
    expect(await owner.call('renew', 60_000)).to.equal('expired');
    expect(await owner.call('renew', 60_000)).to.equal('expired');
  });

  it('holds back announcements too', async () => {
    expect(await owner.call('announce', 'lan0', question(mac, VIP, VIP))).to.equal('fenced');
    await owner.call('openFence', 60_000);
    expect(await owner.call('announce', 'lan0', question(mac, VIP, VIP))).to.equal('sent');
  });

  it('is not outlived by questions that waited while the process was stopped', async () => {
    await owner.call('openFence', 500);
    await owner.freeze();
    const stoppedAtMs = performance.now();
    const from = await ask();
    await until('the fence is over', () => performance.now() - stoppedAtMs > 550);
    // The thread stands still with its process; the program in the kernel answers as long as the fence allows it, and
    // no longer.
    const wasAnswered = isAnswered(from);
    const late = await ask();
    owner.signal('SIGCONT');
    await until('the late question is counted', async () => (await fenced()) >= (wasAnswered ? 1 : 2));
    expect(wasAnswered).to.equal(engine !== 'packet-socket');
    expect(isAnswered(from)).to.equal(wasAnswered);
    expect(isAnswered(late)).to.equal(false);
  });
});

eachEngine('a process that is killed', (engine) => {
  let lan: WireLan;

  before(async () => {
    lan = await WireLan.up({ client: { addresses: ['203.0.113.99/24'] }, owner: {} }, engine);
  });

  after(() => lan.down());

  // The filter of an older kernel outlives the process (hook.test.ts); like everything else it answers no longer than
  // the fence lasts.
  const fenceMs = engine === 'kernel-clsact' ? 2000 : 60_000;

  it('leaves nothing behind: no address, no socket, no answer', async () => {
    const owner = lan.host('owner');
    const client = lan.host('client');
    const before = owner.run('ip', '-4', 'address');
    await owner.call('answerOn', 'lan0');
    await owner.call('replace', [VIP, 'lan0']);
    await owner.call('openFence', fenceMs);
    const openedAtMs = performance.now();
    expect((await client.attempt('arping', '-c', '1', '-w', '2', '-I', 'lan0', VIP)).code).to.equal(0);
    expect(owner.run('ip', '-4', 'address')).to.equal(before);
    owner.signal('SIGKILL');
    await owner.ended();
    expect(owner.run('ip', '-4', 'address')).to.equal(before);
    expect(owner.run('ss', '--packet', '--no-header').trim()).to.equal('');
    if (engine === 'kernel-clsact') await until('the fence is over', () => performance.now() - openedAtMs > fenceMs);
    expect((await client.attempt('arping', '-c', '1', '-w', '1', '-I', 'lan0', VIP)).code).to.equal(1);
  });
});
