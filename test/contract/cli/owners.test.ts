// SPDX-License-Identifier: Apache-2.0

// `kubectl berth` about owners, beside real speakers on a real LAN.

import { parseCommandLine, run } from '@berth/cli';
import { nodes, secrets } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { CLASS, NAMES, type SpeakerLab, useSpeakers } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';

interface Result {
  readonly code: number;
  readonly out: string;
}

/** Runs `kubectl berth ARGS` for the installation of the speakers. A refusal is told as its text. */
async function berth(speakers: SpeakerLab, ...args: readonly string[]): Promise<Result> {
  const texts: string[] = [];
  const options = ['--berth-namespace', speakers.namespace, '--load-balancer-class', CLASS];
  const environment = {
    out: (text: string) => texts.push(text),
    err: (text: string) => texts.push(text),
    readFile: async () => '',
    connect: async () => ({ api: speakers.client, namespace: speakers.namespace }),
    clock: systemClock,
  };
  try {
    const code = await run(parseCommandLine([...options, ...args]), environment);
    return { code, out: texts.join('') };
  } catch (error) {
    return { code: 1, out: String(error) };
  }
}

/** Services of one VIP each; the owner of each by its own word. */
async function served(speakers: SpeakerLab, count: number): Promise<Map<string, string>> {
  const vips = speakers.vips(count);
  for (const vip of vips) await speakers.service([vip]);
  const owners = await speakers.owners(vips);
  await until(async () => {
    const { out } = await berth(speakers, 'status', '-o', 'json');
    const { nodes: reports } = JSON.parse(out) as {
      nodes: { state: { owned: { vip: string }[]; ineligible: string } }[];
    };
    expect(reports.flatMap(({ state }) => state.owned.map(({ vip }) => vip))).to.have.members(vips);
    // What the test before this one forbade a node is forgotten by now.
    expect(reports.map(({ state }) => state.ineligible)).to.deep.equal(NAMES.map(() => ''));
  });
  return owners;
}

