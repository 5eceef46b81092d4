import { SojournError } from './lifecycle/errors.ts';

/** What code written for express-session calls on a session, and what to call instead. */
const foreign: Readonly<Record<string, string>> = {
  regenerate: 'call signIn(user.id), with passport after authenticate(strategy, { session: false })',
  save: 'call update(draft => { … })',
  reload: 'call assertLive()',
  destroy: 'call terminate()',
  touch: 'leave it out',
};

const refuse: ProxyHandler<object> = {
  get(_target, name) {
    if (typeof name !== 'string' || !Object.hasOwn(foreign, name)) return undefined;
    return () => {
      throw new SojournError('state_invalid', `session.${name}() is express-session’s: ${foreign[name]}.`);
    };
  },
  set(_target, name) {
    throw assigned(String(name));
  },
};

function assigned(name: string): SojournError {
  return new SojournError(
    'state_invalid',
    `session.${name} = … would be lost: await session.update(draft => { draft.${name} = … }).`,
  );
}

/**
 * What the objects of a class fall back to: an assignment to one is an error that names `update`, in sloppy
 * code too, and express-session's calls are errors that name ours. What they have themselves never gets
 * here, so it costs nothing; nor does making them, as a class that extends another would.
 */
export function guard(prototype: object): void {
  Object.setPrototypeOf(prototype, new Proxy(Object.create(null), refuse));
  // Sloppy code passes over an assignment to a getter without a setter.
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
