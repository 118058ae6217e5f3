// SPDX-License-Identifier: Apache-2.0
/**
 * The shape of IPAddressPool and L2Advertisement documents: the one source of the parser, its error texts, the
 * published JSON Schema and the reference page. The descriptions are what users read there.
 */
// Not plain zod: that takes 10 MB of resident memory more (docs/design/0004-memory.md).
import * as z from 'zod/mini';
import { IpAddress } from '../net/ip-address.ts';
import { DURATION_PATTERN, parseDurationSeconds } from './duration.ts';
import { notEmpty } from './not-empty.ts';
import { SERVE_MODES } from './pool-config.ts';
import { parsePoolEntry } from './pool-entry.ts';

/** Longest rest of an address, in seconds: ten years. */
const MAX_COOLDOWN_SECONDS = 3650 * 86_400;

/** Our own apiVersion. */
export const API_VERSION = 'berth.dev/v1';

/** MetalLB's apiVersions; its documents are read as they are. */
export const METALLB_API_VERSION = /^metallb\.io\/v[0-9][a-z0-9]*$/;

/** Names of Kubernetes objects (RFC 1123 subdomain). */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

const name = z.string().check(z.regex(NAME, { error: 'a lower-case name such as lan' }));

/** An address entry; the code that reads it also says what is wrong with it. */
const entry = z.string().check((context) => {
  const result = parsePoolEntry(context.value);
  if (!result.ok) refuse(context, result.wanted, result.reason);
});

const address = z.string().check((context) => {
  const result = IpAddress.parse(context.value.trim());
  if (!result.ok) refuse(context, 'an IP address', result.reason);
});

const serviceKey = z.string().check(z.regex(/^[^/\s]+\/[^/\s]+$/, { error: 'namespace/name of a Service' }));

const labels = z.record(z.string(), z.string());

const count = z.int().check(z.minimum(0));

const requirement = z
  .strictObject({
    key: said('The label that is looked at.', z.string().check(notEmpty())),
    operator: said('How the label is compared.', z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])),
    values: optional('The values for In and NotIn; none for Exists and DoesNotExist.', distinct(z.array(z.string()))),
  })
  .check((context) => {
    const { operator, values } = context.value;
    const needsValues = operator === 'In' || operator === 'NotIn';
    if (needsValues === (values ?? []).length > 0) return;
    refuse(
      context,
      needsValues ? `values for ${operator}` : `no values for ${operator}`,
      'operator and values do not fit',
    );
  });

const selector = z.strictObject({
  matchLabels: optional('Labels that must be there with these values.', labels),
  matchExpressions: optional('Requirements that must all hold.', z.array(requirement)),
});

const selectors = distinct(z.array(selector));
const names = distinct(z.array(name));

const serviceAllocation = z.strictObject({
  priority: optional(
    'Pools with a lower number are used first; 0 or nothing comes last. Equal ones go by name.',
    count,
  ),
  namespaces: optional('Only Services of these namespaces may use the pool.', names),
  namespaceSelectors: optional(
    'Only Services of namespaces with matching labels may use the pool; a namespace listed above may too.',
    selectors,
  ),
  serviceSelectors: optional(
    'Only Services with matching labels may use the pool; any one of the selectors is enough.',
    selectors,
  ),
  sharedAcrossNamespaces: optional(
    'Whether Services of different namespaces may share an address by a sharing key. Default: false; true in documents with an apiVersion of metallb.io.',
    z.boolean(),
  ),
});

const quota = z.strictObject({
  perNamespace: optional('How many addresses of the pool each namespace may hold. Default: no limit.', count),
  namespaces: optional('Other numbers for single namespaces.', z.record(z.string(), count)),
});

const reservation = z.strictObject({
  address: said('An address of the pool.', address),
  service: said('The Service that it is kept for, as namespace/name. It need not exist yet.', serviceKey),
});

const metadata = z.looseObject({
  name: said('Name of the document; unique among documents of its kind.', name),
  labels: optional('Labels, for ipAddressPoolSelectors of L2Advertisement documents.', labels),
});

const apiVersion = said(
  "berth.dev/v1, or MetalLB's own such as metallb.io/v1beta1.",
  z.string().check(z.regex(/^(berth\.dev\/v1|metallb\.io\/v[0-9][a-z0-9]*)$/)),
);

const status = optional('Ignored; there so that exported documents can be read.', z.unknown());

