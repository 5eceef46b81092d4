import assert from 'node:assert/strict';
import { SojournError } from '../src/lifecycle/errors.ts';
import { seededRandom } from '../src/testing/random.ts';
import { settled } from './between.ts';
import { Lab, type LabOptions } from './lab.ts';

/** Why a session's signal was aborted; `null` while it is not. */
export function reasonOf(signal: AbortSignal): string | null {
  if (!signal.aborted) return null;
  const { reason } = signal;
  assert.ok(reason instanceof SojournError && reason.code === 'session_terminated');
  return reason.reason ?? '';
}

/** Another process on the same store. */
export function another(lab: Lab, options: LabOptions = {}): Lab {
  return new Lab({ ...options, around: () => lab.store, clock: lab.clock, random: seededRandom(8) });
}

/** A session that something waits on. */
export async function waiting(lab: Lab): Promise<{ signal: AbortSignal; id: string }> {
  const { signal, id } = await (await lab.signedIn()).signedIn();
  await settled();
  return { signal, id };
}
