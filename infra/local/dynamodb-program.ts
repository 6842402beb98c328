import { programClass } from './java-class.ts';

export const programName = 'LoopbackServer';

const runner = 'com/amazonaws/services/dynamodbv2/local/main/ServerRunner';
const proxyServer = 'com/amazonaws/services/dynamodbv2/local/server/DynamoDBProxyServer';
const jetty = 'org/eclipse/jetty/server';

/**
 * DynamoDB Local's own program listens on all interfaces and has no option for it. This one starts the same server
 * from the same arguments and gives its connector a host before it listens:
 *
 *     DynamoDBProxyServer server = ServerRunner.createServerFromCommandLineArgs(arguments);
 *     Field field = DynamoDBProxyServer.class.getDeclaredField("server");
 *     field.setAccessible(true);
 *     ((AbstractNetworkConnector) ((Server) field.get(server)).getConnectors()[0]).setHost("127.0.0.1");
 *     server.start();
 *
 * It is written as a class file, because a machine with a Java runtime need not have a compiler.
 */
export const loopbackProgram = (): Buffer =>
  programClass(programName, [
    { kind: 'load', local: 0 },
    {
      kind: 'invokeStatic',
      owner: runner,
      name: 'createServerFromCommandLineArgs',
      descriptor: `([Ljava/lang/String;)L${proxyServer};`,
    },
    { kind: 'store', local: 1 },
    { kind: 'class', name: proxyServer },
    { kind: 'string', value: 'server' },
    {
      kind: 'invokeVirtual',
      owner: 'java/lang/Class',
      name: 'getDeclaredField',
      descriptor: '(Ljava/lang/String;)Ljava/lang/reflect/Field;',
    },
    { kind: 'dup' },
    { kind: 'true' },
    { kind: 'invokeVirtual', owner: 'java/lang/reflect/Field', name: 'setAccessible', descriptor: '(Z)V' },
    { kind: 'load', local: 1 },
    {
      kind: 'invokeVirtual',
      owner: 'java/lang/reflect/Field',
      name: 'get',
      descriptor: '(Ljava/lang/Object;)Ljava/lang/Object;',
    },
    { kind: 'cast', name: `${jetty}/Server` },
    {
      kind: 'invokeVirtual',
      owner: `${jetty}/Server`,
      name: 'getConnectors',
      descriptor: `()[L${jetty}/Connector;`,
    },
    { kind: 'zero' },
    { kind: 'arrayElement' },
    { kind: 'cast', name: `${jetty}/AbstractNetworkConnector` },
    { kind: 'string', value: '127.0.0.1' },
    {
      kind: 'invokeVirtual',
      owner: `${jetty}/AbstractNetworkConnector`,
      name: 'setHost',
      descriptor: '(Ljava/lang/String;)V',
    },
    { kind: 'load', local: 1 },
    { kind: 'invokeVirtual', owner: proxyServer, name: 'start', descriptor: '()V' },
    { kind: 'return' },
  ]);
