import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import compression from 'compression';
import express, { type ErrorRequestHandler, type Express } from 'express';
import helmet from 'helmet';
import multer from 'multer';
import { Passport } from 'passport';
import { Strategy } from 'passport-local';
import request from 'supertest';
import { type ExpressWeb, expressSessions } from '../../src/frameworks/express.ts';
import { type TestSessions, testSessions } from '../../src/testing/testing.ts';

/* Middleware that others wrote, as they publish it, around our binding. */

type Data = { name: string };
type Kit = TestSessions<Data, 'read'>;

function kit(): { t: Kit; web: ExpressWeb<Data, 'read'>; app: Express } {
  const t: Kit = testSessions<Data, 'read'>();
  const web = expressSessions(t.sessions);
  return { t, web, app: express() };
}

const sameOrigin = { host: 'app.test', origin: 'https://app.test' };

/** The message an error had when it left the application. */
const showErrors: ErrorRequestHandler = (error, _req, res, _next) => {
  res.status(error.status ?? 500).json({ code: error.code, message: error.message });
};

function withPassport(): { passport: InstanceType<typeof Passport>; strategy: Strategy } {
  const passport = new Passport();
  const strategy = new Strategy((username, password, done) => {
    done(null, password === 'right' ? { id: username } : false);
  });
  passport.use(strategy);
  return { passport, strategy };
}

test('passport without its session mode, then signIn', async () => {
  const { app, web, t } = kit();
  const { passport } = withPassport();
  app.use(web.track, express.urlencoded());
  app.post('/login', passport.authenticate('local', { session: false }), async (req, res) => {
    const user = req.user as { id: string };
    await web.session(req).signIn(user.id, { permissions: ['read'], factor: 'password' });
    res.redirect(303, '/');
  });
  app.get('/', web.requireSignIn({ permission: 'read' }), (req, res) => void res.json(web.signedIn(req).subject));

  const wrong = await request(app).post('/login').set(sameOrigin).type('form').send({ username: 'ada', password: 'x' });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers['set-cookie'], undefined);
  const right = await request(app)
    .post('/login')
    .set(sameOrigin)
    .type('form')
    .send({ username: 'ada', password: 'right' });
  assert.equal(right.status, 303);
  const cookie = String(right.headers['set-cookie']).split(';')[0] ?? '';
  const home = await request(app).get('/').set(sameOrigin).set('cookie', cookie);
  assert.equal(home.body, 'ada');
  assert.equal((await t.sessions.list('ada')).live.length, 1);
});

test('passport’s session mode is told how to do it instead', async () => {
  const { app, web } = kit();
  const { passport } = withPassport();
  app.use(web.track, express.urlencoded());
  app.post('/login', passport.authenticate('local'), (_req, res) => void res.json({}));
  app.use(showErrors);
  const answer = await request(app)
    .post('/login')
    .set(sameOrigin)
    .type('form')
    .send({ username: 'ada', password: 'right' });
  assert.equal(answer.status, 500);
  assert.equal(answer.body.code, 'state_invalid');
  assert.match(answer.body.message, /signIn\(user\.id\).*session: false/s);
});

test('express-session’s way of writing is told how to do it instead', async () => {
  const { app, web } = kit();
  app.use(web.track);
  app.post('/cart', (req, res) => {
    Object.assign(Reflect.get(req, 'session'), { cart: ['x'] });
    res.json({});
  });
  app.use(showErrors);
  const answer = await request(app).post('/cart').set(sameOrigin);
  assert.equal(answer.status, 500);
  assert.match(answer.body.message, /session\.cart = .* session\.update/);
});

test('a request whose session is another library’s is refused with the fix', async () => {
  const { app, web } = kit();
  app.use((req, _res, next) => {
    Object.assign(req, { session: { cookie: {} } });
    next();
  });
  app.use(web.track, web.errors);
  const answer = await request(app).get('/').set(sameOrigin).set('accept', 'application/json');
  assert.equal(answer.status, 500);
  assert.equal(answer.body.code, 'session_taken');
});

test('another library keeps req.session on the paths that are its own, and is told where they are not', async () => {
  const { app, web } = kit();
  const theirs: express.RequestHandler = (req, _res, next) => {
    Object.assign(req, { session: { theirs: true } });
    next();
  };
  app.get('/ours', web.track, (_req, res) => void res.json({}));
  app.get('/theirs', theirs, (req, res) => void res.json(Reflect.get(req, 'session')));
  app.get('/both', web.track, theirs, (_req, res) => void res.json({}));
  app.use(showErrors);
  for (const path of ['/ours', '/theirs', '/ours']) assert.equal((await request(app).get(path)).status, 200, path);
  assert.deepEqual((await request(app).get('/theirs')).body, { theirs: true });
  assert.equal((await request(app).get('/both').set(sameOrigin)).body.code, 'session_taken');
});

