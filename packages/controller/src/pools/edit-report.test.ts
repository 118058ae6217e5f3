// SPDX-License-Identifier: Apache-2.0
import type { Decision, RemarkReason } from '@berth/core';
import type { Log } from '@berth/runtime';
import { expect } from 'chai';
import { EditReport } from './edit-report.ts';

function decision(service: string, addresses: number, remarks: readonly RemarkReason[] = []): Decision {
  const reason = remarks[0] ?? (addresses === 0 ? 'NoPool' : 'Assigned');
  return { service, addresses: Array(addresses).fill({}), remarks, condition: { reason } } as unknown as Decision;
}

function report() {
  const told: unknown[] = [];
  const log = { info: (_: string, fields: unknown) => void told.push(fields) } as unknown as Log;
  return { told, edit: new EditReport(log) };
}

describe('EditReport', () => {
  it('TN-05: lists who is stranded, recovered, gaining or waiting, and counts the rest', () => {
    const { told, edit } = report();
    edit.begin([{ service: 'shop/old' }, { service: 'shop/back' }]);
    edit.note(decision('shop/new', 1, ['OutsidePools']), 1);
    edit.note(decision('shop/old', 1, ['OutsidePools']), 1);
    edit.note(decision('shop/back', 1), 1);
    edit.note(decision('shop/first', 1), 0);
    edit.note(decision('shop/first', 1), 1);
    edit.note(decision('shop/none', 0), 0);
    edit.note(decision('shop/same', 1, ['NotShared']), 1);
    edit.note(decision('shop/gone', 0), 0);
    edit.forget('shop/gone');
    edit.conclude();
    expect(told).to.deep.equal([
      {
        stranded: { count: 1, services: ['shop/new (OutsidePools)'] },
        recovered: { count: 1, services: ['shop/back (Assigned)'] },
        gaining: { count: 1, services: ['shop/first (Assigned)'] },
        waiting: { count: 1, services: ['shop/none (NoPool)'] },
        staying: 2,
      },
    ]);
  });

  it('TN-05: tells nothing where nothing was edited, and of two edits in a row once', () => {
    const { told, edit } = report();
    edit.note(decision('shop/a', 0), 0);
    edit.conclude();
    expect(told).to.deep.equal([]);
    edit.begin([]);
    edit.note(decision('shop/a', 0), 0);
    edit.begin([{ service: 'shop/a' }]);
    edit.note(decision('shop/a', 1, ['OutsidePools']), 1);
    edit.conclude();
    edit.conclude();
    expect(told).to.have.length(1);
    expect(told[0]).to.deep.include({ stranded: { count: 1, services: ['shop/a (OutsidePools)'] } });
  });

  it('TN-05: names twenty of each list', () => {
    const { told, edit } = report();
    edit.begin([]);
    for (let index = 0; index < 30; index++) edit.note(decision(`shop/s${index}`, 0), 0);
    edit.conclude();
    const [{ waiting }] = told as [{ waiting: { count: number; services: string[] } }];
    expect([waiting.count, waiting.services.length]).to.deep.equal([30, 20]);
  });
});
