import type { EndingReason } from './errors.ts';
import { expire, expiryOf } from './expire.ts';
import type { Held, Life } from './life.ts';
import { type Refused, refusalError, refuse, refuseAs, refuseReplaced } from './refusal.ts';
import { standingOf } from './rotate.ts';
import type { SessionRecord } from './session.ts';
import { actorChanged, admits, endAndRefuse, without } from './track.ts';

/**
 * The session that a request holds, read anew. Throws the refusal when it has ended or expired, when
 * its actor has changed, or when it has given up the secret that the request presented. With `tx` it stays as it
 * is until that transaction ends, and an ending that would be written here is left to whoever looks next: it would
 * wait for that transaction.
 */
export async function readmit(life: Life, held: Held, tx?: unknown): Promise<Held> {
  const record = await life.store.find(held.record.id, tx);
  if (record === null) throw refusalError(refuse('sign_in_required'));
  const refused = await refusalOf(life, held, record, tx === undefined);
  if (refused) throw refusalError(refused);
  // By when the request was admitted: one that takes long does not lose the secret it came with.
  const { lacks = [] } = standingOf(record, held.digest, held.seenAt);
  return { ...held, record, permissions: without(record.permissions, lacks) };
}

async function refusalOf(life: Life, held: Held, record: SessionRecord, writes: boolean): Promise<Refused | null> {
  if (record.ending) return refuseAs(record, record.ending);
  const expiry = writes ? expiryNow(life, held, record) : await expiryHeld(life, held, record);
  if (expiry && !writes) return refuseAs(record, { reason: expiry, at: life.store.now() });
  if (expiry) {
    const ended = await expire(life, record, expiry);
    if (ended === null) return refuse('sign_in_required');
    if (ended.ending) return refuseAs(ended, ended.ending);
  }
  if (await actorChanged(life, record)) {
    const reason = 'subject_changed';
    return writes ? endAndRefuse(life, record, { reason }) : refuseAs(record, { reason, at: life.store.now() });
  }
  const { is } = standingOf(record, held.digest, held.seenAt);
  return admits(is) ? null : refuseReplaced(record);
}

/** The request was admitted, so it counts as a visit although its touch may not be written yet. */
function expiryNow(life: Life, held: Held, record: SessionRecord): EndingReason | null {
  const seen = { ...record, lastSeenAt: Math.max(record.lastSeenAt, held.usedAt) };
  return expiryOf(seen, life.policy, life.store.now());
}

/** As `expire`, but no ending is written. Looked at outside of the transaction, which may see an older state. */
async function expiryHeld(life: Life, held: Held, found: SessionRecord): Promise<EndingReason | null> {
  const expiry = expiryNow(life, held, found);
  if (expiry === null) return null;
  await life.touches.flush();
  const record = await life.store.find(found.id);
  return record === null ? expiry : expiryNow(life, held, record);
}
