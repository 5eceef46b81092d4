import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Code, codes, SojournError } from './errors.ts';

/** What a client is told: 401 to sign in, 403 that it may not, 4xx what to change, 503 to come again. */
const statuses: Readonly<Record<Code, number>> = {
  sign_in_required: 401,
  session_expired_idle: 401,
  session_expired_absolute: 401,
  session_terminated: 401,
  token_replaced: 401,
  rotation_lost: 401,
  reuse_detected: 401,
  fresh_proof_required: 401,
  permission_missing: 403,
  cross_site: 403,
  form_token_invalid: 403,
  credentials_conflict: 400,
  subject_changed: 409,
  limit_reached: 409,
  conflict: 409,
  cursor_lost: 410,
  data_too_large: 413,
  anonymous_refused: 429,
  store_unavailable: 503,
  option_invalid: 500,
  store_unusable: 500,
  origin_missing: 500,
  session_taken: 500,
  not_tracked: 500,
  state_invalid: 500,
  data_not_serialisable: 500,
  response_started: 500,
  write_not_awaited: 500,
  cookie_overwritten: 500,
  token_cacheable: 500,
  rotation_unseen: 500,
};

test('every code has its status, by which other software acts, and each is there once (G8)', () => {
  assert.deepEqual([...codes].sort(), Object.keys(statuses).sort());
  for (const code of codes) {
    const error = new SojournError(code, 'x');
    assert.deepEqual([error.code, error.status, error.statusCode], [code, statuses[code], statuses[code]]);
  }
});

test('only what passes by itself says when to come again', () => {
  for (const code of codes) {
    const expected = code === 'store_unavailable' ? { 'retry-after': '5' } : {};
    assert.deepEqual(new SojournError(code, 'x').headers, expected, code);
  }
});

test('an error tells its session, its reason and its cause where there are any', () => {
  const cause = new Error('ECONNRESET');
  const error = new SojournError('session_terminated', 'gone', { sessionId: 's', reason: 'revoked', at: 5, cause });
  assert.deepEqual(
    [error.name, error.message, error.sessionId, error.reason, error.at],
    ['SojournError', 'gone', 's', 'revoked', 5],
  );
  assert.equal(error.cause, cause);
  assert.ok(error instanceof Error);
  const bare = new SojournError('conflict', 'x');
  assert.equal('cause' in bare, false);
  assert.deepEqual([bare.sessionId, bare.reason, bare.at], [undefined, undefined, undefined]);
});
