// SPDX-License-Identifier: Apache-2.0
import { KubeError, type KubeErrorCode } from '@berth/kube';
import { expect } from 'chai';
import { ApiOutages } from './api-outages.ts';

describe('ApiOutages', () => {
  const rows: { name: string; codes: readonly KubeErrorCode[]; everyMs: number; askedMs: number; told: object[] }[] = [
    {
      name: 'tells from the first failure until the try after the last one',
      ...{ codes: ['network', 'timeout', 'server'], everyMs: 5000, askedMs: 60_000 },
      told: [{ sinceMs: 0, untilMs: 11_000 }],
    },
    {
      name: 'tells until now where the next try is still to come',
      ...{ codes: ['network', 'network'], everyMs: 5000, askedMs: 5500 },
      told: [{ sinceMs: 0, untilMs: 5500 }],
    },
    { name: 'says nothing of a blip', codes: ['network', 'network'], everyMs: 500, askedMs: 60_000, told: [] },
    {
      name: 'says nothing of what is no outage: rights, conflicts, a watch that is too old',
      ...{ codes: ['forbidden', 'conflict', 'gone'], everyMs: 5000, askedMs: 60_000 },
      told: [],
    },
  ];
  for (const { name, codes, everyMs, askedMs, told } of rows)
    it(name, () => {
      const outages = new ApiOutages();
      for (const [index, code] of codes.entries()) outages.failed(new KubeError(code, 'failed'), index * everyMs, 1000);
      expect(outages.take(askedMs)).to.deep.equal(told);
      expect(outages.isOpen).to.equal(false);
      expect(outages.take(askedMs)).to.deep.equal([]);
    });
});
