import { type Held, type Life, write } from './life.ts';
import { kindOf, type Policy } from './policy.ts';
import type { Updated } from './ports.ts';
import type { Retired, SessionRecord } from './session.ts';
import { sameDigest } from './token.ts';

/** How many secrets of each kind, rotated and replaced, a record remembers. */
const remembered = 16;

/**
 * What a presented secret is to a session:
 * `current`, its `successor`; in its `grace`; the direct predecessor after it (`lost`: a copy, or a
 * browser that crashed before its newest cookie reached the disk); older (`reused`: a copy);
 * `replaced` by a step-up; or `unknown`.
 */
export type Standing = 'current' | 'successor' | 'grace' | 'lost' | 'reused' | 'replaced' | 'unknown';

export interface Stands {
  readonly is: Standing;
  /** Of a former secret: permissions that were given since, and that it therefore does not carry. */
  readonly lacks?: readonly string[];
}

// One object each, so that the usual answer costs no allocation.
const current: Stands = { is: 'current' };
const successor: Stands = { is: 'successor' };
const unknown: Stands = { is: 'unknown' };

/** The standing of a digest at `now`. */
export function standingOf(record: SessionRecord, digest: string, now: number): Stands {
  if (sameDigest(record.secretHash, digest)) return current;
  if (record.successor && sameDigest(record.successor.hash, digest)) return successor;
  const index = record.retired.findIndex(({ hash }) => sameDigest(hash, digest));
  const retired = record.retired[index];
  if (retired === undefined) return unknown;
  const newer = record.retired.slice(0, index);
  if (retired.replaced) return { is: 'replaced' };
  if (now >= retired.until) return { is: index === 0 ? 'lost' : 'reused' };
  const lacks = [...newer, retired].flatMap((one) => one.lacks ?? []);
  return { is: newer.some((one) => one.replaced) ? 'replaced' : 'grace', lacks };
}

/** A new secret is due: by age, after being away, or because permissions wait for it. */
export function rotationDue(record: SessionRecord, policy: Policy, now: number): boolean {
  if (record.grants) return true;
  const kind = kindOf(policy, record.kind);
  return now - record.rotatedAt >= kind.rotateEvery || now - record.lastSeenAt >= kind.rotateAfterAway;
}

function sealLabel(record: SessionRecord): string {
  return `successor ${record.id} ${record.generation + 1}`;
}

/** The successor that waits, opened with the present secret: the same one for every parallel request. */
export function unseal(life: Life, record: SessionRecord, secret: string): string | null {
  return record.successor ? life.hash.seal(secret, sealLabel(record), record.successor.sealed) : null;
}

/**
 * First phase: writes a successor, sealed under the present secret, by compare-and-set. The old
 * secret stays valid until the new one has been seen, so a lost response costs nothing.
 */
export async function offer(life: Life, held: Held, secret: string): Promise<{ updated: Updated; next: string }> {
  const { record } = held;
  const next = life.random.text(32);
  const successor = {
    hash: life.hash.digest(next),
    sealed: life.hash.seal(secret, sealLabel(record), next),
    at: life.store.now(),
  };
  return { updated: await write(life, record, { successor }, held.usedAt), next };
}

/** Second phase: the successor was presented. It takes over, waiting permissions hold, the old one has its grace. */
export async function promote(life: Life, held: Held): Promise<Updated> {
  const { record, digest } = held;
  const { grants } = record;
  const now = life.store.now();
  const old: Retired = {
    hash: record.secretHash,
    until: now + life.policy.grace,
    ...(grants ? { lacks: grants } : {}),
  };
  return write(
    life,
    record,
    {
      secretHash: digest,
      generation: record.generation + 1,
      successor: undefined,
      retired: retire(record.retired, old),
      rotatedAt: now,
      ...(grants ? { permissions: [...record.permissions, ...grants], grants: undefined } : {}),
    },
    held.usedAt,
    { type: 'rotated' },
  );
}

/** Retired secrets with newer ones in front, the last 16 of each kind. */
export function retire(retired: readonly Retired[], ...newer: Retired[]): readonly Retired[] {
  const left = { rotated: remembered, replaced: remembered };
  return [...newer, ...retired].filter((old) => left[old.replaced ? 'replaced' : 'rotated']-- > 0);
}
