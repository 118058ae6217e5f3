// SPDX-License-Identifier: Apache-2.0
/** What becomes of an answerer among others: it finds a place, notices when it is taken away, and is attached again. */
import { expect } from 'chai';
import { eachEngine } from '../support/each-engine.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const VIP = '203.0.113.20';
const FENCE_MS = 60_000;
/** A filter of another product that says nothing about a frame: BPF's `return 0` as bytecode. */
const FOREIGN_BPF = ['bpf', 'bytecode', '1,6 0 0 0'];
const FOREIGN_U32 = ['u32', 'match', 'u32', '0xffffffff', '0xffffffff'];

eachEngine('attached', (engine) => {
  let lan: WireLan;
  let owner: WireHost;

  beforeEach(async () => {
    lan = await WireLan.up({ client: { addresses: ['203.0.113.99/24'] }, owner: {} }, engine);
    owner = lan.host('owner');
  });

  afterEach(() => lan.down());

  async function isAnswered(vip = VIP): Promise<boolean> {
    const asked = ['arping', '-f', '-w', '1', '-I', 'lan0', vip];
    return (await lan.host('client').attempt(...asked)).code === 0;
  }

  async function own(): Promise<void> {
    await owner.call('answerOn', 'lan0');
    await owner.call('openFence', FENCE_MS);
    await owner.call('replace', [VIP, 'lan0']);
  }

  function filters(): string {
    return owner.run('tc', 'filter', 'show', 'dev', 'lan0', 'ingress');
  }

  function foreign(priority: number, protocol: string, handle: readonly string[], filter: readonly string[]): void {
    const at = ['protocol', protocol, 'prio', String(priority), ...handle];
    owner.run('tc', 'filter', 'add', 'dev', 'lan0', 'ingress', ...at, ...filter);
  }

  it('AT-01: answers beside a foreign filter at the first priority, which stays', async () => {
    owner.run('tc', 'qdisc', 'add', 'dev', 'lan0', 'clsact');
    foreign(1, 'arp', [], FOREIGN_U32);
    await own();
    expect(await owner.call('answeredBy', 'lan0')).to.equal('engine');
    expect(await isAnswered()).to.equal(true);
    expect(filters()).to.contain('u32');
    await owner.call('closeResponder');
    expect(filters()).to.contain('u32').and.not.contain('berth_answer');
  });

  it('AT-01: takes another handle where a foreign filter has the one that it would take', async () => {
    owner.run('tc', 'qdisc', 'add', 'dev', 'lan0', 'clsact');
    foreign(1, 'all', ['handle', '0xbe47'], FOREIGN_BPF);
    await own();
    expect(await isAnswered()).to.equal(true);
    await owner.call('closeResponder');
    expect(filters()).to.contain('handle 0xbe47');
  });

  it('AT-02: has no news of an attachment that nobody touches', async () => {
    await own();
    expect(await owner.call('look', 'lan0')).to.equal('in-place');
  });

  if (engine === 'packet-socket') return;

  /** Takes the program off as a person with root's rights would. */
  function takeOff(): void {
    if (engine === 'kernel-clsact') {
      owner.run('tc', 'qdisc', 'del', 'dev', 'lan0', 'clsact');
      return;
    }
    // Links have numbers in the order in which they were made, and ours is the last.
    const links = JSON.parse(owner.run('bpftool', '--json', 'link', 'show')) as { id: number }[];
    owner.run('bpftool', 'link', 'detach', 'id', String(Math.max(...links.map(({ id }) => id))));
  }

  it('AT-03: notices that the program was taken off, and answers again once it is attached again', async () => {
    await own();
    takeOff();
    expect(await owner.call('look', 'lan0')).to.equal('gone');
    expect(await isAnswered()).to.equal(false);
    await owner.call('attachAgain', 'lan0');
    expect(await owner.call('look', 'lan0')).to.equal('in-place');
    expect(await isAnswered()).to.equal(true);
  });

  if (engine === 'kernel-clsact') {
    it('AT-02: notices a filter that put itself before ours, and goes before it again', async () => {
      await own();
      foreign(1, 'all', ['handle', '0x1'], FOREIGN_BPF);
      expect(await owner.call('look', 'lan0')).to.equal('behind');
      await owner.call('attachAgain', 'lan0');
      expect(await owner.call('look', 'lan0')).to.equal('in-place');
      expect(filters()).to.contain('handle 0x1 ');
    });

    it('AT-02: does not mind filters that no question comes to', async () => {
      await own();
      foreign(2, 'ip', [], FOREIGN_U32);
      expect(await owner.call('look', 'lan0')).to.equal('in-place');
    });

    it('AT-04: the thread stands in where no filter can be added, with the same table and fence', async () => {
      owner.run('tc', 'qdisc', 'add', 'dev', 'lan0', 'ingress_block', '7', 'clsact');
      await own();
      expect(await owner.call('answeredBy', 'lan0')).to.match(/^thread E[A-Z]+$/);
      expect(await isAnswered()).to.equal(true);
      // An answer is counted after it was sent.
      await until('both count the same answers', async () => {
        const [row] = await owner.call('vipCounters');
        const { reply } = await owner.call('outcomes');
        return row !== undefined && row.replies > 0 && row.replies === reply;
      });
      await owner.call('expire');
      expect(await isAnswered()).to.equal(false);
      await owner.call('openFence', FENCE_MS);
      expect(await isAnswered()).to.equal(true);
      await owner.call('replace');
      expect(await isAnswered()).to.equal(false);
    });

    it('AT-04: the thread stands in as well when the program that was taken off cannot be attached again', async () => {
      await own();
      owner.run('tc', 'qdisc', 'del', 'dev', 'lan0', 'clsact');
      owner.run('tc', 'qdisc', 'add', 'dev', 'lan0', 'ingress_block', '7', 'clsact');
      await owner.call('attachAgain', 'lan0');
      expect(await owner.call('answeredBy', 'lan0')).to.match(/^thread /);
      expect(await isAnswered()).to.equal(true);
    });
  }

  it('AT-05: makes room for more VIPs than its table had, without losing one or a count', async () => {
    await own();
    expect(await owner.call('replaceMany', 'lan0', 8_000)).to.equal(0);
    expect(await isAnswered('10.0.0.1')).to.equal(true);
    const before = (await owner.call('vipCounters')).find(({ vip }) => vip === '10.0.0.1');
    expect(await owner.call('replaceMany', 'lan0', 40_000)).to.equal(0);
    for (const vip of ['10.0.0.1', '10.0.64.1', '10.0.156.63']) expect(await isAnswered(vip), vip).to.equal(true);
    expect(await isAnswered('10.0.156.64')).to.equal(false);
    const after = (await owner.call('vipCounters')).find(({ vip }) => vip === '10.0.0.1');
    expect(after?.replies).to.be.greaterThan(before?.replies ?? 0);
    expect(await owner.call('look', 'lan0')).to.equal('in-place');
  });
});
