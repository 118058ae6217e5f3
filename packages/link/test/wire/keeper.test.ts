// SPDX-License-Identifier: Apache-2.0
/** What the keeper is good for: a process that passes packets on dies, and connections through its node go on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildAddon, buildKeeper } from '../../build.ts';
import { obstacleToSpreading } from '../support/spread-frames.ts';
import { until, type WireHost, WireLan } from '../support/wire-lan.ts';

const VIP = '203.0.113.20';
const NODES = ['owner', 'second'] as const;
type Node = (typeof NODES)[number];
/** As long as the keeper holds; and as the tables count at least, which were renewed half a second ago at most. */
const [HOLD_MS, FRESH_MS] = [2_000, 1_500];
/** Well within that, on a machine that is busy. */
const MEANWHILE_MS = 800;

buildAddon();
const reason = obstacleToSpreading();
const suite = reason === undefined ? describe : describe.skip;

suite(`the keeper on the wire${reason === undefined ? '' : ` (cannot be tried: ${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-keeper-wire-'));
  const path = join(folder, 'keeper.sock');
  const macs = new Map<Node, string>();
  let lan: WireLan;
  let client: WireHost;
  let keeper: ChildProcess;
  let dialled = 0;

  before(() => startKeeper());

  after(() => {
    keeper.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  beforeEach(async () => {
    lan = await WireLan.up({
      client: { addresses: ['203.0.113.99/24'] },
      owner: { addresses: ['203.0.113.1/24'] },
      second: { addresses: ['203.0.113.2/24'] },
    });
    client = lan.host('client');
    for (const name of NODES) {
      const node = lan.host(name);
      node.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.lan0.arp_ignore=1');
      node.run('ip', 'address', 'add', `${VIP}/32`, 'dev', 'lo');
      macs.set(name, await node.call('macOf', 'lan0'));
      await node.call('serveAs', name);
    }
    client.run('ip', 'neighbor', 'replace', VIP, 'lladdr', macs.get('owner') ?? '', 'nud', 'permanent', 'dev', 'lan0');
    for (const name of NODES) await passOn(name, 'second');
    await until('the keeper is there', async () => (await lan.host('owner').call('isKept')) === true);
  });

  afterEach(() => lan.down());

  async function startKeeper(): Promise<void> {
    rmSync(path, { force: true });
    keeper = spawn(buildKeeper(), [path], { stdio: 'inherit' });
    await until('the keeper listens', () => existsSync(path));
  }

  /** Begins to pass all that comes for the VIP on to a node. */
  async function passOn(name: Node, target: Node): Promise<void> {
    const host = lan.host(name);
    await host.call('spreadOn', 'kernel', 'lan0');
    // Each node has a keeper of its own.
    if (name === 'owner') await host.call('keepBy', path);
    const members = NODES.filter((one) => one !== name).map((one) => [numberOf(one), macs.get(one) ?? ''] as const);
    await host.call('spread', { self: numberOf(name), target: numberOf(target), vips: [VIP], members }, 'lan0');
  }

  const numberOf = (name: Node) => NODES.indexOf(name) + 1;

  async function dial(): Promise<{ readonly name: string; readonly server: string }> {
    const name = `connection ${dialled++}`;
    return { name, server: (await client.call('dial', name, VIP)).split(' ')[0] ?? '' };
  }

  /** The process of the owner dies, and with it all that it serves there. */
  async function kill(): Promise<void> {
    lan.host('owner').signal('SIGKILL');
    await lan.host('owner').ended();
  }

  const servers = async (times: number) => {
    const seen = [];
    for (let time = 0; time < times; time++) seen.push((await dial()).server);
    return seen;
  };

  it('SP-32: the process that passes packets on is killed: connections go on and begin for two seconds, then not', async () => {
    const { name, server } = await dial();
    expect(server).to.equal('second');
    await kill();
    const killedMs = performance.now();
    while (performance.now() - killedMs < MEANWHILE_MS) {
      expect(await client.call('ask', name)).to.equal('second');
      expect((await dial()).server).to.equal('second');
    }
    const isOver = async () => (await client.call('ask', (await dial()).name)) !== 'second';
    await until('nothing is passed on any more', isOver, HOLD_MS * 3);
    expect(performance.now() - killedMs).to.be.greaterThan(FRESH_MS - 100);
  });

  it('SP-32: without the keeper the connection is reset', async () => {
    const { name } = await dial();
    keeper.kill('SIGKILL');
    await until('nobody keeps', async () => (await lan.host('owner').call('isKept')) === false);
    await kill();
    expect(await client.call('ask', name)).to.equal('ECONNRESET');
    await startKeeper();
  });

  it('SP-33: a process that comes back goes by its own tables at once, and connections that these name go on', async () => {
    const { name } = await dial();
    const before = lan.host('owner');
    const owner = lan.respawn('owner');
    await owner.call('ping');
    before.signal('SIGKILL');
    await before.ended();
    await owner.call('serveAs', 'owner');
    // It has nothing to go by yet: what is held rules on.
    await owner.call('spreadOn', 'kernel', 'lan0');
    expect(await client.call('ask', name)).to.equal('second');
    await passOn('owner', 'second');
    await owner.call('renewSpreading');
    expect(await client.call('ask', name)).to.equal('second');
    await passOn('owner', 'owner');
    // None would be the owner's for as long as what is held ruled beside it.
    await until('the keeper has let go', async () => (await dial()).server === 'owner', FRESH_MS / 2);
    expect(await servers(5)).to.deep.equal(['owner', 'owner', 'owner', 'owner', 'owner']);
  });

  for (const state of ['frozen', 'killed'] as const)
    it(`SP-34: a keeper that is ${state} costs nothing: packets are passed on, and the process goes on`, async () => {
      const { name } = await dial();
      keeper.kill(state === 'frozen' ? 'SIGSTOP' : 'SIGKILL');
      try {
        // Far more renewals than there is room for messages that no one reads.
        for (let round = 0; round < 2_000; round++) await lan.host('owner').call('renewSpreading');
        await passOn('owner', 'second');
        expect(await client.call('ask', name)).to.equal('second');
        expect((await dial()).server).to.equal('second');
      } finally {
        if (state === 'frozen') keeper.kill('SIGCONT');
        else await startKeeper();
      }
      await lan.host('owner').call('renewSpreading');
      await until('the keeper is there again', async () => (await lan.host('owner').call('isKept')) === true);
    });
});
