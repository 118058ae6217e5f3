// SPDX-License-Identifier: Apache-2.0

import type { EventNote, KubeObject } from '@berth/kube';
import type { Log } from '@berth/runtime';
import { expect } from 'chai';
import { mac, node } from '../testing.ts';
import type { AttachmentNews } from './attachments.ts';
import { tellAttachments } from './tell-attachments.ts';

const LAN0 = { ifindex: 4, ifname: 'lan0', mac: mac(4), families: ['IPv4'] } as const;

describe('tellAttachments', () => {
  let logged: string[];
  let events: string[];

  beforeEach(() => {
    logged = [];
    events = [];
  });

  function tell(news: AttachmentNews, known: readonly KubeObject[] = [node('edge-1')]): void {
    const write = (level: string) => (message: string) => logged.push(`${level}: ${message}`);
    const log = { info: write('info'), warn: write('warn') } as unknown as Log;
    const record = ({ kind, metadata }: KubeObject, { type, reason, message }: EventNote) =>
      events.push(`${kind} ${metadata.name} ${type} ${reason}: ${message}`);
    tellAttachments({ log, events: { record }, node: () => known[0] })(LAN0, news);
  }

  for (const { news, level, event } of [
    {
      news: { kind: 'not-attached', error: new Error('socket: EPERM') },
      level: 'warn: interface cannot be used',
      event:
        'Warning AnswererNotAttached: interface "lan0": nothing can answer there, so this node owns no VIP on it: socket: EPERM',
    },
    {
      news: { kind: 'stand-in', code: 'EINVAL', detail: 'rtnetlink(RTM_NEWTFILTER): EINVAL' },
      level: 'warn: answerer changed',
      event:
        'Warning AnswererStandsIn: interface "lan0": the program that answers cannot be attached (rtnetlink(RTM_NEWTFILTER): EINVAL); a thread answers instead',
    },
    {
      news: { kind: 'taken-off' },
      level: 'warn: answerer changed',
      event:
        'Warning AnswererTakenOff: interface "lan0": the program that answers was detached by somebody else; it is attached again',
    },
    {
      news: { kind: 'attached' },
      level: 'info: answerer attached',
      event: 'Normal AnswererAttached: interface "lan0": the program answers again',
    },
  ] as const)
    it(`AT-04: tells of ${news.kind} in the log and by an Event on the Node`, () => {
      tell(news);
      expect(logged).to.deep.equal([level]);
      expect(events).to.deep.equal([`Node edge-1 ${event}`]);
    });

  it('writes the log alone while the Node is not known', () => {
    tell({ kind: 'behind' }, []);
    expect([logged.length, events.length]).to.deep.equal([1, 0]);
  });
});
