// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type DatagramPeer, planDatagrams } from './datagram-plan.ts';
import { vipOf } from './testing.ts';

const NOW = 10_000;

describe('planDatagrams', () => {
  const peer: DatagramPeer = {
    address: vipOf(2),
    rawMs: NOW - 10,
    datagramMs: undefined,
    neededMs: undefined,
    isReady: true,
  };
  const silent = { ...peer, rawMs: NOW - 2000 };
  const rows: { name: string; peer: DatagramPeer; gets: 'nothing' | 'heartbeats' | 'lists'; needs?: boolean }[] = [
    { name: 'heard by raw frames', peer, gets: 'nothing' },
    { name: 'silent for less than two seconds', peer: { ...peer, rawMs: NOW - 1999 }, gets: 'nothing' },
    { name: 'silent for two seconds', peer: silent, gets: 'lists', needs: true },
    { name: 'silent and not Ready', peer: { ...silent, isReady: false }, gets: 'nothing' },
    {
      name: 'heard by datagrams alone, Ready or not',
      peer: { ...silent, datagramMs: NOW - 30, isReady: false },
      gets: 'heartbeats',
      needs: true,
    },
    {
      name: 'heard by raw frames, that does not hear ours',
      peer: { ...peer, datagramMs: NOW - 900, neededMs: NOW - 900 },
      gets: 'heartbeats',
      needs: false,
    },
    { name: 'that has not asked for long', peer: { ...peer, neededMs: NOW - 3500 }, gets: 'nothing' },
    { name: 'heard by both', peer: { ...peer, datagramMs: NOW - 30 }, gets: 'nothing' },
  ];
  for (const { name, peer: one, gets, needs } of rows) {
    it(`WT-24: a node ${name} gets ${gets}`, () => {
      const { heartbeats, knocks } = planDatagrams([one], NOW);
      expect(heartbeats.map((target) => target.needs)).to.deep.equal(gets === 'heartbeats' ? [needs] : []);
      expect(knocks.map((target) => target.needs)).to.deep.equal(gets === 'lists' ? [needs] : []);
    });
  }
});
