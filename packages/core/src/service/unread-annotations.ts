// SPDX-License-Identifier: Apache-2.0
/**
 * Annotations that look as if they were for us and are not read: those of other products, and misspelt ones. With what
 * to write instead.
 */
import { nearestName } from '../config/nearest-name.ts';
import {
  ANNOTATION_SHARING_KEY,
  ANNOTATION_WANTED_ADDRESSES,
  ANNOTATION_WANTED_POOL,
  type Annotations,
  PREFIXES,
} from './annotations.ts';
import { ANNOTATION_SERVE, readServe } from './serve.ts';

const [OURS] = PREFIXES;

/** What other products call it, and what it is here; undefined: there is no such thing. */
const OF_OTHERS: Readonly<Record<string, string | undefined>> = {
  'lbipam.cilium.io/ips': ANNOTATION_WANTED_ADDRESSES,
  'io.cilium/lb-ipam-ips': ANNOTATION_WANTED_ADDRESSES,
  'lbipam.cilium.io/sharing-key': ANNOTATION_SHARING_KEY,
  'io.cilium/lb-ipam-sharing-key': ANNOTATION_SHARING_KEY,
  'lbipam.cilium.io/sharing-cross-namespace': undefined,
  'kube-vip.io/loadbalancerIPs': ANNOTATION_WANTED_ADDRESSES,
  'purelb.io/addresses': ANNOTATION_WANTED_ADDRESSES,
  'purelb.io/service-group': ANNOTATION_WANTED_POOL,
  'purelb.io/allow-shared-ip': ANNOTATION_SHARING_KEY,
  'lb.kubesphere.io/v1alpha1': undefined,
  'eip.openelb.kubesphere.io/v1alpha2': ANNOTATION_WANTED_POOL,
};

/** What is read under each of our prefixes. */
const READ = [ANNOTATION_WANTED_ADDRESSES, ANNOTATION_WANTED_POOL, ANNOTATION_SHARING_KEY];
/** Under our own prefix only. */
const SERVE = ANNOTATION_SERVE.slice(OURS.length);
/** What products write themselves, and what acts under our own prefix only. */
const WRITTEN = ['ip-allocated-from-pool', 'renumber', 'adopt'];

/** Most that is reported of one Service. */
const MOST_TOLD = 5;

/**
 * One clause for each such annotation, by name: `lbipam.cilium.io/ips is not read, write berth.dev/loadBalancerIPs`.
 */
export function unreadAnnotations(annotations: Annotations): readonly string[] {
  const clauses: string[] = [];
  for (const name of Object.keys(annotations)) {
    const clause = name === ANNOTATION_SERVE ? clauseOnServe(annotations) : clauseOn(name);
    if (clause !== undefined) clauses.push(clause);
  }
  return clauses.length < 2 ? clauses : clauses.sort().slice(0, MOST_TOLD);
}

function clauseOnServe(annotations: Annotations): string | undefined {
  const said = readServe(annotations);
  return said.ok ? undefined : `${said.reason}: the owner serves`;
}

function clauseOn(name: string): string | undefined {
  if (Object.hasOwn(OF_OTHERS, name)) {
    const meant = OF_OTHERS[name];
    return `annotation ${name} is not read${meant === undefined ? ', and Berth has nothing like it' : `, write ${OURS}${meant}`}`;
  }
  const prefix = PREFIXES.find((one) => name.startsWith(one));
  if (prefix === undefined) return undefined;
  const rest = name.slice(prefix.length);
  if (READ.includes(rest) || WRITTEN.includes(rest)) return undefined;
  const read = prefix === OURS ? [...READ, SERVE] : READ;
  const meant =
    read.find((one) => one.toLowerCase() === rest.toLowerCase()) ?? startOf(rest, read) ?? nearestName(rest, read);
  return meant === undefined
    ? undefined
    : `annotation ${name.slice(0, 128)} is not read, did you mean ${prefix}${meant}?`;
}

/** A name that was cut short or written on. */
function startOf(rest: string, read: readonly string[]): string | undefined {
  if (rest.length < 4) return undefined;
  return read.find((one) => one.startsWith(rest) || rest.startsWith(one));
}
