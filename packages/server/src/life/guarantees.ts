/** The promises that the life page lets people test, in the words in which they are made. */
export const guarantees = {
  G1: {
    name: 'Unguessable',
    says: 'A token has at least 256 random bits, and a public id apart from the secret. Only hashes are stored and, while a rotation is pending, its successor sealed under the present secret. Comparison takes constant time.',
  },
  G2: {
    name: 'No fixation',
    says: 'A value the client invented is never adopted. Sign-in, re-authentication, step-up, impersonation start and stop each end the old token at once: it is refused with token_replaced for ever, recorded, and never touches the session that replaced it.',
  },
  G3: {
    name: 'No resurrection',
    says: 'Once ended, no request in flight, touch, retry, cache fill or failover brings a session back.',
  },
  G6: {
    name: 'Two clocks',
    says: 'There is an idle and an absolute limit on every session, checked at each lookup against the engine’s clock. Touching never moves the absolute limit.',
  },
  G13: {
    name: 'Rotation is safe',
    says: 'A rotation never signs out an honest client over parallel requests, lost responses or a dropped Set-Cookie. The direct predecessor used after its grace ends the session with the neutral reason rotation_lost; anything older is the verdict reuse_detected.',
  },
  G17: {
    name: 'Not after the end',
    says: 'An unsafe request that was admitted before the session ended is looked up again, fresh, once its body has been read. Writes to the session always are.',
  },
} as const;

export type Guarantee = keyof typeof guarantees;

/** What the sentences about express-session rest on. */
export const peerEvidence =
  'express-session 1.19.0 with its memory store, measured and read in its source in November 2026';

/** What a plain express-session app does in the same place. */
export const peers = {
  madeUp:
    'express-session does not adopt an id it does not know either; it makes a new one. What it leaves to the app is the other test: a real visitor’s token.',
  planted:
    'It keeps the visitor’s id at sign-in unless the app calls regenerate() itself, and whoever planted the id is then signed in too. With regenerate() at a second sign-in, the old id was alive again in 20 of 20 runs while a request with it was in flight.',
  altered:
    'It refuses this too, since its cookie is signed. But the key of its store is the id itself, not a hash, and a refused cookie leaves no event.',
  expired:
    'It has no absolute limit. Its idle limit is the cookie’s maxAge, which every request pushes on; without maxAge its memory store never lets a session expire.',
  replayed:
    'destroy() ends the stored session and leaves the cookie in the browser. While a writing request of the same session was in flight, the signed-out session was alive again in 20 of 20 runs; with its default resave: true, a request that only read was enough.',
  lateWrite:
    'It saves the whole record when the request ends. A write begun before the sign-out brought the session back in 20 of 20 runs, and a request whose body came late still did its work in 10 of 10.',
} as const;
