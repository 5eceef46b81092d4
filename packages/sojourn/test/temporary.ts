import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root: string | null = null;

/** A path in a folder that goes with this process. */
export function temporary(name: string): string {
  if (root === null) {
    const made = mkdtempSync(join(tmpdir(), 'sojourn-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    root = made;
  }
  return join(mkdtempSync(join(root, 'x')), name);
}
