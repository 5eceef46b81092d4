import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deviceOf } from './device.ts';

function labelOf(userAgent: string | undefined): string {
  return deviceOf(userAgent, null, 5).label;
}

test('a device has the name that a person knows it by', () => {
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  const cases = {
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/142.0.0.0 Safari/537.36`]: 'Chrome on Windows',
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`]:
      'Edge on Windows',
    [`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0`]:
      'Edge on Android',
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Chrome/140.0.0.0 Safari/537.36 OPR/120.0`]:
      'Opera on macOS',
    [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/142.0.0.0 Safari/537.36`]: 'Chrome on ChromeOS',
    'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0': 'Firefox on Linux',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 FxiOS/145.0 Mobile/15E148 Safari/605.1.15':
      'Firefox on iOS',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 CriOS/142.0 Mobile/15E148 Safari/604.1':
      'Chrome on iOS',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15':
      'Safari on macOS',
    'curl/8.17.0': 'curl',
    'Mozilla/5.0 (Windows NT 10.0)': 'Unknown browser on Windows',
    '': 'Unknown browser',
  };
  for (const [userAgent, label] of Object.entries(cases)) assert.equal(labelOf(userAgent), label, userAgent);
  assert.equal(labelOf(undefined), 'Unknown browser');
});

test('a device keeps its truncated address and when it was first seen', () => {
  assert.deepEqual(deviceOf('curl/8.17.0', '192.0.2.77', 5), {
    label: 'curl',
    userAgent: 'curl/8.17.0',
    address: '192.0.2.0/24',
    addedAt: 5,
  });
  assert.equal(deviceOf(undefined, null, 5).address, '');
});

test('of any user agent no more is kept than can be recognised (R-042)', () => {
  const labels =
    /^(Unknown browser|Edge|Opera|Firefox|Chrome|Safari|curl)( on (Windows|iOS|Android|macOS|ChromeOS|Linux))?$/;
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ maxLength: 5000 }), fc.string({ unit: 'binary' })),
      fc.string(),
      (agent, address) => {
        const device = deviceOf(agent, address, 5);
        assert.match(device.label, labels);
        assert.equal(device.userAgent, agent.slice(0, 256));
      },
    ),
    { numRuns: 500 },
  );
  assert.equal(deviceOf('x'.repeat(10_000), null, 5).userAgent.length, 256);
});
