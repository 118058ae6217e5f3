// SPDX-License-Identifier: Apache-2.0
/** The check that a text or a list is not empty. */
import * as z from 'zod/mini';

/**
 * At least one character, or one item. Zod's own check is also run on what is neither but has a field `length`, and
 * throws when that cannot be compared.
 */
export function notEmpty() {
  const check = z.minLength(1);
  check._zod.def.when = ({ value }) => typeof value === 'string' || Array.isArray(value);
  return check;
}
