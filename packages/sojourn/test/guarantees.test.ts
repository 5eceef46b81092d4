import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Token } from '../src/lifecycle/token.ts';
import { Between } from './between.ts';
import { guarantee } from './guarantee.ts';
import { code, through } from './lab.ts';

/** What a dump of the store holds: every record, as text. */
async function dump(lab: ReturnType<Parameters<Parameters<typeof guarantee>[1]>[0]>): Promise<string> {
  const { records } = await lab.store.page(null, 1000);
  const subject = await lab.store.subject('u1');
  return JSON.stringify([records, subject, await lab.events()]);
}

guarantee('G1: a token is 256 random bits beside a public id, and the store has only hashes of it', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const [id = '', secret = ''] = (browser.token ?? '').split('.');
  assert.equal(Buffer.from(secret, 'base64url').length, 32);
  assert.ok((browser.token ?? '').length < 100);
  assert.equal((await browser.signedIn()).id, id);
  const session = await browser.signedIn();
  await session.rotate();
  const [, next = ''] = (browser.token ?? '').split('.');
  assert.notEqual(next, secret);
  const text = await dump(here);
  assert.match(text, new RegExp(id));
  for (const hidden of [secret, next]) {
    assert.ok(!text.includes(hidden));
    assert.ok(!text.includes(Buffer.from(hidden, 'base64url').toString('hex')));
    assert.ok(!text.includes(Buffer.from(hidden, 'base64url').toString('base64')));
  }
  // What a dump holds opens nothing.
  const record = await here.store.find(id);
  for (const stolen of [record?.secretHash, record?.successor?.hash, record?.successor?.sealed, record?.formKey]) {
    assert.match((await browser.refusal(`${id}.${stolen}`)) ?? 'admitted', /^(sign_in_required|none)$/);
  }
});

guarantee('G1: every character of a secret counts', async (lab) => {
  const browser = await lab().signedIn();
  const token = browser.token ?? '';
  for (let i = token.indexOf('.') + 1; i < token.length; i++) {
    const other = token[i] === 'A' ? 'B' : 'A';
    const altered = token.slice(0, i) + other + token.slice(i + 1);
    assert.equal(await browser.refusal(altered), 'sign_in_required', `character ${i}`);
  }
  assert.equal(await browser.refusal(token), null);
});

guarantee('G2: a value that was never given out is no session and is not adopted', async (lab) => {
  const here = lab();
  const invented = `A${'b'.repeat(22)}.${'c'.repeat(43)}`;
  const browser = here.browser();
  browser.token = invented;
  const session = await browser.visit();
  assert.equal(session.state, 'none');
  await session.signIn('u1', { checkedAt: here.clock.now() + 1 });
  assert.notEqual(browser.token?.split('.')[0], invented.split('.')[0]);
  assert.equal(await browser.refusal(invented), 'sign_in_required');
});

guarantee('G2: sign-in, step-up, impersonation and its end each kill the token before, for ever', async (lab) => {
  const here = lab();
  const browser = here.browser();
  const dead: (string | null)[] = [];
  const next = async (change: () => Promise<unknown>): Promise<void> => {
    dead.push(browser.token);
    await change();
  };
  await (await browser.visit()).update((draft) => {
    draft.n = 1;
  });
  const checked = { checkedAt: here.clock.now() + 1 };
  await next(async () => (await browser.visit()).signIn('u1', checked));
  await next(async () => (await browser.visit()).signIn('u1', checked));
  await next(async () => (await browser.signedIn()).stepUp({ factor: 'totp' }));
  await next(async () => (await browser.signedIn()).stepUp({ factor: 'totp' }));
  await next(async () => (await browser.signedIn()).impersonate('u2', { reason: 'support' }));
  await next(async () => (await browser.signedIn()).stopImpersonating());
  for (let round = 0; round < 2; round++) {
    for (const token of dead) assert.equal(await browser.refusal(token), 'token_replaced');
    // What was counted is written before more time passes than a write may take.
    for (let second = 0; second < 300; second++) await here.settle();
  }
  assert.equal((await browser.signedIn()).subject, 'u1');
  await here.settle();
  const recorded = (await here.events()).filter(({ type, code }) => type === 'noticed' && code === 'token_replaced');
  assert.ok(recorded.length >= 5);
});

guarantee('G2: what held the old token writes nothing any more', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const before = await browser.signedIn();
  await (await browser.signedIn()).stepUp({ factor: 'totp' });
  await assert.rejects(
    before.update((draft) => {
      draft.n = 1;
    }),
    code('token_replaced'),
  );
  await assert.rejects(before.assertLive(), code('token_replaced'));
  await assert.rejects(before.stepUp({ factor: 'password' }), code('token_replaced'));
  assert.equal((await browser.signedIn()).data.n, undefined);
});

