import { type EndingReason, endingReasons, isRefusal } from './errors.ts';
import { end, type Held, type Life, operation } from './life.ts';
import { knownKeys, oneOf, text } from './options.ts';
import { readmit } from './readmit.ts';
import { refusalError, refuseAs } from './refusal.ts';

export interface TerminateOptions {
  /** Default `revoked`. */
  readonly reason?: EndingReason;
  /** Who ends it: a subject's or an operator's id. Default `system`. */
  readonly by?: string;
}

export interface TerminateAllOptions extends TerminateOptions {
  /** The id of a session that stays; `'all'`: none ends, only a sign-in that was checked before is refused. */
  readonly except?: string;
}

function reasonOf(reason: EndingReason): EndingReason {
  return oneOf('reason', reason, endingReasons);
}

/** Ends a session at once, however long its limits still run. `false`: it had ended before or is not known. */
export async function terminate(life: Life, id: string, options: TerminateOptions = {}): Promise<boolean> {
  knownKeys('terminate', options, ['reason', 'by']);
  const { reason = 'revoked', by = 'system' } = options;
  const result = await end(life, id, { reason: reasonOf(reason), by: text('terminate.by', by) });
  return result?.ended ?? false;
}

/**
 * A request signs its own session out. `false`: it had ended before. Throws `token_replaced` when the
 * request's token has been replaced meanwhile: the jar may hold the newer one, whose session would live on unseen.
 */
export async function signOut(life: Life, held: Held, reason: EndingReason): Promise<boolean> {
  reasonOf(reason);
  try {
    await readmit(life, held);
  } catch (error) {
    if (!isRefusal(error) || error.code === 'token_replaced') throw error;
    return false;
  }
  const { id, subject, actor } = held.record;
  const result = await end(life, id, { reason, by: actor?.subject ?? subject ?? 'visitor' });
  if (!result || result.ended) return result !== null;
  const { record } = result;
  if (record.ending?.reason === 'replaced') throw refusalError(refuseAs(record, record.ending));
  return false;
}

/** Ends all sessions of a subject but one, and refuses sign-ins that were checked before. Answers how many it ended. */
export async function terminateAll(life: Life, subject: string, options: TerminateAllOptions = {}): Promise<number> {
  // A mistyped `except` would end the session that asks.
  knownKeys('terminateAll', options, ['reason', 'by', 'except']);
  return endAll(life, subject, { reason: 'revoked', by: 'system', ...options });
}

/** Ends all sessions of a subject and refuses every sign-in until `enable`. */
export async function disable(life: Life, subject: string, options: { by?: string } = {}): Promise<number> {
  knownKeys('disable', options, ['by']);
  const { by = 'system' } = options;
  return endAll(life, subject, { reason: 'account_disabled', by, disable: true });
}

/** Lets a disabled subject sign in again. */
export async function enable(life: Life, subject: string): Promise<void> {
  return life.store.enable(subject, { operation: operation(life) });
}

/** Ends all sessions of a subject and erases what is kept about them. Not a way to sign out: nothing can be told afterwards. */
export async function purge(life: Life, subject: string): Promise<number> {
  const ended = await life.store.purge(subject, { operation: operation(life) });
  life.ended(ended);
  return ended.length;
}

async function endAll(
  life: Life,
  subject: string,
  options: { reason: EndingReason; by: string; except?: string; disable?: boolean },
): Promise<number> {
  reasonOf(options.reason);
  text('by', options.by);
  const ended = await life.store.endAll(subject, { ...options, operation: operation(life) });
  life.ended(ended);
  return ended.length;
}
