// SPDX-License-Identifier: Apache-2.0

// A node's containerd: root, state, socket and pod network of its own, so that
// many run side by side and each leaves nothing outside the lab's folders.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PAUSE_IMAGE } from './images.ts';
import type { LabNode } from './lab-node.ts';
import { containerdState } from './members.ts';
import { logTail, startDaemon } from './processes.ts';
import { run, tryRun } from './run.ts';
import { writeIfChanged } from './state.ts';
import { waitUntil } from './wait.ts';

const CNI_BINARIES = '/usr/lib/cni';
/** The containerd namespace that the kubelet's containers live in. */
const IMAGE_NAMESPACE = 'k8s.io';

export function socketOf(node: LabNode): string {
  return join(node.folder, 'containerd.sock');
}

/** Starts containerd unless it runs, waits for its socket, and imports the images that it does not have. */
export async function ensureRuntime(node: LabNode, images: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(cniFolder(node), { recursive: true });
  const config = join(node.folder, 'containerd.toml');
  await writeIfChanged(config, containerdConfig(node));
  await writeIfChanged(join(cniFolder(node), '10-pods.conflist'), JSON.stringify(podNetwork(node), null, 2));
  await startDaemon(node.paths, {
    host: node.host.name,
    program: 'containerd',
    namespace: node.namespace,
    argv: ['containerd', '--config', config],
  });
  await waitUntil({
    what: `containerd of ${node.host.name}`,
    timeoutMs: 20_000,
    probe: async () => (await tryRun(ctr(node, ['version']))).exitCode === 0,
    explain: () => logTail(node.paths, node.host.name, 'containerd'),
  });
  const present = (await run(ctr(node, ['images', 'list', '--quiet']))).split('\n');
  for (const [reference, archive] of images) {
    if (!present.includes(reference)) await importImage(node, archive);
  }
}

/** Imports an OCI or docker archive. */
export async function importImage(node: LabNode, archive: string): Promise<void> {
  await run(ctr(node, ['images', 'import', archive]));
}

/** ctr(1) against this node's containerd. */
export function ctr(node: LabNode, args: readonly string[]): string[] {
  return ['ctr', '--address', socketOf(node), '--namespace', IMAGE_NAMESPACE, ...args];
}

function cniFolder(node: LabNode): string {
  return join(node.folder, 'cni');
}

function containerdConfig(node: LabNode): string {
  const text = (value: string) => JSON.stringify(value);
  return `version = 2
root = ${text(join(node.data, 'containerd'))}
state = ${text(containerdState(node.paths, node.host.name))}
# Of no use here, and each logs an error when the machine lacks what it needs.
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = ${text(socketOf(node))}

[plugins."io.containerd.internal.v1.opt"]
  path = ${text(join(node.data, 'opt'))}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(PAUSE_IMAGE)}
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(CNI_BINARIES)}
    conf_dir = ${text(cniFolder(node))}
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = ${text(join(node.folder, 'runc'))}
`;
}

/**
 * Every pod on a point-to-point link of its own: traffic between two pods of a
 * node is routed and passes kube-proxy's rules, without br_netfilter.
 */
function podNetwork(node: LabNode): unknown {
  const defaultRoutes = node.host.podRanges.map((range) => ({ dst: range.includes(':') ? '::/0' : '0.0.0.0/0' }));
  return {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: join(node.folder, 'ipam'),
          ranges: node.host.podRanges.map((subnet) => [{ subnet }]),
          routes: defaultRoutes,
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}
