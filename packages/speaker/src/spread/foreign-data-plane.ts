// SPDX-License-Identifier: Apache-2.0
/**
 * Network plugins that may serve VIPs with connections of their own, which the kernel's connection tracking does not
 * know. Pure.
 */

/** Interfaces that they make on each node: Cilium, and Calico with its eBPF data plane. */
const INTERFACES = new Map([
  ['cilium_host', 'Cilium'],
  ['cilium_net', 'Cilium'],
  ['bpfin.cali', 'Calico eBPF'],
  ['bpfout.cali', 'Calico eBPF'],
]);

/** Name of such a plugin by the interfaces of this node; undefined: none is seen. */
export function foreignDataPlane(interfaces: readonly string[]): string | undefined {
  for (const name of interfaces) {
    const plugin = INTERFACES.get(name);
    if (plugin) return plugin;
  }
  return undefined;
}
