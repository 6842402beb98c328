import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { startHttpReceiver, type Receiver } from './http-receiver.ts';
import type { Log } from '../log.ts';

/**
 * The part of the S3 protocol that writing a report needs: PUT, GET and HEAD of an object in path style. Objects are
 * plain files, `<folder>/<bucket>/<key>`, to be opened with anything. No maintained S3 server of the package
 * registry runs on the supported Node versions without known vulnerabilities, and more than this is not used.
 */
export async function startObjectStore(folder: string, log: Log): Promise<Receiver> {
  await mkdir(folder, { recursive: true });
  return await startHttpReceiver(async (request, body, response) => {
    const key = decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/');
    const file = path.join(folder, key);
    if (!file.startsWith(folder + path.sep) || key.endsWith('/')) {
      refuse(response, 400, 'InvalidURI');
      return;
    }
    if (request.method === 'PUT') {
      const content =
        request.headers['content-encoding']?.includes('aws-chunked') === true ? unchunk(body) : body;
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
      log('reports', `${file} (${content.length} bytes)`);
      response.writeHead(200, { etag: entityTag(content) }).end();
      return;
    }
    const content = await readFile(file).catch(() => undefined);
    if (content === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      if (content === undefined) refuse(response, 404, 'NoSuchKey');
      else refuse(response, 405, 'MethodNotAllowed');
      return;
    }
    response.writeHead(200, { etag: entityTag(content), 'content-length': content.length });
    response.end(request.method === 'HEAD' ? undefined : content);
  });
}

function entityTag(content: Buffer): string {
  return `"${createHash('md5').update(content).digest('hex')}"`;
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`);
}

/** `aws-chunked`: `<hex size>[;signature]\r\n<bytes>\r\n`, ended by a chunk of size 0 and trailers. */
function unchunk(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, end), 16);
    if (end === -1 || !(size > 0)) break;
    parts.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
