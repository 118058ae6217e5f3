// SPDX-License-Identifier: Apache-2.0
/**
 * The JSON Schema of our documents, made from the same schema that the parser uses; editors complete and check by it.
 */
import * as z from 'zod/mini';
import { addressPoolSchema, l2AdvertisementSchema } from './schema.ts';

/** Kind of a document of ours. */
export type DocumentKind = 'IPAddressPool' | 'L2Advertisement';

/** JSON Schema (2020-12) of what may be written, by kind. Addresses are text there: only the parser reads them. */
export function documentSchemas(): Readonly<Record<DocumentKind, Readonly<Record<string, unknown>>>> {
  return {
    IPAddressPool: schemaOf('IPAddressPool', addressPoolSchema),
    L2Advertisement: schemaOf('L2Advertisement', l2AdvertisementSchema),
  };
}

function schemaOf(title: DocumentKind, schema: z.ZodMiniType): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return { $schema, title, ...rest };
}
