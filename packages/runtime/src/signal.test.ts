// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Signal } from './signal.ts';

describe('Signal', () => {
  it('calls each listener in the order of subscription, before it returns', () => {
    const signal = new Signal<[number]>();
    const heard: string[] = [];
    signal.subscribe((value) => heard.push(`first ${value}`));
    signal.subscribe((value) => heard.push(`second ${value}`));
    signal.emit(1);
    expect(heard).to.deep.equal(['first 1', 'second 1']);
  });

  it('calls a listener no more after its subscription has ended', () => {
    const signal = new Signal();
    let calls = 0;
    const end = signal.subscribe(() => {
      calls += 1;
    });
    signal.emit();
    end();
    signal.emit();
    expect(calls).to.equal(1);
  });
});