guarantee('G3: no request in flight brings an ended session back', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const inFlight = await browser.signedIn();
  await (await browser.signedIn()).terminate();
  await assert.rejects(
    inFlight.update((draft) => {
      draft.n = 1;
    }),
    code('session_terminated'),
  );
  await assert.rejects(inFlight.rotate(), code('session_terminated'));
  await assert.rejects(inFlight.stepUp({ factor: 'totp' }), code('session_terminated'));
  await assert.rejects(inFlight.impersonate('u2', { reason: 'x' }), code('sign_in_required'));
  await here.settle();
  assert.equal((await here.sessions.list('u1')).live.length, 0);
  assert.deepEqual(
    (await here.told(inFlight.id)).filter((type) => type !== 'noticed'),
    ['signed_in', 'terminated'],
  );
});

guarantee('G4: of two requests that change one session both keep their change', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const requests = await Promise.all(Array.from({ length: 10 }, () => browser.signedIn()));
  await Promise.all(
    requests.map((session, i) =>
      session.update((draft) => {
        draft.cart = [...(draft.cart ?? []), `item ${i}`];
      }),
    ),
  );
  assert.equal((await browser.signedIn()).data.cart?.length, 10);
});

guarantee('G6: idle and absolute limit both end a session, and use moves only the first', async (lab) => {
  const here = lab();
  const idle = await here.signedIn('u1');
  const busy = await here.signedIn('u2');
  for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
    here.clock.advance('20m');
    await busy.signedIn();
    await here.settle();
  }
  assert.equal(await idle.refusal(), 'session_expired_idle');
  here.clock.advance('19m');
  await busy.signedIn();
  here.clock.advance('1m');
  assert.equal(await busy.refusal(), 'session_expired_absolute');
  const reasons = (await here.events()).filter(({ type }) => type === 'expired').map(({ reason }) => reason);
  assert.deepEqual(reasons.sort(), ['session_expired_absolute', 'session_expired_idle']);
});

guarantee('G6: at the limit itself a session is dead, a millisecond before it lives', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const late = await here.signedIn('u2');
  here.clock.advance(30 * 60_000 - 1);
  assert.equal(await browser.refusal(), null);
  here.clock.advance(1);
  assert.equal(await late.refusal(), 'session_expired_idle');
});

guarantee(
  'G7: an ended session is refused at the very next look-up here and within the bound elsewhere, also by a process that is cut off',
  async (lab) => {
    const here = lab();
    const between = new Between();
    between.keepOpen = true;
    const there = lab({ engine: () => here.store, around: between.around, clock: here.clock });
    const browser = await here.signedIn();
    const { id } = await browser.signedIn();
    const elsewhere = there.browser();
    elsewhere.token = browser.token;
    // Until both remember it, where they remember anything.
    for (let i = 0; i < 5; i++) {
      for (const one of [browser, elsewhere]) await one.signedIn();
      await here.settle();
      await there.settle();
    }
    between.failing = (name) => name === 'beat';
    await here.sessions.terminate(id, { reason: 'administrator', by: 'root' });
    assert.equal(await browser.refusal(), 'session_terminated');
    here.clock.advance('1s');
    assert.equal(await elsewhere.refusal(), 'session_terminated');
  },
);

