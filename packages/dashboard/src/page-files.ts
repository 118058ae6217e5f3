// SPDX-License-Identifier: Apache-2.0
/**
 * The files of the page. In the built plug-in they are part of it: tools/bundle.ts puts them in the place of this
 * module.
 */
import type { PageFile } from './page-file.ts';

/** By path, such as `/main.js`. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  // Only a clone comes here: esbuild is no dependency of the plug-in.
  const { buildPage } = await import('./build-page.ts');
  return buildPage();
}
