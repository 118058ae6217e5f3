// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Sessions } from './sessions.ts';

describe('Sessions', () => {
  it('DB-02: gives one session for the token, and none when it is shown again', () => {
    const sessions = new Sessions();
    const token = sessions.token ?? '';
    expect(token).to.match(/^[\w-]{43}$/);
    const session = sessions.spend(token) ?? '';
    expect(sessions.isKnown(session)).to.equal(true);
    expect(sessions.token).to.equal(undefined);
    expect(sessions.spend(token)).to.equal(undefined);
  });

  it('DB-02: a wrong token spends nothing, and is no session', () => {
    const sessions = new Sessions();
    const token = sessions.token ?? '';
    for (const wrong of ['', 'x', `${token}x`, token.slice(1)])
      expect(sessions.spend(wrong), wrong).to.equal(undefined);
    expect(sessions.isKnown(token)).to.equal(false);
    expect(sessions.spend(token)).to.not.equal(undefined);
  });

  it('no two are alike', () => {
    expect(new Sessions().token).to.not.equal(new Sessions().token);
  });
});
