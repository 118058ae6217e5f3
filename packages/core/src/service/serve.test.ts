// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ANNOUNCE_EVERYTHING } from '../config/advertisement.ts';
import { readServe, serveModeOf } from './serve.ts';

const policy = (serve?: 'owner' | 'every-node') => ({ ...ANNOUNCE_EVERYTHING, serve });

describe('serveModeOf', () => {
  for (const { name, annotation, policies, mode } of [
    { name: 'nothing said', annotation: undefined, policies: [policy()], mode: 'owner' },
    { name: 'a policy', annotation: undefined, policies: [policy(), policy('every-node')], mode: 'every-node' },
    { name: 'the annotation before the policy', annotation: 'owner', policies: [policy('every-node')], mode: 'owner' },
    { name: 'the annotation alone', annotation: ' every-node ', policies: [policy('owner')], mode: 'every-node' },
    { name: 'an empty annotation is none', annotation: '', policies: [policy('every-node')], mode: 'every-node' },
    { name: 'an annotation that means nothing', annotation: 'all', policies: [policy('every-node')], mode: 'owner' },
  ])
    it(`EN-13: goes by ${name}`, () => {
      const annotations: Record<string, string> = annotation === undefined ? {} : { 'berth.dev/serve': annotation };
      expect(serveModeOf(annotations, policies)).to.equal(mode);
    });

  it('EN-13: says what is wrong with an annotation', () => {
    expect(readServe({ 'berth.dev/serve': 'all' })).to.deep.equal({
      ok: false,
      reason: 'annotation berth.dev/serve: "all" is neither owner nor every-node',
    });
  });
});
