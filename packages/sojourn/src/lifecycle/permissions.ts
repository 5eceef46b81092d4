import { type Duration, milliseconds } from './duration.ts';
import { type Code, SojournError } from './errors.ts';
import { type Life, operation } from './life.ts';
import { knownKeys, text, texts } from './options.ts';
import type { Factor, SessionRecord } from './session.ts';

/** What a route asks of a signed-in session, beyond being signed in. */
export interface Requirement<Permission extends string = string> {
  readonly permission?: Permission;
  /** A proof, of `factor` if named and of any otherwise, no older than this. */
  readonly within?: Duration;
  /** A proof by this method, `'totp'` say, of any age unless `within` is given. */
  readonly factor?: string;
  /** Look the session up in the store first, whatever this process remembers of it. Unsafe methods always do. */
  readonly fresh?: boolean;
}

/** A requirement checked once, when the rule is made. */
export interface CheckedRequirement {
  readonly permission: string | null;
  readonly within: number;
  readonly factor: string | null;
  readonly proof: boolean;
  readonly fresh: boolean;
}

export function checkRequirement(given: Requirement = {}): CheckedRequirement {
  knownKeys('requireSignIn', given, ['permission', 'within', 'factor', 'fresh']);
  // A name that is there and undefined was mistyped: to ask for nothing instead would open the route.
  const { permission, within, factor, fresh } = given as Required<Requirement>;
  const [named, timed, proved] = ['permission', 'within', 'factor'].map((key) => key in given);
  return {
    permission: named ? text('requireSignIn.permission', permission) : null,
    within: timed ? milliseconds(within, 'requireSignIn.within') : Number.POSITIVE_INFINITY,
    factor: proved ? text('requireSignIn.factor', factor) : null,
    proof: timed === true || proved === true,
    fresh: fresh ?? false,
  };
}

/** What a signed-in session lacks, `null` when nothing. A missing permission goes before a missing proof. */
export function unmet(
  record: SessionRecord,
  permissions: readonly string[],
  requirement: CheckedRequirement,
  now: number,
): Extract<Code, 'permission_missing' | 'fresh_proof_required'> | null {
  if (requirement.permission !== null && !permissions.includes(requirement.permission)) return 'permission_missing';
  if (record.suspectAt !== undefined) return 'fresh_proof_required';
  if (!requirement.proof) return null;
  const proved = record.factors.some(
    ({ method, at }) =>
      (requirement.factor === null || method === requirement.factor) && now - at <= requirement.within,
  );
  return proved ? null : 'fresh_proof_required';
}

/** What is missing, in words: RFC 6750 names it, too (`scope`), for whoever asks for it has to know. */
export function unmetError(
  code: 'permission_missing' | 'fresh_proof_required',
  { permission, factor }: CheckedRequirement,
  factors: readonly Factor[],
): SojournError {
  if (code === 'permission_missing') return new SojournError(code, `The session lacks the permission ${permission}.`);
  const by = factor === null ? '' : ` by ${factor}`;
  const proved = factors.some(({ method }) => factor === null || method === factor);
  return new SojournError(
    code,
    proved ? `The last proof${by} is too old: step up.` : `There is no proof${by} yet: step up.`,
  );
}

/**
 * New permissions for all live sessions of a subject. What is taken away bites at the next request;
 * what is given rotates at the next request and holds from the first sight of the new token. An
 * impersonation only ever loses. Answers how many sessions changed.
 */
export async function setPermissions(life: Life, subject: string, permissions: readonly string[]): Promise<number> {
  return life.store.setPermissions(subject, texts('setPermissions', permissions), { operation: operation(life) });
}

/** One session's part of `setPermissions`: the change, or `null` when nothing differs. */
export function permissionChange(
  record: SessionRecord,
  permissions: readonly string[],
): Pick<SessionRecord, 'permissions' | 'grants'> | null {
  const kept = record.permissions.filter((name) => permissions.includes(name));
  const given = record.actor ? [] : permissions.filter((name) => !record.permissions.includes(name));
  const waiting = record.grants ?? [];
  const same =
    kept.length === record.permissions.length &&
    given.length === waiting.length &&
    given.every((name) => waiting.includes(name));
  return same ? null : { permissions: kept, grants: given.length > 0 ? given : undefined };
}
