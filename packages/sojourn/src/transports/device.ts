import { truncateAddress } from '../lifecycle/budget.ts';
import type { Device } from '../lifecycle/session.ts';

const browsers: readonly [RegExp, string][] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*Safari\//, 'Safari'],
  [/^curl\//, 'curl'],
];
const systems: readonly [RegExp, string][] = [
  [/\bWindows\b/, 'Windows'],
  [/\b(iPhone|iPad)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];
/** User agents are shown, not parsed again: enough of one to recognise it. */
const longestUserAgent = 256;

/** A device for the list: a name that a person knows it by, and a truncated address. Never an identity. */
export function deviceOf(userAgent: string | undefined, address: string | null, now: number): Device {
  const text = (userAgent ?? '').slice(0, longestUserAgent);
  const first = (table: readonly [RegExp, string][]): string | undefined =>
    table.find(([pattern]) => pattern.test(text))?.[1];
  const browser = first(browsers);
  const system = first(systems);
  return {
    label: [browser ?? 'Unknown browser', system].filter(Boolean).join(' on '),
    userAgent: text,
    address: address === null ? '' : truncateAddress(address),
    addedAt: now,
  };
}
