import assert from 'node:assert/strict';
import { SojournError } from '../../src/lifecycle/errors.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { type Browser, type Lab, type LabOptions, through } from '../lab.ts';
import type { Scheduler } from './scheduler.ts';

type Request = () => Promise<unknown>;

export interface Scenario {
  readonly name: string;
  readonly options?: LabOptions;
  /** Between the scheduler and the engine. */
  readonly around?: (store: Store) => Store;
  /** Sets the scene, answers `count` requests to interleave and what must hold afterwards. */
  begin(
    lab: Lab,
    scheduler: Scheduler,
    count: number,
  ): Promise<{ requests: readonly Request[]; check: () => Promise<void> }>;
}

/** The request's outcome: what it was refused with, or `done`. Anything but a refusal is a failure of the test. */
async function outcome(request: Request): Promise<string> {
  try {
    await request();
    return 'done';
  } catch (error) {
    if (error instanceof SojournError && error.status < 500) return error.code;
    throw error;
  }
}

/** `count` requests made of the kinds in turn. */
function take(count: number, ...kinds: readonly ((index: number) => Request)[]): Request[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = kinds[index % kinds.length];
    if (kind === undefined) throw new TypeError('no kinds');
    return kind(index);
  });
}

async function live(lab: Lab, subject = 'u1'): Promise<readonly { id: string }[]> {
  return (await lab.store.list(subject)).live;
}

/** A write by a request that finds the session and changes its data. */
function write(browser: Browser, key: number, written: Set<number>): Request {
  return async () => {
    const result = await outcome(async () => {
      const session = await browser.signedIn();
      await session.update((draft) => {
        draft.cart = [...(draft.cart ?? []), String(key)];
      });
    }).catch((error: unknown) => {
      // Not signed in any more when it came.
      if (error instanceof Error && error.message.startsWith('not signed in')) return 'refused';
      throw error;
    });
    if (result === 'done') written.add(key);
  };
}

const signOutAgainstWrites: Scenario = {
  name: 'G3: sign-out against writing requests',
  async begin(lab, _scheduler, count) {
    const browser = await lab.signedIn();
    const saved = browser.token;
    let signedOut = false;
    const out = (): Request => async () => {
      const session = await browser.visit({ token: saved });
      if (session.state === 'none') return;
      await session.terminate();
      signedOut = true;
      assert.deepEqual(await live(lab), [], 'live after sign-out was acknowledged');
    };
    const writer = browser.copy();
    return {
      requests: take(count, out, (i) => write(writer, i, new Set())),
      check: async () => {
        assert.ok(signedOut);
        assert.equal(await browser.refusal(saved), 'session_terminated');
        assert.deepEqual(await live(lab), []);
      },
    };
  },
};

const updateAgainstUpdate: Scenario = {
  name: 'G4: update against update',
  async begin(lab, _scheduler, count) {
    const browser = await lab.signedIn();
    const written = new Set<number>();
    return {
      requests: take(count, (i) => write(browser, i, written)),
      check: async () => {
        const { cart } = (await browser.signedIn()).data;
        assert.equal(written.size, count);
        assert.deepEqual([...(cart ?? [])].sort(), [...written].map(String).sort());
      },
    };
  },
};

/** A client that sends every write twice, as one does that lost the answer to the first. */
const repeatedWrites: Scenario = {
  ...updateAgainstUpdate,
  name: 'G4: writes repeated by their client',
  around: (store) =>
    through(store, async (name, run) => {
      const first = await run();
      if (name !== 'create' && name !== 'update' && name !== 'end') return first;
      const second = await run();
      assert.deepEqual(second, first, `${name} repeated`);
      return second;
    }),
};

