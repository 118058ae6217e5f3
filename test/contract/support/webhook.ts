// SPDX-License-Identifier: Apache-2.0

// A validating webhook for statuses of Services: an HTTPS server beside the API server, which lets pass, refuses, does
// not answer, or is not there.
//
// The lab's API server made its certificate itself; the server uses the same one, so that no other has to be made. The
// file is a program as well: it runs in the namespace of the control plane, which has no way out.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { fileURLToPath } from 'node:url';
import type { KubeObject, NewObject, Resource } from '@berth/kube';
import { expect } from 'chai';
import type { Rig } from './rig.ts';
import { until } from './until.ts';

export const GUARDED = { 'example.com/guarded': 'yes' };

const PORT = 9443;
const CONFIGURATIONS: Resource<KubeObject> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  namespaced: false,
};

/** What the webhook does with each request. */
export type WebhookMode = 'allow' | 'refuse' | 'hang' | 'down';

export interface WebhookOptions {
  /** Seconds after which the API server gives up, and refuses the write. */
  readonly timeoutSeconds: number;
}

export class Webhook {
  readonly #rig: Rig;
  readonly #name: string;
  readonly #child: ChildProcess;

  private constructor(rig: Rig, name: string, child: ChildProcess) {
    this.#rig = rig;
    this.#name = name;
    this.#child = child;
  }

  /** Guards the statuses of all Services with the labels {@link GUARDED}; resolves when that is in force. */
  static async start(rig: Rig, options: WebhookOptions): Promise<Webhook> {
    const { lab, access } = rig.cluster;
    const certificate = lab.apiServerCertificate;
    const argv = [`--net=/run/netns/${lab.namespaceOf('cp')}`, process.execPath, fileURLToPath(import.meta.url)];
    const child = spawn('nsenter', [...argv, certificate], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(child, 'message');
    const name = `guard-${rig.shop}`;
    const url = new URL(access.server);
    const webhook = {
      name: 'guard.example.com',
      clientConfig: {
        url: `https://${url.hostname}:${PORT}/`,
        caBundle: readFileSync(certificate).toString('base64'),
      },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['services/status'] }],
      objectSelector: { matchLabels: GUARDED },
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...options,
    };
    const configuration = { metadata: { name }, webhooks: [webhook] };
    await rig.client.create(CONFIGURATIONS, configuration as unknown as NewObject<KubeObject>);
    const started = new Webhook(rig, name, child);
    await started.#isInForce();
    return started;
  }

  async is(mode: WebhookMode): Promise<void> {
    this.#child.send(mode);
    await once(this.#child, 'message');
  }

  /** Takes the configuration away and ends the server. */
  async stop(): Promise<void> {
    await this.#rig.client.delete(CONFIGURATIONS, { name: this.#name });
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  async #isInForce(): Promise<void> {
    const spec = { loadBalancerClass: 'example.com/none' };
    await this.#rig.service('probe', { labels: GUARDED, spec });
    await this.is('refuse');
    await until(async () => {
      const message = await this.#rig.editStatus('probe', { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }).then(
        () => 'written',
        (error: Error) => error.message,
      );
      await this.#rig.editStatus('probe', { loadBalancer: { ingress: null } }).catch(() => {});
      expect(message).to.include('not today');
    }, 30_000);
    await this.#rig.delete('probe');
  }
}

/** The server itself, which answers each order with a message once it obeys. */
function serve(certificate: string): void {
  let mode: WebhookMode = 'allow';
  const files = { cert: readFileSync(certificate), key: readFileSync(certificate.replace(/\.crt$/, '.key')) };
  const open = () =>
    createServer(files, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (mode === 'hang') return;
        const { request: review } = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } };
        const verdict = mode === 'allow' ? { allowed: true } : { allowed: false, status: { message: 'not today' } };
        response.setHeader('Content-Type', 'application/json');
        const answer = { uid: review.uid, ...verdict };
        response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
      });
    });
  let server: Server | undefined;
  const listen = (ready: string) => {
    server = open().listen(PORT, () => process.send?.(ready));
  };
  process.on('message', (next: WebhookMode) => {
    mode = next;
    if (mode !== 'down' && server === undefined) return listen(mode);
    if (mode === 'down') {
      server?.close();
      server?.closeAllConnections();
      server = undefined;
    }
    process.send?.(mode);
  });
  process.on('disconnect', () => process.exit());
  listen('listening');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(process.argv[2] ?? '');
