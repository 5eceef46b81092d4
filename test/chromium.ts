import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** The system's Chromium, found by PATH. */
export const executable: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path));

/** Why tests that need Chromium are skipped; with NO_SKIP they fail instead. */
export const skip: string | false =
  executable === undefined && process.env['NO_SKIP'] === undefined ? 'there is no chromium here' : false;

/** No sandbox, so that it starts as root; no calls home. */
export const flags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

export function launch(): Promise<Browser> {
  assert.ok(executable, 'chromium is needed: install it');
  return chromium.launch({ executablePath: executable, args: [...flags] });
}
