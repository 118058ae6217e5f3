// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { parse } from 'yaml';
import { accountsFor, formatKubeconfig, parseTokenFile } from './kubeconfig.ts';

describe('accountsFor', () => {
  it('gives nodes the name and group that the Node authorizer knows', () => {
    expect(accountsFor(['node-1'])).to.deep.include({ user: 'system:node:node-1', groups: ['system:nodes'] });
  });
});

describe('parseTokenFile', () => {
  it('maps users to tokens', () => {
    const text = 'abc,admin,0,"system:masters"\ndef,system:kube-proxy,1,""\n';
    expect([...parseTokenFile(text)]).to.deep.equal([
      ['admin', 'abc'],
      ['system:kube-proxy', 'def'],
    ]);
  });
});

describe('formatKubeconfig', () => {
  it('is YAML that a client understands', () => {
    const text = formatKubeconfig({ server: 'https://[2001:db8::2]:6443', certificateAuthority: 'PEM', token: 'abc' });
    const value = parse(text);
    expect(value.clusters[0].cluster).to.deep.equal({
      server: 'https://[2001:db8::2]:6443',
      'certificate-authority-data': Buffer.from('PEM').toString('base64'),
    });
    expect(value.users[0].user).to.deep.equal({ token: 'abc' });
    expect(value['current-context']).to.equal('lab');
  });
});
