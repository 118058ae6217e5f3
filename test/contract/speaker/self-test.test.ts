// SPDX-License-Identifier: Apache-2.0

// Members ask on the wire who answers for each other's VIPs. The client is the stranger that answers too.

import { type CheckReport, decodeNodeState, encodeOrder, IpAddress, type NodeState, nodeLeaseName } from '@berth/core';
import { configMaps, leases } from '@berth/kube';
import { expect } from 'chai';
import { conditionOf, withController } from '../support/speaker-controller.ts';
import { NAMES, useSpeakers } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';

/**
 * A round of few VIPs takes half a minute, and the one under way may have begun without them; three wrong answers in a
 * row take some seconds.
 */
const ROUND_MS = 75_000;

describe('self-test', () => {
  const use = useSpeakers();
  let taken: string | undefined;

  afterEach(async () => {
    if (taken) await use.speakers.lab.exec('client', ['ip', 'address', 'delete', `${taken}/24`, 'dev', 'eth0']);
    taken = undefined;
  });

  async function clientTakes(vip: string): Promise<string> {
    const { lab } = use.speakers;
    await lab.exec('client', ['ip', 'address', 'add', `${vip}/24`, 'dev', 'eth0']);
    taken = vip;
    const { stdout } = await lab.tryExec('client', ['ip', '-json', 'link', 'show', 'eth0']);
    return JSON.parse(stdout)[0].address;
  }

  async function stateOf(node: string): Promise<NodeState> {
    const { client, namespace } = use.speakers;
    const { metadata } = await client.get(leases, { namespace, name: nodeLeaseName(node) });
    const read = decodeNodeState(metadata.annotations?.['berth.dev/state'] ?? '');
    if (!read.ok) throw new Error(read.reason);
    return read.value;
  }

  async function states(): Promise<NodeState[]> {
    return Promise.all(NAMES.map(stateOf));
  }

  /** Orders a check and waits until each node has told what it heard. */
  async function check(id: string, vip?: string): Promise<CheckReport[]> {
    const { client, namespace } = use.speakers;
    const parsed = IpAddress.parse(vip ?? '');
    const text = encodeOrder({ kind: 'check', id, ...(parsed.ok && { vip: parsed.value }) });
    await client.create(configMaps, { metadata: { namespace, name: 'orders' }, data: { check: text } });
    return until(async () => {
      const reports = (await states()).flatMap(({ check: report }) => report ?? []);
      expect(reports.map((report) => report.id)).to.deep.equal([id, id, id]);
      return reports;
    }, 30_000);
  }

  it('a round covers all VIPs, then Reachable is True; who answers beside the owner is told by state, metric, Event and condition', async function () {
    this.timeout(300_000);
    const { speakers } = use;
    const vips = speakers.vips(4);
    const [vip = ''] = vips;
    await withController(speakers, [`${vip}-${vips.at(-1)}`], async () => {
      // In their order, in which the controller gives them as well.
      const names: string[] = [];
      for (const one of vips) names.push(await speakers.service([one]));
      const [name = ''] = names;
      await speakers.owners(vips);
      const reachable = () => conditionOf(speakers, name, 'berth.dev/Reachable');
      const beganSeconds = Math.ceil(Date.now() / 1000);
      await until(async () => {
        for (const { testedSeconds } of await states()) expect(testedSeconds ?? 0).to.be.at.least(beganSeconds);
      }, ROUND_MS + 30_000);
      for (const { unreachable } of await states()) expect(unreachable).to.deep.equal([]);
      await until(async () => expect(await reachable()).to.match(/^True Answered: /), ROUND_MS);

      const stranger = await clientTakes(vip);
      const row = await until(async () => {
        const rows = (await states()).flatMap(({ unreachable }) => unreachable);
        expect(rows).to.have.length(1);
        return rows[0];
      }, ROUND_MS);
      expect(row).to.include({ interface: 'eth0', why: 'several-answers' });
      const rest = row?.macs.map(String).filter((mac) => mac !== stranger);
      expect(speakers.hosts.map(({ mac }) => mac)).to.include.members(rest ?? []);
      expect([row?.macs.length, rest?.length]).to.deep.equal([2, 1]);
      await until(async () =>
        expect((await speakers.eventsOf(name)).join('\n')).to.match(/AddressUnreachable: node "edge-\d" asked for/),
      );
      const series = `ip="${vip}",interface="eth0",reason="several-answers"`;
      const metrics = await Promise.all(
        speakers.hosts.map((host) => host.metric('berth_speaker_vip_unreachable', series)),
      );
      expect(metrics.filter((value) => value === 1)).to.have.length(1);
      const told = new RegExp(`^False SeveralAnswers: edge-\\d asked for ${vip} on eth0: .*${stranger}.* answer`);
      await until(async () => expect(await reachable()).to.match(told), ROUND_MS);
    });
  });

  it('asks at once when it is ordered to, and each node tells what it hears', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const reports = await check('c1', vip);
    const heard = reports.flatMap((report) => report.heard.map(({ owner: by, macs }) => `${by?.node} ${macs}`));
    // The owner does not hear itself.
    expect(heard).to.have.members([`${owner.name} `, `${owner.name} ${owner.mac}`, `${owner.name} ${owner.mac}`]);
    expect(reports.map(({ asked, right }) => [asked, right])).to.deep.equal([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  it('asks for all VIPs of others when none is named, and tells what is wrong only', async () => {
    const { speakers } = use;
    const vips = speakers.vips(3);
    for (const vip of vips) await speakers.service([vip]);
    await speakers.owners(vips);
    const stranger = await clientTakes(vips[0] ?? '');
    const reports = await check('c2');
    expect(reports.map(({ asked }) => asked)).to.deep.equal([2, 2, 2]);
    const wrong = reports.flatMap((report) => report.heard);
    expect(wrong.map(({ vip }) => String(vip))).to.deep.equal([vips[0], vips[0]]);
    for (const { macs } of wrong) expect(macs.map(String)).to.include(stranger);
  });
});
