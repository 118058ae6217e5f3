// SPDX-License-Identifier: Apache-2.0
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { KubeApi } from './api.ts';
import { KubeError } from './errors.ts';
import { TokenGate } from './token-gate.ts';

/** What the API server would say: tokens with who they are, and who may read. */
function world() {
  const clock = new FakeClock();
  const asked: string[] = [];
  const unheard: string[] = [];
  const users: Record<string, object> = {
    good: { username: 'prometheus', groups: ['g'], extra: { a: ['b'] } },
    known: { username: 'eve' },
  };
  let failure: KubeError | undefined;
  const create = async (kind: { kind: string }, object: { spec: Record<string, unknown> }) => {
    asked.push(`${kind.kind} ${String(object.spec.token ?? object.spec.user)}`);
    if (failure !== undefined) throw failure;
    if (kind.kind === 'SubjectAccessReview') {
      expect(object.spec.nonResourceAttributes).to.deep.equal({ path: '/metrics', verb: 'get' });
      return { ...object, status: { allowed: object.spec.user === 'prometheus' } };
    }
    const user = users[String(object.spec.token)];
    return { ...object, status: user === undefined ? {} : { authenticated: true, user } };
  };
  const gate = new TokenGate({
    ...{ api: { create: create as unknown as KubeApi['create'] }, clock, path: '/metrics', verb: 'get' },
    onUnheard: ({ code }) => unheard.push(code),
  });
  const fail = (code: 'network' | undefined) => {
    failure = code && new KubeError(code, code);
  };
  return { clock, asked, unheard, users, gate, fail };
}

const statusOf = async (gate: TokenGate, token: string) => (await gate.admit(token)).status;

describe('TokenGate', () => {
  it('MO-09: lets in whom the API server knows and allows, and says why not', async () => {
    const { gate, asked } = world();
    expect(await gate.admit('good')).to.deep.equal({ status: 200 });
    expect(await gate.admit('none')).to.include({ status: 401 });
    expect(await gate.admit('known')).to.deep.equal({
      ...{ status: 403, why: 'eve may not get /metrics: bind a role with that nonResourceURL' },
    });
    expect(asked).to.deep.equal([
      ...['TokenReview good', 'SubjectAccessReview prometheus', 'TokenReview none'],
      ...['TokenReview known', 'SubjectAccessReview eve'],
    ]);
  });

  it('MO-09: remembers an answer for a minute, a refusal for ten seconds, and asks once for many at a time', async () => {
    const { clock, gate, asked, users } = world();
    await Promise.all([1, 2, 3].map(() => gate.admit('good')));
    await gate.admit('none');
    await clock.advance(9_999);
    await Promise.all(['good', 'none'].map((token) => gate.admit(token)));
    expect(asked.length).to.equal(3);
    users.none = { username: 'prometheus' };
    await clock.advance(1);
    expect(await statusOf(gate, 'none')).to.equal(200);
    delete users.good;
    await clock.advance(50_000);
    expect(await statusOf(gate, 'good')).to.equal(401);
  });

  it('MO-09: strangers cause a bounded number of questions, and hold up nobody who was let in', async () => {
    const { clock, gate, asked } = world();
    await gate.admit('good');
    const all = [];
    for (let index = 0; index < 1_000; index++) all.push(await statusOf(gate, `stranger-${index}`));
    expect(all.filter((status) => status === 429).length).to.be.greaterThan(970);
    expect(asked.length).to.be.lessThan(30);
    await clock.advance(60_000);
    for (let index = 0; index < 100; index++) await gate.admit(`more-${index}`);
    expect(await statusOf(gate, 'good')).to.equal(200);
    await clock.advance(10_000);
    expect(await statusOf(gate, 'known')).to.equal(403);
  });

  it('MO-09: while the API server cannot be asked, who was let in stays so for ten minutes, and nobody else comes in', async () => {
    const { clock, gate, fail, unheard } = world();
    await gate.admit('good');
    fail('network');
    await clock.advance(120_000);
    expect([await statusOf(gate, 'good'), await statusOf(gate, 'known')]).to.deep.equal([200, 503]);
    expect(unheard).to.deep.equal(['network']);
    await clock.advance(480_000);
    expect(await statusOf(gate, 'good')).to.equal(503);
    fail(undefined);
    expect(await statusOf(gate, 'good')).to.equal(200);
  });
});