export const addressPoolSchema = z.strictObject({
  apiVersion,
  kind: z.literal('IPAddressPool'),
  metadata,
  spec: z.strictObject({
    addresses: said(
      'CIDRs and first-last ranges, of either family, in the order of use. No two may overlap, here or in other pools. Empty only with the annotation berth.dev/empty.',
      z.array(entry),
    ),
    autoAssign: said(
      'Whether Services that ask for no pool and no address may get one from here.',
      z._default(z.boolean(), true),
    ),
    avoidBuggyIPs: said(
      'Whether IPv4 addresses that end in .0 or .255 are left out, for the sake of old client software.',
      z._default(z.boolean(), false),
    ),
    exclude: optional('CIDRs and ranges inside the pool that are never given, not even on request.', z.array(entry)),
    reserved: optional('Addresses that are kept for one Service each.', z.array(reservation)),
    quota: optional('How many addresses a namespace may hold. Addresses that are held already stay.', quota),
    cooldown: optional(
      'How long a freed address rests before another Service may get it, such as 10m; at most 3650d. Its last owner gets it back at once. Default: not at all.',
      z.string().check(z.regex(DURATION_PATTERN, { error: 'a duration such as 90s, 10m or 1h30m' }), (context) => {
        if ((parseDurationSeconds(context.value) ?? 0) <= MAX_COOLDOWN_SECONDS) return;
        refuse(context, 'at most 3650d', 'an address that no one is to get again belongs into exclude');
      }),
    ),
    serviceAllocation: optional('Who may use the pool, and which pool is used first.', serviceAllocation),
  }),
  status,
});

const preferredNodeSelector = z.strictObject({
  weight: said('Added to the score of each node that matches.', z.int().check(z.minimum(1), z.maximum(100))),
  preference: said('Selects nodes by label.', selector),
});

export const l2AdvertisementSchema = z.strictObject({
  apiVersion,
  kind: z.literal('L2Advertisement'),
  metadata,
  spec: z.optional(
    z.strictObject({
      ipAddressPools: optional(
        'Pools that are announced. Together with ipAddressPoolSelectors; default of both: all pools.',
        names,
      ),
      ipAddressPoolSelectors: optional('Pools that are announced, by label.', selectors),
      nodeSelectors: optional('Nodes that may announce, by label; any one is enough. Default: all nodes.', selectors),
      interfaces: optional(
        'Whole names of the interfaces that are used; a name that a node does not have is skipped there. Default: all.',
        distinct(z.array(z.string().check(notEmpty()))),
      ),
      serviceSelectors: optional(
        'Services that are announced, by label; any one is enough. Default: all Services.',
        selectors,
      ),
      preferredNodeSelectors: optional(
        'Orders the nodes that may announce: the highest sum of weights comes first. It excludes none.',
        z.array(preferredNodeSelector),
      ),
      serve: optional(
        'Who serves: owner, the node that answers for the address, or every-node, each node that can. The annotation berth.dev/serve of a Service goes first. Default: owner.',
        z.enum(SERVE_MODES),
      ),
    }),
  ),
  status,
});

export type AddressPoolDocument = z.output<typeof addressPoolSchema>;
export type L2AdvertisementDocument = z.output<typeof l2AdvertisementSchema>;
export type SelectorDocument = z.output<typeof selector>;

interface CheckContext {
  readonly value: unknown;
  readonly issues: z.core.$ZodRawIssue[];
}

function refuse({ value, issues }: CheckContext, wanted: string, reason: string, path: (string | number)[] = []): void {
  issues.push({ code: 'custom', input: value, path, message: reason, params: { wanted, reason } });
}

/** The same with a description, which users read in the reference page and in their editors. */
function said<T extends z.ZodMiniType>(description: string, schema: T): T {
  return schema.check(z.describe(description));
}

function optional<T extends z.ZodMiniType>(description: string, schema: T): z.ZodMiniOptional<T> {
  return said(description, z.optional(schema));
}

/** The list, refused where an item is there a second time. Items are compared by content. */
function distinct<T extends z.ZodMiniType>(list: z.ZodMiniArray<T>): z.ZodMiniArray<T> {
  return list.check((context) => {
    const seen = new Map<string, number>();
    for (const [index, item] of context.value.entries()) {
      const text = canonicalText(item);
      const first = seen.get(text);
      if (first === undefined) seen.set(text, index);
      else refuse(context, 'each item once', `the same as item ${first}`, [index]);
    }
  });
}

function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
