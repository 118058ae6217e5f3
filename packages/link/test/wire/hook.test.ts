// SPDX-License-Identifier: Apache-2.0
/**
 * The program in the kernel and its neighbours on the hook: it takes only what it answers, and leaves nothing behind.
 */
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { question, readArp } from '../support/arp-text.ts';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const CLIENT_IP = '203.0.113.99';
const VIP = '203.0.113.20';
const FENCE_MS = 60_000;

eachEngine('other programs on the hook', (engine) => {
  let lan: WireLan;
  let client: WireHost;
  let owner: WireHost;
  let mac: string;

  before(async () => {
    lan = await WireLan.up({ client: {}, owner: {} }, engine);
    client = lan.host('client');
    owner = lan.host('owner');
    await client.call('watch', 'lan0');
    mac = await client.call('macOf', 'lan0');
    owner.run('tc', 'qdisc', 'add', 'dev', 'lan0', 'clsact');
    // Counts every ARP frame that comes this far, by sending a copy to where no one looks.
    const mirror = ['action', 'mirred', 'egress', 'mirror', 'dev', 'lo'];
    const arp = ['protocol', 'arp', 'prio', '10', 'u32', 'match', 'u32', '0', '0'];
    owner.run('tc', 'filter', 'add', 'dev', 'lan0', 'ingress', ...arp, ...mirror);
  });

  after(() => lan.down());

  function passedOn(): number {
    const shown = owner.run('tc', '-s', 'filter', 'show', 'dev', 'lan0', 'ingress');
    return Number(/Sent \d+ bytes (\d+) pkt/.exec(shown)?.[1]);
  }

  function replies(): number {
    return client.seen.filter(({ hex }) => readArp(hex).operation === 2).length;
  }

  async function ask(target: string): Promise<void> {
    await client.call('send', 'lan0', question(mac, CLIENT_IP, target));
  }

  it('have what it does not answer, and only that', async () => {
    await owner.call('answerOn', 'lan0');
    await owner.call('openFence', FENCE_MS);
    await owner.call('replace', [VIP, 'lan0']);
    for (const target of ['203.0.113.21', VIP, '203.0.113.22', VIP]) await ask(target);
    await until('both are answered', () => replies() === 2);
    await ask('203.0.113.23');
    // A packet socket takes nothing away from anybody.
    const expected = engine === 'packet-socket' ? 5 : 3;
    await until('the others are passed on', () => passedOn() === expected);
  });

  it('stay when it goes, and have everything then', async () => {
    const before = passedOn();
    await owner.call('closeResponder');
    await ask(VIP);
    await until('the question is passed on', () => passedOn() === before + 1);
  });
});

eachEngine('the hook of a process that is killed', (engine) => {
  let lan: WireLan;
  let owner: WireHost;

  beforeEach(async () => {
    lan = await WireLan.up({ client: { addresses: [`${CLIENT_IP}/24`] }, owner: {} }, engine);
    owner = lan.host('owner');
  });

  afterEach(() => lan.down());

  /** Identifiers of our programs in this machine's kernel; those of other tests are among them. */
  function programs(): number[] {
    const listed: unknown = JSON.parse(execFileSync('bpftool', ['--json', 'prog', 'show'], { encoding: 'utf8' }));
    const rows = Array.isArray(listed) ? (listed as { id: number; name?: string }[]) : [];
    return rows.filter(({ name }) => name === 'berth_answer').map(({ id }) => id);
  }

  function filters(): number {
    return owner.run('tc', 'filter', 'show', 'dev', 'lan0', 'ingress').split('handle 0xbe47').length - 1;
  }

  if (engine === 'kernel') {
    it('is empty: the program is gone with the process', async () => {
      const before = programs();
      await owner.call('answerOn', 'lan0');
      const ours = programs().filter((id) => !before.includes(id));
      expect(ours).to.have.length.above(0);
      owner.signal('SIGKILL');
      await owner.ended();
      await until('the program is gone', () => programs().every((id) => !ours.includes(id)));
    });
  }

  if (engine === 'kernel-clsact') {
    it('has a filter that goes silent with the fence, and that the next process takes away', async () => {
      await owner.call('answerOn', 'lan0');
      await owner.call('replace', [VIP, 'lan0']);
      await owner.call('openFence', 300);
      owner.signal('SIGKILL');
      await owner.ended();
      expect(filters()).to.equal(1);
      const isAnswered = async () =>
        (await lan.host('client').attempt('arping', '-c', '1', '-w', '1', '-I', 'lan0', VIP)).code === 0;
      await until('it is silent', async () => !(await isAnswered()));
      const successor = lan.respawn('owner');
      await successor.call('ping');
      await successor.call('useEngine', engine);
      await successor.call('answerOn', 'lan0');
      expect(filters()).to.equal(1);
      await successor.call('replace', [VIP, 'lan0']);
      await successor.call('openFence', FENCE_MS);
      expect(await isAnswered()).to.equal(true);
      await successor.call('closeResponder');
      expect(filters()).to.equal(0);
    });
  }

  if (engine === 'packet-socket') {
    it('was never used', async () => {
      await owner.call('answerOn', 'lan0');
      expect(filters()).to.equal(0);
    });
  }
});
