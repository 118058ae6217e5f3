// SPDX-License-Identifier: Apache-2.0

import { sleep } from '@berth/runtime';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ApiBudget } from './api-budget.ts';
import { KubeError } from './errors.ts';
import { EventRecorder } from './event-recorder.ts';
import { events } from './resources.ts';
import { FakeApi } from './testing/index.ts';

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web', uid: 'u-1', resourceVersion: '7' },
};
const refused = { type: 'Warning', reason: 'AllocationFailed', message: 'no address left in pool "lan"' } as const;

function makeRecorder() {
  const api = new FakeApi();
  const clock = new FakeClock();
  const errors: string[] = [];
  const recorder = new EventRecorder({
    api,
    clock,
    budget: new ApiBudget({ clock }),
    component: 'berth-controller',
    instance: 'controller-0',
    onError: (error) => errors.push(error.code),
  });
  return { api, clock, recorder, errors };
}

describe('EventRecorder', () => {
  it('writes an Event that points at its object', async () => {
    const { api, recorder } = makeRecorder();
    recorder.record(service, refused);
    await recorder.flush();
    const [event] = api.all(events);
    expect(event?.metadata.namespace).to.equal('shop');
    expect(event?.involvedObject).to.include({ kind: 'Service', name: 'web', uid: 'u-1' });
    expect(event).to.include({ ...refused, count: 1 });
  });

  it('ST-01: says the same about an object once, not once per retry', async () => {
    const { api, clock, recorder } = makeRecorder();
    for (let n = 0; n < 20; n += 1) {
      recorder.record(service, refused);
      await recorder.flush();
      await clock.advance(20_000);
    }
    expect(api.calls).to.have.length(1);
  });

  it('counts up the same Event after the silence', async () => {
    const { api, clock, recorder } = makeRecorder();
    recorder.record(service, refused);
    await recorder.flush();
    await clock.advance(600_000);
    recorder.record(service, refused);
    await recorder.flush();
    expect(api.all(events).map((event) => event.count)).to.deep.equal([2]);
  });

  it('writes an Event anew that the API server has forgotten', async () => {
    const { api, clock, recorder, errors } = makeRecorder();
    recorder.record(service, refused);
    await recorder.flush();
    const { namespace = '', name = '' } = api.all(events)[0]?.metadata ?? {};
    await api.delete(events, { namespace, name });
    await clock.advance(2 * 3_600_000);
    recorder.record(service, refused);
    await recorder.flush();
    expect([api.all(events).map((event) => event.message), errors]).to.deep.equal([[refused.message], []]);
  });

  it('writes another message, and the same about another object', async () => {
    const { api, recorder } = makeRecorder();
    recorder.record(service, refused);
    recorder.record(service, { ...refused, message: 'no pool "nowhere"' });
    recorder.record({ ...service, metadata: { ...service.metadata, name: 'api', uid: 'u-2' } }, refused);
    await recorder.flush();
    expect(api.all(events)).to.have.length(3);
  });

  it('NN-07: writes a Warning before all Normal Events that wait', async () => {
    const { api, clock, recorder } = makeRecorder();
    api.before = () => sleep(clock, 100);
    for (let n = 0; n < 20; n += 1)
      recorder.record(service, { type: 'Normal', reason: 'nodeAssigned', message: `VIP ${n}` });
    await clock.advance(500);
    recorder.record(service, refused);
    // The first took 100 ms and is followed by a rest of 900.
    await clock.advance(700);
    expect(api.all(events).map(({ reason }) => reason)).to.deep.equal(['nodeAssigned', 'AllocationFailed']);
  });

  it('rests after each of many Events as long as the server is slow, and keeps the times at which they were noted', async () => {
    const { api, clock, recorder } = makeRecorder();
    api.before = () => sleep(clock, 10);
    for (let n = 0; n < 20; n += 1) recorder.record(service, { ...refused, message: `reason ${n}` });
    await clock.advance(1000);
    expect(api.all(events)).to.have.length(10);
    await clock.advance(1000);
    const times = new Set(api.all(events).map(({ firstTimestamp }) => firstTimestamp));
    expect([api.all(events).length, times.size]).to.deep.equal([20, 1]);
  });

  it('gives up what waits when it is stopped', async () => {
    const { api, clock, recorder } = makeRecorder();
    api.before = () => sleep(clock, 10);
    for (let n = 0; n < 20; n += 1) recorder.record(service, { ...refused, message: `reason ${n}` });
    await clock.advance(50);
    await recorder.stop();
    expect(api.all(events)).to.have.length(1);
  });

  it('loses an Event that cannot be written, and says so', async () => {
    const { api, recorder, errors } = makeRecorder();
    api.before = () => {
      throw new KubeError('forbidden', 'no');
    };
    recorder.record(service, refused);
    await recorder.flush();
    expect(errors).to.deep.equal(['forbidden']);
  });
});