describe('kubectl berth, about owners', () => {
  const use = useSpeakers();

  afterEach(async () => {
    const { client } = use.speakers;
    const body = { metadata: { annotations: { 'berth.dev/drain': null }, labels: { zone: null } } };
    for (const name of NAMES) await client.patch(nodes, { name }, { type: 'merge', body });
  });

  it('CL-03: status has a row for each node and interface, and ends with 1 since no controller leads', async () => {
    const { speakers } = use;
    const owners = await served(speakers, 3);
    const { code, out } = await berth(speakers, 'status');
    expect(code).to.equal(1);
    expect(out).to.include('\nWARNING: no controller leads: ');
    for (const name of NAMES) {
      const owned = [...owners.values()].filter((owner) => owner === name).length;
      expect(out).to.match(
        new RegExp(`^${name} +eth0 +active +2 +${owned} +\\S+ +multicast +\\d+ ms late +\\d+ s ago$`, 'm'),
      );
    }
  });

  it('explain: tells the owner, since when and why', async () => {
    const { speakers } = use;
    const [[vip = '', owner = ''] = []] = await served(speakers, 1);
    const { out } = await berth(speakers, 'explain', `s-${vip.replaceAll('.', '-')}`);
    const since = String.raw`since 20\S+Z \(no one had it before; term \d+\)`;
    expect(out).to.match(new RegExp(`${vip} is answered by ${owner} on eth0 ${since}\\.`));
  });

  it('move: to a node that answers from then on, and nobody else does', async () => {
    const { speakers } = use;
    const [[vip = '', owner = ''] = []] = await served(speakers, 1);
    const target = NAMES.find((name) => name !== owner) ?? '';
    expect(await berth(speakers, 'move', vip, target)).to.deep.equal({
      code: 0,
      out: `${vip}: ${owner} -> ${target}\n`,
    });
    expect(await speakers.answerers(vip)).to.deep.equal([target]);
    const again = await berth(speakers, 'move', vip, target);
    expect(again).to.deep.equal({ code: 0, out: `${vip} is on ${target} already\n` });
  });

  it('move: refuses what cannot be, with the reason, and moves nothing', async () => {
    const { speakers } = use;
    const [[vip = '', owner = ''] = []] = await served(speakers, 1);
    const [target = '', other = ''] = NAMES.filter((name) => name !== owner);
    await speakers.host(owner).label({ zone: 'a' });
    await speakers.host(other).label({ zone: 'a' });
    await speakers.pools(...zoned(vip));
    await until(async () =>
      expect((await berth(speakers, 'move', vip, target)).out).to.include(`no policy selects ${target}`),
    );
    const refusals = [
      [await berth(speakers, 'move', vip, 'edge-9'), 'there is no node edge-9'],
      [await berth(speakers, 'move', '192.0.2.200', target), 'no Service has 192.0.2.200'],
    ] as const;
    for (const [{ code, out }, reason] of refusals) {
      expect(code).to.equal(1);
      expect(out).to.include(reason);
    }
    expect(await speakers.answerers(vip)).to.deep.equal([owner]);
  });

  it('drain and undrain: hands over everything, gives it nothing more, and lets it own again', async () => {
    const { speakers } = use;
    const owners = await served(speakers, 6);
    const [[, node = ''] = []] = owners;
    const own = [...owners].filter(([, owner]) => owner === node).map(([vip]) => vip);
    const drained = await berth(speakers, 'drain', node);
    expect(drained.out).to.match(new RegExp(`^${node} is drained: \\d+ to edge`));
    expect(drained.code).to.equal(0);
    expect(await speakers.host(node).announced()).to.deep.equal([]);
    for (const vip of own) expect(await speakers.answerers(vip)).to.have.length(1);
    expect((await berth(speakers, 'status')).out).to.include(`${node}: may own nothing: drained`);
    const undrained = await berth(speakers, 'undrain', node);
    expect(undrained).to.deep.include({ code: 0 });
    expect(undrained.out).to.include(`${node} may own VIPs`);
  });

  it('drain: refuses when nobody else can answer, says for what, and does it by force', async () => {
    const { speakers } = use;
    const [[vip = '', owner = ''] = []] = await served(speakers, 1);
    await speakers.host(owner).label({ zone: 'a' });
    await speakers.pools(...zoned(vip));
    await until(async () => {
      const { code, out } = await berth(speakers, 'drain', owner);
      expect([code, out.includes(`${vip}: no policy selects`)]).to.deep.equal([1, true]);
    });
    expect(await speakers.answerers(vip)).to.deep.equal([owner]);
    expect((await berth(speakers, 'drain', owner, '--force')).code).to.equal(0);
    await speakers.isAnsweredBy(vip);
  });

  it('rebalance: evens out what piled up on one node', async () => {
    const { speakers } = use;
    const owners = await served(speakers, 4);
    for (const [vip, owner] of owners)
      if (owner !== 'edge-1') expect((await berth(speakers, 'move', vip, 'edge-1')).code, vip).to.equal(0);
    const { code, out } = await berth(speakers, 'rebalance', '--timeout', '60');
    expect([code, out.split('\n')[0]]).to.deep.equal([0, 'NODE    VIPS BEFORE  AFTER']);
    const counts = await Promise.all(speakers.hosts.map(async (host) => (await host.announced()).length));
    expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1);
  });

  it('check: each node tells what it hears of one VIP, and of all of them', async () => {
    const { speakers } = use;
    const owners = await served(speakers, 3);
    const [[vip, owner] = ['', '']] = owners;
    const { mac } = speakers.host(owner);
    const { code, out } = await berth(speakers, 'check', vip);
    const rows = out
      .split('\n')
      .slice(1, 4)
      .map((line) => line.split(/ {2,}/));
    const wanted = NAMES.map((name) => {
      const heard = name === owner ? ['-', 'its own, and no one else answers'] : [mac, 'right'];
      return [vip, name, 'eth0', owner, ...heard];
    });
    expect(rows).to.have.deep.members(wanted);
    expect(code).to.equal(0);
    const all = await berth(speakers, 'check');
    expect(all.code).to.equal(0);
    // Of each VIP but its own. How many a node owns hangs on when each of them heard of each Service.
    const others = (name: string) => [...owners].filter(([, one]) => one !== name).length;
    expect(all.out.split('\n')).to.include.members(
      NAMES.map((name) => `${name}  ${others(name)}      ${others(name)}`),
    );
  });

  it('check: says who answers beside the owner, and refuses an address that no Service has', async () => {
    const { speakers } = use;
    const owners = await served(speakers, 1);
    const [[vip] = ['']] = owners;
    await speakers.lab.exec('client', ['ip', 'address', 'add', `${vip}/24`, 'dev', 'eth0']);
    const { code, out } = await berth(speakers, 'check', vip);
    await speakers.lab.exec('client', ['ip', 'address', 'delete', `${vip}/24`, 'dev', 'eth0']);
    expect([code, out.includes('SEVERAL ANSWERS')]).to.deep.equal([1, true]);
    const unknown = speakers.vip();
    const refused = await berth(speakers, 'check', unknown);
    expect([refused.code, refused.out.includes(`no Service has ${unknown}`)]).to.deep.equal([1, true]);
  });

  it('rotate-key: all nodes sign with a new key, and no VIP moves', async () => {
    const { speakers } = use;
    const owners = await served(speakers, 3);
    const at = { namespace: speakers.namespace, name: 'heartbeat' };
    const before = await speakers.client.get(secrets, at);
    const { code, out } = await berth(speakers, 'rotate-key');
    expect([code, out.startsWith('3 nodes sign with the new key: edge-1: ')]).to.deep.equal([0, true]);
    const after = await speakers.client.get(secrets, at);
    expect(after.data?.previous).to.equal(before.data?.current);
    expect(after.data?.current).to.not.equal(before.data?.current);
    for (const [vip, owner] of owners) expect(await speakers.answerers(vip)).to.deep.equal([owner]);
  });
});

/** A pool that only nodes with the label `zone: a` announce. */
function zoned(vip: string): readonly object[] {
  const nodeSelectors = [{ matchLabels: { zone: 'a' } }];
  return [
    {
      apiVersion: 'berth.dev/v1',
      kind: 'IPAddressPool',
      metadata: { name: 'zoned' },
      spec: { addresses: [`${vip}/32`] },
    },
    { apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name: 'zoned' }, spec: { nodeSelectors } },
  ];
}
