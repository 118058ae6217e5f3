// SPDX-License-Identifier: Apache-2.0
import { deflateRawSync } from 'node:zlib';
import { type Explanation, explainService, type Outlook, readCluster } from '@berth/core';
import { sampleCluster } from '@berth/core/testing';
import type { EventObject } from '@berth/kube';
import { expect } from 'chai';
import { answerTo, inflated } from './questions.ts';

const facts = readCluster(sampleCluster());
const packed = (text: string) => deflateRawSync(Buffer.from(text)).toString('base64url');

function ask(path: string, query: Record<string, string>, events: readonly EventObject[] = []) {
  return answerTo(path, new URLSearchParams(query), { facts, eventsOf: () => events });
}

describe('answerTo', () => {
  it('DB-12: says what explain says, with the Events behind it', () => {
    const event = {
      reason: 'nodeAssigned',
      message: 'edge-1 answers',
      lastTimestamp: '2026-11-30T09:00:00Z',
      count: 2,
    };
    const answer = ask('/explain', { service: 'ns-0/s-0' }, [event as unknown as EventObject]);
    const { sections } = (answer as { value: Explanation }).value;
    expect(sections.slice(0, -1)).to.deep.equal(explainService(facts, 'ns-0/s-0')?.sections);
    expect(sections.at(-1)).to.deep.equal({
      ...{ title: 'Events', lines: [] },
      rows: [['2026-11-30T09:00:00Z', 'nodeAssigned', 'edge-1 answers (2 times)']],
    });
  });

  it('refuses a Service that is not there', () => {
    expect(ask('/explain', { service: 'ns-0/none' })).to.have.nested.property('refusal.status', 404);
  });

  it('DB-14: tells what a drain would move', () => {
    const answer = ask('/what-if', { drain: 'edge-1' }) as { value: Outlook };
    expect(answer.value.moves.map(({ from }) => from)).to.deep.equal(['edge-1', 'edge-1']);
    expect(answer.value.commands).to.deep.equal(['kubectl berth drain edge-1']);
  });

  it('DB-14: reads a pool file out of the query, and shows what is wrong with it', () => {
    const answer = ask('/what-if', { pools: packed('kind: Nothing') }) as { value: Outlook };
    expect(answer.value.pools?.refused).to.have.length.above(0);
  });

  it('refuses what is no compressed text', () => {
    expect(ask('/what-if', { pools: 'AAAA' })).to.have.nested.property('refusal.status', 400);
  });

  it('knows no other question', () => {
    expect(ask('/secrets', {})).to.equal(undefined);
  });
});

describe('inflated', () => {
  it('gives back the text', () => {
    expect(inflated(packed('addresses: [192.0.2.0/28] # ü'))).to.equal('addresses: [192.0.2.0/28] # ü');
  });

  it('gives nothing for a text that is longer than any ConfigMap, however small it was made', () => {
    expect(packed('a'.repeat(1024 * 1024 + 1)).length).to.be.below(4_000);
    expect(inflated(packed('a'.repeat(1024 * 1024 + 1)))).to.equal(undefined);
    expect(inflated(packed('a'.repeat(1024 * 1024)))?.length).to.equal(1024 * 1024);
  });

  it('gives nothing for bytes that are no text', () => {
    expect(inflated(deflateRawSync(Buffer.from([0xff, 0xfe, 0xfd])).toString('base64url'))).to.equal(undefined);
  });
});
