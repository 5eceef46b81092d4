/**
 * A path of this site from untrusted text: `/orders?page=2`, else `null`. Never another host, whatever
 * slashes, backslashes, control characters or schemes the text holds.
 */
export function localPath(text: string | null | undefined): string | null {
  if (!text || text.length > 2048 || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text)) return null;
  const url = URL.parse(text, 'http://local.invalid');
  if (url === null || url.origin !== 'http://local.invalid' || url.pathname.startsWith('//')) return null;
  return url.pathname + url.search;
}

/** The sign-in page's address with the path to come back to. */
export function withReturn(signInPath: string, path: string | null): string {
  if (path === null || path === '/') return signInPath;
  return `${signInPath}${signInPath.includes('?') ? '&' : '?'}return=${encodeURIComponent(path)}`;
}

/** The path of a Referer of the same origin, `null` for any other. */
export function refererPath(referer: string | undefined, origin: string): string | null {
  const url = referer === undefined ? null : URL.parse(referer);
  return url?.origin === origin ? localPath(url.pathname + url.search) : null;
}
