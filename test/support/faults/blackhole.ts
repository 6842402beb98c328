/** A way to a service that can be cut: connections stay open, and nothing comes back. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Blackhole {
  readonly endpoint: string;
  /** From now on nothing passes, `towards` the service or `back` from it. */
  swallow: 'nothing' | 'towards' | 'back';
  stop(): Promise<void>;
}

export async function startBlackhole(target: string): Promise<Blackhole> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    const service = connect({ host: hostname, port: Number(port) });
    for (const socket of [caller, service]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    caller.on('data', (chunk) => {
      if (blackhole.swallow !== 'towards') service.write(chunk);
    });
    service.on('data', (chunk) => {
      if (blackhole.swallow !== 'back') caller.write(chunk);
    });
    caller.on('end', () => service.end());
    service.on('end', () => caller.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const blackhole: Blackhole = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallow: 'nothing',
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return blackhole;
}
