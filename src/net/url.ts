/** A URL as it may be printed: no name, no password, and nothing behind the path, where signatures stand. */
export function shownUrl(url: string | URL): string {
  if (!URL.canParse(String(url))) return String(url).replace(/\/\/[^/@]*@/, '//');
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '/' : pathname}`;
}

/** The same place without a name and a password, and what a server is to be sent for them; `undefined` without them. */
export function splitCredentials(url: string | URL): { url: URL; authorization?: string } {
  const plain = new URL(url);
  const { username, password } = plain;
  if (username === '' && password === '') return { url: plain };
  plain.username = '';
  plain.password = '';
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { url: plain, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that stands for itself.
    return text;
  }
}
