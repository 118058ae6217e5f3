// SPDX-License-Identifier: Apache-2.0
/** Values as YAML, for people who asked for it. */
import { stringify } from 'yaml';

/** Plain JSON values as one YAML document; what JSON leaves out is left out here too. */
export function yamlText(value: unknown): string {
  return stringify(JSON.parse(JSON.stringify(value)));
}
