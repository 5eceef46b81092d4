import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../test/between.ts';
import { code, Lab } from '../test/lab.ts';
import { temporary } from '../test/temporary.ts';
import { SojournError } from './lifecycle/errors.ts';
import type { Carrier } from './session.ts';
import { createSessions } from './sessions.ts';
import type { LogEntry, SessionsOptions } from './settings.ts';
import { memory } from './stores/memory.ts';
import { sqlite } from './stores/sqlite/sqlite.ts';
import { TestClock } from './testing/clock.ts';
import { seededRandom } from './testing/random.ts';

/** Sessions as JavaScript would make them. */
function untyped(options: object): unknown {
  return Reflect.apply(createSessions, null, [{ store: memory(), sweepEvery: 'never', ...options }]);
}

test('an option that is wrong stops at the start with the fix in the message (G16)', () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ store: undefined }, /store: pass one, as sqlite/],
    [{ store: Promise.resolve(memory()) }, /^store: await it\.$/],
    [{ cookieName: 'sid' }, /createSessions\.cookieName is no option: use store, origin, trustedOrigins/],
    [{ secret: 'keyboard cat' }, /createSessions\.secret is no option/],
    [{ resave: false }, /createSessions\.resave is no option/],
    [{ origin: 'http://app.test' }, /use https, or a loopback host/],
    [{ origin: 'https://app.test/' }, /write it as https:\/\/app\.test\./],
    [{ trustedOrigins: ['pay.test'] }, /trustedOrigins "pay\.test": write/],
    [{ trustedOrigins: 'https://pay.test' }, /trustedOrigins "https:\/\/pay\.test": use a list/],
    [{ trustProxy: true }, /trustProxy: set origin too/],
    [{ trustProxy: -1, origin: 'https://app.test' }, /trustProxy: give the number of proxies/],
    [{ trustProxy: 1.5, origin: 'https://app.test' }, /trustProxy/],
    [{ trustProxy: 'loopback', origin: 'https://app.test' }, /trustProxy: give the number/],
    [{ policy: 'strict' }, /policy "strict": use default/],
    [{ policy: { extend: 'default' } }, /policy\.extend is no option: use grace/],
    [{ policy: { idle: '5m' } }, /policy\.idle is no option: use policy\.kinds\.standard\.idle\./],
    [{ policy: { touchInterval: '5s' } }, /policy\.touchInterval is no option: use policy\.kinds\.standard\.touchI/],
    [{ cookie: { domain: 'app.test' } }, /cookie\.domain is no option: use name, sameSite/],
    [{ cookie: { sameSite: 'none' } }, /cookie\.sameSite none: set an https origin/],
    [{ cookie: { name: '__Host-id' } }, /set an https origin, or leave the name out/],
    [{ storeDeadline: 'soon' }, /storeDeadline: "soon"\? Use whole/],
    [{ sweepEvery: '1 min' }, /sweepEvery: "1 min"\? Use whole/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => untyped(options), code('option_invalid'), JSON.stringify(options));
    assert.throws(() => untyped(options), { message });
  }
});

test('what is left out is as the documentation says', () => {
  const { policy, transport } = createSessions({ store: memory(), sweepEvery: 'never' });
  assert.equal(policy.name, 'default');
  assert.deepEqual(transport, {
    site: { origin: null, secure: false, trusted: [] },
    cookie: {},
    bearer: false,
    proxies: 0,
  });
  const given = { origin: 'https://app.test', trustProxy: true, bearer: true, cookie: { name: 'id' } } as const;
  const own = createSessions({ store: memory(), sweepEvery: 'never', ...given }).transport;
  assert.deepEqual([own.site.secure, own.proxies, own.bearer, own.cookie.name], [true, 1, true, 'id']);
});

test('behind https a cookie that other hosts of the domain could set is told of (G1, G16)', () => {
  const told = (more: Partial<SessionsOptions>): string[] => {
    const codes: string[] = [];
    const log = ({ code }: LogEntry): number => codes.push(code);
    createSessions({ store: memory(), sweepEvery: 'never', log, ...more });
    return codes;
  };
  const origin = 'https://app.test';
  assert.deepEqual(told({ origin, cookie: { name: 'id' } }), ['cookie_unprefixed']);
  assert.deepEqual(told({ origin, cookie: { name: '__Secure-id' } }), ['cookie_unprefixed']);
  assert.deepEqual(told({ origin, cookie: { name: '__Host-id' } }), []);
  assert.deepEqual(told({ origin }), []);
  assert.deepEqual(told({ cookie: { name: 'id' } }), []);
});

test('the time that is told is the engine’s, not this machine’s', () => {
  const engine = new TestClock();
  const sessions = createSessions({ store: memory({ now: engine.now }), sweepEvery: 'never' });
  assert.equal(sessions.now(), engine.now());
});

