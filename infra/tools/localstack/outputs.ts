import path from 'node:path';
import { projectFolder } from '../../local/token-key.ts';

/** Where the outputs of the deployed stack are written and read. */
export const outputsFile = path.join(projectFolder, 'localstack-outputs.json');
