// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import fc from 'fast-check';
import { ip, mac } from '../net/testing.ts';
import { decodeArp, gratuitousArp } from '../wire/arp.ts';
import { decodeIpv6 } from '../wire/ipv6.ts';
import { decodeNdp } from '../wire/ndp.ts';
import {
  type AddressClaim,
  ARP_PROBE_TIMING,
  arpClaim,
  beginProbe,
  DAD_TIMING,
  ndpClaim,
  nextProbeMs,
  type ProbeState,
  type ProbeTiming,
  probeFrame,
  QUICK_PROBE_TIMING,
  stepProbe,
} from './address-probe.ts';
import { unsolicitedAdvertisement } from './respond-ndp.ts';

const OWN = mac('00:00:5e:00:53:01');
const STRANGER = mac('00:00:5e:00:53:99');
const V4 = ip('203.0.113.20');
const V6 = ip('2001:db8:5::7');

/** Lets time pass; returns when probes went out and how it ended. */
function run(
  timing: ProbeTiming,
  random: () => number,
  claim?: { atMs: number },
): { sentMs: number[]; end: ProbeState; endMs: number } {
  const sentMs: number[] = [];
  let nowMs = 0;
  let state = beginProbe({ timing, random }, nowMs);
  while ('dueMs' in state) {
    const isClaimFirst = claim !== undefined && claim.atMs < state.dueMs;
    nowMs = isClaimFirst ? claim.atMs : state.dueMs;
    const event = isClaimFirst ? { type: 'claimed' as const, claimant: STRANGER } : { type: 'time' as const };
    const [next, actions] = stepProbe(state, event, { timing, random, nowMs });
    for (const _ of actions) sentMs.push(nowMs);
    state = next;
  }
  return { sentMs, end: state, endMs: nowMs };
}

describe('stepProbe', () => {
  it('sends 3 probes 1 to 2 s apart after a wait of at most 1 s, then listens for 2 s', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (numbers) => {
        const { sentMs, end, endMs } = run(ARP_PROBE_TIMING, () => numbers.next().value);
        const [first = -1, second = -1, third = -1] = sentMs;
        expect(sentMs).to.have.length(3);
        expect(first).to.be.within(0, 1000);
        // Sums of fractions are off by a hair.
        for (const gapMs of [second - first, third - second]) expect(gapMs).to.be.within(999.999, 2000.001);
        expect(endMs - third).to.be.closeTo(2000, 0.001);
        expect(end).to.deep.equal({ phase: 'free' });
      }),
      { numRuns: 50 },
    );
  });

  it('is done within 0.25 s when a Service waits', () => {
    expect(run(QUICK_PROBE_TIMING, () => 0.999).endMs).to.be.below(250);
    expect(run(QUICK_PROBE_TIMING, () => 0).sentMs).to.deep.equal([0, 40, 80]);
  });

  it('asks once for IPv6 and listens for the time of a retransmission', () => {
    expect(run(DAD_TIMING, () => 0.5)).to.deep.equal({ sentMs: [500], end: { phase: 'free' }, endMs: 1500 });
  });

  for (const { name, atMs, sent } of [
    { name: 'before the first probe', atMs: 10, sent: 0 },
    { name: 'between two probes', atMs: 1200, sent: 1 },
    { name: 'after the last probe', atMs: 4500, sent: 3 },
  ]) {
    it(`GR-07: ends with a conflict ${name}`, () => {
      const { sentMs, end, endMs } = run(ARP_PROBE_TIMING, () => 0.5, { atMs });
      expect(end).to.deep.equal({ phase: 'conflict', claimant: STRANGER });
      expect(sentMs).to.have.length(sent);
      expect(endMs).to.equal(atMs);
    });
  }

  it('does nothing early, and nothing after its end', () => {
    const context = { timing: ARP_PROBE_TIMING, random: () => 0.5, nowMs: 499 };
    const state = beginProbe(context, 0);
    expect(stepProbe(state, { type: 'time' }, context)).to.deep.equal([state, []]);
    const free: ProbeState = { phase: 'free' };
    expect(stepProbe(free, { type: 'claimed', claimant: STRANGER }, context)).to.deep.equal([free, []]);
  });
});

