// SPDX-License-Identifier: Apache-2.0
/** A pool file travels in the address of a GET, so it is made small: the server never takes a POST. */

/** Raw deflate of the text as UTF-8, in base64url without padding. */
export async function deflated(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  // In pieces: a call takes only so many arguments.
  let binary = '';
  for (let from = 0; from < bytes.length; from += 4096)
    binary += String.fromCharCode(...bytes.subarray(from, from + 4096));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
