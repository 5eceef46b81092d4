import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicy, policyNames } from './policy.ts';
import { policyText } from './policy-text.ts';

test('every named policy prints its limits, and where they stand beside SP 800-63B-4 (R-001, R-110 to R-112)', () => {
  const rows: Record<string, RegExp> = {
    default: /\| standard \| 30 min \| 12 h \| every 1 h \| no \|/,
    'nist-63b4-aal1': /\| standard \| 30 d \| 30 d \| every 1 h \| no \|/,
    'nist-63b4-aal2': /\| standard \| 1 h \| 1 d \| every 1 h \| no \|/,
    'nist-63b4-aal3': /\| standard \| 15 min \| 12 h \| every 1 h \| no \|/,
  };
  for (const name of policyNames) {
    const text = policyText(checkPolicy(name));
    assert.match(text, rows[name] ?? /never/, name);
    assert.match(text, /ASVS 7\.1\.1.*ASVS 7\.1\.2.*ASVS 7\.1\.3/s);
  }
  assert.match(policyText(checkPolicy('default')), /standard: within SP 800-63B-4 at AAL2/);
  assert.match(policyText(checkPolicy('nist-63b4-aal3')), /standard: within SP 800-63B-4 at AAL3/);
  assert.match(policyText(checkPolicy('default')), /remembered: within SP 800-63B-4 at AAL1.*outlives the browser/);
});

test('what deviates is said', () => {
  const text = policyText(
    checkPolicy({
      kinds: { standard: { idle: '40d', absolute: '60d' }, anonymous: { rotateEvery: 'never' } },
      limit: 'none',
      onReuse: 'step-up',
      anonymous: 'off',
      formToken: 'required',
    }),
  );
  assert.match(text, /default, changed/);
  assert.match(text, /standard: longer than SP 800-63B-4 allows/);
  assert.match(text, /any number of sessions/);
  assert.match(text, /fresh proof/);
  assert.match(text, /None have a session/);
  assert.match(text, /session-bound token: yes/);
});

test('each way to treat one session too many has its sentence', () => {
  const of = (onLimit: 'refuse' | 'end-oldest' | 'end-idlest'): string =>
    policyText(checkPolicy({ limit: 3, onLimit }));
  assert.match(of('refuse'), /3 sessions\. One more sign-in is refused/);
  assert.match(of('end-oldest'), /ends the oldest/);
  assert.match(of('end-idlest'), /unused longest/);
  assert.match(policyText(checkPolicy({ anonymous: 'eager' })), /first visit/);
});

test('a new secret after being away, and a visitor’s session that a route begins, are said', () => {
  const text = policyText(checkPolicy('default'));
  assert.match(text, /\| remembered \| 7 d \| 30 d \| every 1 h, and after 30 min away \| yes \|/);
  assert.match(text, /They get a session with their first write, or sooner: with a visit to a route that begins one\./);
  const away = policyText(checkPolicy({ kinds: { anonymous: { rotateAfterAway: '1h' } } }));
  assert.match(away, /\| anonymous \| 30 min \| 2 h \| after 1 h away \| no \|/);
  assert.match(text, /\| anonymous \| 30 min \| 2 h \| never \| no \|/);
});