test('req.session is the session in mounted applications and routers too, and undefined where nothing tracks', async () => {
  const { app, web, t } = kit();
  const ada = await t.as('ada', { permissions: ['read'] });
  const show: express.RequestHandler = (req, res) => {
    const session: unknown = Reflect.get(req, 'session');
    res.json({ subject: session === undefined ? null : Reflect.get(Object(session), 'subject') });
  };
  const mounted = express();
  mounted.get('/inner', show);
  const emptied: express.RequestHandler = (req, _res, next) => {
    Object.assign(req, { session: undefined });
    next();
  };
  app.get('/before', show);
  app.get('/emptied', emptied, web.track, show);
  app.use(web.track);
  app.use('/mounted', mounted);
  app.use('/router', express.Router().get('/inner', show), express.Router().use('/deep', mounted));
  app.use('/called', (req, res) => void mounted(req, res));
  for (const path of ['/before', '/mounted/inner', '/before', '/router/deep/inner', '/called/inner', '/emptied']) {
    const answer = await request(app).get(path).set(ada.headers);
    assert.equal(answer.body.subject, path === '/before' ? null : 'ada', path);
  }
});

test('req.session stays where a mounted application tracks and passes on to its parent', async () => {
  const { app, web, t } = kit();
  const ada = await t.as('ada', { permissions: ['read'] });
  app.use(express().use(web.track));
  app.use(web.track);
  app.get('/', (req, res) => void res.json(Reflect.get(Object(Reflect.get(req, 'session')), 'subject')));
  assert.equal((await request(app).get('/').set(ada.headers)).body, 'ada');
  assert.ok(!('session' in IncomingMessage.prototype));
});

test('helmet and compression leave the cookie and no-store on a compressed answer', async () => {
  const { app, web } = kit();
  app.use(helmet(), compression({ threshold: 0 }), web.track);
  app.post('/write', async (req, res) => {
    await web.session(req).update((draft) => {
      draft.name = 'ada';
    });
    res.json({ text: 'x'.repeat(5000) });
  });
  const answer = await request(app).post('/write').set(sameOrigin).set('accept-encoding', 'gzip');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.match(String(answer.headers['set-cookie']), /^__Host-sojourn=.*Secure/);
  assert.ok(answer.headers['strict-transport-security']);
});

test('multer reads an upload before the rule looks the session up', async () => {
  const { app, web, t } = kit();
  const upload = multer();
  app.use(web.track);
  app.post(
    '/photo',
    upload.single('photo'),
    web.requireSignIn(),
    (req, res) => void res.json({ bytes: req.file?.size }),
  );
  app.use(web.errors);
  const ada = await t.as('ada');
  const sent = await request(app).post('/photo').set(ada.headers).attach('photo', Buffer.alloc(1000), 'a.png');
  assert.deepEqual(sent.body, { bytes: 1000 });
  await t.sessions.terminateAll('ada');
  const refused = await request(app)
    .post('/photo')
    .set(ada.headers)
    .set('accept', 'application/json')
    .attach('photo', Buffer.alloc(1000), 'a.png');
  assert.equal(refused.status, 401);
  assert.equal(refused.body.code, 'session_terminated');
});

test('supertest’s agent keeps the session as a browser would', async () => {
  const { app, web } = kit();
  app.use(web.track);
  app.post('/login', async (req, res) => {
    await web.session(req).signIn('ada', { permissions: ['read'] });
    res.json({});
  });
  app.get('/', web.requireSignIn(), (req, res) => void res.json(web.signedIn(req).subject));
  const server = app.listen(0);
  try {
    const answer = await request(server).post('/login').set(sameOrigin);
    const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
    assert.equal((await request(server).get('/').set(sameOrigin).set('cookie', cookie)).body, 'ada');
    assert.equal((await request(server).get('/').set(sameOrigin).set('accept', 'application/json')).status, 401);
  } finally {
    server.close();
  }
});

test('an application’s test signs somebody in without a form and lets the session expire', async () => {
  const { app, web, t } = kit();
  app.use(web.track);
  app.get('/orders', web.requireSignIn({ permission: 'read' }), (_req, res) => void res.json([]));
  const ada = await t.as('ada', { permissions: ['read'] });
  assert.equal((await request(app).get('/orders').set(ada.headers)).status, 200);
  t.clock.advance('31m');
  const late = await request(app).get('/orders').set(ada.headers).set('accept', 'application/json');
  assert.equal(late.body.code, 'session_expired_idle');
});
