import { SojournError } from './lifecycle/errors.ts';

/** What code written for express-session calls on a session, and what to call instead. */
const foreign: Readonly<Record<string, string>> = {
  regenerate:
    'A sign-in makes a new session by itself: `await session.signIn(user.id)`. With passport: ' +
    '`passport.authenticate(strategy, { session: false })`, then `await web.session(req).signIn(req.user.id)`.',
  save: 'A write is durable when its call resolves: `await session.update(draft => { … })`.',
  reload: '`await session.assertLive()` looks the session up once more.',
  destroy: '`await session.terminate()` signs out.',
  touch: 'Requests are noticed by themselves.',
};

const refuse: ProxyHandler<object> = {
  get(_target, name) {
    if (typeof name !== 'string' || !Object.hasOwn(foreign, name)) return undefined;
    return () => {
      throw new SojournError('state_invalid', `session.${name}() is express-session’s. ${foreign[name]}`);
    };
  },
  set(_target, name) {
    throw assigned(String(name));
  },
};

function assigned(name: string): SojournError {
  return new SojournError(
    'state_invalid',
    `session.${name} = … would be lost. Write data with \`await session.update(draft => { draft.${name} = … })\`.`,
  );
}

/** Gives each getter of a class a setter that throws: sloppy code passes over an assignment to one without. */
export function refuseAssignments(prototype: object): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (!property.get) continue;
    Object.defineProperty(prototype, name, {
      ...property,
      set() {
        throw assigned(name);
      },
    });
  }
}

/**
 * What a session object falls back to: an assignment to it is an error that names `update`, in sloppy
 * code too, and express-session's calls are errors that name ours. What a session has itself never
 * gets here, so it costs nothing.
 */
export class Guard {}
Object.setPrototypeOf(Guard.prototype, new Proxy(Object.create(null), refuse));
