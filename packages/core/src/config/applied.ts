// SPDX-License-Identifier: Apache-2.0
/**
 * What files come to once they are applied to the ConfigMap of the pools in the cluster, as `kubectl apply` does it:
 * what a file does not have stays, but for keys that an apply brought before.
 */
import { configMapsIn, type NamedText, parseConfigFiles } from './config-file.ts';
import { type ConfigMapContent, isYamlKey } from './config-keys.ts';
import { isObject } from './is-object.ts';
import { DOCUMENT_SEPARATOR } from './metallb-objects.ts';
import { type ParsedPoolConfig, parsePoolConfig, sourcesIn } from './parse.ts';
import { POOL_CONFIG_MAP } from './pool-config.ts';
import { METALLB_API_VERSION } from './schema.ts';
import { readYaml } from './yaml-documents.ts';
import { yamlText } from './yaml-text.ts';

/** The ConfigMap of the pools as the API server has it. */
export interface LiveConfigMap extends ConfigMapContent {
  readonly metadata?: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly { readonly operation?: string; readonly fieldsV1?: object }[];
  };
}

export interface AppliedConfig {
  readonly parsed: ParsedPoolConfig;
  /** What stays beside the files: `IPAddressPool dmz`, or `key metallb.yaml`. */
  readonly staying: readonly string[];
  /** Documents of the files that are objects of MetalLB: an apply changes those, not the ConfigMap. */
  readonly objects: ReadonlySet<string>;
}

/** Where kubectl keeps what it applied last, as JSON. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** `live`: the ConfigMap that is there. Undefined: the files are not one ConfigMap, or bare documents alone. */
export function applyFiles(files: readonly NamedText[], live: LiveConfigMap = {}): AppliedConfig | undefined {
  const [alone, more] = parseConfigFiles(files);
  if (alone === undefined || more !== undefined) return undefined;
  const asItIs = { parsed: alone, staying: [], objects: new Set<string>() };
  if (!alone.ok) return asItIs;
  const [configMap] = files.flatMap(configMapsIn);
  const applied = configMap === undefined ? applyDocuments(files, live) : applyConfigMap(configMap, live);
  // Alone it is known where everything stands.
  return applied.staying.length === 0 ? { ...applied, parsed: alone } : applied;
}

/** Its keys take the place of those of an earlier apply; keys that somebody else wrote stay. */
function applyConfigMap({ data = {}, binaryData = {} }: ConfigMapContent, live: LiveConfigMap): AppliedConfig {
  const brought = keysBrought(live);
  const isKept = (key: string) => isYamlKey(key) && !Object.hasOwn(data, key) && !brought.has(key);
  const kept = Object.entries(live.data ?? {}).filter(([key]) => isKept(key));
  return {
    parsed: parsePoolConfig({ ...data, ...Object.fromEntries(kept) }, { binaryData }),
    staying: kept.map(([key]) => `key ${key}`),
    objects: new Set(),
  };
}

/** Each document takes the place of the one of its kind and name in the ConfigMap; all others stay. */
function applyDocuments(files: readonly NamedText[], live: LiveConfigMap): AppliedConfig {
  const values = files.flatMap(({ name, text }) => valuesIn(name, text));
  const own = new Set(values.map(identityOf));
  const staying: string[] = [];
  const data: Record<string, string> = {};
  for (const [key, text] of Object.entries(live.data ?? {}).filter(([name]) => isYamlKey(name))) {
    const all = valuesIn(key, text);
    const rest = all.filter((value) => !own.has(identityOf(value)));
    staying.push(...rest.map(identityOf));
    // As it is written where nothing of it goes, or not all of it can be read: what is wrong in it is found there.
    if (rest.length === all.length || readYaml(text).problems.length > 0) data[key] = text;
    else if (rest.length > 0) data[key] = rest.map((value) => yamlText(value)).join(DOCUMENT_SEPARATOR);
  }
  for (const { name, text } of files) data[keyOfFile(name)] = text;
  return {
    parsed: parsePoolConfig(data, { extent: 'part' }),
    staying: staying.sort(),
    objects: new Set(values.filter(isOfMetallb).map(identityOf)),
  };
}

/** Most of what stays that is named. */
const NAMED = 10;

/** What is said of `staying`, without a full stop. */
export function stayingText(file: string, staying: readonly string[]): string {
  const more = staying.length > NAMED ? ` and ${staying.length - NAMED} more` : '';
  return `What ConfigMap ${POOL_CONFIG_MAP} has beside ${file} stays: ${staying.slice(0, NAMED).join(', ')}${more}`;
}

/** A key that no ConfigMap has, and that problems can be shown with. */
function keyOfFile(name: string): string {
  return `file ${name}${isYamlKey(name) ? '' : '.yaml'}`;
}

function valuesIn(key: string, text: string): unknown[] {
  return readYaml(text)
    .documents.flatMap((document) => sourcesIn(key, document))
    .map(({ value }) => value);
}

function identityOf(value: unknown): string {
  if (!isObject(value)) return 'a document without a name';
  const name = isObject(value.metadata) ? value.metadata.name : undefined;
  return `${String(value.kind)} ${String(name)}`;
}

function isOfMetallb(value: unknown): boolean {
  return isObject(value) && typeof value.apiVersion === 'string' && METALLB_API_VERSION.test(value.apiVersion);
}

/** Keys that an apply takes away again: those of the last one, of kubectl's own kind or of a server-side one. */
function keysBrought({ metadata = {} }: LiveConfigMap): ReadonlySet<string> {
  const [last] = readYaml(metadata.annotations?.[LAST_APPLIED] ?? '').documents;
  const applied = isObject(last?.value) && isObject(last.value.data) ? Object.keys(last.value.data) : [];
  const managed = (metadata.managedFields ?? []).filter(({ operation }) => operation === 'Apply');
  const fields = managed.flatMap(({ fieldsV1 = {} }) => Object.keys((fieldsV1 as DataFields)['f:data'] ?? {}));
  return new Set([...applied, ...fields.map((field) => field.replace(/^f:/, ''))]);
}

/** Which keys of the data a writer owns, each with `f:` before it. */
interface DataFields {
  readonly 'f:data'?: object;
}
