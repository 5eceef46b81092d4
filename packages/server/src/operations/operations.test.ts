import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { openSite, type Site } from '../../test/site.ts';

let site: Site;
/** As a probe or a scraper asks. */
const asProbe = { headers: { accept: '*/*', 'user-agent': 'probe' } };

before(async () => {
  site = await openSite();
});

after(() => site.close());

test('healthz, readyz and metrics use no session, set no cookie and are not kept in a cache', async () => {
  const visitor = await site.signedIn();
  const { sessions } = site.server.context;
  const [own = ''] = visitor.token?.split('.') ?? [];
  site.clock.advance('61s');
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    for (const who of [visitor, site.visitor()]) {
      for (const ask of [asProbe, {}]) {
        const { status, headers, text } = await who.get(path, ask);
        assert.equal(status, 200, path);
        assert.deepEqual(headers.getSetCookie(), []);
        assert.equal(headers.get('cache-control'), 'no-store');
        assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'/);
        assert.ok(!text.includes(own) && !text.includes('ada'));
      }
    }
    const head = await visitor.send('HEAD', path, asProbe);
    assert.deepEqual([head.status, head.text], [200, '']);
    assert.equal((await visitor.post(path)).status, 404);
  }
  await sessions.terminate('A'.repeat(23));
  const seen = await sessions.find(own);
  assert.equal(seen?.lastSeenAt, seen?.createdAt, 'it was not used');
});

test('a host name that is none of ours is answered too: probes come by address', async () => {
  const answer = await site.visitor().get('/healthz', { headers: { host: '10.1.2.3:7420' } });
  assert.deepEqual([answer.status, answer.text], [200, 'The server is up.\n']);
});

test('readyz: 503 with a problem while the store cannot be written, and healthz stays 200', async (t) => {
  const log = t.mock.method(console, 'warn', () => {});
  const { store } = site.server.context.config;
  const other = new DatabaseSync(store.slice('sqlite:'.length));
  other.exec('BEGIN IMMEDIATE');
  try {
    const { status, headers, json, text } = await site.visitor().get('/readyz', asProbe);
    assert.equal(status, 503);
    assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.deepEqual(json, { title: 'The store does not answer', status: 503, code: 'store_unavailable' }, text);
    assert.equal((await site.visitor().get('/healthz', asProbe)).status, 200);
  } finally {
    other.exec('ROLLBACK');
    other.close();
  }
  assert.match(String(log.mock.calls[0]?.arguments[0]), /^sojourn store_unavailable: readyz: /);
  assert.equal((await site.visitor().get('/readyz', asProbe)).status, 200);
});

test('metrics: Prometheus’ text, with a count for each type of event', async () => {
  const lines = await metrics();
  const before = lines.get('sojourn_events_total{type="signed_in"}') ?? Number.NaN;
  await site.signedIn();
  // The feed follows the log a moment later.
  let now = await metrics();
  while (now.get('sojourn_events_total{type="signed_in"}') === before) now = await metrics();
  assert.equal(now.get('sojourn_events_total{type="signed_in"}'), before + 1);
  for (const type of ['created', 'rotated', 'expired', 'terminated', 'noticed', 'reuse_detected']) {
    assert.ok((now.get(`sojourn_events_total{type="${type}"}`) ?? -1) >= 0, type);
  }
  for (const name of ['touches_dropped', 'notices_dropped', 'anonymous_refused']) {
    assert.equal(now.get(`sojourn_${name}_total`), 0, name);
  }
  assert.ok((now.get('process_resident_memory_bytes') ?? 0) > 1e7);
  assert.ok((now.get('process_uptime_seconds') ?? 0) > 0);
  for (const result of ['hit', 'miss', 'unproved', 'fresh', 'verdict']) {
    assert.ok((now.get(`sojourn_cache_lookups_total{result="${result}"}`) ?? -1) >= 0, result);
  }
  assert.ok((now.get('sojourn_cache_lookups_total{result="hit"}') ?? 0) > 0);
  assert.ok((now.get('sojourn_cache_beats_total{result="proved"}') ?? 0) > 0);
  assert.equal(now.get('sojourn_cache_bound_seconds'), 0.001);
  assert.equal(
    now.get('sojourn_cache_change_lag_seconds_bucket{le="+Inf"}'),
    now.get('sojourn_cache_change_lag_seconds_count'),
  );
  for (const which of ['p50', 'p99', 'max']) {
    const lag = now.get(`nodejs_eventloop_lag_${which}_seconds`) ?? -1;
    assert.ok(lag >= 0 && lag < 60, `${which} ${lag}`);
  }
});

/** The samples, after a look at the form: each metric has its help and type, once, right before its samples. */
async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { headers, text } = await site.visitor().get('/metrics', asProbe);
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.ok(text.endsWith('\n'));
  const samples = new Map<string, number>();
  let name = '';
  for (const line of text.trimEnd().split('\n')) {
    const [, of = '', kind] = /^# (?:HELP (\w+) .+|TYPE (?:\w+) (counter|gauge|histogram))$/.exec(line) ?? [];
    if (of) name = of;
    else if (kind) assert.equal(name.endsWith('_total'), kind === 'counter', line);
    else {
      assert.match(line, /^\w+(\{\w+="[\w.+]+"\})? -?\d+(\.\d+)?(e-\d+)?$/);
      assert.equal(/^\w+?(?=(_bucket|_sum|_count)?[{ ])/.exec(line)?.[0], name);
      const at = line.lastIndexOf(' ');
      assert.ok(!samples.has(line.slice(0, at)));
      samples.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
  }
  return samples;
}
