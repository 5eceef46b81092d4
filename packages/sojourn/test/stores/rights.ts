import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const stores = readFileSync(join(import.meta.dirname, '../../../../docs/stores.md'), 'utf8');

/** The commands that docs/stores.md lists behind these words. */
export function listed(words: string): string[] {
  const list = new RegExp(`${words}[^\`]*\`([a-z| ]+)\``).exec(stores)?.[1];
  assert.ok(list, `docs/stores.md lists no commands behind "${words}"`);
  return list.split(' ').map((command) => `+${command}`);
}
