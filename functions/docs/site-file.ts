/** A file of the site as it is handed out. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface SiteFile {
  readonly type: string;
  /** Weak: it names the content, whichever way that is encoded. */
  readonly etag: string;
  /** Seconds a browser may use it without asking again. */
  readonly maxAgeSeconds: number;
  /** Gzip, as base64: what API Gateway wants of a function. */
  readonly gzip: string;
  /** Of a page: origins that it may send requests to, beside its own. */
  readonly connectsTo?: readonly string[];
}

/** By path. A path that does not stand here does not exist. */
export type Site = Readonly<Record<string, SiteFile>>;

export const digest = (content: string): string =>
  createHash('sha256').update(content).digest('base64url').slice(0, 22);

export function siteFile(type: string, content: string, maxAgeSeconds: number): SiteFile {
  const gzip = gzipSync(content).toString('base64');
  return { type, etag: `W/"${digest(content)}"`, maxAgeSeconds, gzip };
}
