// SPDX-License-Identifier: Apache-2.0
/**
 * What Node 20 lacks of what the commands use. Only the built plug-in meets it; everything else runs on the Node that
 * comes with the project.
 */

Map.groupBy ??= function groupBy<Key, Item>(
  items: Iterable<Item>,
  keyOf: (item: Item, index: number) => Key,
): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
};
