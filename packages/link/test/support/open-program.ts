// SPDX-License-Identifier: Apache-2.0
/**
 * Opens the responder as well as this process may, and prints the engine and what it could not have. For
 * rights.test.ts.
 */
import { openResponder } from '@berth/link';

const { responder, engine, refused } = openResponder('auto');
responder.close();
console.log(JSON.stringify({ engine, refused: refused.map((one) => `${one.engine}: ${one.obstacle}`) }));
