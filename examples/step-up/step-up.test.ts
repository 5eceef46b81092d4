import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testSessions } from 'sojourn/testing';
import request, { type Response } from 'supertest';
import { makeApp } from './app.ts';

test('a transfer wants a fresh proof and the token of its session', async () => {
  const t = testSessions<object, 'transfer'>({ policy: { formToken: 'required' } });
  const app = makeApp(t.sessions);
  const ada = await t.as('ada', { permissions: ['transfer'], factor: 'password' });
  // What a browser sends with a form of this site: without it nothing shows where a request comes from.
  const page = { accept: 'text/html', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' };
  let headers: Record<string, string> = { ...ada.headers, ...page };
  const post = (path: string, fields: object): PromiseLike<Response> =>
    request(app).post(path).set(headers).type('form').send(fields);
  const token = async (): Promise<string> => {
    const form = await request(app).get('/transfer').set(headers);
    return /name="form_token" value="([^"]+)"/.exec(form.text)?.[1] ?? '';
  };

  const form_token = await token();
  assert.equal((await post('/transfer', { form_token })).text, 'transferred');
  assert.equal((await post('/transfer', {})).status, 403);

  t.clock.advance('11m');
  const sent = await post('/transfer', { form_token });
  assert.equal(sent.status, 303);
  assert.match(sent.headers['location'] ?? '', /^\/confirm/);

  assert.equal((await post('/confirm', { form_token, password: 'wrong' })).status, 403);
  const confirmed = await post('/confirm', { form_token, password: 'correct horse' });
  const cookie = confirmed.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  headers = { ...headers, cookie };
  assert.equal((await post('/transfer', { form_token: await token() })).text, 'transferred');
});

test('who signed in without a factor has proved nothing', async () => {
  const t = testSessions<object, 'transfer'>();
  const { headers } = await t.as('ada', { permissions: ['transfer'] });
  const refused = await request(makeApp(t.sessions)).post('/transfer').set(headers);
  assert.deepEqual([refused.status, refused.body.code], [401, 'fresh_proof_required']);
});