describe('nextProbeMs', () => {
  it('lets 10 conflicts pass, then one try in 60 s', () => {
    expect(nextProbeMs(0, 5000)).to.equal(5000);
    expect(nextProbeMs(9, 5000)).to.equal(5000);
    expect(nextProbeMs(10, 5000)).to.equal(65_000);
    expect(nextProbeMs(25, 5000)).to.equal(65_000);
  });
});

describe('probeFrame', () => {
  it('asks by ARP with no address of its own', () => {
    const frame = probeFrame(V4, OWN);
    const decoded = decodeArp(frame.subarray(14));
    if (!decoded.ok) throw new Error(decoded.reason);
    expect([...frame.subarray(0, 6)]).to.deep.equal(Array(6).fill(0xff));
    expect(String(decoded.packet.senderProtocolAddr)).to.equal('0.0.0.0');
    expect(decoded.packet.targetProtocolAddr.equals(V4)).to.equal(true);
    expect(decoded.packet.targetHardwareAddr.isZero).to.equal(true);
    expect(decoded.packet.operation).to.equal(1);
  });

  it('asks by a solicitation from `::` to the solicited-node group, without an option', () => {
    const frame = probeFrame(V6, OWN);
    const packet = ndpOf(frame);
    expect([...frame.subarray(0, 6)]).to.deep.equal([0x33, 0x33, 0xff, 0x00, 0x00, 0x07]);
    expect(String(packet.source)).to.equal('::');
    expect(String(packet.destination)).to.equal('ff02::1:ff00:7');
    expect(packet.message).to.deep.include({ type: 135, sourceLinkLayerAddr: undefined });
  });
});

describe('arpClaim', () => {
  function said(frame: Uint8Array): string | undefined {
    const decoded = decodeArp(frame.subarray(14));
    if (!decoded.ok) throw new Error(decoded.reason);
    return textOf(arpClaim(decoded.packet, V4));
  }

  it('finds a holder by a reply, an announcement or a question that comes from the address', () => {
    expect(said(gratuitousArp('reply', V4, STRANGER))).to.equal(`holder ${STRANGER}`);
    expect(said(gratuitousArp('request', V4, STRANGER))).to.equal(`holder ${STRANGER}`);
  });

  it('finds a rival by a probe for the address', () => {
    expect(said(probeFrame(V4, STRANGER))).to.equal(`rival ${STRANGER}`);
  });

  it('finds nothing in a frame about another address and in an innocent question', () => {
    expect(said(probeFrame(ip('203.0.113.21'), STRANGER))).to.equal(undefined);
    const question = Uint8Array.from(probeFrame(V4, STRANGER));
    question.set([203, 0, 113, 99], 28);
    expect(said(question)).to.equal(undefined);
  });
});

describe('ndpClaim', () => {
  const said = (frame: Uint8Array) => textOf(ndpClaim(ndpOf(frame), V6, STRANGER));

  it('finds a holder by an advertisement for the address, a rival by duplicate detection', () => {
    expect(said(unsolicitedAdvertisement(V6, OWN))).to.equal(`holder ${OWN}`);
    expect(said(probeFrame(V6, STRANGER))).to.equal(`rival ${STRANGER}`);
  });

  it('finds nothing in a frame about another address', () => {
    expect(said(unsolicitedAdvertisement(ip('2001:db8:5::8'), STRANGER))).to.equal(undefined);
    expect(said(probeFrame(ip('2001:db8:5::8'), STRANGER))).to.equal(undefined);
  });
});

function textOf(claim: AddressClaim | undefined): string | undefined {
  return claim && `${claim.by} ${claim.mac}`;
}

function ndpOf(frame: Uint8Array) {
  const packet = decodeIpv6(frame.subarray(14));
  if (!packet.ok) throw new Error(packet.reason);
  const decoded = decodeNdp(packet.packet);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.packet;
}