test('no two processes draw the same ids and secrets from the machine', async () => {
  const tokens = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const sessions = createSessions({ store: memory(), sweepEvery: 'never' });
      let token = '';
      const session = await sessions.track(null, {
        carrier: {
          begin: () => () => {},
          issue: (issued) => {
            token = issued.reveal();
          },
          clear: () => {},
          device: () => undefined,
          body: () => Promise.reject(new Error('no body')),
          address: null,
        },
      });
      await session.signIn('u1', { checkedAt: Date.now() + 1000 });
      await sessions.close();
      return token;
    }),
  );
  assert.equal(new Set(tokens.map((token) => token.split('.')[0])).size, 50);
  assert.equal(new Set(tokens.map((token) => token.split('.')[1])).size, 50);
});

test('a session tracked without a way to hand tokens out reads and writes data, and changes no token', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  const session = await lab.sessions.track(browser.token, { readOnly: true });
  assert.ok(session.state === 'signed-in');
  await session.update((draft) => {
    draft.n = 1;
  });
  assert.deepEqual((await browser.signedIn()).data, { n: 1 });
  await assert.rejects(session.stepUp({ factor: 'totp' }), /Pass `carrier`, which hands the token out/);
  await assert.rejects(session.terminate(), code('response_started'));
  await assert.rejects(session.body(), code('state_invalid'));
  const visitor = await lab.sessions.track(null);
  await assert.rejects(
    visitor.update(() => {}),
    code('response_started'),
  );
  assert.equal(await browser.refusal(), null);
  // A rotation that is due is handed to nobody, and nobody is the worse for it.
  lab.clock.advance('25m');
  await browser.signedIn();
  await lab.settle();
  lab.clock.advance('25m');
  await browser.signedIn();
  await lab.settle();
  lab.clock.advance('11m');
  assert.equal((await lab.sessions.track(browser.token)).state, 'signed-in');
  assert.equal(await browser.refusal(), null);
});

test('closing writes what waits, and what is asked afterwards is an outage, not a sign-out (G8)', async () => {
  const file = temporary('sessions.db');
  const lab = new Lab({ engine: (now) => sqlite(file, { now }) });
  const browser = await lab.signedIn();
  lab.clock.advance('5m');
  const { id } = await browser.signedIn();
  await browser.refusal(`${id}.${'x'.repeat(43)}`);
  await lab.settle();
  // The second of its kind would wait for its minute, and this visit for its half second.
  await browser.refusal(`${id}.${'x'.repeat(43)}`);
  lab.clock.advance('58s');
  await browser.refusal(`${id}.${'x'.repeat(43)}`);
  lab.clock.advance('400ms');
  await lab.sessions.close();
  await assert.rejects(async () => browser.visit(), code('store_unavailable'));
  const again = new Lab({ engine: (now) => sqlite(file, { now }), clock: lab.clock, random: seededRandom(8) });
  assert.deepEqual(
    (await again.events()).map(({ type, code: of, count }) => [type, of, count]),
    [
      ['signed_in', undefined, undefined],
      ['noticed', 'secret_mismatch', 1],
      ['noticed', 'secret_mismatch', 2],
    ],
  );
  await again.sessions.close();
});

test('a store has two seconds to answer unless another time is given (G8, R-073)', async () => {
  for (const [options, deadline] of [
    [{}, 2000],
    [{ storeDeadline: '300ms' }, 300],
  ] as const) {
    const between = new Between();
    const lab = new Lab({ around: between.around, ...options });
    between.hanging = () => true;
    let refused = false;
    const listing = lab.sessions.list('u1').catch(() => {
      refused = true;
    });
    lab.clock.advance(deadline - 1);
    await settled();
    assert.equal(refused, false);
    lab.clock.advance(1);
    await listing;
    assert.equal(refused, true);
  }
});

test('G16: an id that is no text is a mistake on every engine, and no unknown session', async () => {
  for (const store of [memory(), sqlite(temporary('ids.db'))]) {
    const sessions = createSessions({ store, sweepEvery: 'never' });
    for (const name of ['find', 'terminate'] as const) {
      for (const id of [undefined, null, {}, 7, ['a'], Promise.resolve('a')]) {
        await assert.rejects(async () => Reflect.apply(sessions[name], sessions, [id]), {
          code: 'option_invalid',
          message: `${name}: pass the id of a session.`,
        });
      }
    }
    for (const unknown of ['', 'junk', 'A'.repeat(23)]) {
      assert.deepEqual([await sessions.find(unknown), await sessions.terminate(unknown)], [null, false]);
    }
    await sessions.close();
  }
});

