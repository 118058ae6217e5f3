// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { parsePoolConfig } from '../config/parse.ts';
import { Allocator } from '../ipam/allocator.ts';
import type { Decision } from '../ipam/decision.ts';
import { type ServiceSketch, serviceOf } from '../ipam/testing/builders.ts';
import { readServiceRequest } from '../service/service-request.ts';
import { wishesOf } from './own-marks.ts';
import { endedPoolMarks, poolMarksOf } from './pool-marks.ts';

const OURS = 'berth.dev/ip-allocated-from-pool';
const METALLB = 'metallb.io/ip-allocated-from-pool';
const OLD = 'metallb.universe.tf/ip-allocated-from-pool';

function decide(sketch: ServiceSketch, apiVersion: string): Decision {
  const pool = { apiVersion, kind: 'IPAddressPool', metadata: { name: 'lan' }, spec: { addresses: ['192.0.2.8/30'] } };
  const parsed = parsePoolConfig({ 'a.yaml': JSON.stringify(pool) });
  const request = readServiceRequest(serviceOf('a', sketch));
  if (!parsed.ok || request === undefined) throw new Error('no decision');
  return new Allocator({ config: parsed.config, namespaces: new Map() }).decide(request, 0);
}

function marks(sketch: ServiceSketch, apiVersion = 'berth.dev/v1', changes: Partial<Decision> = {}) {
  return poolMarksOf(serviceOf('a', sketch), { ...decide(sketch, apiVersion), ...changes });
}

describe('MB-07: the marks that name the pool', () => {
  it('ours alone where nothing of MetalLB is used', () => {
    expect(marks({})).to.deep.equal({ [OURS]: 'lan' });
  });

  it("MetalLB's beside it where the pool is written for MetalLB", () => {
    expect(marks({}, 'metallb.io/v1beta1')).to.deep.equal({ [OURS]: 'lan', [METALLB]: 'lan' });
  });

  for (const prefix of ['metallb.io/', 'metallb.universe.tf/'])
    it(`the same where the Service has an annotation ${prefix}...`, () => {
      const annotations = { [`${prefix}address-pool`]: 'lan' };
      expect(marks({ annotations })).to.deep.equal({ [OURS]: 'lan', [METALLB]: 'lan' });
    });

  it('those that MetalLB left behind are kept true, also by their older name', () => {
    const annotations = { [METALLB]: 'old', [OLD]: 'old' };
    expect(marks({ annotations })).to.deep.equal({ [OURS]: 'lan', [METALLB]: 'lan', [OLD]: 'lan' });
  });

  it("MetalLB's own stay where Berth gives nothing, or somebody else's address is left alone", () => {
    const annotations = { [METALLB]: 'old' };
    expect(marks({ annotations }, 'berth.dev/v1', { addresses: [] })).to.deep.equal({ [OURS]: undefined });
    expect(marks({ annotations }, 'berth.dev/v1', { addresses: [], isForeign: true })).to.deep.equal({
      [OURS]: undefined,
    });
  });

  it('all go together when Berth gives nothing any more', () => {
    const annotations = { [OURS]: 'lan', [METALLB]: 'lan', [OLD]: 'lan' };
    const gone = { [OURS]: undefined, [METALLB]: undefined, [OLD]: undefined };
    expect(marks({ annotations }, 'berth.dev/v1', { addresses: [] })).to.deep.equal(gone);
    expect(endedPoolMarks(serviceOf('a', { annotations }))).to.deep.equal(gone);
    expect(endedPoolMarks(serviceOf('a', { annotations: { [METALLB]: 'lan' } }))).to.deep.equal({});
  });

  it('none of them is a wish', () => {
    const annotations = { [OURS]: 'lan', [METALLB]: 'lan', [OLD]: 'lan' };
    expect(wishesOf(serviceOf('a', { annotations }))).to.equal(wishesOf(serviceOf('a')));
  });
});
