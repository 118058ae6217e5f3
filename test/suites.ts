// SPDX-License-Identifier: Apache-2.0

// The test suites by what they need, cheapest first, and the parts of them that run in a process of their own.

import { globSync } from 'node:fs';

export interface Suite {
  name: string;
  /** What it needs, for people. */
  needs: string;
  /** Globs of its test files, relative to the root of the repository. */
  files: readonly string[];
  /** A script that runs Node with arguments in surroundings of its own; default: none, Node is started as it is. */
  runner?: string;
  /** Milliseconds for one test unless it sets its own. */
  timeoutMs: number;
  /**
   * Globs of the files of each part, by its name; a file belongs to the first that has it. Default: the suite is one
   * part.
   */
  parts?: Readonly<Record<string, readonly string[]>>;
}

/** Files of a suite that run one after the other in one process. */
export interface Part {
  /** The suite's, or `SUITE/PART` where it has several. */
  name: string;
  suite: Suite;
  files: readonly string[];
}

const WIRE = ['packages/link/test/**/*.test.ts'];

const speaker = (...names: readonly string[]) => names.map((name) => `test/contract/speaker/${name}.test.ts`);
const controller = (...names: readonly string[]) => names.map((name) => `test/contract/controller/${name}.test.ts`);

export const SUITES: readonly Suite[] = [
  {
    name: 'unit',
    needs: 'nothing',
    files: [
      'packages/*/src/**/*.test.ts',
      'bench/**/*.test.ts',
      'tools/**/*.test.ts',
      'test/{support,model,conformance,docs}/**/*.test.ts',
      'test/*.test.ts',
    ],
    timeoutMs: 30_000,
  },
  {
    name: 'wire',
    needs: 'root and network namespaces',
    files: WIRE,
    timeoutMs: 60_000,
  },
  {
    name: 'sanitized',
    needs: 'root, network namespaces and the sanitizers of the C compiler',
    files: WIRE,
    runner: 'packages/link/sanitize.ts',
    timeoutMs: 120_000,
    // One after the other they take twice as long as all that runs beside them.
    parts: {
      answers: [
        'packages/link/test/wire/{announcing,answering,attached,bad-frames,conflicts,fence,held-back,questions}.test.ts',
      ],
      others: WIRE,
    },
  },
  {
    name: 'contract',
    needs: 'a real API server',
    files: ['test/contract/**/*.test.ts'],
    timeoutMs: 120_000,
    // Each part has labs of its own, and takes as long as the others of its stage. The timed ones measure on the wire
    // who answered when, and run with nothing busy beside them. A storm, or thousands of VIPs that move at once, leave
    // no processor for anything else.
    parts: {
      busy: speaker('storm', 'many-vips'),
      'timed-1': speaker('blip', 'failover', 'udp', 'unicast'),
      'timed-2': speaker('faults', 'conflicts'),
      speaker: ['test/contract/speaker/*.test.ts', 'test/contract/cli/owners.test.ts'],
      crowds: controller('owners-of-many', 'scale'),
      outages: controller('faults', 'leaders', 'process', 'refused-writes', 'restore'),
      controller: ['test/contract/**/*.test.ts'],
    },
  },
  {
    name: 'browser',
    needs: 'Chromium and a real API server',
    files: ['test/browser/**/*.test.ts'],
    timeoutMs: 120_000,
  },
  {
    name: 'lab',
    needs: 'the lab cluster, which it brings up and down itself',
    files: ['test/{lab,monitoring}/**/*.test.ts'],
    timeoutMs: 300_000,
  },
  {
    name: 'e2e',
    needs: 'Berth on the lab cluster',
    files: ['test/e2e/**/*.test.ts'],
    timeoutMs: 600_000,
    parts: {
      // They count connections that break and times without an answer, with nothing busy beside them.
      connections: ['test/e2e/{every-node-serves,planned-moves}.test.ts'],
      // In labs of their own, which are busy enough without the shared one beside them.
      migrations: ['test/e2e/{migrate,upgrade}.test.ts'],
      // With labs of their own.
      shapes: ['test/e2e/{chart,kube-proxy,shapes}.test.ts'],
      cluster: ['test/e2e/**/*.test.ts'],
    },
  },
];

/** Returns the test files of a suite, sorted. */
export function filesOf(suite: Suite): string[] {
  return filesMatching(suite.files);
}

/** Returns the parts of a suite that have files; together they have all files of the suite, and each one once. */
export function partsOf(suite: Suite): Part[] {
  const left = new Set(filesOf(suite));
  const parts = Object.entries(suite.parts ?? { '': suite.files }).map(([name, globs]) => {
    const files = filesMatching(globs).filter((file) => left.delete(file));
    return { name: name === '' ? suite.name : `${suite.name}/${name}`, suite, files };
  });
  if (left.size > 0) throw new Error(`test: suite ${suite.name}: no part has ${[...left].join(', ')}`);
  return parts.filter(({ files }) => files.length > 0);
}

/** Returns the part of that name. Throws on an unknown name. */
export function partNamed(name: string): Part {
  const parts = SUITES.flatMap(partsOf);
  const found = parts.find((part) => part.name === name);
  if (found !== undefined) return found;
  throw new Error(`test: part: found '${name}', want one of ${parts.map((part) => part.name).join(', ')}`);
}

function filesMatching(globs: readonly string[]): string[] {
  return [...new Set(globs.flatMap((glob) => globSync(glob)))].sort();
}
