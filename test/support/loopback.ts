/** @throws unless the URL points at this machine: tests never touch anything else. */
export function assertLoopback(url: string): string {
  const { hostname } = new URL(url);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) {
    throw new Error(`tests run against a loopback endpoint only, not ${url}`);
  }
  return url;
}

/** Credentials the local servers accept; they check none. */
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' };
export const localRegion = 'us-east-1';
