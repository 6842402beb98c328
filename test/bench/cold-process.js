/**
 * One cold start, in a process of its own: loads a bundle and, where there are events, sends them to it one after the
 * other. Plain JavaScript, so that no compiler is loaded before it. Prints milliseconds as JSON.
 */
import { pathToFileURL } from 'node:url';

const [file = '', exportName = '', events = '[]'] = process.argv.slice(2);
const context = { awsRequestId: 'cold', functionName: 'cold', getRemainingTimeInMillis: () => 29_000 };

const took = async (work) => {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { result, ms: performance.now() - began, cpuMs: (user + system) / 1_000 };
};

const loaded = await took(() => import(pathToFileURL(file).href));
const requests = [];
for (const event of JSON.parse(events)) {
  const { result, ...times } = await took(() => loaded.result[exportName](event, context));
  if (result.statusCode !== 201) throw new Error(`a request was answered ${JSON.stringify(result)}`);
  requests.push(times);
}
process.stdout.write(
  `\n${JSON.stringify({ load: { ms: loaded.ms, cpuMs: loaded.cpuMs }, requests, rssMb: process.memoryUsage().rss / 2 ** 20 })}\n`,
);
process.exit(0);
