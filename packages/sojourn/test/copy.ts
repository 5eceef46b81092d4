import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** A copy of the library and its tests, to be changed: another release of it, or one with a bug. */
export class Copy {
  readonly path: string = mkdtempSync(join(tmpdir(), 'sojourn-copy-'));

  constructor() {
    for (const folder of ['packages/sojourn/src', 'packages/sojourn/test', 'packages/sojourn/package.json', 'test']) {
      cpSync(join(root, folder), join(this.path, folder), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.path, 'node_modules'));
  }

  /** Of the library's source. */
  source(file: string): string {
    return join(this.path, 'packages/sojourn/src', file);
  }

  /** Changes a text that stands in a file of the source exactly once. The answer changes it back. */
  change(file: string, from: string, to: string): () => void {
    const whole = readFileSync(this.source(file), 'utf8');
    assert.equal(whole.split(from).length, 2, `${file} has the text to change exactly once`);
    writeFileSync(
      this.source(file),
      whole.replace(from, () => to),
    );
    return () => writeFileSync(this.source(file), whole);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