const rotation: Scenario = {
  name: 'G13: rotation against parallel requests with lost and reordered answers',
  async begin(lab, scheduler, count) {
    const browser = await lab.signedIn();
    const { id } = await browser.signedIn();
    lab.clock.advance('29m');
    await browser.signedIn();
    await lab.settle();
    lab.clock.advance('29m');
    await browser.signedIn();
    await lab.settle();
    lab.clock.advance('3m');
    const request =
      (index: number): Request =>
      async () => {
        const sent = browser.token;
        const wire = browser.copy();
        const session = await wire.visit({ token: sent });
        assert.equal(session.state, 'signed-in', `an honest request was refused: ${session.refused?.code}`);
        await scheduler.point('arrive');
        // Every other answer is lost; the rest arrive in whatever order the schedule has.
        if (index % 2 === 0 && wire.handed.length > 0) browser.token = wire.token;
      };
    return {
      requests: take(count, request),
      check: async () => {
        assert.equal((await browser.signedIn()).id, id);
        await browser.signedIn();
        const record = await lab.store.find(id);
        assert.ok((record?.generation ?? 0) <= 2, 'more than one successor');
        // Within the grace the first token still works; the newest one works for ever.
        lab.clock.advance('31s');
        assert.equal((await browser.signedIn()).id, id);
      },
    };
  },
};

const limit: Scenario = {
  name: 'G9: limit against parallel sign-ins',
  options: { policy: { limit: 2 } },
  async begin(lab, _scheduler, count) {
    return {
      requests: take(count, () => async () => {
        await lab.signedIn('u1');
        assert.ok((await live(lab)).length <= 2);
      }),
      check: async () => assert.equal((await live(lab)).length, Math.min(count, 2)),
    };
  },
};

/** A sign-in whose credentials were read before the account changed must not land after it. */
function signInAgainst(
  name: string,
  change: (lab: Lab) => Promise<unknown>,
  allowed: (lab: Lab) => Promise<void>,
): Scenario {
  return {
    name: `G10: sign-in against ${name}`,
    async begin(lab, _scheduler, count) {
      await lab.signedIn('u1', { permissions: ['read'] });
      lab.clock.advance('1s');
      const checkedAt = lab.clock.now();
      let changed = false;
      const signIn = (): Request => async () => {
        const session = await lab.browser().visit();
        const before = changed;
        const result = await outcome(() => session.signIn('u1', { checkedAt, permissions: ['read'] }));
        if (before) assert.equal(result, 'subject_changed');
      };
      return {
        requests: take(
          count,
          () => async () => {
            await change(lab);
            changed = true;
          },
          signIn,
        ),
        check: () => allowed(lab),
      };
    },
  };
}

const noneLive = async (lab: Lab): Promise<void> => assert.deepEqual(await live(lab), []);

const againstTerminateAll = signInAgainst(
  'terminateAll',
  (lab) => lab.sessions.terminateAll('u1', { reason: 'password_changed' }),
  noneLive,
);

const againstDisable = signInAgainst('disabling', (lab) => lab.sessions.disable('u1'), noneLive);

const againstPermissions = signInAgainst(
  'setPermissions',
  (lab) => lab.sessions.setPermissions('u1', []),
  async (lab) => {
    for (const session of (await lab.sessions.list('u1')).live) assert.deepEqual(session.permissions, []);
  },
);

const signInTwice: Scenario = {
  name: 'G2: a sign-in sent twice',
  options: { policy: { handover: { cart: 'keep' } } },
  async begin(lab, _scheduler, count) {
    const browser = lab.browser();
    await (await browser.visit()).update((draft) => {
      draft.cart = ['x'];
    });
    const anonymous = browser.token;
    const results: Browser[] = [];
    const signIn = (): Request => async () => {
      const click = browser.copy();
      const session = await click.visit({ token: anonymous });
      await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
      results.push(click);
    };
    return {
      requests: take(count, signIn),
      check: async () => {
        assert.equal((await live(lab)).length, 1, 'a click left a session behind');
        assert.equal(await browser.refusal(anonymous), 'token_replaced');
        const admitted = await Promise.all(results.map((click) => click.visit()));
        const carts = admitted.filter(({ state }) => state === 'signed-in').map(({ data }) => data.cart);
        assert.deepEqual(carts, [['x']], 'the cart was lost');
      },
    };
  },
};

