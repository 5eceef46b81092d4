import type { AnonymousBudget } from './budget.ts';
import type { Notices } from './notices.ts';
import type { Policy } from './policy.ts';
import type { Change, Clock, Ended, EndOptions, Hash, Near, Random, Store, Updated, UpdateEvent } from './ports.ts';
import type { SessionRecord } from './session.ts';
import type { Touches } from './touches.ts';
import type { Turns } from './turns.ts';

/** What every stage is given: the world through its ports, the policy, and two outlets that merge writes. */
export interface Life {
  readonly store: Store;
  readonly near: Near;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly policy: Policy;
  readonly touches: Touches;
  readonly notices: Notices;
  readonly budget: AnonymousBudget;
  /** Of writes to one session that met others. */
  readonly turns: Turns;
  /** Tells what waits for an end in this process, at once. */
  readonly ended: (records: readonly Pick<SessionRecord, 'id' | 'ending'>[]) => void;
}

/** A session as one request holds it: which one, by which secret, and what that secret may do. */
export interface Held {
  readonly record: SessionRecord;
  /** Of the secret that was presented. */
  readonly digest: string;
  /** The record's, less what a former secret in its grace never had. */
  readonly permissions: readonly string[];
  /** When the request was admitted. */
  readonly seenAt: number;
  /** The same where the visit counts as use, else 0. */
  readonly usedAt: number;
}

/** A fresh id for one write. */
export function operation(life: Life): string {
  return life.random.text(9);
}

/** One write on top of the version of a record that was read. `seenAt`: a visit that counts, else 0. */
export function write(
  life: Life,
  { id, version }: SessionRecord,
  change: Change,
  seenAt: number,
  ...events: UpdateEvent[]
): Promise<Updated> {
  return life.store.update(id, version, change, { operation: operation(life), seenAt, events });
}

/** Ends a session, and tells what waits for that in this process. */
export async function end(life: Life, id: string, options: Omit<EndOptions, 'operation'>): Promise<Ended | null> {
  const result = await life.store.end(id, { ...options, operation: operation(life) });
  if (result?.ended) life.ended([result.record]);
  return result;
}
