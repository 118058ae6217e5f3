// SPDX-License-Identifier: Apache-2.0
/**
 * The shape of IPAddressPool and L2Advertisement documents: the one source of the parser, its error texts, the published
 * JSON Schema and the reference page. The descriptions are what users read there.
 */
import { z } from 'zod';
import { IpAddress } from '../net/ip-address.ts';
import { DURATION_PATTERN } from './duration.ts';
import { parsePoolEntry } from './pool-entry.ts';

/** Our own apiVersion. */
export const API_VERSION = 'berth.dev/v1';

/** MetalLB's apiVersions; its documents are read as they are. */
export const METALLB_API_VERSION = /^metallb\.io\/v[0-9][a-z0-9]*$/;

/** Names of Kubernetes objects (RFC 1123 subdomain). */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

const name = z.string().regex(NAME, { error: 'a lower-case name such as lan' });

/** An address entry; what is wrong with it is told by the same code that reads it. */
const entry = z.string().check((context) => {
  const result = parsePoolEntry(context.value);
  if (!result.ok) refuse(context, result.wanted, result.reason);
});

const address = z.string().check((context) => {
  const result = IpAddress.parse(context.value.trim());
  if (!result.ok) refuse(context, 'an IP address', result.reason);
});

const serviceKey = z.string().regex(/^[^/\s]+\/[^/\s]+$/, { error: 'namespace/name of a Service' });

const labels = z.record(z.string(), z.string());

const requirement = z
  .strictObject({
    key: z.string().min(1).describe('The label that is looked at.'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the label is compared.'),
    values: distinct(z.array(z.string()))
      .optional()
      .describe('The values for In and NotIn; none for Exists and DoesNotExist.'),
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
  matchLabels: labels.optional().describe('Labels that must be there with these values.'),
  matchExpressions: z.array(requirement).optional().describe('Requirements that must all hold.'),
});

const selectors = distinct(z.array(selector));
const names = distinct(z.array(name));

const serviceAllocation = z.strictObject({
  priority: z
    .int()
    .min(0)
    .optional()
    .describe('Pools with a lower number are used first; 0 or nothing comes last. Equal ones go by name.'),
  namespaces: names.optional().describe('Only Services of these namespaces may use the pool.'),
  namespaceSelectors: selectors
    .optional()
    .describe('Only Services of namespaces with matching labels may use the pool; a namespace listed above may too.'),
  serviceSelectors: selectors
    .optional()
    .describe('Only Services with matching labels may use the pool; any one of the selectors is enough.'),
  sharedAcrossNamespaces: z
    .boolean()
    .optional()
    .describe(
      'Whether Services of different namespaces may share an address by a sharing key. Default: false; true in documents with an apiVersion of metallb.io.',
    ),
});

const quota = z.strictObject({
  perNamespace: z
    .int()
    .min(0)
    .optional()
    .describe('How many addresses of the pool each namespace may hold. Default: no limit.'),
  namespaces: z.record(z.string(), z.int().min(0)).optional().describe('Other numbers for single namespaces.'),
});

const reservation = z.strictObject({
  address: address.describe('An address of the pool.'),
  service: serviceKey.describe('The Service that it is kept for, as namespace/name. It need not exist yet.'),
});

const metadata = z.looseObject({
  name: name.describe('Name of the document; unique among documents of its kind.'),
  labels: labels.optional().describe('Labels, for ipAddressPoolSelectors of L2Advertisement documents.'),
});

const apiVersion = z
  .string()
  .regex(/^(berth\.dev\/v1|metallb\.io\/v[0-9][a-z0-9]*)$/)
  .describe("berth.dev/v1, or MetalLB's own such as metallb.io/v1beta1.");

export const addressPoolSchema = z.strictObject({
  apiVersion,
  kind: z.literal('IPAddressPool'),
  metadata,
  spec: z.strictObject({
    addresses: z
      .array(entry)
      .min(1)
      .describe(
        'CIDRs and first-last ranges, of either family, in the order of use. No two may overlap, here or in other pools.',
      ),
    autoAssign: z
      .boolean()
      .default(true)
      .describe('Whether Services that ask for no pool and no address may get one from here.'),
    avoidBuggyIPs: z
      .boolean()
      .default(false)
      .describe('Whether IPv4 addresses that end in .0 or .255 are left out, for the sake of old client software.'),
    exclude: z
      .array(entry)
      .optional()
      .describe('CIDRs and ranges inside the pool that are never given, not even on request.'),
    reserved: z.array(reservation).optional().describe('Addresses that are kept for one Service each.'),
    quota: quota.optional().describe('How many addresses a namespace may hold. Addresses that are held already stay.'),
    cooldown: z
      .string()
      .regex(DURATION_PATTERN, { error: 'a duration such as 90s, 10m or 1h30m' })
      .optional()
      .describe(
        'How long a freed address rests before another Service may get it, such as 10m. Its last owner gets it back at once. Default: not at all.',
      ),
    serviceAllocation: serviceAllocation.optional().describe('Who may use the pool, and which pool is used first.'),
  }),
  status: z.unknown().optional().describe('Ignored; there so that exported documents can be read.'),
});

const preferredNodeSelector = z.strictObject({
  weight: z.int().min(1).max(100).describe('Added to the score of each node that matches.'),
  preference: selector.describe('Selects nodes by label.'),
});

export const l2AdvertisementSchema = z.strictObject({
  apiVersion,
  kind: z.literal('L2Advertisement'),
  metadata,
  spec: z
    .strictObject({
      ipAddressPools: names
        .optional()
        .describe('Pools that are announced. Together with ipAddressPoolSelectors; default of both: all pools.'),
      ipAddressPoolSelectors: selectors.optional().describe('Pools that are announced, by label.'),
      nodeSelectors: selectors
        .optional()
        .describe('Nodes that may announce, by label; any one is enough. Default: all nodes.'),
      interfaces: distinct(z.array(z.string().min(1)))
        .optional()
        .describe(
          'Whole names of the interfaces that are used; a name that a node does not have is skipped there. Default: all.',
        ),
      serviceSelectors: selectors
        .optional()
        .describe('Services that are announced, by label; any one is enough. Default: all Services.'),
      preferredNodeSelectors: z
        .array(preferredNodeSelector)
        .optional()
        .describe('Orders the nodes that may announce: the highest sum of weights comes first. It excludes none.'),
    })
    .optional(),
  status: z.unknown().optional().describe('Ignored; there so that exported documents can be read.'),
});

export type AddressPoolDocument = z.output<typeof addressPoolSchema>;
export type L2AdvertisementDocument = z.output<typeof l2AdvertisementSchema>;
export type SelectorDocument = z.output<typeof selector>;

/** What a refusal of our own checks carries beside zod's fields; parse-document.ts turns it into a problem. */
export interface RefusalParams {
  readonly wanted: string;
  readonly reason: string;
  /** Below the value that was tested. */
  readonly path?: readonly (string | number)[];
}

interface CheckContext {
  readonly value: unknown;
  readonly issues: z.core.$ZodRawIssue[];
}

function refuse({ value, issues }: CheckContext, wanted: string, reason: string, path: (string | number)[] = []): void {
  issues.push({ code: 'custom', input: value, path, message: reason, params: { wanted, reason } });
}

/** The list, refused where an item is there a second time. Items are compared by content. */
function distinct<T extends z.ZodType>(list: z.ZodArray<T>): z.ZodArray<T> {
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