const touchAgainstEnd: Scenario = {
  name: 'G3: touch against end and expiry',
  async begin(lab, _scheduler, count) {
    const browser = await lab.signedIn();
    const { id } = await browser.signedIn();
    lab.clock.advance(30 * 60_000 - 1);
    const touch = (): Request => () => lab.store.touch([{ id, seenAt: lab.clock.now() }]);
    const visit = (): Request => async () => void (await browser.visit());
    const end = (): Request => async () => void (await lab.sessions.terminate(id));
    const late = (): Request => async () => {
      lab.clock.advance(1);
      await browser.visit();
    };
    return {
      requests: take(count, touch, late, end, visit),
      check: async () => {
        const record = await lab.store.find(id);
        const seen = record?.lastSeenAt;
        await lab.store.touch([{ id, seenAt: lab.clock.now() + 1 }]);
        if (record?.ending) assert.equal((await lab.store.find(id))?.lastSeenAt, seen, 'an ended session was touched');
        else assert.equal(await browser.refusal(), null);
        if (count > 2) assert.ok(record?.ending);
      },
    };
  },
};

const sweepAgainstUpdate: Scenario = {
  name: 'G4: sweep against update',
  async begin(lab, _scheduler, count) {
    const browser = await lab.signedIn();
    const { id } = await browser.signedIn();
    const written = new Set<number>();
    lab.clock.advance('29m');
    const session = await browser.signedIn();
    lab.clock.advance('2m');
    // Admitted in time, its touch not written yet: the sweep sees a session that looks dead.
    const update =
      (index: number): Request =>
      async () => {
        const result = await outcome(() =>
          session.update((draft) => {
            draft.cart = [...(draft.cart ?? []), String(index)];
          }),
        );
        if (result === 'done') written.add(index);
      };
    const sweep = (): Request => () => lab.store.sweep(10);
    return {
      requests: take(count, update, sweep),
      check: async () => {
        const record = await lab.store.find(id);
        if (record?.ending) return;
        assert.deepEqual(
          JSON.parse(record?.data ?? '{}')
            .cart?.map(Number)
            .sort(),
          [...written].sort(),
        );
        assert.equal(await browser.refusal(), null);
      },
    };
  },
};

const stepUpAgainstWrites: Scenario = {
  name: 'G2: step-up against requests with the old token',
  async begin(lab, _scheduler, count) {
    const browser = await lab.signedIn();
    const old = browser.copy();
    let steppedUp = false;
    const stepUp = (): Request => async () => {
      const session = await browser.visit({ token: old.token });
      if (session.state !== 'signed-in') return;
      if ((await outcome(() => session.stepUp({ factor: 'totp' }))) === 'done') steppedUp = true;
    };
    const writeOld =
      (index: number): Request =>
      async () => {
        const before = steppedUp;
        const session = await old.visit({ lost: true });
        const result = await outcome(() =>
          session.update((draft) => {
            draft.n = index;
          }),
        );
        if (before) assert.equal(result, 'token_replaced', 'the old token wrote after the step-up');
      };
    return {
      requests: take(count, stepUp, writeOld),
      check: async () => {
        assert.ok(steppedUp);
        assert.equal(await old.refusal(), 'token_replaced');
        assert.equal((await browser.signedIn()).subject, 'u1');
        assert.equal((await live(lab)).length, 1);
      },
    };
  },
};

export const scenarios: readonly Scenario[] = [
  signOutAgainstWrites,
  updateAgainstUpdate,
  repeatedWrites,
  rotation,
  limit,
  againstTerminateAll,
  againstDisable,
  againstPermissions,
  signInTwice,
  touchAgainstEnd,
  sweepAgainstUpdate,
  stepUpAgainstWrites,
];
