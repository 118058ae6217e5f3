// SPDX-License-Identifier: Apache-2.0
/**
 * Text without anything that steers a terminal: other control characters than line breaks and tabs, and those that turn
 * the direction of writing (Unicode Annex 9), become `\u001b` as in JSON, which reads as before. Names of interfaces,
 * messages and histories are written by others.
 */
export function printable(text: string): string {
  return text.replaceAll(
    /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
