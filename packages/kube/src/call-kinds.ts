// SPDX-License-Identifier: Apache-2.0
/** What is known of a call of the API server once it has ended. */
import type { KubeError } from './errors.ts';

/** A call of the API server, for people who measure. */
export interface ApiCall {
  readonly verb: ApiVerb;
  /** In the plural, with its sub-resource: `services/status`. `raw` for a path that is no resource. */
  readonly resource: string;
  readonly result: 'ok' | KubeError['code'];
  readonly milliseconds: number;
}

export type ApiVerb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
