import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between } from '../../test/between.ts';
import { code, Lab } from '../../test/lab.ts';
import type { Store } from './ports.ts';

/* `assertLive({ tx })`: what is written about the session waits until that transaction ends, so it must not wait for a write. */

/** A store in which an application has transactions, each of which goes on seeing what it saw first. */
function transactional(store: Store): Store {
  const seen = new WeakMap<object, ReturnType<Store['find']>>();
  const find = (id: string, within: object = {}): ReturnType<Store['find']> => {
    const first = seen.get(within) ?? store.find(id);
    seen.set(within, first);
    return first;
  };
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'find') return find;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function lab(): { lab: Lab; between: Between } {
  const between = new Between();
  return { between, lab: new Lab({ around: (store) => between.around(transactional(store)) }) };
}

const tx = {};
const minute = 60_000;

test('G6: in a transaction a session that has died by the clock is refused, and whoever looks next writes its end', async () => {
  const { lab: here, between } = lab();
  const browser = await here.signedIn();
  const session = await browser.signedIn();
  await session.assertLive({ tx });
  here.clock.advance('12h');
  await assert.rejects(session.assertLive({ tx }), code('session_expired_absolute'));
  assert.equal(between.count('end'), 0);
  assert.equal(await browser.refusal(), 'session_expired_absolute');
  assert.equal((await here.sessions.find(session.id))?.ending?.reason, 'session_expired_absolute');
});

test('in a transaction a session lives that another request has visited in time, although that is not written yet', async () => {
  const { lab: here } = lab();
  const browser = await here.signedIn();
  const session = await browser.signedIn();
  here.clock.advance(30 * minute - 50);
  await browser.signedIn();
  here.clock.advance(100);
  await session.assertLive({ tx });
  here.clock.advance(30 * minute);
  await assert.rejects(session.assertLive({ tx }), code('session_expired_idle'));
});

test('in a transaction a session that has died and is gone by the second look is refused', async () => {
  const { lab: here, between } = lab();
  const session = await (await here.signedIn()).signedIn();
  here.clock.advance('12h');
  between.before('find', () => between.answering('find', () => null));
  await assert.rejects(session.assertLive({ tx }), code('session_expired_absolute'));
});

test('G16: `assertLive` takes a transaction by its name, and not one that is undefined', async () => {
  const { lab: here } = lab();
  const session = await (await here.signedIn()).signedIn();
  const mistaken: object[] = [{ trx: tx }, { tx: undefined }, Object.assign(() => {}, { tx })];
  for (const given of mistaken) await assert.rejects(session.assertLive(given), code('option_invalid'));
  await session.assertLive({});
});

test('in a transaction an impersonation is refused once its actor has changed, and whoever looks next ends it', async () => {
  const { lab: here, between } = lab();
  const browser = await here.signedIn('admin', { permissions: ['admin'] });
  await (await browser.signedIn()).impersonate('u1', { reason: 'ticket 1' });
  const acting = await browser.signedIn();
  here.clock.advance('1s');
  await here.sessions.setPermissions('admin', []);
  const ends = between.count('end');
  await assert.rejects(acting.assertLive({ tx }), code('session_terminated'));
  assert.equal(between.count('end'), ends);
  await assert.rejects(acting.assertLive(), code('session_terminated'));
  assert.equal((await here.sessions.find(acting.id))?.ending?.reason, 'subject_changed');
});
