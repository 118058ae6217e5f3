// SPDX-License-Identifier: Apache-2.0
import { EMPTY_POOL_CONFIG, IpAddress, type NodeReport, type ServingState } from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import type { Service } from '@berth/kube';
import { expect } from 'chai';
import { ServedByConditions, servedByNote } from './served-by-conditions.ts';

const VIP = IpAddress.of('IPv4', 0xc0000207n);
const SERVING: ServingState = {
  ...{ vip: VIP, interface: 'lan0', sinceSeconds: 0 },
  servers: ['a', 'b'].map((node) => ({ node, state: 'serving', weight: 1 })),
};
const ALONE: ServingState = { ...SERVING, alone: { why: 'room', nodes: [], code: '' } };

function report(...serving: readonly ServingState[]): NodeReport {
  return { state: { ...IDLE_NODE_STATE, serving }, freshness: 'fresh' } as unknown as NodeReport;
}

function service(serve?: string, conditions: readonly object[] = []): Service {
  const annotations = serve === undefined ? {} : { 'berth.dev/serve': serve };
  return { metadata: { namespace: 'shop', name: 'web', annotations }, status: { conditions } } as unknown as Service;
}

function conditions(...serving: readonly ServingState[]): ServedByConditions {
  const claim = { node: 'a', interface: 'lan0', term: 1, sinceSeconds: 0 };
  const all = new ServedByConditions({ config: () => EMPTY_POOL_CONFIG, claimsOn: () => [claim] });
  all.take({ node: 'a', before: undefined, after: report(...serving) });
  return all;
}

describe('ServedByConditions', () => {
  it('EN-26: says what the owner of each address says, and nothing of Services that do not ask', () => {
    const all = conditions(SERVING);
    expect(all.decide(service('every-node'), [VIP])).to.deep.equal({
      ...{ status: 'True', reason: 'EveryNode', message: '192.0.2.7 is served by a (50 %) and b (50 %)' },
    });
    expect(all.decide(service(), [VIP])).to.equal(undefined);
  });

  it('EN-26: looks again at the VIPs of which an owner says something else', () => {
    const all = conditions(SERVING);
    const [before, after] = [report(SERVING), report(ALONE)];
    expect([...all.take({ node: 'a', before, after })]).to.deep.equal(['192.0.2.7']);
    expect(all.decide(service('every-node'), [VIP])?.reason).to.equal('NoRoom');
    expect([...all.take({ node: 'a', before: after, after: undefined })]).to.deep.equal(['192.0.2.7']);
    expect(all.decide(service('every-node'), [VIP])?.reason).to.equal('NotTold');
  });

  it('EN-26: notices what somebody else wrote, and not what comes back of its own', () => {
    const all = conditions(SERVING);
    const own = { type: 'berth.dev/ServedBy', ...all.decide(service('every-node'), [VIP]) };
    const before = service('every-node');
    expect(all.isTouched(before, service('every-node', [own]), [VIP])).to.equal(false);
    expect(all.isTouched(before, service('every-node', [{ ...own, message: 'x' }]), [VIP])).to.equal(true);
  });
});

describe('servedByNote', () => {
  const finding = { status: 'False', reason: 'NoRoom', message: 'full' } as const;

  it('EN-26, EN-60: warns when the owner begins to serve alone, once, and tells when several serve', () => {
    expect(servedByNote(service('every-node'), finding)).to.deep.include({ reason: 'ServedByOwner' });
    const said = service('every-node', [{ type: 'berth.dev/ServedBy', ...finding }]);
    expect(servedByNote(said, finding)).to.equal(undefined);
    const alone = { status: 'False', reason: 'OneNode', message: 'a alone' } as const;
    expect(servedByNote(service('every-node'), alone), 'EN-60').to.equal(undefined);
    const good = { status: 'True', reason: 'EveryNode', message: 'a and b' } as const;
    const begun = service('every-node', [{ type: 'berth.dev/ServedBy', ...alone }]);
    for (const before of [said, begun])
      expect(servedByNote(before, good)).to.deep.include({ type: 'Normal', reason: 'ServedByEveryNode' });
  });

  it('EN-60: takes ServedByEveryNode back where a single node is left, without a warning', () => {
    const alone = { status: 'False', reason: 'OneNode', message: 'a alone' } as const;
    const served = { type: 'berth.dev/ServedBy', status: 'True', reason: 'EveryNode', message: 'a and b' };
    const note = { type: 'Normal', reason: 'ServedByOwner', message: 'a alone' };
    expect(servedByNote(service('every-node', [served]), alone)).to.deep.equal(note);
    const said = service('every-node', [{ type: 'berth.dev/ServedBy', ...alone }]);
    expect(servedByNote(said, { ...alone, message: 'b alone' })).to.equal(undefined);
  });
});
