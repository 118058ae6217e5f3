// SPDX-License-Identifier: Apache-2.0

// `npm run docs`: the pages of docs/ as a site with search, in build/docs. A link that leads nowhere fails the build.

import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { defineConfig } from 'vitepress';
import { anchorOf } from './anchor.ts';

const DOCS = new URL('..', import.meta.url).pathname;

/** The pages of a folder by name, without its README. */
function pagesIn(folder: string): { text: string; link: string }[] {
  const names = globSync(`${folder}/*.md`, { cwd: DOCS }).map((path) => basename(path, '.md'));
  return names
    .filter((name) => name !== 'README')
    .sort()
    .map((text) => ({ text, link: `/${folder}/${text}` }));
}

export default defineConfig({
  title: 'Berth',
  description: 'A LoadBalancer for self-built Kubernetes clusters',
  outDir: '../build/docs',
  cacheDir: '../build/docs-cache',
  cleanUrls: true,
  // A folder's first page, as on a forge.
  rewrites: { ':folder/README.md': ':folder/index.md' },
  markdown: {
    // Links are written as forges make them.
    anchor: { slugify: anchorOf },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Install', link: '/install/' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'Reference', link: '/reference/configuration' },
    ],
    sidebar: [
      {
        text: 'Begin',
        items: [
          { text: 'Installing', link: '/install/' },
          { text: 'Moving to Berth', link: '/moving/' },
          { text: 'Compatibility', link: '/compatibility' },
          { text: 'Removing Berth', link: '/uninstall' },
        ],
      },
      {
        text: 'How it works',
        items: [
          { text: 'Addresses', link: '/ipam' },
          { text: 'Failover', link: '/failover' },
          { text: 'Layer 2', link: '/layer2' },
          { text: 'Security', link: '/security' },
        ],
      },
      {
        text: 'On call',
        items: [
          { text: 'Operations', link: '/operations' },
          { text: 'Troubleshooting', link: '/troubleshooting' },
          { text: 'Monitoring', link: '/monitoring' },
          { text: 'GitOps', link: '/gitops' },
        ],
      },
      {
        text: 'Runbooks',
        collapsed: true,
        items: [{ text: 'All alerts', link: '/runbooks/' }, ...pagesIn('runbooks')],
      },
      { text: 'Distributions', collapsed: true, items: pagesIn('install') },
      { text: 'Reference', items: pagesIn('reference') },
      { text: 'Design decisions', collapsed: true, items: pagesIn('design') },
      { text: 'Conformance', link: '/conformance' },
    ],
  },
});
