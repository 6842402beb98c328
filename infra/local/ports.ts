import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { StartError } from './start-error.ts';

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  return await probe(0);
}

/**
 * Makes sure early that nobody else serves the port, so that a start does not fail after all its work.
 * @throws StartError when the port is taken.
 */
export async function assertPortFree(port: number): Promise<void> {
  await probe(port);
}

async function probe(port: number): Promise<number> {
  const server = createServer();
  const found = await listen(server, port);
  server.close();
  await once(server, 'close');
  return found;
}

/**
 * Listens on this machine only; port 0 takes a free one.
 * @returns the port. Throws StartError when it is taken.
 */
export async function listen(server: Server, port: number): Promise<number> {
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  try {
    await listening;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new StartError(`port ${port} is taken: set PORT to another one`);
    if (code === 'EACCES') throw new StartError(`port ${port} may not be opened: set PORT to another one`);
    throw error;
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}