test('what is reported reaches the log and, where it is about a session, its events', async () => {
  const lab = new Lab();
  const { id } = await (await lab.signedIn()).signedIn();
  const entries: LogEntry[] = [
    { level: 'error', code: 'cookie_overwritten', message: 'GET /', sessionId: id },
    { level: 'info', code: 'relaxed_cookie', message: 'loopback', sessionId: id },
    // A code of whoever calls without types is for the log alone: events have a closed list.
    JSON.parse(JSON.stringify({ level: 'warn', code: 'of_my_own', message: 'mine', sessionId: id })),
    { level: 'error', code: 'origin_missing', message: 'no origin' },
  ];
  for (const entry of entries) lab.sessions.report(entry);
  assert.deepEqual(lab.log, entries);
  await lab.settle();
  const noticed = (await lab.events()).filter(({ type }) => type === 'noticed');
  assert.deepEqual(
    noticed.map(({ sessionId, code: of }) => [sessionId, of]),
    [[id, 'cookie_overwritten']],
  );
});

test('without a log of one’s own entries go to the console by their level, and no error is shown twice', (t) => {
  const { report } = createSessions({ store: memory(), sweepEvery: 'never' });
  const lines: unknown[][] = [];
  for (const level of ['error', 'warn', 'info'] as const) {
    t.mock.method(console, level, (...given: unknown[]) => lines.push([level, ...given]));
  }
  const error = new SojournError('store_unavailable', 'down');
  report({ level: 'error', code: 'store_unavailable', message: 'down', error });
  report({ level: 'error', code: 'cookie_overwritten', message: 'GET /' });
  report({ level: 'warn', code: 'rotation_unseen', message: 'unseen' });
  report({ level: 'info', code: 'relaxed_cookie', message: 'loopback' });
  assert.deepEqual(lines, [
    ['error', 'sojourn store_unavailable: down', error],
    ['error', 'sojourn cookie_overwritten: GET /'],
    ['warn', 'sojourn rotation_unseen: unseen'],
    ['info', 'sojourn relaxed_cookie: loopback'],
  ]);
});

test('what was merged away or refused is counted from the start', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const none = { touchesDropped: 0, noticesDropped: 0, anonymousRefused: 0, cache: null, proof: null };
  assert.deepEqual(lab.sessions.counts, none);
  const browser = await lab.signedIn();
  lab.clock.advance('5m');
  await browser.signedIn();
  await browser.refusal(`${browser.token?.split('.')[0]}.${'x'.repeat(43)}`);
  between.failing = (name) => name === 'touch' || name === 'note';
  lab.clock.advance('1s');
  await settled();
  assert.deepEqual(lab.sessions.counts, { ...none, touchesDropped: 1, noticesDropped: 1 });
});

test('a visitor refused because the store is full is counted too (G14)', async () => {
  const lab = new Lab({ policy: { mostAnonymous: 1 } });
  const write = async (): Promise<void> =>
    (await lab.browser().visit()).update((draft) => {
      draft.n = 1;
    });
  await write();
  await assert.rejects(write(), code('anonymous_refused'));
  assert.equal(lab.sessions.counts.anonymousRefused, 1);
});

test('closing during an outage still closes the store', async () => {
  const between = new Between();
  const clock = new TestClock();
  const store = memory({ now: clock.now });
  const lab = new Lab({ clock, around: () => between.around(store) });
  const browser = await lab.signedIn();
  lab.clock.advance('5m');
  await browser.signedIn();
  between.failing = (name) => name === 'touch';
  await lab.sessions.close().catch(() => {});
  assert.throws(() => store.find('Aid'), code('store_unavailable'));
});

test('a deadline or a pause of nothing is refused (G16)', () => {
  const options: Partial<SessionsOptions>[] = [{ storeDeadline: 0 }, { sweepEvery: 0 }];
  for (const option of options) assert.throws(() => untyped(option), code('option_invalid'));
});

test('a visitor’s session is created without a request, and its token goes to the carrier (G14)', async () => {
  const lab = new Lab({ policy: { mostAnonymous: 1 } });
  const tokens: string[] = [];
  const carrier: Carrier = {
    begin: () => () => {},
    issue: (token) => tokens.push(token.reveal()),
    clear: () => {},
    device: () => undefined,
    body: () => Promise.reject(new Error('no body')),
    address: null,
  };
  await assert.rejects(lab.sessions.create(), code('response_started'));
  const created = await lab.sessions.create({ carrier });
  assert.deepEqual([created.state, created.subject, created.data], ['anonymous', null, {}]);
  const [token = ''] = tokens;
  const tracked = await lab.sessions.track(token);
  assert.deepEqual([tracked.state, tracked.id, tokens.length], ['anonymous', created.id, 1]);
  await assert.rejects(lab.sessions.create({ carrier }), code('anonymous_refused'));
  const closed = new Lab({ policy: { anonymous: 'off' } });
  await assert.rejects(closed.sessions.create({ carrier }), code('sign_in_required'));
});
