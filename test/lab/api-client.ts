// SPDX-License-Identifier: Apache-2.0

// The few calls that the lab itself makes to its API server. Everything else
// goes through kubectl or the client under test.

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';

interface Answer {
  readonly status: number;
  readonly body: string;
}

export class ApiClient {
  readonly #server: URL;
  readonly #token: string;
  readonly #agent: Agent;

  constructor(server: URL, token: string, certificateAuthority: Buffer) {
    this.#server = server;
    this.#token = token;
    this.#agent = new Agent({ ca: certificateAuthority, keepAlive: false });
  }

  /** Reads the kubeconfig that the lab wrote; not a parser for others. */
  static async fromKubeconfig(file: string): Promise<ApiClient> {
    const text = await readFile(file, 'utf8');
    const field = (name: string): string => {
      const value = new RegExp(`^ *${name}: (.+)$`, 'm').exec(text)?.[1];
      if (value === undefined) throw new Error(`lab: kubeconfig ${JSON.stringify(file)}: no ${name}`);
      return value;
    };
    const authority = Buffer.from(field('certificate-authority-data'), 'base64');
    return new ApiClient(new URL(field('server')), field('token'), authority);
  }

  /** True when the path answers 200; false on any other answer and when nothing answers. */
  async exists(path: string): Promise<boolean> {
    const answer = await this.#send('GET', path).catch(() => undefined);
    return answer?.status === 200;
  }

  /** The object at the path. */
  async get<Kind>(path: string): Promise<Kind> {
    const answer = await this.#send('GET', path);
    if (answer.status !== 200) throw new Error(`lab: get ${path}: ${answer.status} ${answer.body.trim()}`);
    return JSON.parse(answer.body);
  }

  /** Creates an object; one of that name that is there already stays as it is. */
  async create(path: string, object: unknown): Promise<void> {
    const answer = await this.#send('POST', path, object);
    if (answer.status >= 300 && answer.status !== 409) {
      throw new Error(`lab: create in ${path}: ${answer.status} ${answer.body.trim()}`);
    }
  }

  /** Creates an object or brings it to this content (server-side apply). */
  async apply(path: string, object: unknown): Promise<void> {
    const answer = await this.#send('PATCH', `${path}?fieldManager=berth-lab&force=true`, object);
    if (answer.status >= 300) throw new Error(`lab: apply ${path}: ${answer.status} ${answer.body.trim()}`);
  }

  #send(method: string, path: string, body?: unknown): Promise<Answer> {
    const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, this.#server), {
        method,
        agent: this.#agent,
        timeout: 5_000,
        headers: { authorization: `Bearer ${this.#token}`, 'content-type': contentType },
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer within 5 s`)));
      outgoing.once('error', reject);
      outgoing.once('response', (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.once('error', reject);
        incoming.once('end', () => resolve({ status: incoming.statusCode ?? 0, body: text }));
      });
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