guarantee(
  'G8: a store that errs or hangs gives an error in time, and no request is served as a visitor',
  async (lab) => {
    let broken: 'no' | 'throws' | 'hangs' = 'no';
    const here = lab({
      around: (store) =>
        through(store, (_name, run) => {
          if (broken === 'hangs') return new Promise(() => {});
          if (broken === 'throws') throw new Error('ECONNREFUSED');
          return run();
        }),
    });
    const browser = await here.signedIn();
    const held = await browser.signedIn();
    for (const how of ['throws', 'hangs'] as const) {
      // Past what is remembered, for as long as it is proved.
      here.clock.advance('1s');
      await new Promise((resolve) => setImmediate(resolve));
      broken = how;
      const attempts = [
        browser.visit(),
        held.terminate(),
        held.assertLive(),
        held.update((draft) => {
          draft.n = 1;
        }),
        here.sessions.terminateAll('u1'),
        here.sessions.list('u1'),
      ].map((attempt) => assert.rejects(attempt, code('store_unavailable')));
      await new Promise((resolve) => setImmediate(resolve));
      // Each attempt of the one session waits for the one before it.
      for (let i = 0; i < 4; i++) {
        here.clock.advance('2s');
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(attempts);
    }
    broken = 'no';
    assert.equal(await browser.refusal(), null);
  },
);

guarantee('G9: the most sessions of a subject holds under parallel sign-ins', async (lab) => {
  const here = lab({ policy: { limit: 3 } });
  const browsers = await Promise.all(Array.from({ length: 12 }, () => here.signedIn('u1')));
  assert.equal((await here.sessions.list('u1')).live.length, 3);
  const alive = await Promise.all(browsers.map((browser) => browser.refusal()));
  assert.equal(alive.filter((refusal) => refusal === null).length, 3);
  const refusing = lab({ policy: { limit: 1, onLimit: 'refuse' } });
  await refusing.signedIn('u1');
  await assert.rejects(refusing.signedIn('u1'), code('limit_reached'));
});

guarantee(
  'G10: a permission taken away bites at the next request; one given holds from the new token on',
  async (lab) => {
    const here = lab();
    const browser = await here.signedIn('u1', { permissions: ['read', 'write'] });
    await here.sessions.setPermissions('u1', ['read', 'admin']);
    const first = browser.token;
    const session = await browser.signedIn();
    assert.deepEqual(session.permissions, ['read']);
    const second = browser.token;
    assert.notEqual(second, first);
    assert.deepEqual((await browser.signedIn()).permissions, ['read', 'admin']);
    // Requests that were under way with the old token go on, without what it never had.
    const underWay = await browser.signedIn({ token: first });
    assert.deepEqual(underWay.permissions, ['read']);
    await underWay.assertLive();
    assert.deepEqual(underWay.permissions, ['read']);
  },
);

guarantee('G10: a disabled account is out at the next request and a sign-in under way does not land', async (lab) => {
  const here = lab();
  const browser = await here.signedIn('u1');
  const signingIn = await here.browser().visit();
  const checkedAt = here.clock.now();
  assert.equal(await here.sessions.disable('u1', { by: 'root' }), 1);
  assert.equal(await browser.refusal(), 'session_terminated');
  await assert.rejects(signingIn.signIn('u1', { checkedAt }), code('subject_changed'));
  here.clock.advance('1m');
  await assert.rejects(here.signedIn('u1'), code('subject_changed'));
  await here.sessions.enable('u1');
  await here.signedIn('u1');
});

guarantee('G11: every session has exactly one terminal event, with reason and actor, also for expiry', async (lab) => {
  const here = lab();
  const out = await here.signedIn('u1');
  const revoked = await here.signedIn('u2');
  const left = await here.signedIn('u3');
  await (await out.signedIn()).terminate();
  await here.sessions.terminate((await revoked.signedIn()).id, { reason: 'administrator', by: 'root' });
  assert.equal(await here.sessions.terminate(revoked.token?.split('.')[0] ?? ''), false);
  here.clock.advance('1h');
  await here.sessions.sweep();
  await left.refusal();
  const terminal = (await here.events()).filter(({ type }) => type === 'expired' || type === 'terminated');
  assert.deepEqual(terminal.map(({ subject, reason, by }) => [subject, reason, by]).sort(), [
    ['u1', 'signed_out', 'u1'],
    ['u2', 'administrator', 'root'],
    ['u3', 'session_expired_idle', 'clock'],
  ]);
});

guarantee('G12: what waits on a session learns of its end at once, with the reason', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const { signal } = await browser.signedIn();
  assert.equal(signal.aborted, false);
  await (await browser.signedIn()).terminate();
  assert.equal(signal.aborted, true);
  assert.equal(signal.reason.reason, 'signed_out');
});

guarantee('G12: what waits on a session learns of its limits', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const { signal } = await browser.signedIn();
  const aborted = new Promise((resolve) => {
    signal.addEventListener('abort', resolve);
  });
  await here.settle();
  here.clock.advance('30m');
  await aborted;
  assert.equal(signal.reason.reason, 'session_expired_idle');
});

