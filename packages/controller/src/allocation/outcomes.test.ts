// SPDX-License-Identifier: Apache-2.0
import type { Decision } from '@berth/core';
import { expect } from 'chai';
import { Outcomes } from './outcomes.ts';

const decision = (service: string, about: Partial<Decision> = {}): Decision => ({
  service,
  addresses: [],
  condition: { status: 'False', reason: 'OutOfAddresses', message: '' },
  refusal: undefined,
  remarks: [],
  isPermanent: false,
  retryAtMs: undefined,
  isRenumberDone: false,
  isChange: false,
  freed: [],
  ...about,
});

describe('Outcomes', () => {
  it('knows who waits, and leaves out whom only a change can help', () => {
    const outcomes = new Outcomes();
    outcomes.note(decision('shop/ok'));
    outcomes.note(decision('shop/waits', { refusal: 'OutOfAddresses' }));
    outcomes.note(decision('shop/closed', { refusal: 'SelectorMismatch', isPermanent: true }));
    expect(outcomes.waiting()).to.deep.equal(['shop/waits']);
    expect([...outcomes.refusals()]).to.deep.equal([
      ['OutOfAddresses', 1],
      ['SelectorMismatch', 1],
    ]);
  });

  it('forgets a Service that is well, or gone', () => {
    const outcomes = new Outcomes();
    outcomes.note(decision('shop/a', { refusal: 'OutOfAddresses' }));
    outcomes.note(decision('shop/b', { refusal: 'OutOfAddresses' }));
    outcomes.note(decision('shop/a'));
    outcomes.forget('shop/b');
    expect(outcomes.waiting()).to.deep.equal([]);
  });

  it('lists stranded Services by key', () => {
    const outcomes = new Outcomes();
    for (const service of ['shop/b', 'shop/a']) outcomes.note(decision(service, { remarks: ['OutsidePools'] }));
    expect(outcomes.stranded().map(({ service }) => service)).to.deep.equal(['shop/a', 'shop/b']);
  });
});
