/*
 * What the compiler must accept and what it must refuse. Compiled with everything else, never run: all
 * that is used here is declared, and nothing is imported but types.
 */
import type { Request } from 'express';
import type { FastifyRequest } from 'fastify';
import type { Context } from 'hono';
import type { expressSessions } from './frameworks/express.ts';
import type { fastifySessions } from './frameworks/fastify.ts';
import type { fetchSessions } from './frameworks/fetch.ts';
import type { honoSessions } from './frameworks/hono.ts';
import type { nodeSessions } from './frameworks/node.ts';
import type {
  Code,
  createSessions,
  EndingReason,
  Session,
  SessionEvent,
  Sessions,
  SignedInSession,
  SojournError,
  Store,
  Token,
} from './index.ts';
import type { testSessions } from './testing/testing.ts';

type Permission = 'orders:read' | 'orders:refund';
interface Cart {
  cart: { sku: string; tags: string[] }[];
  theme: 'light' | 'dark';
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function holds<_T extends true>(): void;

declare const make: typeof createSessions;
declare const store: Store;
declare const sessions: Sessions<Cart, Permission>;
declare const session: Session<Cart, Permission>;
declare const signedIn: SignedInSession<Cart, Permission>;

// A typo in a permission.
await session.signIn('u1', { permissions: ['orders:read'] });
// @ts-expect-error not a permission
await session.signIn('u1', { permissions: ['orders:reed'] });
await sessions.setPermissions('u1', ['orders:read', 'orders:refund']);
// @ts-expect-error not a permission
await sessions.setPermissions('u1', ['orders:read', 'order:refund']);
session.has('orders:read');
// @ts-expect-error not a permission
session.has('orders:*');
await signedIn.impersonate('u2', { reason: 'ticket 7', permissions: ['orders:read'] });
// @ts-expect-error not a permission
await signedIn.impersonate('u2', { reason: 'ticket 7', permissions: ['admin'] });
// @ts-expect-error the reason is for the record
await signedIn.impersonate('u2', {});

declare const onExpress: typeof expressSessions;
declare const onFastify: typeof fastifySessions;
declare const onHono: typeof honoSessions;
declare const onNode: typeof nodeSessions;
declare const onFetch: typeof fetchSessions;
const express = onExpress(sessions);
const fastify = onFastify(sessions);
const hono = onHono(sessions);
const node = onNode(sessions);
const fetched = onFetch(sessions);
for (const web of [express, fastify, hono, node, fetched]) web.requireSignIn({ permission: 'orders:read' });
// @ts-expect-error not a permission
express.requireSignIn({ permission: 'orders:reed' });
// @ts-expect-error not a permission
fastify.requireSignIn({ permission: 'orders:reed' });
// @ts-expect-error not a permission
hono.requireSignIn({ permission: 'orders:reed' });
// @ts-expect-error not a permission
node.requireSignIn({ permission: 'orders:reed' });
// @ts-expect-error not a permission
fetched.requireSignIn({ permission: 'orders:reed' });

// What a rule asks is spelled as it is read.
express.requireSignIn({ within: '10m', factor: 'totp' });
// @ts-expect-error the option is `permission`
express.requireSignIn({ permissions: ['orders:read'] });
// @ts-expect-error no such unit
express.requireSignIn({ within: '10 minutes' });

// Behind a rule there is a subject, in every framework.
declare const req: Request;
declare const request: FastifyRequest;
declare const c: Context;
holds<Same<ReturnType<typeof express.signedIn>['subject'], string>>();
express.signedIn(req).subject.toUpperCase();
fastify.signedIn(request).subject.toUpperCase();
hono.signedIn(c).subject.toUpperCase();
holds<Same<Awaited<ReturnType<ReturnType<typeof node.requireSignIn>>>, SignedInSession<Cart, Permission>>>();
holds<Same<Awaited<ReturnType<ReturnType<typeof fetched.requireSignIn>>>, SignedInSession<Cart, Permission>>>();
// @ts-expect-error before it there may be none
express.session(req).subject.toUpperCase();

// The state says what a session has.
if (session.state === 'signed-in') {
  holds<Same<typeof session.subject, string>>();
  holds<Same<typeof session.id, string>>();
  holds<Same<typeof session.permissions, readonly Permission[]>>();
  await session.stepUp({ factor: 'totp' });
  session.signal.throwIfAborted();
} else if (session.state === 'anonymous') {
  holds<Same<typeof session.subject, null>>();
  holds<Same<typeof session.id, string>>();
  // @ts-expect-error nobody to prove anything
  await session.stepUp({ factor: 'totp' });
} else {
  holds<Same<typeof session.subject, null>>();
  holds<Same<typeof session.id, null>>();
  // @ts-expect-error nothing to rotate
  await session.rotate();
  // @ts-expect-error nothing that could end
  session.signal.throwIfAborted();
  // @ts-expect-error nothing to bind a form to
  session.verifyFormToken('x');
}
// @ts-expect-error no such state
if (session.state === 'pending') await session.assertLive();
// @ts-expect-error a subject is text
await session.signIn(42);
// @ts-expect-error no such option
await session.signIn('u1', { rememberMe: true });

// Data is the application's own, and read-only all the way down.
const { data } = session;
data.cart?.[0]?.tags[0]?.toUpperCase();
// @ts-expect-error it may not be there yet
data.cart[0];
// @ts-expect-error read-only
data.theme = 'dark';
// @ts-expect-error read-only
data.cart?.push({ sku: 'a', tags: [] });
// @ts-expect-error read-only
data.cart?.[0]?.tags.push('a');
for (const item of data.cart ?? []) {
  // @ts-expect-error read-only
  item.sku = 'b';
}
// @ts-expect-error no such key
data.role;
// @ts-expect-error read-only
session.data = {};
await session.update((draft) => {
  draft.cart ??= [];
  draft.cart.push({ sku: 'a', tags: ['x'] });
  delete draft.theme;
  // @ts-expect-error no such theme
  draft.theme = 'blue';
  // @ts-expect-error no such key
  draft.role = 'admin';
});

// Unknown options, and values that are none of those allowed.
make({ store });
make({ store, policy: { grace: '30s', kinds: { standard: { idle: '30m' } }, handover: { cart: 'merge' } } });
// @ts-expect-error there is no secret to invent
make({ store, secret: 'keyboard cat' });
// @ts-expect-error a store is needed
make({ origin: 'https://app.test' });
// @ts-expect-error no such policy
make({ store, policy: 'strict' });
// @ts-expect-error limits belong to a kind
make({ store, policy: { idle: '30m' } });
// @ts-expect-error no such option of a kind
make({ store, policy: { kinds: { standard: { timeout: '30m' } } } });
// @ts-expect-error no such unit
make({ store, policy: { grace: '30 seconds' } });
// @ts-expect-error no such rule
make({ store, policy: { handover: { cart: 'copy' } } });
// @ts-expect-error the domain is never set
make({ store, cookie: { domain: 'app.test' } });
// @ts-expect-error data is an object
make<string>({ store });
// @ts-expect-error no such option
onExpress(sessions, { loginPath: '/login' });
// @ts-expect-error no such option
express.trackWith({ readonly: true });
// @ts-expect-error no such option
sessions.events({ from: 'x' });

// Without types of its own an application has text and whatever JSON holds.
const plain = make({ store });
holds<Same<typeof plain, Sessions<Record<string, unknown>, string>>>();

// Codes and reasons are closed unions.
declare const error: SojournError;
declare const event: SessionEvent;
holds<Same<typeof error.code, Code>>();
holds<Same<typeof event.reason, EndingReason | undefined>>();
// @ts-expect-error no such code
if (error.code === 'session_expired') throw error;
await sessions.terminateAll('u1', { reason: 'password_changed', except: 'id' });
// @ts-expect-error no such reason
await sessions.terminateAll('u1', { reason: 'because' });
// @ts-expect-error no such type of event
if (event.type === 'logout') throw error;

// A token is no text, so that none gets anywhere by accident.
declare const token: Token;
// @ts-expect-error only `reveal()` shows it
const text: string = token;
holds<Same<ReturnType<Token['reveal']>, string>>();
encodeURIComponent(text);

// Lists show the application's own permissions, and nothing can be changed through them.
const [device] = (await sessions.list('u1')).live;
holds<Same<typeof device, undefined | NonNullable<typeof device>>>();
holds<Same<NonNullable<typeof device>['permissions'], readonly Permission[]>>();
// @ts-expect-error read-only
if (device) device.expiresAt = 0;

// The testing kit keeps the types of the application.
declare const testing: typeof testSessions;
await testing<Cart, Permission>().as('u1', { permissions: ['orders:read'] });
// @ts-expect-error not a permission
await testing<Cart, Permission>().as('u1', { permissions: ['orders:reed'] });