guarantee(
  'G13: rotation hands every parallel request the same next secret, and a lost answer costs nothing',
  async (lab) => {
    const here = lab();
    const browser = await here.signedIn();
    here.clock.advance('25m');
    await browser.visit();
    await here.settle();
    here.clock.advance('25m');
    await browser.visit();
    await here.settle();
    here.clock.advance('11m');
    const old = browser.token;
    await Promise.all(Array.from({ length: 5 }, () => browser.visit({ token: old, lost: true })));
    const handed = new Set(browser.handed.slice(-5));
    assert.equal(handed.size, 1);
    // Nothing arrived; the old token is as good as before, for as long as it takes.
    here.clock.advance('20m');
    const session = await browser.signedIn({ token: old });
    assert.deepEqual(new Set(browser.handed.slice(-1)), handed);
    assert.equal(session.subject, 'u1');
    // Seen: the old one authenticates for the grace, and is handed nothing.
    await browser.signedIn();
    const count = browser.handed.length;
    await browser.signedIn({ token: old });
    assert.equal(browser.handed.length, count);
  },
);

guarantee(
  'G13: the predecessor after its grace ends the session neutrally and its data waits for the next sign-in',
  async (lab) => {
    const here = lab();
    const browser = await here.signedIn();
    const session = await browser.signedIn();
    await session.update((draft) => {
      draft.cart = ['kept'];
    });
    const stale = browser.copy();
    await session.rotate();
    await browser.signedIn();
    here.clock.advance('30s');
    assert.equal(await stale.refusal(), 'rotation_lost');
    assert.equal(await browser.refusal(), 'rotation_lost');
    const again = await here.signedIn('u1');
    assert.deepEqual((await again.signedIn()).data.cart, ['kept']);
    // Once: a second sign-in finds nothing.
    assert.deepEqual((await (await here.signedIn('u1')).signedIn()).data, {});
  },
);

guarantee('G13: anything older is a copy: the session ends as reuse_detected', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const stolen = browser.copy();
  for (let i = 0; i < 2; i++) {
    await (await browser.signedIn()).rotate();
    await browser.signedIn();
    here.clock.advance('1m');
  }
  const { id } = await browser.signedIn();
  assert.equal(await stolen.refusal(), 'reuse_detected');
  assert.equal(await browser.refusal(), 'reuse_detected');
  assert.deepEqual(
    (await here.told(id)).filter((type) => type !== 'noticed'),
    ['signed_in', 'rotated', 'rotated', 'reuse_detected', 'terminated'],
  );
});

guarantee('G14: reading costs no write and no token', async (lab) => {
  let writes = 0;
  const reads = new Set(['find', 'subject', 'list', 'page', 'events', 'cursor', 'beat']);
  const here = lab({
    around: (store) =>
      through(store, (name, run) => {
        if (!reads.has(name)) writes += 1;
        return run();
      }),
  });
  for (let i = 0; i < 20; i++) {
    const browser = here.browser();
    const session = await browser.visit();
    assert.deepEqual(session.data, {});
    assert.equal(browser.token, null);
  }
  assert.equal(writes, 0);
});

guarantee('G14: visitors’ records are bounded and never displace signed-in ones', async (lab) => {
  const here = lab({ policy: { mostAnonymous: 3 } });
  const user = await here.signedIn();
  const write = async (): Promise<void> => {
    await (await here.browser().visit()).update((draft) => {
      draft.n = 1;
    });
  };
  for (let i = 0; i < 3; i++) await write();
  await assert.rejects(write(), code('anonymous_refused'));
  assert.equal(await user.refusal(), null);
  // Somebody may still sign in.
  await here.signedIn('u2');
});

guarantee('G15: a token shows itself to nobody', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const token = new Token(...((browser.token ?? '').split('.') as [string, string]));
  const secret = browser.token?.split('.')[1] ?? '-';
  const session = await browser.signedIn();
  await session.rotate();
  await browser.refusal(`${browser.token?.slice(0, -1)}A`);
  await session.terminate();
  await here.settle();
  const shown = [
    String(token),
    JSON.stringify({ token }),
    inspect(token),
    `${token}`,
    inspect(session, { depth: 10, showHidden: true }),
    JSON.stringify(session),
    await dump(here),
    JSON.stringify(await here.sessions.list('u1')),
    JSON.stringify(here.log),
  ].join('\n');
  for (const hidden of [secret, ...browser.handed.map((handed) => handed.split('.')[1] ?? '-')]) {
    assert.ok(!shown.includes(hidden));
  }
});

guarantee('G17: who was admitted before the end is refused when looked up again', async (lab) => {
  const here = lab();
  const browser = await here.signedIn();
  const held = await browser.signedIn();
  await held.assertLive();
  await here.sessions.terminateAll('u1', { reason: 'password_changed' });
  await assert.rejects(held.assertLive(), code('session_terminated'));
  const expiring = await here.signedIn('u2');
  const waiting = await expiring.signedIn();
  here.clock.advance('30m');
  await assert.rejects(waiting.assertLive(), code('session_expired_idle'));
});
