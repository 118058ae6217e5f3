// SPDX-License-Identifier: Apache-2.0
import { readServiceRequest } from '@berth/core';
import type { Service } from '@berth/kube';
import { expect } from 'chai';
import { trimService } from './trim.ts';

const WHOLE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    ...{ namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z' },
    labels: { tier: 'gold' },
    annotations: { 'berth.dev/allow-shared-ip': 'front', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    finalizers: ['example.com/other', 'service.kubernetes.io/load-balancer-cleanup'],
    managedFields: [
      { manager: 'kubectl', fieldsV1: { 'f:spec': {} } },
      { manager: 'k3s', time: 't', fieldsV1: { 'f:status': { 'f:loadBalancer': {} } } },
    ],
  },
  spec: {
    ...{ type: 'LoadBalancer', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00::9'] },
    ...{ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack', externalTrafficPolicy: 'Local' },
    ...{ selector: { app: 'web' }, sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 }],
  },
  status: {
    loadBalancer: { ingress: [{ ip: '203.0.113.40', ipMode: 'VIP' }] },
    conditions: [{ type: 'example.com/Other', status: 'True', reason: 'R', message: '', lastTransitionTime: 't' }],
  },
} as unknown as Service;

describe('trimService', () => {
  it('keeps all that decisions read', () => {
    expect(readServiceRequest(trimService(WHOLE))).to.deep.equal(readServiceRequest(WHOLE));
  });

  it('keeps whole what patches write back: finalizers, ingress and conditions of others', () => {
    const { metadata, status } = trimService(WHOLE);
    expect(metadata.finalizers).to.deep.equal(WHOLE.metadata.finalizers);
    expect(status).to.deep.equal(WHOLE.status);
    expect(metadata.resourceVersion).to.equal('7');
  });

  it('drops the rest', () => {
    const { metadata, spec } = trimService(WHOLE);
    expect(metadata.managedFields).to.deep.equal([{ manager: 'k3s', time: 't' }]);
    expect(Object.keys(metadata.annotations ?? {})).to.deep.equal(['berth.dev/allow-shared-ip']);
    expect(spec).to.not.have.any.keys('sessionAffinity', 'internalTrafficPolicy', 'clusterIP');
    expect(spec?.ports).to.deep.equal([{ port: 80, protocol: 'TCP' }]);
  });

  it('takes a Service that has hardly anything', () => {
    expect(trimService({ metadata: { name: 'web' } }).metadata).to.deep.equal({ name: 'web' });
  });
});
