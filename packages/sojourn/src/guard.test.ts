import assert from 'node:assert/strict';
import { test } from 'node:test';
import { code, Lab } from '../test/lab.ts';

test('an assignment to a session is an error that names the way to write, in sloppy code too', async () => {
  const session = await (await new Lab().signedIn()).signedIn();
  assert.throws(() => Object.assign(session, { cart: [] }), /session\.cart = … would be lost: await session\.update/);
  // As sloppy code assigns: what answers false instead of throwing is passed over there.
  assert.throws(() => Reflect.set(session, 'views', 1), code('state_invalid'));
});

test('what express-session’s users call is answered with what to call instead (G16)', async () => {
  const session: object = await (await new Lab().signedIn()).signedIn();
  const instead = {
    regenerate: /call signIn\(user\.id\)/,
    save: /call update\(draft/,
    reload: /call assertLive\(\)/,
    destroy: /call terminate\(\)/,
    touch: /leave it out/,
  };
  for (const [name, message] of Object.entries(instead)) {
    const call: unknown = Reflect.get(session, name);
    assert.ok(typeof call === 'function');
    assert.throws(() => call(), { message });
    assert.throws(() => call(), code('state_invalid'));
  }
});

test('what a session does not have is not there, so it can be awaited, shown and compared', async () => {
  const session: object = await (await new Lab().signedIn()).signedIn();
  for (const name of ['then', 'cookie', 'toJSON', Symbol.iterator, Symbol.toStringTag]) {
    assert.equal(Reflect.get(session, name), undefined);
  }
});

test('what every object has is not called express-session’s', async () => {
  const session: object = await (await new Lab().signedIn()).signedIn();
  for (const name of ['toString', 'valueOf', 'hasOwnProperty']) {
    const found: unknown = Reflect.get(session, name);
    if (typeof found !== 'function') continue;
    try {
      Reflect.apply(found, session, ['id']);
    } catch (error) {
      assert.doesNotMatch(String(error), /express-session/);
    }
  }
});

test('an assignment to what a session shows is no less of an error in sloppy code', async () => {
  const session = await (await new Lab().signedIn()).signedIn();
  assert.throws(() => Reflect.set(session, 'data', {}), code('state_invalid'));
});
